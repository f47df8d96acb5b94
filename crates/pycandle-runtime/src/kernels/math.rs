//! Exponential, error function and their kin over vectors, without branches.
//!
//! The largest errors, in units of the last place against f64, over eight million f32 of all
//! magnitudes, subnormals, infinities and NaN included, with any of the instruction sets:
//!
//! | function | error |
//! |---|---|
//! | [`exp`] | 1.0 |
//! | [`erf`] | 1.1 |
//! | [`tanh`] | 2.8 |
//! | [`sigmoid`] | 2.4 |

use super::epilogue::Activation;
use super::simd::Simd;

/// `e^x`: zero and infinite where f32 end, subnormal before that.
#[inline(always)]
pub fn exp<S: Simd>(x: S) -> S {
    // Above, the result is infinite. The vector's own minimum would not keep NaN.
    exp_of_negative(S::splat(89.0).min(x))
}

/// [`exp`] of what is 89 at most, as of what is not positive.
#[inline(always)]
pub fn exp_of_negative<S: Simd>(x: S) -> S {
    // Below, the result is zero.
    let (power, rest) = exp_parts(S::splat(-104.0).max(x));
    (rest + S::splat(1.0)).times_exp2(power)
}

/// Whole `n` and `p` such that `e^x = 2^n (1 + p)`, with `p` exact near zero, of `|x|` below 200.
#[inline(always)]
fn exp_parts<S: Simd>(x: S) -> (S, S) {
    let n = (x * S::splat(std::f32::consts::LOG2_E)).round();
    // The logarithm of 2 in two parts, of which the first has few enough digits that its product
    // with `n` is exact.
    let r = n.mul_add(S::splat(-0.693_359_4), x);
    let r = n.mul_add(S::splat(2.121_944_4e-4), r);
    let p = polynomial(
        r,
        [
            1.394_674_8e-3,
            8.366_755e-3,
            4.166_627_7e-2,
            1.666_654_2e-1,
            0.5,
        ],
    );
    (n, (r * r).mul_add(p, r))
}

/// Gauss's error function.
///
/// The polynomials are those of Norbert Juffa (stackoverflow.com/questions/35148198).
#[inline(always)]
pub fn erf<S: Simd>(x: S) -> S {
    let distance = x.abs();
    let square = x * x;
    let near = polynomial(
        square,
        [
            -5.967_617e-4,
            4.991_194_2e-3,
            -2.676_813_5e-2,
            1.128_199_25e-1,
            -3.761_253_4e-1,
            1.283_791_7e-1,
        ],
    );
    // Farther from zero, a polynomial gives the logarithm of the rest.
    let upper = distance.mul_add(S::splat(-1.728_534_7e-5), S::splat(3.831_971_3e-4));
    let lower = distance.mul_add(S::splat(-3.883_964_4e-3), S::splat(2.425_462_2e-2));
    let exponent = upper.mul_add(square, lower);
    let exponent = exponent.mul_add(distance, S::splat(-1.067_778_8e-1));
    let exponent = exponent.mul_add(distance, S::splat(-6.348_467e-1));
    let exponent = exponent.mul_add(distance, S::splat(-1.287_175_1e-1));
    let exponent = exponent.mul_add(distance, -distance);
    let far = (S::splat(1.0) - exp_of_negative(exponent)).copysign(x);
    S::select(
        distance.less(S::splat(0.927_734_4)),
        near.mul_add(x, x),
        far,
    )
}

/// Hyperbolic tangent.
#[inline(always)]
pub fn tanh<S: Simd>(x: S) -> S {
    // From 10 on, it is 1. `e^2x - 1` is exact near zero, where `e^2x` is not.
    let distance = S::splat(10.0).min(x.abs());
    let (power, rest) = exp_parts(distance + distance);
    let one = S::splat(1.0);
    let scale = one.times_exp2(power);
    let less_one = rest.mul_add(scale, scale - one);
    less_one.quotient(less_one + S::splat(2.0)).copysign(x)
}

/// `1 / (1 + e⁻ˣ)`, exact far below zero too.
#[inline(always)]
pub fn sigmoid<S: Simd>(x: S) -> S {
    sigmoid_of(S::splat(1.0), x)
}

/// `factor * sigmoid(x)`
#[inline(always)]
fn sigmoid_of<S: Simd>(factor: S, x: S) -> S {
    let rest = exp_of_negative(-x.abs());
    let above = S::select(x.less(S::splat(0.0)), factor * rest, factor);
    above.quotient(rest + S::splat(1.0))
}

/// No lower than `least` and no higher than `most`; NaN stays NaN.
#[inline(always)]
pub fn clamp<S: Simd>(x: S, least: f32, most: f32) -> S {
    S::splat(most).min(S::splat(least).max(x))
}

impl Activation {
    /// As the function of [`crate::ops`] of that name; NaN stays NaN.
    #[inline(always)]
    pub fn apply<S: Simd>(self, x: S) -> S {
        match self {
            Self::Relu => relu(x),
            Self::Relu6 => relu6(x),
            Self::Hardsigmoid => hardsigmoid(x),
            Self::Hardswish => hardswish(x),
            Self::Sigmoid => sigmoid(x),
            Self::Silu => silu(x),
            Self::Tanh => tanh(x),
            Self::Gelu => gelu(x),
            Self::GeluTanh => gelu_tanh(x),
        }
    }
}

/// `x` where it is positive, else zero; NaN stays NaN.
#[inline(always)]
pub fn relu<S: Simd>(x: S) -> S {
    S::splat(0.0).max(x)
}

/// [`relu`], 6 at most.
#[inline(always)]
pub fn relu6<S: Simd>(x: S) -> S {
    clamp(x, 0.0, 6.0)
}

/// `relu6(x + 3) / 6`
#[inline(always)]
pub fn hardsigmoid<S: Simd>(x: S) -> S {
    relu6(x + S::splat(3.0)) * S::splat(1.0 / 6.0)
}

/// `x relu6(x + 3) / 6`
#[inline(always)]
pub fn hardswish<S: Simd>(x: S) -> S {
    x * relu6(x + S::splat(3.0)) * S::splat(1.0 / 6.0)
}

/// `x sigmoid(x)`
#[inline(always)]
pub fn silu<S: Simd>(x: S) -> S {
    sigmoid_of(x, x)
}

/// `x` where it is positive, else times `slope`.
#[inline(always)]
pub fn leaky_relu<S: Simd>(x: S, slope: f32) -> S {
    S::select(S::splat(0.0).less(x), x, x * S::splat(slope))
}

/// `x / 2 (1 + erf(x / √2))`, with the complement of the error function: no digits are lost far
/// below zero.
///
/// The complement is two to the power of a polynomial, which is fitted to its logarithm so that the
/// result is right to a hundred-millionth of `x`, and to a few digits where it is smaller than that.
#[inline(always)]
pub fn gelu<S: Simd>(x: S) -> S {
    let distance = x.abs();
    let logarithm = polynomial(
        distance,
        [
            -3.526_356_5e-8,
            9.942_803e-7,
            -1.210_935_3e-5,
            8.137_697e-5,
            -2.910_522_7e-4,
            1.332_944_2e-5,
            6.941_297_6e-3,
            -5.244_328_5e-2,
            -4.592_187_7e-1,
            -1.151_104_6,
        ],
    );
    let rest = exp2_of_negative(logarithm * distance);
    let twice = S::select(x.less(S::splat(0.0)), rest, S::splat(2.0) - rest);
    x * S::splat(0.5) * twice
}

/// `2^x` of what is not positive.
#[inline(always)]
fn exp2_of_negative<S: Simd>(x: S) -> S {
    let x = S::splat(-151.0).max(x);
    let whole = x.round();
    let power = polynomial(
        x - whole,
        [
            1.535_336_2e-4,
            1.339_887_4e-3,
            9.618_437e-3,
            5.550_332_4e-2,
            2.402_264_8e-1,
            std::f32::consts::LN_2,
            1.0,
        ],
    );
    power.times_exp2(whole)
}

/// `x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`, which is `x` times the sigmoid of twice that.
#[inline(always)]
pub fn gelu_tanh<S: Simd>(x: S) -> S {
    const LINEAR: f32 = 1.595_769_2;
    let cubic = S::splat(0.044_715 * LINEAR);
    sigmoid_of(x, x * (x * x).mul_add(cubic, S::splat(LINEAR)))
}

/// By Horner's rule, the highest coefficient first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(x: S, coefficients: [f32; N]) -> S {
    let mut value = S::splat(coefficients[0]);
    for coefficient in &coefficients[1..] {
        value = value.mul_add(x, S::splat(*coefficient));
    }
    value
}
