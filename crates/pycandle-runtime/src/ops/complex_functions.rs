//! Functions of each complex number, computed in double and rounded once.

use candle_core::{Result, Tensor};
use realfft::num_complex::{Complex64, c64};

use super::complex::map;

macro_rules! complex_functions {
    ($($(#[$doc:meta])+ $name:ident => $f:expr;)+) => {$(
        $(#[$doc])+
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            map(x, $f)
        }
    )+};
}

complex_functions! {
    /// `eᶻ`
    exp => exponential;
    /// `eᶻ - 1`
    expm1 => |z| exponential(z) - 1.0;
    /// Natural logarithm: the principal value.
    log => Complex64::ln;
    /// Logarithm to base 2: the principal value.
    log2 => |z| z.ln() / std::f64::consts::LN_2;
    /// Logarithm to base 10: the principal value.
    log10 => |z| z.ln() / std::f64::consts::LN_10;
    /// `log(1 + z)`: the principal value.
    log1p => |z| (z + 1.0).ln();
    /// Square root: the principal value.
    sqrt => Complex64::sqrt;
    /// `1 / sqrt(z)`
    rsqrt => |z| quotient(Complex64::ONE, z.sqrt());
    /// `1 / z`
    reciprocal => |z| quotient(Complex64::ONE, z);
    /// `z²`
    square => |z| z * z;
    /// Sine.
    sin => Complex64::sin;
    /// Cosine.
    cos => Complex64::cos;
    /// Tangent.
    tan => Complex64::tan;
    /// Inverse sine.
    asin => Complex64::asin;
    /// Inverse cosine.
    acos => Complex64::acos;
    /// Inverse tangent.
    atan => Complex64::atan;
    /// Hyperbolic sine.
    sinh => Complex64::sinh;
    /// Hyperbolic cosine.
    cosh => Complex64::cosh;
    /// Hyperbolic tangent.
    tanh => Complex64::tanh;
    /// Inverse hyperbolic sine.
    asinh => Complex64::asinh;
    /// Inverse hyperbolic cosine.
    acosh => Complex64::acosh;
    /// Inverse hyperbolic tangent.
    atanh => Complex64::atanh;
    /// `1 / (1 + e⁻ᶻ)`
    sigmoid => sigmoid_of;
    /// `z sigmoid(z)`
    silu => |z| z * sigmoid_of(z);
    /// The number of magnitude 1 in the same direction; zero for zero.
    sgn => |z| if z == Complex64::ZERO { z } else { z / z.norm() };
}

/// `1 / (1 + e⁻ᶻ)`
fn sigmoid_of(z: Complex64) -> Complex64 {
    quotient(Complex64::ONE, exponential(-z) + 1.0)
}

/// `eᶻ`, whose imaginary part is zero where that of `z` is, even if the real part overflows.
fn exponential(z: Complex64) -> Complex64 {
    let size = z.re.exp();
    if z.im == 0.0 {
        return c64(size, z.im);
    }
    c64(size * z.im.cos(), size * z.im.sin())
}

/// `a / b` without overflow of intermediate values (Smith's method).
pub(crate) fn quotient(a: Complex64, b: Complex64) -> Complex64 {
    let scale = b.re.abs().max(b.im.abs());
    if scale == 0.0 {
        return c64(a.re / scale, a.im / scale);
    }
    if scale.is_infinite() && a.is_finite() {
        return Complex64::ZERO;
    }
    let (b, a) = (b / scale, a / scale);
    let norm = b.norm_sqr();
    c64(
        (a.re * b.re + a.im * b.im) / norm,
        (a.im * b.re - a.re * b.im) / norm,
    )
}

/// `a ** b`; whole powers of moderate size by multiplication.
pub(crate) fn power(a: Complex64, b: Complex64) -> Complex64 {
    if b.im == 0.0 && b.re.fract() == 0.0 && b.re.abs() <= 64.0 {
        let whole = a.powu(b.re.abs() as u32);
        return if b.re < 0.0 {
            quotient(Complex64::ONE, whole)
        } else {
            whole
        };
    }
    if b == c64(0.5, 0.0) {
        return a.sqrt();
    }
    a.powc(b)
}
