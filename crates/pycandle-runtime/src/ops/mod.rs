//! ATen's operators over Candle, with PyTorch's exact meaning.
//!
//! Names are ATen's. Each function takes and gives Candle tensors of any layout, promotes dtypes as
//! PyTorch does, and keeps NaN, infinities and empty tensors as PyTorch keeps them.
//!
//! Candle has no bool: comparisons give u8 zeros and ones, and a u8 mask stands for a bool tensor.
//! Where PyTorch treats bool and uint8 differently, the function says which of the two it means.
//! Candle has no complex dtype either: a complex tensor is one of pairs, see [`complex`].

mod attention;
mod compare;
pub mod complex;
mod complex_functions;
mod conv;
mod create;
mod elementwise;
mod fft;
mod fourier;
mod guard;
mod index;
mod linear;
mod norm;
mod pool;
mod promote;
mod reduce;
mod rows;
mod scalar;
mod shape;
mod stft;
mod window;

pub use attention::*;
pub use compare::*;
pub use conv::*;
pub use create::*;
pub use elementwise::*;
pub use fft::*;
pub use guard::*;
pub use index::*;
pub use linear::*;
pub use norm::*;
pub use pool::*;
pub use promote::*;
pub use reduce::*;
pub use scalar::*;
pub use shape::*;
pub use stft::*;
pub use window::*;
