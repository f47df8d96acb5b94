//! Comparisons, choices and masks. Bool is u8: zero or one.

use candle_core::{DType, Result, Tensor};

use super::each::tests;
use super::logic::logical_or;
use super::promote::{Operand, in_dtype, result_type};

macro_rules! comparisons {
    ($($(#[$doc:meta])+ $name:ident => $broadcast:ident;)+) => {$(
        $(#[$doc])+
        pub fn $name<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
            let operands = [a.into(), b.into()];
            let [a, b] = in_dtype(operands, result_type(&operands))?;
            a.$broadcast(&b)
        }
    )+};
}

comparisons! {
    /// `a == b`; NaN equals nothing.
    eq => broadcast_eq;
    /// `a != b`
    ne => broadcast_ne;
    /// `a < b`
    lt => broadcast_lt;
    /// `a <= b`
    le => broadcast_le;
    /// `a > b`
    gt => broadcast_gt;
    /// `a >= b`
    ge => broadcast_ge;
}

macro_rules! float_tests {
    ($($(#[$doc:meta])+ $name:ident => $test:expr;)+) => {$(
        $(#[$doc])+
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            tests([x.into()], |[x]| $test(x))
        }
    )+};
}

float_tests! {
    /// Whether each element is NaN.
    isnan => f64::is_nan;
    /// Whether each element is infinite.
    isinf => f64::is_infinite;
    /// Whether each element is inf.
    isposinf => |x| x == f64::INFINITY;
    /// Whether each element is -inf.
    isneginf => |x| x == f64::NEG_INFINITY;
    /// Whether each element is neither infinite nor NaN.
    isfinite => f64::is_finite;
    /// Whether each element has a minus, -0.0 and -NaN too.
    signbit => f64::is_sign_negative;
}

/// `torch.isclose`: equal, or finite and no further apart than `atol + rtol * |b|`.
pub fn isclose(a: &Tensor, b: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Result<Tensor> {
    let operands = [a.into(), b.into(), rtol.into(), atol.into()];
    let near = tests(operands, |[a, b, rtol, atol]| {
        let distance = (a - b).abs();
        (equal_nan && a.is_nan() && b.is_nan())
            || (distance.is_finite() && distance <= atol + (rtol * b).abs())
    })?;
    logical_or(&eq(a, b)?, &near)
}

/// 0 below zero, 1 above, and `values` at zero.
pub fn heaviside(x: &Tensor, values: &Tensor) -> Result<Tensor> {
    where_(&eq(x, 0i64)?, values, &gt(x, 0i64)?.to_dtype(x.dtype())?)
}

/// `Tensor.to(torch.bool)`: whether each element is not zero; NaN is not.
pub fn to_bool(x: &Tensor) -> Result<Tensor> {
    x.ne(&x.zeros_like()?)
}

/// `torch.where`: `a` where the condition is true, else `b`; all three broadcast.
pub fn where_<'a>(
    condition: &Tensor,
    a: impl Into<Operand<'a>>,
    b: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    choose(condition, operands, result_type(&operands))
}

/// `Tensor.masked_fill`: `value` where the mask is true; the dtype of `x` stays.
pub fn masked_fill<'a>(
    x: &'a Tensor,
    mask: &Tensor,
    value: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    choose(mask, [value.into(), x.into()], x.dtype())
}

fn choose(condition: &Tensor, operands: [Operand<'_>; 2], dtype: DType) -> Result<Tensor> {
    let device = condition.device();
    let [a, b] = in_dtype(operands, dtype)?;
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "where")?;
    let shape = condition
        .shape()
        .broadcast_shape_binary_op(&shape, "where")?;
    let spread = |x: &Tensor| x.to_device(device)?.broadcast_as(&shape);
    spread(condition)?.where_cond(&spread(&a)?, &spread(&b)?)
}
