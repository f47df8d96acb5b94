//! ATen's operators over Candle, with PyTorch's exact meaning.
//!
//! Names are ATen's. Each function takes and gives Candle tensors of any layout, promotes dtypes as
//! PyTorch does, and keeps NaN, infinities and empty tensors as PyTorch keeps them.
//!
//! Candle has no bool: comparisons give u8 zeros and ones, and a u8 mask stands for a bool tensor.
//! Where PyTorch treats bool and uint8 differently, the function says which of the two it means.
//! Candle has no complex dtype either: a complex tensor is one of pairs, see [`complex`].

mod adaptive_pool;
mod attention;
mod batch_norm;
mod bag;
mod compare;
pub mod complex;
mod complex_functions;
mod conv;
mod conv_transpose;
mod create;
mod elementwise;
mod grouped;
mod group_norm;
mod fft;
mod fourier;
mod guard;
mod index;
mod layer_norm;
mod flat;
mod fold;
mod grid_sample;
mod guard;
mod index;
mod interpolate;
mod item;
mod linear;
mod max_unpool;
mod nonzero;
mod norm;
mod pad;
mod pool;
mod products;
mod pool_windows;
mod promote;
mod rearrange;
mod recurrent;
mod reduce;
mod rows;
mod scalar;
mod scatter;
mod shape;
mod weight_norm;
mod slices;
mod unfold;
mod stft;
mod signal_window;
mod window;
mod unique;

pub use adaptive_pool::*;
pub use attention::*;
pub use batch_norm::*;
pub use bag::*;
pub use compare::*;
pub use conv::*;
pub use conv_transpose::*;
pub use create::*;
pub use elementwise::*;
pub use grouped::*;
pub use group_norm::*;
pub use fft::*;
pub use guard::*;
pub use index::*;
pub use layer_norm::*;
pub use fold::*;
pub use grid_sample::*;
pub use guard::*;
pub use index::*;
pub use interpolate::*;
pub use item::*;
pub use linear::*;
pub use max_unpool::*;
pub use nonzero::*;
pub use norm::*;
pub use pad::*;
pub use pool::*;
pub use products::*;
pub use promote::*;
pub use rearrange::*;
pub use recurrent::*;
pub use reduce::*;
pub use scalar::*;
pub use scatter::*;
pub use shape::*;
pub use weight_norm::*;
pub use stft::*;
pub use signal_window::*;
pub use window::*;
pub use unique::*;
