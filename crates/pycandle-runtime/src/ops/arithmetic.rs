//! Arithmetic, and the larger and smaller of two.
//!
//! Operands are tensors or numbers, and promote as in PyTorch. Floats take Candle's operators where
//! those are exact; integers wrap around, where Candle panics in a debug build.

use candle_core::{DType, Result, Tensor};

use super::each::{floats, integers, simple_floats};
use super::math::{reciprocal, rsqrt, sqrt};
use super::promote::{Operand, computed, float_type, in_dtype, in_float, result_type};
use crate::kernels::binary::{Operator, binary};
use crate::kernels::formula::Side;
use crate::kernels::pointwise::{Function, pointwise};

/// `a + b`
pub fn add<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if let Some(y) = fast(Operator::Add, &operands)? {
        return Ok(y);
    }
    match result_type(&operands) {
        dtype if dtype.is_float() => computed(operands, dtype, |[a, b]| a.broadcast_add(&b)),
        _ => integers(operands, |[a, b]| a.wrapping_add(b)),
    }
}

/// `a - b`
pub fn sub<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if let Some(y) = fast(Operator::Sub, &operands)? {
        return Ok(y);
    }
    match result_type(&operands) {
        dtype if dtype.is_float() => computed(operands, dtype, |[a, b]| a.broadcast_sub(&b)),
        _ => integers(operands, |[a, b]| a.wrapping_sub(b)),
    }
}

/// `a * b`
pub fn mul<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if let Some(y) = fast(Operator::Mul, &operands)? {
        return Ok(y);
    }
    match result_type(&operands) {
        dtype if dtype.is_float() => computed(operands, dtype, |[a, b]| a.broadcast_mul(&b)),
        _ => integers(operands, |[a, b]| a.wrapping_mul(b)),
    }
}

/// `a / b`, true division: integers give f32.
pub fn div<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if let Some(y) = fast(Operator::Div, &operands)? {
        return Ok(y);
    }
    let dtype = float_type(result_type(&operands));
    computed(operands, dtype, |[a, b]| a.broadcast_div(&b))
}

/// By a kernel, where it takes what is asked.
fn fast(operator: Operator, operands: &[Operand<'_>; 2]) -> Result<Option<Tensor>> {
    let f32s = operands
        .iter()
        .all(|operand| !matches!(operand, Operand::Tensor(x) if x.dtype() != DType::F32));
    if f32s {
        binary(operator, operands.map(side))
    } else {
        Ok(None)
    }
}

/// An operand as kernels take it: a number is one of f32, as it is to a tensor of f32.
fn side(operand: Operand<'_>) -> Side {
    match operand {
        Operand::Tensor(x) => Side::Tensor(x.clone()),
        Operand::Float(number) => Side::Number(number as f32),
        Operand::Integer(number) => Side::Number(number as f32),
    }
}

/// `torch.add(a, b, alpha=alpha)`: `a + alpha * b`, in the result type of `a` and `b`.
pub fn add_alpha<'a>(
    a: impl Into<Operand<'a>>,
    b: impl Into<Operand<'a>>,
    alpha: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let (a, b, alpha) = (a.into(), b.into(), alpha.into());
    match result_type(&[a, b]) {
        dtype if dtype.is_float() => computed([a, b, alpha], dtype, |[a, b, alpha]| {
            a.broadcast_add(&b.broadcast_mul(&alpha)?)
        }),
        _ => integers([a, b, alpha], |[a, b, alpha]| {
            a.wrapping_add(b.wrapping_mul(alpha))
        }),
    }
}

/// `torch.sub(a, b, alpha=alpha)`: `a - alpha * b`, in the result type of `a` and `b`.
pub fn sub_alpha<'a>(
    a: impl Into<Operand<'a>>,
    b: impl Into<Operand<'a>>,
    alpha: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let (a, b, alpha) = (a.into(), b.into(), alpha.into());
    match result_type(&[a, b]) {
        dtype if dtype.is_float() => computed([a, b, alpha], dtype, |[a, b, alpha]| {
            a.broadcast_sub(&b.broadcast_mul(&alpha)?)
        }),
        _ => integers([a, b, alpha], |[a, b, alpha]| {
            a.wrapping_sub(b.wrapping_mul(alpha))
        }),
    }
}

/// `torch.floor_divide`, `torch.div(rounding_mode="floor")`: the quotient, rounded down.
///
/// # Errors
/// For integers divided by zero, as in PyTorch.
pub fn floor_divide<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if result_type(&operands).is_float() {
        return floats(operands, |[a, b]| floored_quotient(a, b));
    }
    integers(by_non_zero(operands)?, |[a, b]| {
        let quotient = a.wrapping_div(b);
        let inexact = a.wrapping_rem(b) != 0;
        quotient - i64::from(inexact && (a < 0) != (b < 0))
    })
}

/// Python's `a // b` of floats, by the remainder: the quotient itself may round to the next integer.
fn floored_quotient(a: f64, b: f64) -> f64 {
    if b == 0.0 {
        return a / b;
    }
    let remainder = a % b;
    let mut quotient = (a - remainder) / b;
    if remainder != 0.0 && (b < 0.0) != (remainder < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0f64.copysign(a / b);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 {
        floor + 1.0
    } else {
        floor
    }
}

/// `torch.div(rounding_mode="trunc")`: the quotient, rounded towards zero.
///
/// # Errors
/// For integers divided by zero, as in PyTorch.
pub fn trunc_divide<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    match result_type(&operands) {
        // The quotient is rounded to its dtype before its fraction goes, as in PyTorch.
        dtype if dtype.is_float() => computed(operands, dtype, |[a, b]| {
            floats([(&a.broadcast_div(&b)?).into()], |[x]| x.trunc())
        }),
        _ => integers(by_non_zero(operands)?, |[a, b]| a.wrapping_div(b)),
    }
}

/// `a % b` with the sign of `b`, as in Python.
///
/// # Errors
/// For integers divided by zero, as in PyTorch.
pub fn remainder<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if result_type(&operands).is_float() {
        return floats(operands, |[a, b]| {
            let remainder = a % b;
            if remainder != 0.0 && (b < 0.0) != (remainder < 0.0) {
                remainder + b
            } else {
                remainder
            }
        });
    }
    integers(by_non_zero(operands)?, |[a, b]| {
        let remainder = a.wrapping_rem(b);
        if remainder != 0 && (b < 0) != (remainder < 0) {
            remainder + b
        } else {
            remainder
        }
    })
}

/// The remainder with the sign of `a`, as in C.
///
/// # Errors
/// For integers divided by zero, as in PyTorch.
pub fn fmod<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if result_type(&operands).is_float() {
        return floats(operands, |[a, b]| a % b);
    }
    integers(by_non_zero(operands)?, |[a, b]| a.wrapping_rem(b))
}

/// The operands of an integer division, unless it is one by zero.
fn by_non_zero(operands: [Operand<'_>; 2]) -> Result<[Operand<'_>; 2]> {
    let divides_by_zero = match operands[1] {
        Operand::Integer(number) => number == 0,
        Operand::Float(_) => false,
        Operand::Tensor(x) => {
            let divisors = x.flatten_all()?.to_dtype(DType::I64)?.to_vec1::<i64>()?;
            divisors.contains(&0)
        }
    };
    if divides_by_zero && !matches!(operands[0], Operand::Tensor(x) if x.elem_count() == 0) {
        candle_core::bail!("an integer is divided by zero")
    }
    Ok(operands)
}

/// `base ** exponent`, with the exact short cuts that PyTorch takes for a few exponents.
///
/// Integers to the powers of a tensor that are negative give the integer part of the result.
///
/// # Errors
/// For integers to the power of a negative integer, as in PyTorch.
pub fn pow<'a>(base: impl Into<Operand<'a>>, exponent: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [base.into(), exponent.into()];
    if !result_type(&operands).is_float() {
        if matches!(operands[1], Operand::Integer(exponent) if exponent < 0) {
            candle_core::bail!("integers to negative integer powers are not allowed")
        }
        return integers(operands, |[base, exponent]| integer_power(base, exponent));
    }
    if let [Operand::Tensor(x), Operand::Float(exponent)] = operands {
        let short_cut: Option<fn(&Tensor) -> Result<Tensor>> = match exponent {
            1.0 => Some(|x| in_float(x, |x| Ok(x.clone()))),
            2.0 => Some(square),
            3.0 => Some(cube),
            0.5 => Some(sqrt),
            -0.5 => Some(rsqrt),
            -1.0 => Some(reciprocal),
            -2.0 => Some(|x| in_float(x, |x| x.sqr()?.recip())),
            _ => None,
        };
        if let Some(power) = short_cut {
            return power(x);
        }
    }
    floats(operands, |[base, exponent]| base.powf(exponent))
}

/// `x * x`; integers become f32.
pub(super) fn square(x: &Tensor) -> Result<Tensor> {
    if let Some(y) = pointwise(Function::Square, x)? {
        return Ok(y);
    }
    in_float(x, Tensor::sqr)
}

/// `x * x * x`; integers become f32.
pub(super) fn cube(x: &Tensor) -> Result<Tensor> {
    if let Some(y) = pointwise(Function::Cube, x)? {
        return Ok(y);
    }
    in_float(x, |x| x.sqr()?.mul(x))
}

/// `base ** exponent` modulo 2⁶⁴, by squaring.
fn integer_power(mut base: i64, mut exponent: i64) -> i64 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 if exponent % 2 == 0 => 1,
            -1 => -1,
            _ => 0,
        };
    }
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

/// `start + weight * (end - start)`, exact at both ends.
pub fn lerp<'a>(
    start: &'a Tensor,
    end: &'a Tensor,
    weight: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let operands = [start.into(), end.into(), weight.into()];
    floats(operands, |[start, end, weight]| {
        if weight.abs() < 0.5 {
            start + weight * (end - start)
        } else {
            end - (end - start) * (1.0 - weight)
        }
    })
}

/// `x + value * a * b`
pub fn addcmul<'a>(
    x: &'a Tensor,
    a: &'a Tensor,
    b: &'a Tensor,
    value: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let operands = [x.into(), a.into(), b.into(), value.into()];
    match result_type(&operands) {
        dtype if dtype.is_float() => computed(operands, dtype, |[x, a, b, value]| {
            x.broadcast_add(&a.broadcast_mul(&value)?.broadcast_mul(&b)?)
        }),
        _ => integers(operands, |[x, a, b, value]| {
            x.wrapping_add(value.wrapping_mul(a).wrapping_mul(b))
        }),
    }
}

/// `x + value * a / b`, of floats.
pub fn addcdiv(x: &Tensor, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
    let operands = [x.into(), a.into(), b.into(), Operand::Float(value)];
    computed(operands, result_type(&operands), |[x, a, b, value]| {
        x.broadcast_add(&a.broadcast_mul(&value)?.broadcast_div(&b)?)
    })
}

/// `-x`
pub fn neg(x: &Tensor) -> Result<Tensor> {
    if let Some(y) = pointwise(Function::Neg, x)? {
        Ok(y)
    } else if x.dtype().is_float() {
        x.neg()
    } else {
        integers([x.into()], |[x]| x.wrapping_neg())
    }
}

/// Magnitude.
pub fn abs(x: &Tensor) -> Result<Tensor> {
    if let Some(y) = pointwise(Function::Abs, x)? {
        Ok(y)
    } else if x.dtype().is_float() {
        x.abs()
    } else {
        integers([x.into()], |[x]| x.wrapping_abs())
    }
}

/// -1, 0 or 1; NaN gives 0.
pub fn sign(x: &Tensor) -> Result<Tensor> {
    if !x.dtype().is_float() {
        return integers([x.into()], |[x]| x.signum());
    }
    floats([x.into()], |[x]| {
        f64::from(i8::from(x > 0.0) - i8::from(x < 0.0))
    })
}

/// Greatest common divisor of integers, never negative.
pub fn gcd(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    integers([a.into(), b.into()], |[a, b]| common_divisor(a, b) as i64)
}

/// Least common multiple of integers, never negative.
pub fn lcm(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    integers([a.into(), b.into()], |[a, b]| {
        let divisor = common_divisor(a, b).max(1) as i64;
        a.wrapping_div(divisor).wrapping_mul(b).wrapping_abs()
    })
}

fn common_divisor(a: i64, b: i64) -> u64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The larger of two; NaN if either is.
pub fn maximum<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if let Some(y) = fast(Operator::Maximum, &operands)? {
        return Ok(y);
    }
    match result_type(&operands) {
        dtype if !dtype.is_float() => integers(operands, |[a, b]| a.max(b)),
        _ if on_cpu(&operands) => {
            simple_floats(operands, |[a, b]| if a > b || a.is_nan() { a } else { b })
        }
        _ => pick(operands, Tensor::broadcast_gt),
    }
}

/// The smaller of two; NaN if either is.
pub fn minimum<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Tensor> {
    let operands = [a.into(), b.into()];
    if let Some(y) = fast(Operator::Minimum, &operands)? {
        return Ok(y);
    }
    match result_type(&operands) {
        dtype if !dtype.is_float() => integers(operands, |[a, b]| a.min(b)),
        _ if on_cpu(&operands) => {
            simple_floats(operands, |[a, b]| if a < b || a.is_nan() { a } else { b })
        }
        _ => pick(operands, Tensor::broadcast_lt),
    }
}

fn on_cpu(operands: &[Operand<'_>]) -> bool {
    !operands
        .iter()
        .any(|operand| matches!(operand, Operand::Tensor(x) if !x.device().is_cpu()))
}

/// `a` where it wins or is NaN, else `b`, which is NaN if `b` is, since NaN loses and wins nothing.
fn pick(
    operands: [Operand<'_>; 2],
    wins: fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let [a, b] = in_dtype(operands, result_type(&operands))?;
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "maximum")?;
    let (a, b) = (a.broadcast_as(&shape)?, b.broadcast_as(&shape)?);
    let best = wins(&a, &b)?.where_cond(&a, &b)?;
    a.ne(&a)?.where_cond(&a, &best)
}

/// The larger of two; the other one if either is NaN.
pub fn fmax(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if !result_type(&[a.into(), b.into()]).is_float() {
        return maximum(a, b);
    }
    floats([a.into(), b.into()], |[a, b]| {
        if a >= b || b.is_nan() { a } else { b }
    })
}

/// The smaller of two; the other one if either is NaN.
pub fn fmin(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if !result_type(&[a.into(), b.into()]).is_float() {
        return minimum(a, b);
    }
    floats([a.into(), b.into()], |[a, b]| {
        if a <= b || b.is_nan() { a } else { b }
    })
}

/// No lower than `min` and then no higher than `max`; NaN stays NaN, and a bound that is NaN wins.
pub fn clamp<'a>(
    x: &'a Tensor,
    min: impl Into<Operand<'a>>,
    max: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    let (min, max) = (min.into(), max.into());
    if let (DType::F32, Side::Number(least), Side::Number(most)) = (x.dtype(), side(min), side(max))
        && !least.is_nan()
        && !most.is_nan()
        && let Some(y) = pointwise(Function::Clamp(least, most), x)?
    {
        return Ok(y);
    }
    minimum(&maximum(x, min)?, max)
}
