//! Functions of each element.

use std::mem::MaybeUninit;

use candle_core::{Result, Tensor};

use super::copy::dense;
use super::elements::{elements, written_like};
use super::epilogue::{Activation, with_activation};
use super::isa::{Kernel, dispatch, isa};
use super::math;
use super::simd::{Simd, each_vector};
use super::threads::parallel_rows;

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    Activation(Activation),
    Exp,
    Erf,
    Sqrt,
    /// `1 / sqrt(x)`
    Rsqrt,
    /// `1 / x`
    Reciprocal,
    Neg,
    Abs,
    /// `x * x`
    Square,
    /// `x * x * x`
    Cube,
    /// No lower than the first number and then no higher than the second; neither is NaN.
    Clamp(f32, f32),
    /// The number itself where it is positive, else times this one.
    LeakyRelu(f32),
}

impl Function {
    /// Of each element of a vector; in a loop, of a function that is known outside of it.
    #[inline(always)]
    fn apply<S: Simd>(self, x: S) -> S {
        match self {
            Self::Activation(activation) => activation.apply(x),
            Self::Exp => math::exp(x),
            Self::Erf => math::erf(x),
            Self::Sqrt => x.sqrt(),
            Self::Rsqrt => S::splat(1.0) / x.sqrt(),
            Self::Reciprocal => S::splat(1.0) / x,
            Self::Neg => -x,
            Self::Abs => x.abs(),
            Self::Square => x * x,
            Self::Cube => x * x * x,
            Self::Clamp(least, most) => math::clamp(x, least, most),
            Self::LeakyRelu(slope) => math::leaky_relu(x, slope),
        }
    }

    /// About how long one element takes.
    fn nanoseconds(self) -> f64 {
        match self {
            Self::Activation(
                Activation::Sigmoid
                | Activation::Silu
                | Activation::Tanh
                | Activation::Gelu
                | Activation::GeluTanh,
            )
            | Self::Exp
            | Self::Erf => 0.4,
            _ => 0.15,
        }
    }
}

/// `function` of each element; those of the result lie without gaps, in the order of those of `x` if
/// they do.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn pointwise(function: Function, x: &Tensor) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else {
        return Ok(None);
    };
    let x = &dense(x)?;
    let found = elements(x);
    let Some(values) = found.as_ref().and_then(|elements| elements.dense()) else {
        return Ok(None);
    };
    let time = function.nanoseconds() * values.len() as f64;
    let write = |out: &mut [MaybeUninit<f32>]| {
        parallel_rows(out, 1, time, |first, out| {
            let values = &values[first..][..out.len()];
            dispatch(
                isa,
                Pointwise {
                    function,
                    values,
                    out,
                },
            );
        });
    };
    // SAFETY: the kernel writes an element for each of `values`, and there are as many.
    unsafe { written_like(x.layout(), write) }.map(Some)
}

struct Pointwise<'a> {
    function: Function,
    values: &'a [f32],
    /// As many elements.
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Pointwise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let count = self.values.len().min(self.out.len());
        let (from, to) = (self.values.as_ptr(), self.out.as_mut_ptr().cast::<f32>());
        macro_rules! each {
            ($function:expr) => {
                each_vector!(S, count, |place, some| {
                    // SAFETY: so many elements are in both.
                    unsafe {
                        let x = S::load_some(from.add(place), some);
                        $function.apply(x).store_some(to.add(place), some);
                    }
                })
            };
        }
        match self.function {
            Function::Activation(activation) => {
                with_activation!(activation, CHOSEN => each!(CHOSEN))
            }
            Function::Exp => each!(Function::Exp),
            Function::Erf => each!(Function::Erf),
            Function::Sqrt => each!(Function::Sqrt),
            Function::Rsqrt => each!(Function::Rsqrt),
            Function::Reciprocal => each!(Function::Reciprocal),
            Function::Neg => each!(Function::Neg),
            Function::Abs => each!(Function::Abs),
            Function::Square => each!(Function::Square),
            Function::Cube => each!(Function::Cube),
            Function::Clamp(least, most) => each!(Function::Clamp(least, most)),
            Function::LeakyRelu(slope) => each!(Function::LeakyRelu(slope)),
        }
    }
}
