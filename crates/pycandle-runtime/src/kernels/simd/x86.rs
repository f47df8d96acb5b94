//! Vectors of AVX2 and of AVX-512.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Simd;
use crate::kernels::isa::Kernel;

/// Sixteen f32.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Avx512(__m512);

/// Eight f32.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Avx2(__m256);

/// # Safety
/// The processor must have AVX-512 F, BW, DQ and VL, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
#[inline(never)]
pub unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

/// # Safety
/// The processor must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
pub unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

macro_rules! operators {
    ($vector:ident: $($trait:ident $method:ident $intrinsic:ident),+) => {$(
        impl $trait for $vector {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: only `dispatch` names this type, on a processor that has it.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    )+};
}

operators!(Avx512: Add add _mm512_add_ps, Sub sub _mm512_sub_ps, Mul mul _mm512_mul_ps,
    Div div _mm512_div_ps);
operators!(Avx2: Add add _mm256_add_ps, Sub sub _mm256_sub_ps, Mul mul _mm256_mul_ps,
    Div div _mm256_div_ps);

impl Neg for Avx512 {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: only `dispatch` names this type, on a processor that has it.
        Self(unsafe { _mm512_xor_ps(self.0, _mm512_set1_ps(-0.0)) })
    }
}

impl Neg for Avx2 {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_xor_ps(self.0, _mm256_set1_ps(-0.0)) })
    }
}

// SAFETY of all blocks in both implementations: only `dispatch` names these types, on a processor
// that has their instructions; what pointers point to is the caller's promise.
impl Simd for Avx512 {
    const LANES: usize = 16;
    // Of 32 registers, 28 hold the tile, two a row of the right matrix, one an element of the left.
    const TILE_ROWS: usize = 14;
    const TILE_VECTORS: usize = 2;
    type Mask = __mmask16;

    #[inline(always)]
    fn apart<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: see above.
        unsafe { run_avx512(kernel) }
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to, self.0) };
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mask = ((1u32 << count) - 1) as __mmask16;
        // SAFETY: see above; masked elements are not touched.
        Self(unsafe { _mm512_maskz_loadu_ps(mask, from) })
    }

    #[inline(always)]
    unsafe fn load_first_or(from: *const f32, count: usize, other: Self) -> Self {
        let mask = ((1u32 << count) - 1) as __mmask16;
        // SAFETY: see above; masked elements are not touched.
        Self(unsafe { _mm512_mask_loadu_ps(other.0, mask, from) })
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let mask = ((1u32 << count) - 1) as __mmask16;
        // SAFETY: see above; masked elements are not touched.
        unsafe { _mm512_mask_storeu_ps(to, mask, self.0) };
    }

    #[inline(always)]
    fn prefetch(from: *const f32) {
        // SAFETY: see above; nothing is read, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, summand.0) })
    }

    #[inline(always)]
    fn quotient(self, divisor: Self) -> Self {
        // The processor's division takes four times as long.
        // SAFETY: see above.
        Self(unsafe {
            let near = _mm512_rcp14_ps(divisor.0);
            let missing = _mm512_fnmadd_ps(divisor.0, near, _mm512_set1_ps(1.0));
            _mm512_mul_ps(self.0, _mm512_fmadd_ps(near, missing, near))
        })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_abs_ps(self.0) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_sqrt_ps(self.0) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: see above.
        Self(unsafe {
            _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)
        })
    }

    #[inline(always)]
    fn exp2_whole(self) -> Self {
        // SAFETY: see above.
        Self(unsafe {
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        })
    }

    #[inline(always)]
    fn times_exp2(self, exponent: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_scalef_ps(self.0, exponent.0) })
    }

    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe {
            let bit = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(bit, self.0), _mm512_and_ps(bit, sign.0))
        })
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn is_nan(self) -> Self::Mask {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0) }
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_mask_blend_ps(mask, no.0, yes.0) })
    }

    #[inline(always)]
    unsafe fn transpose(from: (*const f32, usize), to: (*mut f32, usize)) {
        /// Quarters 0 and 2 of both vectors.
        const EVEN: i32 = 0b10_00_10_00;
        /// Quarters 1 and 3 of both vectors.
        const ODD: i32 = 0b11_01_11_01;
        // SAFETY: see above.
        unsafe {
            // Pairs, then fours of rows, within each quarter of a vector.
            let mut fours = [[_mm512_setzero_ps(); 4]; 4];
            for (k, fours) in fours.iter_mut().enumerate() {
                let first = from.0.add(4 * k * from.1);
                let (a, b) = (Self::load(first).0, Self::load(first.add(from.1)).0);
                let (c, d) = (
                    Self::load(first.add(2 * from.1)).0,
                    Self::load(first.add(3 * from.1)).0,
                );
                let low = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
                let high = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
                *fours = [
                    _mm512_shuffle_ps::<0b01_00_01_00>(low.0, low.1),
                    _mm512_shuffle_ps::<0b11_10_11_10>(low.0, low.1),
                    _mm512_shuffle_ps::<0b01_00_01_00>(high.0, high.1),
                    _mm512_shuffle_ps::<0b11_10_11_10>(high.0, high.1),
                ];
            }
            // Then the quarters.
            for k in 0..4 {
                let [a, b, c, d] = [fours[0][k], fours[1][k], fours[2][k], fours[3][k]];
                let even = (
                    _mm512_shuffle_f32x4::<EVEN>(a, b),
                    _mm512_shuffle_f32x4::<EVEN>(c, d),
                );
                let odd = (
                    _mm512_shuffle_f32x4::<ODD>(a, b),
                    _mm512_shuffle_f32x4::<ODD>(c, d),
                );
                let rows = [
                    _mm512_shuffle_f32x4::<EVEN>(even.0, even.1),
                    _mm512_shuffle_f32x4::<EVEN>(odd.0, odd.1),
                    _mm512_shuffle_f32x4::<ODD>(even.0, even.1),
                    _mm512_shuffle_f32x4::<ODD>(odd.0, odd.1),
                ];
                for (quarter, row) in rows.into_iter().enumerate() {
                    _mm512_storeu_ps(to.0.add((4 * quarter + k) * to.1), row);
                }
            }
        }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: see above.
        unsafe { _mm512_reduce_add_ps(self.0) }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: see above.
        unsafe { _mm512_reduce_max_ps(self.0) }
    }
}

impl Avx2 {
    /// All bits of the first `count` elements.
    #[inline(always)]
    fn first(count: usize) -> __m256i {
        // SAFETY: see above.
        unsafe {
            let places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), places)
        }
    }
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    // Of 16 registers, 12 hold the tile, two a row of the right matrix, one an element of the left.
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 2;
    type Mask = __m256;

    #[inline(always)]
    fn apart<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: see above.
        unsafe { run_avx2(kernel) }
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_set1_ps(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see above.
        unsafe { _mm256_storeu_ps(to, self.0) };
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: see above; masked elements are not touched.
        Self(unsafe { _mm256_maskload_ps(from, Self::first(count)) })
    }

    #[inline(always)]
    unsafe fn load_first_or(from: *const f32, count: usize, other: Self) -> Self {
        let mask = Self::first(count);
        // SAFETY: see above; masked elements are not touched.
        Self(unsafe {
            let loaded = _mm256_maskload_ps(from, mask);
            _mm256_blendv_ps(other.0, loaded, _mm256_castsi256_ps(mask))
        })
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: see above; masked elements are not touched.
        unsafe { _mm256_maskstore_ps(to, Self::first(count), self.0) };
    }

    #[inline(always)]
    fn prefetch(from: *const f32) {
        // SAFETY: see above; nothing is read, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, summand.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_sqrt_ps(self.0) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: see above.
        Self(unsafe {
            _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)
        })
    }

    #[inline(always)]
    fn exp2_whole(self) -> Self {
        // SAFETY: see above.
        Self(unsafe {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(self.0), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
        })
    }

    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe {
            let bit = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(bit, self.0), _mm256_and_ps(bit, sign.0))
        })
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        // SAFETY: see above.
        unsafe { _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn is_nan(self) -> Self::Mask {
        // SAFETY: see above.
        unsafe { _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0) }
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_blendv_ps(no.0, yes.0, mask) })
    }

    #[inline(always)]
    unsafe fn transpose(from: (*const f32, usize), to: (*mut f32, usize)) {
        // SAFETY: see above.
        unsafe {
            // Pairs, then fours of rows, within each half of a vector.
            let mut fours = [[_mm256_setzero_ps(); 4]; 2];
            for (k, fours) in fours.iter_mut().enumerate() {
                let first = from.0.add(4 * k * from.1);
                let (a, b) = (Self::load(first).0, Self::load(first.add(from.1)).0);
                let (c, d) = (
                    Self::load(first.add(2 * from.1)).0,
                    Self::load(first.add(3 * from.1)).0,
                );
                let low = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
                let high = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
                *fours = [
                    _mm256_shuffle_ps::<0b01_00_01_00>(low.0, low.1),
                    _mm256_shuffle_ps::<0b11_10_11_10>(low.0, low.1),
                    _mm256_shuffle_ps::<0b01_00_01_00>(high.0, high.1),
                    _mm256_shuffle_ps::<0b11_10_11_10>(high.0, high.1),
                ];
            }
            // Then the halves.
            for k in 0..4 {
                let (a, b) = (fours[0][k], fours[1][k]);
                let low = _mm256_permute2f128_ps::<0x20>(a, b);
                _mm256_storeu_ps(to.0.add(k * to.1), low);
                let high = _mm256_permute2f128_ps::<0x31>(a, b);
                _mm256_storeu_ps(to.0.add((4 + k) * to.1), high);
            }
        }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: see above.
        unsafe {
            let half = _mm_add_ps(
                _mm256_castps256_ps128(self.0),
                _mm256_extractf128_ps::<1>(self.0),
            );
            let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)))
        }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: see above.
        unsafe {
            let half = _mm_max_ps(
                _mm256_castps256_ps128(self.0),
                _mm256_extractf128_ps::<1>(self.0),
            );
            let quarter = _mm_max_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_max_ss(quarter, _mm_movehdup_ps(quarter)))
        }
    }
}
