//! Special functions of floats (`torch.special`); integers become f32.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI, SQRT_2};

use candle_core::cpu::erf::{erf_inv, erfc_inv};
use candle_core::{Result, Tensor};

use super::each::floats;
use super::math::float_functions;

float_functions! {
    /// `1 - erf(x)`, exact where it is small.
    erfc => libm::erfc;
    /// `erfc(x) exp(x²)`, which neither vanishes far above zero nor cancels.
    erfcx => scaled_erfc;
    /// Inverse of the error function; NaN beyond ±1.
    erfinv => |x: f64| if x.abs() <= 1.0 { erf_inv(x) } else { f64::NAN };
    /// Logarithm of the magnitude of the gamma function.
    lgamma => libm::lgamma;
    /// Derivative of `lgamma`.
    digamma => logarithmic_derivative;
    /// Modified Bessel function of the first kind, of order 0.
    i0 => |x: f64| bessel(0, x, false);
    /// `i0(x) exp(-|x|)`
    i0e => |x: f64| bessel(0, x, true);
    /// Modified Bessel function of the first kind, of order 1.
    i1 => |x: f64| bessel(1, x, false);
    /// `i1(x) exp(-|x|)`
    i1e => |x: f64| bessel(1, x, true);
    /// `-x ln(x)`: zero at zero, -inf below.
    entr => |x: f64| match x {
        x if x > 0.0 => -x * x.ln(),
        0.0 => 0.0,
        x if x.is_nan() => x,
        _ => f64::NEG_INFINITY,
    };
    /// The area under the standard normal density, up to `x`; as in PyTorch, zero far below zero.
    ndtr => |x: f64| 0.5 * (1.0 + libm::erf(x * FRAC_1_SQRT_2));
    /// Logarithm of the area under the standard normal density, exact where that area is zero.
    log_ndtr => |x: f64| {
        let t = x * FRAC_1_SQRT_2;
        if x < -1.0 {
            (scaled_erfc(-t) / 2.0).ln() - t * t
        } else {
            (-libm::erfc(t) / 2.0).ln_1p()
        }
    };
    /// Inverse of `ndtr`; NaN outside `[0, 1]`.
    ndtri => |x: f64| if (0.0..=1.0).contains(&x) { -SQRT_2 * erfc_inv(2.0 * x) } else { f64::NAN };
}

/// `erfc(x) exp(x²)`: the product while neither factor leaves the range of f64, and beyond it the
/// asymptotic series (Abramowitz and Stegun, 7.1.23).
fn scaled_erfc(x: f64) -> f64 {
    if x < -27.0 {
        return f64::INFINITY;
    }
    if x < 25.0 || x.is_nan() {
        // The square in two parts, the first of them exact: the exponential would magnify what
        // rounding the whole loses.
        let head = f64::from(x as f32);
        let rest = (x - head) * (x + head);
        return libm::erfc(x) * (head * head).exp() * rest.exp();
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..10 {
        term *= -f64::from(2 * k - 1) / (2.0 * x * x);
        sum += term;
    }
    FRAC_2_SQRT_PI / 2.0 / x * sum
}

/// The digamma function, as PyTorch computes it: reflected to positive arguments, moved beyond 10
/// by the recurrence, and there the asymptotic series (Abramowitz and Stegun, 6.3.18).
fn logarithmic_derivative(x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        return if x == x.trunc() {
            f64::NAN
        } else {
            logarithmic_derivative(1.0 - x) - PI / (PI * x.fract()).tan()
        };
    }
    let (mut x, mut moved) = (x, 0.0);
    while x < 10.0 {
        moved -= 1.0 / x;
        x += 1.0;
    }
    let bernoulli = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
    ];
    let z = 1.0 / (x * x);
    let series = bernoulli.iter().rev().fold(0.0, |sum, b| sum * z + b) * z;
    moved + x.ln() - 0.5 / x - series
}

/// The modified Bessel function of the first kind; `scaled` by `exp(-|x|)`.
///
/// A power series of positive terms for small arguments, the asymptotic series for large ones
/// (Abramowitz and Stegun, 9.6.10 and 9.7.1).
fn bessel(order: i32, x: f64, scaled: bool) -> f64 {
    let size = x.abs();
    let sign = if order == 1 && x < 0.0 { -1.0 } else { 1.0 };
    if size <= 30.0 {
        let quarter = size * size / 4.0;
        let mut term = if order == 1 { size / 2.0 } else { 1.0 };
        let mut sum = term;
        for k in 1..200 {
            term *= quarter / f64::from(k * (k + order));
            sum += term;
            if term < sum * f64::EPSILON / 8.0 {
                break;
            }
        }
        return sign * sum * if scaled { (-size).exp() } else { 1.0 };
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..30 {
        let odd = f64::from(2 * k - 1);
        term *= -(f64::from(4 * order * order) - odd * odd) / (f64::from(8 * k) * size);
        sum += term;
    }
    let root = (2.0 * PI * size).sqrt();
    // In two halves: the exponential alone overflows earlier than the quotient.
    let growth = if scaled { 1.0 } else { (size / 2.0).exp() };
    sign * (growth / root) * growth * sum
}
