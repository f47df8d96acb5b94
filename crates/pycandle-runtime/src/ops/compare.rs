//! Comparisons and masks. Bool is u8: zero or one.

use candle_core::{DType, Result, Tensor};

use super::promote::{promoted, result_type};

macro_rules! comparisons {
    ($($(#[$doc:meta])+ $name:ident, $scalar:ident => $broadcast:ident;)+) => {$(
        $(#[$doc])+
        pub fn $name(a: &Tensor, b: &Tensor) -> Result<Tensor> {
            let (a, b) = promoted(a, b)?;
            a.$broadcast(&b)
        }

        $(#[$doc])+
        ///
        /// Compares with a number.
        pub fn $scalar(x: &Tensor, number: f64) -> Result<Tensor> {
            let (x, number) = comparable(x, number)?;
            x.$broadcast(&number)
        }
    )+};
}

comparisons! {
    /// `a == b`; NaN equals nothing.
    eq, eq_scalar => broadcast_eq;
    /// `a != b`
    ne, ne_scalar => broadcast_ne;
    /// `a < b`
    lt, lt_scalar => broadcast_lt;
    /// `a <= b`
    le, le_scalar => broadcast_le;
    /// `a > b`
    gt, gt_scalar => broadcast_gt;
    /// `a >= b`
    ge, ge_scalar => broadcast_ge;
}

/// A tensor and a number in a dtype that holds both: integers stay exact against whole numbers.
fn comparable(x: &Tensor, number: f64) -> Result<(Tensor, Tensor)> {
    let whole = number.fract() == 0.0 && number.abs() < i64::MAX as f64;
    let device = x.device();
    if x.dtype().is_float() {
        Ok((x.clone(), Tensor::new(number, device)?.to_dtype(x.dtype())?))
    } else if whole {
        Ok((x.to_dtype(DType::I64)?, Tensor::new(number as i64, device)?))
    } else {
        Ok((x.to_dtype(DType::F32)?, Tensor::new(number as f32, device)?))
    }
}

/// `Tensor.to(torch.bool)`: whether each element is not zero; NaN is not.
pub fn to_bool(x: &Tensor) -> Result<Tensor> {
    x.ne(&x.zeros_like()?)
}

/// Both true.
pub fn logical_and(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    to_bool(a)?.broadcast_mul(&to_bool(b)?)
}

/// Either true.
pub fn logical_or(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    to_bool(a)?.broadcast_maximum(&to_bool(b)?)
}

/// One true, not both.
pub fn logical_xor(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    to_bool(a)?.broadcast_ne(&to_bool(b)?)
}

/// Not true.
pub fn logical_not(x: &Tensor) -> Result<Tensor> {
    x.eq(&x.zeros_like()?)
}

/// `a & b` of bools.
pub fn bitwise_and(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    bools("bitwise_and", &[a, b])?;
    logical_and(a, b)
}

/// `a | b` of bools.
pub fn bitwise_or(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    bools("bitwise_or", &[a, b])?;
    logical_or(a, b)
}

/// `a ^ b` of bools.
pub fn bitwise_xor(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    bools("bitwise_xor", &[a, b])?;
    logical_xor(a, b)
}

/// `~x` of bools.
pub fn bitwise_not(x: &Tensor) -> Result<Tensor> {
    bools("bitwise_not", &[x])?;
    logical_not(x)
}

fn bools(op: &str, tensors: &[&Tensor]) -> Result<()> {
    match tensors.iter().find(|tensor| tensor.dtype() != DType::U8) {
        Some(tensor) => candle_core::bail!("{op} takes bools (u8), not {:?}", tensor.dtype()),
        None => Ok(()),
    }
}

/// `torch.where`: `a` where the condition is true, else `b`; all three broadcast.
pub fn where_(condition: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let dtype = result_type(a, b);
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "where")?;
    let shape = condition
        .shape()
        .broadcast_shape_binary_op(&shape, "where")?;
    let spread = |x: &Tensor| x.broadcast_as(&shape);
    to_bool(&spread(condition)?)?
        .where_cond(&spread(&a.to_dtype(dtype)?)?, &spread(&b.to_dtype(dtype)?)?)
}

/// `Tensor.masked_fill`: `value` where the mask is true; the dtype of `x` stays.
pub fn masked_fill(x: &Tensor, mask: &Tensor, value: f64) -> Result<Tensor> {
    let value = Tensor::new(value, x.device())?.to_dtype(x.dtype())?;
    where_(mask, &value, x)
}
