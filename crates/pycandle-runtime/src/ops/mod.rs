//! ATen's operators over Candle, with PyTorch's exact meaning.
//!
//! Names are ATen's. Each function takes and gives Candle tensors of any layout, promotes dtypes as
//! PyTorch does, and keeps NaN, infinities and empty tensors as PyTorch keeps them.
//!
//! Candle has no bool: comparisons give u8 zeros and ones, and a u8 mask stands for a bool tensor.
//! Where PyTorch treats bool and uint8 differently, the function says which of the two it means.

mod attention;
mod bag;
mod compare;
mod conv;
mod create;
mod elementwise;
mod guard;
mod index;
mod linear;
mod nonzero;
mod norm;
mod pad;
mod pool;
mod promote;
mod rearrange;
mod reduce;
mod rows;
mod scalar;
mod scatter;
mod shape;

pub use attention::*;
pub use bag::*;
pub use compare::*;
pub use conv::*;
pub use create::*;
pub use elementwise::*;
pub use guard::*;
pub use index::*;
pub use linear::*;
pub use nonzero::*;
pub use norm::*;
pub use pad::*;
pub use pool::*;
pub use promote::*;
pub use rearrange::*;
pub use reduce::*;
pub use scalar::*;
pub use scatter::*;
pub use shape::*;
