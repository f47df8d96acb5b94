//! ATen's operators over Candle, with PyTorch's exact meaning.
//!
//! Names are ATen's. Each function takes and gives Candle tensors of any layout, promotes dtypes as
//! PyTorch does, and keeps NaN, infinities and empty tensors as PyTorch keeps them.
//!
//! Candle has no bool: comparisons give u8 zeros and ones, and a u8 mask stands for a bool tensor.
//! Where PyTorch treats bool and uint8 differently, the function says which of the two it means.
//! Candle has no complex dtype either: a complex tensor is one of pairs, see [`complex`].

mod activation;
mod adaptive_pool;
mod arithmetic;
mod attention;
mod bag;
mod batch_norm;
mod cell;
mod compare;
pub mod complex;
mod complex_functions;
mod conv;
mod conv_transpose;
mod create;
mod elementwise;
mod each;
mod fft;
mod flat;
mod fold;
mod fourier;
mod grid_sample;
mod group_norm;
mod grouped;
mod guard;
mod index;
mod interpolate;
mod item;
mod layer_norm;
mod linear;
mod logic;
mod math;
mod max_unpool;
mod nonzero;
mod norm;
mod pad;
mod pool;
mod pool_windows;
mod products;
mod promote;
mod rearrange;
mod recurrent;
mod reduce;
mod rows;
mod scatter;
mod shape;
mod signal_window;
mod slices;
mod special;
mod stft;
mod unfold;
mod weight_norm;
mod window;
mod unique;

pub use activation::*;
pub use adaptive_pool::*;
pub use arithmetic::*;
pub use attention::*;
pub use bag::*;
pub use batch_norm::*;
pub use compare::*;
pub use conv::*;
pub use conv_transpose::*;
pub use create::*;
pub use elementwise::*;
pub use fft::*;
pub use fold::*;
pub use grid_sample::*;
pub use group_norm::*;
pub use grouped::*;
pub use guard::*;
pub use index::*;
pub use interpolate::*;
pub use item::*;
pub use layer_norm::*;
pub use linear::*;
pub use logic::*;
pub use math::*;
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
pub use scatter::*;
pub use shape::*;
pub use signal_window::*;
pub use special::*;
pub use stft::*;
pub use weight_norm::*;
pub use window::*;
pub use unique::*;
