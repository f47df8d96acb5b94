//! Functions of each element.

use candle_core::{DType, Result, Tensor};

use super::promote::{in_float, promoted, to_float};

/// `a + b`
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = promoted(a, b)?;
    a.broadcast_add(&b)
}

/// `a - b`
pub fn sub(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = promoted(a, b)?;
    a.broadcast_sub(&b)
}

/// `a * b`
pub fn mul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = promoted(a, b)?;
    a.broadcast_mul(&b)
}

/// True division: integers give f32.
pub fn div(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = promoted(a, b)?;
    to_float(&a)?.broadcast_div(&to_float(&b)?)
}

/// `a ** b` element by element; a negative base takes integral exponents.
///
/// # Errors
/// For an integer base with a negative integer exponent, as in PyTorch.
pub fn pow(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = promoted(a, b)?;
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "pow")?;
    let (a, b) = (
        a.broadcast_as(&shape)?.flatten_all()?,
        b.broadcast_as(&shape)?.flatten_all()?,
    );
    let (dtype, device) = (a.dtype(), a.device());
    // Candle's own is exp(b ln a), which knows no negative base.
    let power = match dtype {
        DType::F64 => {
            let pairs = a.to_vec1::<f64>()?.into_iter().zip(b.to_vec1::<f64>()?);
            Tensor::from_iter(pairs.map(|(a, b)| a.powf(b)), device)?
        }
        dtype if dtype.is_float() => {
            let a = a.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            let b = b.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            Tensor::from_iter(a.into_iter().zip(b).map(|(a, b)| a.powf(b)), device)?
        }
        _ => {
            let a = a.to_dtype(DType::I64)?.to_vec1::<i64>()?;
            let b = b.to_dtype(DType::I64)?.to_vec1::<i64>()?;
            if b.iter().any(|b| *b < 0) {
                candle_core::bail!("integers to negative integer powers are not allowed")
            }
            Tensor::from_iter(
                a.into_iter().zip(b).map(|(a, b)| integer_power(a, b)),
                device,
            )?
        }
    };
    power.to_dtype(dtype)?.reshape(shape)
}

/// `base ** exponent` modulo 2⁶⁴, by squaring; `exponent` is not negative.
pub(crate) fn integer_power(mut base: i64, mut exponent: i64) -> i64 {
    let mut power = 1i64;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    power
}

/// `-x`, of integers too, where Candle panics.
pub fn neg(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_float() {
        x.neg()
    } else {
        x.zeros_like()?.sub(x)
    }
}

/// Magnitude, of integers too.
pub fn abs(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        dtype if dtype.is_float() => x.abs(),
        DType::U8 | DType::U32 => Ok(x.clone()),
        _ => x.maximum(&neg(x)?),
    }
}

macro_rules! float_functions {
    ($($(#[$doc:meta])+ $name:ident => $method:ident;)+) => {$(
        $(#[$doc])+
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            in_float(x, Tensor::$method)
        }
    )+};
}

float_functions! {
    /// `eˣ`
    exp => exp;
    /// Natural logarithm: -inf at zero, NaN below.
    log => log;
    /// Square root: NaN below zero.
    sqrt => sqrt;
    /// Sine of radians.
    sin => sin;
    /// Cosine of radians.
    cos => cos;
    /// Hyperbolic tangent.
    tanh => tanh;
    /// Gauss's error function.
    erf => erf;
    /// `1 / x`
    reciprocal => recip;
    /// `gelu(approximate="none")`: `x Φ(x)` with the error function.
    gelu => gelu_erf;
    /// `gelu(approximate="tanh")`
    gelu_tanh => gelu;
    /// `x sigmoid(x)`
    silu => silu;
}

/// `1 / sqrt(x)`
pub fn rsqrt(x: &Tensor) -> Result<Tensor> {
    in_float(x, |x| x.sqrt()?.recip())
}

/// `1 / (1 + e⁻ˣ)`
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    in_float(x, |x| (x.neg()?.exp()? + 1.0)?.recip())
}

/// Zero below zero; NaN stays NaN, where Candle gives zero.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    let zeros = x.zeros_like()?;
    x.lt(&zeros)?.where_cond(&zeros, x)
}

/// Rounds halves to even, where Candle rounds them away from zero.
pub fn round(x: &Tensor) -> Result<Tensor> {
    if !x.dtype().is_float() {
        return Ok(x.clone());
    }
    in_float(x, |x| {
        let away = x.round()?;
        // A tie is exactly a half away; twice the rounded half is then the even neighbour.
        let tie = (x - &away)?.abs()?.eq(0.5)?;
        let even = ((x * 0.5)?.round()? * 2.0)?;
        tie.where_cond(&even, &away)
    })
}

/// Rounds down.
pub fn floor(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_float() {
        in_float(x, Tensor::floor)
    } else {
        Ok(x.clone())
    }
}

/// Rounds up.
pub fn ceil(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_float() {
        in_float(x, Tensor::ceil)
    } else {
        Ok(x.clone())
    }
}

/// The larger of two; NaN if either is.
pub fn maximum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    pick(a, b, Tensor::broadcast_gt)
}

/// The smaller of two; NaN if either is.
pub fn minimum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    pick(a, b, Tensor::broadcast_lt)
}

/// `a` where it wins or is NaN, else `b`, which is NaN if `b` is, since NaN loses and wins nothing.
fn pick(a: &Tensor, b: &Tensor, wins: fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let (a, b) = promoted(a, b)?;
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "maximum")?;
    let (a, b) = (a.broadcast_as(&shape)?, b.broadcast_as(&shape)?);
    let best = wins(&a, &b)?.where_cond(&a, &b)?;
    if a.dtype().is_float() {
        a.ne(&a)?.where_cond(&a, &best)
    } else {
        Ok(best)
    }
}

/// Limits to `[min, max]`, either of which may be infinite; NaN stays NaN.
///
/// Integers become f32, see [`clamp_i64`].
pub fn clamp(x: &Tensor, min: f64, max: f64) -> Result<Tensor> {
    let mut x = to_float(x)?;
    if min != f64::NEG_INFINITY {
        let least = x.zeros_like()?.affine(0.0, min)?;
        x = x.lt(&least)?.where_cond(&least, &x)?;
    }
    if max != f64::INFINITY {
        let most = x.zeros_like()?.affine(0.0, max)?;
        x = x.gt(&most)?.where_cond(&most, &x)?;
    }
    Ok(x)
}

/// Limits integers to `[min, max]`, exactly.
pub fn clamp_i64(x: &Tensor, min: i64, max: i64) -> Result<Tensor> {
    let bound = |limit: i64| Tensor::full(limit, x.shape(), x.device());
    let limited = x
        .to_dtype(DType::I64)?
        .maximum(&bound(min)?)?
        .minimum(&bound(max)?)?;
    limited.to_dtype(x.dtype())
}
