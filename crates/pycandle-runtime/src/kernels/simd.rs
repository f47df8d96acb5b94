//! Vectors of f32, with the same operations for every instruction set.

#[cfg(target_arch = "aarch64")]
pub mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
pub mod x86;

use std::ops::{Add, Div, Mul, Neg, Sub};

pub use portable::Portable;

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

    /// Stores the first `count` elements.
    ///
    /// # Safety
    /// `count` elements must be writable, `LANES` at most.
    unsafe fn store_first(self, to: *mut f32, count: usize);

    /// `self * factor + summand`, rounded once, but in [`Portable`] after each operation.
    fn mul_add(self, factor: Self, summand: Self) -> Self;

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

    /// `self` with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;

    /// False where one of both is NaN.
    fn less(self, other: Self) -> Self::Mask;

    /// True where it is NaN.
    fn is_nan(self) -> Self::Mask;

    /// `yes` where the mask holds, else `no`.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    /// The sum of the elements.
    fn sum(self) -> f32;

    /// The largest element; any if one of them is NaN.
    fn largest(self) -> f32;
}
