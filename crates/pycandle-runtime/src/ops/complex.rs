//! Complex tensors: pairs of real and imaginary parts along a last axis of size 2.
//!
//! Candle has no complex dtype.
//! A complex64 tensor of PyTorch is an f32 tensor with one axis more, as `torch.view_as_real` gives
//! it, and a complex128 tensor is such an f64 tensor.
//! Sums, differences and everything that moves elements along axes counted from the front are the
//! ordinary operators on the pairs; what differs is here, under its own name: `complex::mul(a, b)`.
//!
//! Operands broadcast. They have one dtype: [`from_real`] and `Tensor::to_dtype` convert.

use candle_core::{D, DType, Device, Result, Tensor};
use realfft::num_complex::{Complex64, c64};

use super::complex_functions as functions;
pub use super::complex_functions::*;

/// A complex tensor of real and imaginary parts of one shape and dtype, f32 or f64
/// (`torch.complex`).
pub fn from_parts(re: &Tensor, im: &Tensor) -> Result<Tensor> {
    let shape = re
        .shape()
        .broadcast_shape_binary_op(im.shape(), "complex")?;
    Tensor::stack(
        &[re.broadcast_as(&shape)?, im.broadcast_as(&shape)?],
        D::Minus1,
    )
}

/// Real numbers as complex ones whose parts have `dtype`, f32 or f64.
pub fn from_real(x: &Tensor, dtype: DType) -> Result<Tensor> {
    let re = x.to_dtype(dtype)?;
    from_parts(&re, &re.zeros_like()?)
}

/// `re + i im` as a tensor without axes whose parts have `dtype`, f32 or f64.
pub fn scalar(re: f64, im: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    Tensor::new(&[re, im], device)?.to_dtype(dtype)
}

/// Complex numbers of given magnitudes and angles in radians (`torch.polar`).
pub fn polar(abs: &Tensor, angle: &Tensor) -> Result<Tensor> {
    let part = |direction: Tensor| abs.broadcast_mul(&direction);
    from_parts(&part(angle.cos()?)?, &part(angle.sin()?)?)
}

/// The real parts, as a tensor of real numbers.
pub fn real(x: &Tensor) -> Result<Tensor> {
    part(x, 0)
}

/// The imaginary parts, as a tensor of real numbers.
pub fn imag(x: &Tensor) -> Result<Tensor> {
    part(x, 1)
}

/// `re - i im`
pub fn conj(x: &Tensor) -> Result<Tensor> {
    from_parts(&real(x)?, &imag(x)?.neg()?)
}

/// Magnitudes, as real numbers; infinite where a part is.
pub fn abs(x: &Tensor) -> Result<Tensor> {
    to_real(x, |z| z.re.hypot(z.im))
}

/// Angles in radians, between -π and π, as real numbers.
pub fn angle(x: &Tensor) -> Result<Tensor> {
    to_real(x, |z| {
        if z.is_nan() {
            f64::NAN
        } else {
            z.im.atan2(z.re)
        }
    })
}

/// `a b`, element by element.
pub fn mul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.device().is_cpu() {
        zip(a, b, |a, b| a * b)
    } else {
        bilinear(a, b, Tensor::broadcast_mul)
    }
}

/// `a / b`, element by element; NaN where `b` is zero.
pub fn div(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    zip(a, b, functions::quotient)
}

/// `a ** b`, element by element: the principal value.
pub fn pow(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    zip(a, b, functions::power)
}

/// Where both parts are equal, as u8 zeros and ones.
pub fn eq(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let [first, second] = halves(&a.broadcast_eq(b)?)?;
    first.minimum(&second)
}

/// Where a part differs, as u8 zeros and ones.
pub fn ne(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let [first, second] = halves(&a.broadcast_ne(b)?)?;
    first.maximum(&second)
}

/// What lies in the two places of the last axis.
fn halves(x: &Tensor) -> Result<[Tensor; 2]> {
    let half = |place| x.narrow(D::Minus1, place, 1)?.squeeze(D::Minus1);
    Ok([half(0)?, half(1)?])
}

/// True unless both parts are zero, as u8 zeros and ones.
pub fn to_bool(x: &Tensor) -> Result<Tensor> {
    ne(x, &x.zeros_like()?)
}

/// Where a part is NaN, as u8 zeros and ones.
pub fn isnan(x: &Tensor) -> Result<Tensor> {
    to_flags(x, Complex64::is_nan)
}

/// Where a part is infinite, as u8 zeros and ones.
pub fn isinf(x: &Tensor) -> Result<Tensor> {
    to_flags(x, Complex64::is_infinite)
}

/// Where both parts are finite, as u8 zeros and ones.
pub fn isfinite(x: &Tensor) -> Result<Tensor> {
    to_flags(x, Complex64::is_finite)
}

/// `a` where the u8 mask is not zero, else `b`; all three broadcast.
pub fn where_(condition: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    super::where_(&condition.unsqueeze(D::Minus1)?, a, b)
}

/// The matrix product, as [`ops::matmul`](super::matmul) of complex matrices.
pub fn matmul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    bilinear(a, b, |a, b| super::matmul(a, b))
}

/// `x weightᵀ + bias`, as [`ops::linear`](super::linear) of complex tensors.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let y = bilinear(x, weight, |x, weight| super::linear(x, weight, None))?;
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}

/// Every number of one vector times every number of another.
pub fn outer(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    mul(&a.unsqueeze(1)?, b)
}

/// Sums of products over the last axis of both.
pub fn inner(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    bilinear(a, b, super::inner)
}

/// Sums of products over chosen axes of both.
pub fn tensordot(a: &Tensor, b: &Tensor, a_dims: &[usize], b_dims: &[usize]) -> Result<Tensor> {
    bilinear(a, b, |a, b| super::tensordot(a, b, a_dims, b_dims))
}

/// The Kronecker product.
pub fn kron(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    bilinear(a, b, super::kron)
}

/// A function that is linear in each of two real tensors, of complex ones.
fn bilinear(
    a: &Tensor,
    b: &Tensor,
    f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let (a, b) = ((real(a)?, imag(a)?), (real(b)?, imag(b)?));
    let re = (f(&a.0, &b.0)? - f(&a.1, &b.1)?)?;
    let im = (f(&a.0, &b.1)? + f(&a.1, &b.0)?)?;
    from_parts(&re, &im)
}

fn part(x: &Tensor, index: usize) -> Result<Tensor> {
    if x.dims().last() != Some(&2) {
        candle_core::bail!(
            "a complex tensor has a last axis of size 2, not the shape {:?}",
            x.shape()
        )
    }
    // Candle would read from an offset into memory that holds nothing.
    let index = if x.elem_count() == 0 { 0 } else { index };
    x.narrow(D::Minus1, index, 1)?.squeeze(D::Minus1)
}

/// The numbers in order, in double.
pub(crate) fn numbers(x: &Tensor) -> Result<Vec<Complex64>> {
    part(x, 0)?;
    let parts = x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    let pairs = parts.chunks_exact(2);
    Ok(pairs.map(|pair| c64(pair[0], pair[1])).collect())
}

/// Numbers as a complex tensor; `shape` is without the axis of pairs.
pub(crate) fn tensor(
    numbers: &[Complex64],
    shape: &[usize],
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let parts = numbers
        .iter()
        .flat_map(|z| [z.re, z.im])
        .collect::<Vec<_>>();
    let shape = [shape, &[2]].concat();
    if dtype == DType::F32 {
        let parts = parts.iter().map(|&x| x as f32).collect::<Vec<_>>();
        return Tensor::from_vec(parts, shape, device);
    }
    Tensor::from_vec(parts, shape, device)?.to_dtype(dtype)
}

/// The shape without the axis of pairs.
pub(crate) fn shape(x: &Tensor) -> &[usize] {
    &x.dims()[..x.rank().saturating_sub(1)]
}

/// A function of each number, in double.
pub(crate) fn map(x: &Tensor, f: impl Fn(Complex64) -> Complex64) -> Result<Tensor> {
    let mapped: Vec<_> = numbers(x)?.into_iter().map(f).collect();
    tensor(&mapped, shape(x), x.dtype(), x.device())
}

fn to_real(x: &Tensor, f: impl Fn(Complex64) -> f64) -> Result<Tensor> {
    let mapped: Vec<_> = numbers(x)?.into_iter().map(f).collect();
    Tensor::from_vec(mapped, shape(x), x.device())?.to_dtype(x.dtype())
}

fn to_flags(x: &Tensor, f: fn(Complex64) -> bool) -> Result<Tensor> {
    let flags: Vec<u8> = numbers(x)?.into_iter().map(|z| u8::from(f(z))).collect();
    Tensor::from_vec(flags, shape(x), x.device())
}

/// A function of two numbers, in double, where the tensors broadcast.
fn zip(a: &Tensor, b: &Tensor, f: impl Fn(Complex64, Complex64) -> Complex64) -> Result<Tensor> {
    if a.dtype() != b.dtype() {
        candle_core::bail!(
            "complex operands have parts of {:?} and {:?}; convert one of them",
            a.dtype(),
            b.dtype()
        )
    }
    let common = a.shape().broadcast_shape_binary_op(b.shape(), "complex")?;
    let left = numbers(&a.broadcast_as(&common)?)?;
    let right = numbers(&b.broadcast_as(&common)?)?;
    let zipped: Vec<_> = left.into_iter().zip(right).map(|(a, b)| f(a, b)).collect();
    let dims = &common.dims()[..common.rank() - 1];
    tensor(&zipped, dims, a.dtype(), a.device())
}
