//! Vectors of f32, with the same operations for every instruction set.

#[cfg(target_arch = "aarch64")]
pub mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
pub mod x86;

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::isa::Kernel;
pub use portable::Portable;

/// No vector has more elements.
pub const MOST_LANES: usize = 16;

/// A vector of `LANES` f32.
///
/// Its operations are compiled to single instructions only within [`dispatch`](super::isa::dispatch).
/// Implementations but for [`Portable`] must not be used on a processor without the instructions,
/// which is why nothing but `dispatch` names them.
pub trait Simd:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    const LANES: usize;
    /// How many rows a tile of a matrix product has at most, with [`TILE_VECTORS`](Self::TILE_VECTORS)
    /// vectors in each row, so that all of them stay in registers.
    const TILE_ROWS: usize;
    /// How many vectors wide such a tile is.
    const TILE_VECTORS: usize;
    /// What a comparison gives.
    type Mask: Copy;

    /// Runs a kernel in a function of its own, so that the code around it takes no registers from it.
    fn apart<K: Kernel>(kernel: K) -> K::Output;

    fn splat(x: f32) -> Self;

    /// # Safety
    /// `LANES` elements must be readable.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// `LANES` elements must be writable.
    unsafe fn store(self, to: *mut f32);

    /// The first `count` elements, and zeros.
    ///
    /// # Safety
    /// `count` elements must be readable, `LANES` at most.
    unsafe fn load_first(from: *const f32, count: usize) -> Self;

    /// The first `count` elements, and those of `other` in place of the rest.
    ///
    /// # Safety
    /// `count` elements must be readable, `LANES` at most.
    #[inline(always)]
    unsafe fn load_first_or(from: *const f32, count: usize, other: Self) -> Self {
        let mut values = [0.0; MOST_LANES];
        // SAFETY: the array has as many elements as any vector; the rest is the caller's promise.
        unsafe {
            other.store(values.as_mut_ptr());
            std::ptr::copy_nonoverlapping(from, values.as_mut_ptr(), count);
            Self::load(values.as_ptr())
        }
    }

    /// Stores the first `count` elements.
    ///
    /// # Safety
    /// `count` elements must be writable, `LANES` at most.
    unsafe fn store_first(self, to: *mut f32, count: usize);

    /// The first `count` elements, and zeros; as fast as [`load`](Self::load) if those are all.
    ///
    /// # Safety
    /// `count` elements must be readable, `LANES` at most.
    #[inline(always)]
    unsafe fn load_some(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            if count == Self::LANES {
                Self::load(from)
            } else {
                Self::load_first(from, count)
            }
        }
    }

    /// Stores the first `count` elements; as fast as [`store`](Self::store) if those are all.
    ///
    /// # Safety
    /// `count` elements must be writable, `LANES` at most.
    #[inline(always)]
    unsafe fn store_some(self, to: *mut f32, count: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            if count == Self::LANES {
                self.store(to);
            } else {
                self.store_first(to, count);
            }
        }
    }

    /// Asks for a cache line that will be read soon; it need not be one of a live object.
    #[inline(always)]
    fn prefetch(_from: *const f32) {}

    /// `self * factor + summand`, rounded once, but in [`Portable`] after each operation.
    fn mul_add(self, factor: Self, summand: Self) -> Self;

    /// `self / divisor` of a divisor from 1 to 2⁶⁰, within two units of the last place.
    #[inline(always)]
    fn quotient(self, divisor: Self) -> Self {
        self / divisor
    }

    /// The larger of two; `other` where one of them is NaN.
    fn max(self, other: Self) -> Self;

    /// The smaller of two; `other` where one of them is NaN.
    fn min(self, other: Self) -> Self;

    fn abs(self) -> Self;

    fn sqrt(self) -> Self;

    /// To the nearest whole number, of two the even one.
    fn round(self) -> Self;

    /// `2^self` of a whole number from -126 to 127.
    fn exp2_whole(self) -> Self;

    /// `self * 2^exponent` of a whole number from -252 to 254, rounded once where `self` is between
    /// 0.5 and 2.
    #[inline(always)]
    fn times_exp2(self, exponent: Self) -> Self {
        let half = (exponent * Self::splat(0.5)).round();
        self * half.exp2_whole() * (exponent - half).exp2_whole()
    }

    /// `self` with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;

    /// False where one of both is NaN.
    fn less(self, other: Self) -> Self::Mask;

    /// True where it is NaN.
    fn is_nan(self) -> Self::Mask;

    /// `yes` where the mask holds, else `no`.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    /// Copies a square of `LANES` rows and columns with both exchanged; `from` and `to` come with the
    /// distance of their rows.
    ///
    /// # Safety
    /// `LANES` rows of `LANES` elements must be readable and writable.
    #[inline(always)]
    unsafe fn transpose(from: (*const f32, usize), to: (*mut f32, usize)) {
        for row in 0..Self::LANES {
            for column in 0..Self::LANES {
                // SAFETY: the caller's promise.
                unsafe { *to.0.add(row * to.1 + column) = *from.0.add(row + column * from.1) };
            }
        }
    }

    /// The sum of the elements.
    fn sum(self) -> f32;

    /// The largest element; any if one of them is NaN.
    fn largest(self) -> f32;
}

/// `$body` for the vectors of `$length` elements, with where each begins and how many elements it has.
///
/// A closure in its place could not be `#[inline(always)]`.
macro_rules! each_vector {
    ($vector:ty, $length:expr, |$place:ident, $count:ident| $body:expr) => {{
        let length: usize = $length;
        let lanes = <$vector as $crate::kernels::simd::Simd>::LANES;
        let mut place = 0;
        while place + lanes <= length {
            let ($place, $count) = (place, lanes);
            $body;
            place += lanes;
        }
        if place < length {
            let ($place, $count) = (place, length - place);
            $body;
        }
    }};
}
pub(crate) use each_vector;
