//! ATen's operators over Candle, with PyTorch's exact meaning.
//!
//! Names are ATen's. Each function takes and gives Candle tensors of any layout, promotes dtypes as
//! PyTorch does, and keeps NaN, infinities and empty tensors as PyTorch keeps them.
//!
//! Candle has no bool: comparisons give u8 zeros and ones, and a u8 mask stands for a bool tensor.
//! Where PyTorch treats bool and uint8 differently, the function says which of the two it means.

mod adaptive_pool;
mod attention;
mod batch_norm;
mod compare;
mod conv;
mod conv_transpose;
mod create;
mod dense;
mod elementwise;
mod group_norm;
mod grouped;
mod guard;
mod index;
mod layer_norm;
mod linalg;
mod linear;
mod max_unpool;
mod norm;
mod pool;
mod pool_windows;
mod products;
mod promote;
mod reduce;
mod rows;
mod scalar;
mod shape;
mod slices;
mod unfold;
mod weight_norm;
mod window;

pub use adaptive_pool::*;
pub use attention::*;
pub use batch_norm::*;
pub use compare::*;
pub use conv::*;
pub use conv_transpose::*;
pub use create::*;
pub use elementwise::*;
pub use group_norm::*;
pub use grouped::*;
pub use guard::*;
pub use index::*;
pub use layer_norm::*;
pub use linalg::*;
pub use linear::*;
pub use max_unpool::*;
pub use norm::*;
pub use pool::*;
pub use products::*;
pub use promote::*;
pub use reduce::*;
pub use scalar::*;
pub use shape::*;
pub use weight_norm::*;
pub use window::*;
