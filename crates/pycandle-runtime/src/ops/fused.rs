//! Several functions of each element in one loop.

use std::ops::{Add, Div, Mul, Neg, Sub};

use candle_core::{Result, Tensor};

use super::activation::*;
use super::arithmetic::*;
use super::math::*;
use super::promote::Operand;
use crate::kernels::binary::Operator;
use crate::kernels::formula::{Formula, Side, formula};
use crate::kernels::math as kernel;
use crate::kernels::simd::Simd;

/// What a formula gives for each element of tensors that broadcast together:
/// `fused((&x, &gate), |(x, gate)| x * gate.sigmoid())`.
///
/// It is what the functions of [`ops`](crate::ops) of these names give one after another, and
/// [`ops::add`](super::add) and its kin for operators, of every dtype and on every device. For f32
/// on the CPU one loop computes it, and makes no tensor in between.
///
/// # Errors
/// If the shapes do not broadcast together, and those of the functions.
pub fn fused<T: Tensors, F: Term>(
    tensors: T,
    formula: impl FnOnce(T::Inputs) -> Each<F>,
) -> Result<Tensor> {
    tensors.compute(formula(T::Inputs::default()).0)
}

/// A part of a formula, which operators and functions make others of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Each<F>(F);

/// What a part of a formula is.
pub trait Term: Formula {
    /// What it is of whole tensors, one function after another.
    ///
    /// # Errors
    /// Those of the functions.
    fn tensor(self, inputs: &[&Tensor]) -> Result<Tensor>;
}

/// The `K`-th of the tensors.
#[derive(Debug, Clone, Copy, Default)]
pub struct Input<const K: usize>;

impl<const K: usize> Formula for Input<K> {
    fn nanoseconds(self) -> f64 {
        0.0
    }

    #[inline(always)]
    fn of<S: Simd, const N: usize>(self, elements: &[S; N]) -> S {
        elements[K]
    }
}

impl<const K: usize> Term for Input<K> {
    fn tensor(self, inputs: &[&Tensor]) -> Result<Tensor> {
        Ok(inputs[K].clone())
    }
}

/// Tuples of one to eight tensors.
pub trait Tensors {
    /// As many [`Input`]s.
    type Inputs: Default;

    /// What a formula gives for them.
    ///
    /// # Errors
    /// If the shapes do not broadcast together, and those of the formula's functions.
    fn compute(self, term: impl Term) -> Result<Tensor>;
}

macro_rules! tensors {
    ($($($place:literal $name:ident),+;)+) => {$(
        impl Tensors for ($(tensors!(@tensor $name),)+) {
            type Inputs = ($(Each<Input<$place>>,)+);

            fn compute(self, term: impl Term) -> Result<Tensor> {
                let ($($name,)+) = self;
                let inputs = [$($name),+];
                match formula(term, inputs.map(|x| Side::Tensor(x.clone())))? {
                    Some(y) => Ok(y),
                    None => term.tensor(&inputs),
                }
            }
        }
    )+};
    (@tensor $name:ident) => { &Tensor };
}

tensors! {
    0 a;
    0 a, 1 b;
    0 a, 1 b, 2 c;
    0 a, 1 b, 2 c, 3 d;
    0 a, 1 b, 2 c, 3 d, 4 e;
    0 a, 1 b, 2 c, 3 d, 4 e, 5 f;
    0 a, 1 b, 2 c, 3 d, 4 e, 5 f, 6 g;
    0 a, 1 b, 2 c, 3 d, 4 e, 5 f, 6 g, 7 h;
}

/// An operator between two parts.
#[derive(Debug, Clone, Copy)]
pub struct Between<O, A, B>(O, A, B);

/// An operator between a part and a number after it.
#[derive(Debug, Clone, Copy)]
pub struct NumberAfter<O, A>(O, A, f64);

/// An operator between a number and a part after it.
#[derive(Debug, Clone, Copy)]
pub struct NumberBefore<O, B>(O, f64, B);

/// An operator as a type, so that it is compiled into the loop.
pub trait Sign: Copy + Sync {
    const OPERATOR: Operator;

    /// # Errors
    /// Those of the function of [`ops`](crate::ops).
    fn tensor(a: Operand<'_>, b: Operand<'_>) -> Result<Tensor>;
}

/// How long an operator takes for an element, beside what it is applied to.
const NANOSECONDS: f64 = 0.02;

impl<O: Sign, A: Formula, B: Formula> Formula for Between<O, A, B> {
    fn nanoseconds(self) -> f64 {
        self.1.nanoseconds() + self.2.nanoseconds() + NANOSECONDS
    }

    #[inline(always)]
    fn of<S: Simd, const N: usize>(self, elements: &[S; N]) -> S {
        O::OPERATOR.apply(self.1.of(elements), self.2.of(elements))
    }
}

impl<O: Sign, A: Term, B: Term> Term for Between<O, A, B> {
    fn tensor(self, inputs: &[&Tensor]) -> Result<Tensor> {
        let (a, b) = (self.1.tensor(inputs)?, self.2.tensor(inputs)?);
        O::tensor((&a).into(), (&b).into())
    }
}

impl<O: Sign, A: Formula> Formula for NumberAfter<O, A> {
    fn nanoseconds(self) -> f64 {
        self.1.nanoseconds() + NANOSECONDS
    }

    #[inline(always)]
    fn of<S: Simd, const N: usize>(self, elements: &[S; N]) -> S {
        O::OPERATOR.apply(self.1.of(elements), S::splat(self.2 as f32))
    }
}

impl<O: Sign, A: Term> Term for NumberAfter<O, A> {
    fn tensor(self, inputs: &[&Tensor]) -> Result<Tensor> {
        O::tensor((&self.1.tensor(inputs)?).into(), self.2.into())
    }
}

impl<O: Sign, B: Formula> Formula for NumberBefore<O, B> {
    fn nanoseconds(self) -> f64 {
        self.2.nanoseconds() + NANOSECONDS
    }

    #[inline(always)]
    fn of<S: Simd, const N: usize>(self, elements: &[S; N]) -> S {
        O::OPERATOR.apply(S::splat(self.1 as f32), self.2.of(elements))
    }
}

impl<O: Sign, B: Term> Term for NumberBefore<O, B> {
    fn tensor(self, inputs: &[&Tensor]) -> Result<Tensor> {
        O::tensor(self.1.into(), (&self.2.tensor(inputs)?).into())
    }
}

macro_rules! signs {
    ($($name:ident: $sign:ident $method:ident;)+) => {$(
        #[doc = concat!("[`ops::", stringify!($method), "`](super::", stringify!($method), ")")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Sign for $name {
            const OPERATOR: Operator = Operator::$sign;

            fn tensor(a: Operand<'_>, b: Operand<'_>) -> Result<Tensor> {
                super::$method(a, b)
            }
        }

        impl<A, B> $sign<Each<B>> for Each<A> {
            type Output = Each<Between<$name, A, B>>;

            fn $method(self, other: Each<B>) -> Self::Output {
                Each(Between($name, self.0, other.0))
            }
        }

        impl<A> $sign<f64> for Each<A> {
            type Output = Each<NumberAfter<$name, A>>;

            fn $method(self, other: f64) -> Self::Output {
                Each(NumberAfter($name, self.0, other))
            }
        }

        impl<B> $sign<Each<B>> for f64 {
            type Output = Each<NumberBefore<$name, B>>;

            fn $method(self, other: Each<B>) -> Self::Output {
                Each(NumberBefore($name, self, other.0))
            }
        }
    )+};
}

signs! {
    Plus: Add add;
    Minus: Sub sub;
    Times: Mul mul;
    Over: Div div;
}

/// A function of a part.
#[derive(Debug, Clone, Copy)]
pub struct Of<F, A>(F, A);

/// A function as a type, so that it alone is compiled into the loop.
pub trait Unary: Copy + Sync {
    /// About how long one element takes.
    const NANOSECONDS: f64;

    fn apply<S: Simd>(self, x: S) -> S;

    /// # Errors
    /// Those of the function of [`ops`](crate::ops).
    fn tensor(self, x: &Tensor) -> Result<Tensor>;
}

impl<F: Unary, A: Formula> Formula for Of<F, A> {
    fn nanoseconds(self) -> f64 {
        F::NANOSECONDS + self.1.nanoseconds()
    }

    #[inline(always)]
    fn of<S: Simd, const N: usize>(self, elements: &[S; N]) -> S {
        self.0.apply(self.1.of(elements))
    }
}

impl<F: Unary, A: Term> Term for Of<F, A> {
    fn tensor(self, inputs: &[&Tensor]) -> Result<Tensor> {
        self.0.tensor(&self.1.tensor(inputs)?)
    }
}

macro_rules! functions {
    ($($time:literal $name:ident: $type:ident $(($($number:ident),+))? is |$x:ident| $y:expr;)+) => {
        $(
            #[doc = concat!("[`ops::", stringify!($name), "`](super::", stringify!($name), ")")]
            #[derive(Debug, Clone, Copy)]
            pub struct $type $(($(functions!(@f64 $number)),+))?;

            impl Unary for $type {
                const NANOSECONDS: f64 = $time;

                #[inline(always)]
                fn apply<S: Simd>(self, $x: S) -> S {
                    $(let Self($($number),+) = self;)?
                    $y
                }

                fn tensor(self, x: &Tensor) -> Result<Tensor> {
                    $(let Self($($number),+) = self;)?
                    $name(x $($(, $number)+)?)
                }
            }
        )+

        impl<A> Each<A> {
            $(
                #[doc = concat!("[`ops::", stringify!($name), "`](super::", stringify!($name), ")")]
                pub fn $name(self $($(, $number: f64)+)?) -> Each<Of<$type, A>> {
                    Each(Of($type $(($($number),+))?, self.0))
                }
            )+
        }
    };
    (@f64 $number:ident) => { f64 };
}

functions! {
    0.02 abs: Abs is |x| x.abs();
    0.02 clamp: Clamp(least, most) is |x| kernel::clamp(x, least as f32, most as f32);
    0.02 cube: Cube is |x| x * x * x;
    0.4 erf: Erf is |x| kernel::erf(x);
    0.4 exp: Exp is |x| kernel::exp(x);
    0.4 gelu: Gelu is |x| kernel::gelu(x);
    0.4 gelu_tanh: GeluTanh is |x| kernel::gelu_tanh(x);
    0.05 hardsigmoid: Hardsigmoid is |x| kernel::hardsigmoid(x);
    0.05 hardswish: Hardswish is |x| kernel::hardswish(x);
    0.02 leaky_relu: LeakyRelu(slope) is |x| kernel::leaky_relu(x, slope as f32);
    0.02 neg: Negative is |x| -x;
    0.1 reciprocal: Reciprocal is |x| S::splat(1.0) / x;
    0.02 relu: Relu is |x| kernel::relu(x);
    0.02 relu6: Relu6 is |x| kernel::relu6(x);
    0.2 rsqrt: Rsqrt is |x| S::splat(1.0) / x.sqrt();
    0.4 sigmoid: Sigmoid is |x| kernel::sigmoid(x);
    0.4 silu: Silu is |x| kernel::silu(x);
    0.1 sqrt: Sqrt is |x| x.sqrt();
    0.02 square: Square is |x| x * x;
    0.4 tanh: Tanh is |x| kernel::tanh(x);
}

impl<A> Neg for Each<A> {
    type Output = Each<Of<Negative, A>>;

    fn neg(self) -> Self::Output {
        Each(Of(Negative, self.0))
    }
}
