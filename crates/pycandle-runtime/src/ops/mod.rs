//! ATen's operators over Candle, with PyTorch's exact meaning.
//!
//! Names are ATen's. Each function takes and gives Candle tensors of any layout, promotes dtypes as
//! PyTorch does, and keeps NaN, infinities and empty tensors as PyTorch keeps them.
//!
//! Candle has no bool: comparisons give u8 zeros and ones, and a u8 mask stands for a bool tensor.
//! Where PyTorch treats bool and uint8 differently, the function says which of the two it means.

mod attention;
mod compare;
mod conv;
mod create;
mod elementwise;
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

pub use attention::scaled_dot_product_attention;
pub use compare::{
    bitwise_and, bitwise_not, bitwise_or, bitwise_xor, eq, eq_scalar, ge, ge_scalar, gt, gt_scalar,
    le, le_scalar, logical_and, logical_not, logical_or, logical_xor, lt, lt_scalar, masked_fill,
    ne, ne_scalar, to_bool, where_,
};
pub use conv::conv1d;
pub use create::{arange, arange_i64, full, tril, triu};
pub use elementwise::{
    abs, add, ceil, clamp, clamp_i64, cos, div, erf, exp, floor, gelu, gelu_tanh, log, maximum,
    minimum, mul, neg, pow, reciprocal, relu, round, rsqrt, sigmoid, silu, sin, sqrt, sub, tanh,
};
pub use guard::{expect_relation, expect_shape, expect_size};
pub use index::{embedding, index, select, slice};
pub use linear::{addmm, linear, matmul};
pub use norm::{layer_norm, log_softmax, rms_norm, softmax};
pub use pool::{adaptive_avg_pool1d, avg_pool1d, max_pool1d};
pub use promote::to_dtype;
pub use reduce::{amax, amin, cumsum, mean, sum};
pub use scalar::{
    add_scalar, add_scalar_i64, div_scalar, mul_scalar, mul_scalar_i64, pow_scalar, pow_scalar_i64,
    rsub_scalar, rsub_scalar_i64, sub_scalar, sub_scalar_i64,
};
pub use shape::{cat, stack};
