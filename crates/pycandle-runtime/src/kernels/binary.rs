//! Arithmetic of two tensors that broadcast together.

use candle_core::{Result, Tensor};

use super::formula::{Formula, Side, formula};
use super::simd::Simd;

/// What is computed of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    /// The larger one; NaN if either is.
    Maximum,
    /// The smaller one; NaN if either is.
    Minimum,
}

impl Operator {
    #[inline(always)]
    pub fn apply<S: Simd>(self, a: S, b: S) -> S {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Maximum => S::select(a.is_nan(), a, a.max(b)),
            Self::Minimum => S::select(a.is_nan(), a, a.min(b)),
        }
    }
}

/// `a operator b` of tensors whose shapes broadcast together, or of one and a number.
///
/// # Errors
/// Those of [`formula`].
pub fn binary(operator: Operator, sides: [Side; 2]) -> Result<Option<Tensor>> {
    macro_rules! each {
        ($($name:ident),+) => {{
            // An operator that is a type is chosen once, and not in the loop.
            $(
                #[derive(Clone, Copy)]
                struct $name;
                impl Formula for $name {
                    #[inline(always)]
                    fn nanoseconds(self) -> f64 {
                        0.0
                    }

                    #[inline(always)]
                    fn of<S: Simd, const N: usize>(self, elements: &[S; N]) -> S {
                        Operator::$name.apply(elements[0], elements[1])
                    }
                }
            )+
            match operator {
                $(Operator::$name => formula($name, sides),)+
            }
        }};
    }
    each!(Add, Sub, Mul, Div, Maximum, Minimum)
}
