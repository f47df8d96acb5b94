//! Logic and bits. Bool is u8: zero or one.

use candle_core::{DType, Result, Tensor};

use super::compare::to_bool;
use super::each::integers;
use super::promote::{Operand, result_type};

/// Both true; anything but zero is.
pub fn logical_and(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    to_bool(a)?.broadcast_mul(&to_bool(b)?)
}

/// Either true; anything but zero is.
pub fn logical_or(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    to_bool(a)?.broadcast_maximum(&to_bool(b)?)
}

/// One true, not both; anything but zero is.
pub fn logical_xor(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    to_bool(a)?.broadcast_ne(&to_bool(b)?)
}

/// Whether each element is zero.
pub fn logical_not(x: &Tensor) -> Result<Tensor> {
    x.eq(&x.zeros_like()?)
}

/// `a & b` of integers or bools.
pub fn bitwise_and<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    integers([a.into(), b.into()], |[a, b]| a & b)
}

/// `a | b` of integers or bools.
pub fn bitwise_or<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    integers([a.into(), b.into()], |[a, b]| a | b)
}

/// `a ^ b` of integers or bools.
pub fn bitwise_xor<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    integers([a.into(), b.into()], |[a, b]| a ^ b)
}

/// `~x` of integers; for bools see [`logical_not`].
pub fn bitwise_not(x: &Tensor) -> Result<Tensor> {
    integers([x.into()], |[x]| !x)
}

/// `a << b` of integers; zero if all bits are shifted out, or `b` is negative.
pub fn bitwise_left_shift<'a>(
    a: impl Into<Operand<'a>>,
    b: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    let bits = bits(result_type(&operands));
    integers(
        operands,
        |[a, b]| if (0..bits).contains(&b) { a << b } else { 0 },
    )
}

/// `a >> b` of integers, which keeps the sign; all bits but it if `b` is negative.
pub fn bitwise_right_shift<'a>(
    a: impl Into<Operand<'a>>,
    b: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    let bits = bits(result_type(&operands));
    integers(operands, |[a, b]| {
        a >> if (0..bits).contains(&b) { b } else { bits - 1 }.min(63)
    })
}

/// How many bits a value has; a u8 has no sign to keep, so all of its bits may be shifted out.
fn bits(dtype: DType) -> i64 {
    8 * dtype.size_in_bytes() as i64 + i64::from(dtype == DType::U8)
}
