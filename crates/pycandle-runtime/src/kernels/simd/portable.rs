//! Vectors that every processor has, which the compiler maps to what the target offers.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Simd;
use crate::kernels::isa::Kernel;

const LANES: usize = 8;

/// Eight f32 in an array.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
pub struct Portable([f32; LANES]);

#[inline(never)]
fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Portable>()
}

impl Portable {
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|k| f(self.0[k], other.0[k])))
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $operator:tt),+) => {$(
        impl $trait for Portable {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a $operator b)
            }
        }
    )+};
}

operators!(Add add +, Sub sub -, Mul mul *, Div div /);

impl Neg for Portable {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|x| -x)
    }
}

impl Simd for Portable {
    const LANES: usize = LANES;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 2;
    type Mask = [bool; LANES];

    #[inline(always)]
    fn apart<K: Kernel>(kernel: K) -> K::Output {
        run(kernel)
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; an array of f32 is aligned as they are.
        Self(unsafe { *from.cast::<[f32; LANES]>() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { *to.cast::<[f32; LANES]>() = self.0 };
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut values = [0.0; LANES];
        for (k, value) in values.iter_mut().enumerate().take(count) {
            // SAFETY: the caller's promise.
            *value = unsafe { *from.add(k) };
        }
        Self(values)
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        for (k, value) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: the caller's promise.
            unsafe { *to.add(k) = value };
        }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // Where no instruction does both, `f32::mul_add` is a slow library call.
        self * factor + summand
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.map(f32::abs)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.map(f32::sqrt)
    }

    #[inline(always)]
    fn round(self) -> Self {
        // Adding and taking off what has no digits after the point leaves none; larger ones have
        // none anyway.
        const WHOLE: f32 = 12_582_912.0;
        self.map(|x| {
            let rounded = (x + WHOLE) - WHOLE;
            if x.abs() < 4_194_304.0 { rounded } else { x }
        })
    }

    #[inline(always)]
    fn exp2_whole(self) -> Self {
        // What is no such number wraps, and its result is not used.
        self.map(|x| f32::from_bits(((x as i32).wrapping_add(127) << 23) as u32))
    }

    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        self.zip(sign, f32::copysign)
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        std::array::from_fn(|k| self.0[k] < other.0[k])
    }

    #[inline(always)]
    fn is_nan(self) -> Self::Mask {
        self.0.map(f32::is_nan)
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|k| {
            if mask[k] { yes.0[k] } else { no.0[k] }
        }))
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        self.0.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}
