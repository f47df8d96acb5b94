//! Mathematical functions of floats; integers become f32.

use std::f64::consts::{LN_2, PI};

use candle_core::{DType, Result, Tensor};

use super::each::{floats, map, overflowing};
use super::promote::{Operand, computed, in_float, promote_types, result_type};
use crate::kernels::Activation;
use crate::kernels::pointwise::{Function, pointwise};

macro_rules! float_functions {
    ($($(#[$doc:meta])+ $name:ident => $function:expr;)+) => {$(
        $(#[$doc])+
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            floats([x.into()], |[x]| $function(x))
        }
    )+};
}
pub(super) use float_functions;

/// Functions that Candle has, and those of them that have a kernel too.
macro_rules! candle_functions {
    ($($(#[$doc:meta])+ $name:ident $(by $kernel:expr)? => $function:expr;)+) => {$(
        $(#[$doc])+
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            $(if let Some(y) = pointwise($kernel, x)? {
                return Ok(y);
            })?
            in_float(x, $function)
        }
    )+};
}
pub(super) use candle_functions;

candle_functions! {
    /// `eˣ`
    exp by Function::Exp => Tensor::exp;
    /// Natural logarithm: -inf at zero, NaN below.
    log => Tensor::log;
    /// Square root: NaN below zero.
    sqrt by Function::Sqrt => Tensor::sqrt;
    /// `1 / sqrt(x)`
    rsqrt by Function::Rsqrt => |x| x.sqrt()?.recip();
    /// `1 / x`
    reciprocal by Function::Reciprocal => Tensor::recip;
    /// Sine of radians.
    sin => Tensor::sin;
    /// Cosine of radians.
    cos => Tensor::cos;
    /// Hyperbolic tangent.
    tanh by Function::Activation(Activation::Tanh) => Tensor::tanh;
    /// Gauss's error function.
    erf by Function::Erf => Tensor::erf;
}

float_functions! {
    /// `2ˣ`
    exp2 => f64::exp2;
    /// `eˣ - 1`, exact near zero.
    expm1 => f64::exp_m1;
    /// Logarithm of base 2.
    log2 => f64::log2;
    /// Logarithm of base 10.
    log10 => f64::log10;
    /// `ln(1 + x)`, exact near zero.
    log1p => f64::ln_1p;
    /// Tangent of radians.
    tan => f64::tan;
    /// Arc sine, in radians.
    asin => f64::asin;
    /// Arc cosine, in radians.
    acos => f64::acos;
    /// Arc tangent, in radians.
    atan => f64::atan;
    /// Hyperbolic sine.
    sinh => f64::sinh;
    /// Hyperbolic cosine.
    cosh => f64::cosh;
    /// Inverse hyperbolic sine.
    asinh => libm::asinh;
    /// Inverse hyperbolic cosine.
    // libm gives numbers for some negative arguments.
    acosh => |x: f64| if x < 1.0 { f64::NAN } else { libm::acosh(x) };
    /// Inverse hyperbolic tangent.
    atanh => libm::atanh;
    /// Degrees as radians.
    deg2rad => |x: f64| x * (PI / 180.0);
    /// Radians as degrees.
    rad2deg => |x: f64| x * (180.0 / PI);
    /// What is left after the integer part, with the sign of `x`.
    frac => |x: f64| x - x.trunc();
}

/// `sin(πx) / (πx)`, and 1 at zero.
pub fn sinc(x: &Tensor) -> Result<Tensor> {
    let dtype = x.dtype();
    floats([x.into()], |[x]| match overflowing(dtype, PI * x) {
        0.0 => 1.0,
        angle => angle.sin() / angle,
    })
}

macro_rules! roundings {
    ($($(#[$doc:meta])+ $name:ident => $function:expr;)+) => {$(
        $(#[$doc])+
        ///
        /// Integers stay as they are.
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            if x.dtype().is_float() {
                $function(x)
            } else {
                Ok(x.clone())
            }
        }
    )+};
}

roundings! {
    /// Rounds down.
    floor => |x| in_float(x, Tensor::floor);
    /// Rounds up.
    ceil => |x| in_float(x, Tensor::ceil);
    /// Rounds towards zero.
    trunc => |x: &Tensor| floats([x.into()], |[x]| x.trunc());
    /// Rounds halves to even, where Candle rounds them away from zero.
    round => |x: &Tensor| floats([x.into()], |[x]| x.round_ties_even());
}

/// `torch.round(x, decimals=decimals)` of floats, by the power of ten, each step rounded.
pub fn round_decimals(x: &Tensor, decimals: i64) -> Result<Tensor> {
    let ten = 10f64.powi(decimals.unsigned_abs().min(400) as i32);
    computed([x.into(), ten.into()], x.dtype(), |[x, ten]| {
        if decimals < 0 {
            round(&x.broadcast_div(&ten)?)?.broadcast_mul(&ten)
        } else {
            round(&x.broadcast_mul(&ten)?)?.broadcast_div(&ten)
        }
    })
}

/// The angle of the point `(x, y)`, in radians.
pub fn atan2(y: &Tensor, x: &Tensor) -> Result<Tensor> {
    floats([y.into(), x.into()], |[y, x]| y.atan2(x))
}

/// The angle of each number on the complex plane: 0, or pi where it is negative.
pub fn angle(x: &Tensor) -> Result<Tensor> {
    floats([x.into()], |[x]| {
        if x.is_nan() {
            x
        } else if x < 0.0 {
            PI
        } else {
            0.0
        }
    })
}

/// `sqrt(a² + b²)`
pub fn hypot(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    floats([a.into(), b.into()], |[a, b]| a.hypot(b))
}

/// `ln(eᵃ + eᵇ)`
pub fn logaddexp(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    floats([a.into(), b.into()], |[a, b]| {
        larger_plus(a, b, |distance| (-distance).exp().ln_1p())
    })
}

/// `log₂(2ᵃ + 2ᵇ)`
pub fn logaddexp2(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    floats([a.into(), b.into()], |[a, b]| {
        larger_plus(a, b, |distance| (-distance).exp2().ln_1p() / LN_2)
    })
}

/// The larger of two plus a function of their distance; equal infinities are infinite.
fn larger_plus(a: f64, b: f64, rest: impl Fn(f64) -> f64) -> f64 {
    if a == b && a.is_infinite() {
        a
    } else {
        a.max(b) + rest((a - b).abs())
    }
}

/// `x ln(y)`, which is zero where `x` is, unless `y` is NaN.
pub fn xlogy<'a>(x: impl Into<Operand<'a>>, y: impl Into<Operand<'a>>) -> Result<Tensor> {
    floats([x.into(), y.into()], |[x, y]| {
        product_or_zero(x, y, f64::ln)
    })
}

/// `x ln(1 + y)`, which is zero where `x` is, unless `y` is NaN.
pub fn xlog1py<'a>(x: impl Into<Operand<'a>>, y: impl Into<Operand<'a>>) -> Result<Tensor> {
    floats([x.into(), y.into()], |[x, y]| {
        product_or_zero(x, y, f64::ln_1p)
    })
}

fn product_or_zero(x: f64, y: f64, logarithm: fn(f64) -> f64) -> f64 {
    if x == 0.0 && !y.is_nan() {
        0.0
    } else {
        x * logarithm(y)
    }
}

/// `torch.float_power`: a power in f64, whatever the dtypes.
pub fn float_power<'a>(
    base: impl Into<Operand<'a>>,
    exponent: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let operands = [base.into(), exponent.into()];
    computed(operands, DType::F64, |[base, exponent]| {
        map([base, exponent], |[base, exponent]: [f64; 2]| {
            base.powf(exponent)
        })
    })
}

/// `mantissa * 2^exponent`, of floats.
pub fn ldexp(mantissa: &Tensor, exponent: &Tensor) -> Result<Tensor> {
    floats(
        [mantissa.into(), exponent.into()],
        |[mantissa, exponent]| mantissa * exponent.exp2(),
    )
}

/// The magnitude of `x` with the sign of `sign`, that of zeros and NaN too.
pub fn copysign<'a>(x: &'a Tensor, sign: impl Into<Operand<'a>>) -> Result<Tensor> {
    floats([x.into(), sign.into()], |[x, sign]| x.copysign(sign))
}

/// The next number of the dtype after `x`, on the way to `other`.
///
/// # Errors
/// For halves, whose neighbours Candle does not give.
pub fn nextafter(x: &Tensor, other: &Tensor) -> Result<Tensor> {
    let dtype = promote_types(x.dtype(), other.dtype());
    let tensors = [x.to_dtype(dtype)?, other.to_dtype(dtype)?];
    match result_type(&[x.into(), other.into()]) {
        DType::F64 => map(tensors, |[x, other]: [f64; 2]| libm::nextafter(x, other)),
        DType::F32 => map(tensors, |[x, other]: [f32; 2]| libm::nextafterf(x, other)),
        dtype => candle_core::bail!("nextafter takes f32 and f64, not {dtype:?}"),
    }
}

/// NaN and the infinities replaced: by zero, and by the largest and lowest numbers of the dtype,
/// unless others are given. Integers stay as they are.
pub fn nan_to_num(
    x: &Tensor,
    nan: f64,
    posinf: Option<f64>,
    neginf: Option<f64>,
) -> Result<Tensor> {
    let largest = match x.dtype() {
        DType::F64 => f64::MAX,
        DType::F32 => f64::from(f32::MAX),
        DType::F16 => 65504.0,
        DType::BF16 => 2f64.powi(127) * (2.0 - 2f64.powi(-7)),
        _ => return Ok(x.clone()),
    };
    let (most, least) = (posinf.unwrap_or(largest), neginf.unwrap_or(-largest));
    floats([x.into()], |[x]| match x {
        x if x.is_nan() => nan,
        f64::INFINITY => most,
        f64::NEG_INFINITY => least,
        x => x,
    })
}
