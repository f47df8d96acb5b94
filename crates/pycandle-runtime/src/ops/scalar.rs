//! Arithmetic between a tensor and a number.
//!
//! A float number keeps a float tensor's dtype and makes an integer tensor f32.
//! The `_i64` forms keep integer tensors in their dtype.
//! The number is rounded to f32 (f64 for an f64 tensor), and halves are computed in f32.

use candle_core::{DType, Result, Tensor};

use super::elementwise::integer_power;
use super::promote::in_float;

type Binary = fn(&Tensor, &Tensor) -> Result<Tensor>;

/// `f(x, number)`, the number as a tensor: Candle's own scalar forms go through `x * a + b`, which
/// divides inexactly and loses the sign of zero.
fn with(x: &Tensor, number: f64, f: Binary) -> Result<Tensor> {
    in_float(x, |x| {
        f(x, &Tensor::new(number, x.device())?.to_dtype(x.dtype())?)
    })
}

/// `f(x, number)` in the dtype of `x`.
fn with_i64(x: &Tensor, number: i64, f: Binary) -> Result<Tensor> {
    if x.dtype().is_float() {
        return with(x, number as f64, f);
    }
    f(x, &Tensor::new(number, x.device())?.to_dtype(x.dtype())?)
}

/// `x + number`
pub fn add_scalar(x: &Tensor, number: f64) -> Result<Tensor> {
    with(x, number, Tensor::broadcast_add)
}

/// `x - number`
pub fn sub_scalar(x: &Tensor, number: f64) -> Result<Tensor> {
    with(x, number, Tensor::broadcast_sub)
}

/// `number - x`
pub fn rsub_scalar(x: &Tensor, number: f64) -> Result<Tensor> {
    with(x, number, |x, number| number.broadcast_sub(x))
}

/// `x * number`
pub fn mul_scalar(x: &Tensor, number: f64) -> Result<Tensor> {
    with(x, number, Tensor::broadcast_mul)
}

/// `x / number`, true division.
pub fn div_scalar(x: &Tensor, number: f64) -> Result<Tensor> {
    with(x, number, Tensor::broadcast_div)
}

/// `x ** number`, with the exact short cuts that PyTorch takes for small exponents.
pub fn pow_scalar(x: &Tensor, number: f64) -> Result<Tensor> {
    in_float(x, |x| match number {
        0.0 => x.ones_like(),
        1.0 => Ok(x.clone()),
        2.0 => x.sqr(),
        3.0 => x.sqr()?.mul(x),
        0.5 => x.sqrt(),
        -0.5 => x.sqrt()?.recip(),
        -1.0 => x.recip(),
        -2.0 => x.sqr()?.recip(),
        _ => x.powf(number),
    })
}

/// `x + number`
pub fn add_scalar_i64(x: &Tensor, number: i64) -> Result<Tensor> {
    with_i64(x, number, Tensor::broadcast_add)
}

/// `x - number`
pub fn sub_scalar_i64(x: &Tensor, number: i64) -> Result<Tensor> {
    with_i64(x, number, Tensor::broadcast_sub)
}

/// `number - x`
pub fn rsub_scalar_i64(x: &Tensor, number: i64) -> Result<Tensor> {
    with_i64(x, number, |x, number| number.broadcast_sub(x))
}

/// `x * number`
pub fn mul_scalar_i64(x: &Tensor, number: i64) -> Result<Tensor> {
    with_i64(x, number, Tensor::broadcast_mul)
}

/// `x ** number`
///
/// # Errors
/// For an integer tensor with a negative exponent, as in PyTorch.
pub fn pow_scalar_i64(x: &Tensor, number: i64) -> Result<Tensor> {
    if x.dtype().is_float() {
        return pow_scalar(x, number as f64);
    }
    if number < 0 {
        candle_core::bail!("integers to negative integer powers are not allowed")
    }
    let bases = x.flatten_all()?.to_dtype(DType::I64)?.to_vec1::<i64>()?;
    let powers: Vec<_> = bases
        .into_iter()
        .map(|base| integer_power(base, number))
        .collect();
    Tensor::from_vec(powers, x.shape(), x.device())?.to_dtype(x.dtype())
}
