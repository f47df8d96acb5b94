//! Vectors of AArch64's Advanced SIMD.

use std::arch::aarch64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Simd;
use crate::kernels::isa::Kernel;

const LANES: usize = 4;

/// Four f32.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Neon(float32x4_t);

/// # Safety
/// The processor must have NEON.
#[target_feature(enable = "neon")]
#[inline(never)]
pub unsafe fn run_neon<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Neon>()
}

macro_rules! operators {
    ($($trait:ident $method:ident $intrinsic:ident),+) => {$(
        impl $trait for Neon {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: only `dispatch` names this type, on a processor that has it.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    )+};
}

operators!(Add add vaddq_f32, Sub sub vsubq_f32, Mul mul vmulq_f32, Div div vdivq_f32);

impl Neg for Neon {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { vnegq_f32(self.0) })
    }
}

// SAFETY of all blocks below: only `dispatch` names this type, on a processor that has NEON; what
// pointers point to is the caller's promise.
impl Simd for Neon {
    const LANES: usize = LANES;
    // Of 32 registers, 24 hold the tile, four a row of the right matrix, one an element of the left.
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 4;
    type Mask = uint32x4_t;

    #[inline(always)]
    fn apart<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: see above.
        unsafe { run_neon(kernel) }
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { vdupq_n_f32(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { vld1q_f32(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see above.
        unsafe { vst1q_f32(to, self.0) };
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut values = [0f32; LANES];
        // SAFETY: see above.
        unsafe {
            std::ptr::copy_nonoverlapping(from, values.as_mut_ptr(), count);
            Self::load(values.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let mut values = [0f32; LANES];
        // SAFETY: see above.
        unsafe {
            self.store(values.as_mut_ptr());
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, count);
        }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { vfmaq_f32(summand.0, self.0, factor.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // NEON's own maximum gives NaN where `self` is NaN.
        Self::select(other.less(self), self, other)
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self::select(self.less(other), self, other)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { vabsq_f32(self.0) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { vsqrtq_f32(self.0) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { vrndnq_f32(self.0) })
    }

    #[inline(always)]
    fn exp2_whole(self) -> Self {
        // SAFETY: see above.
        Self(unsafe {
            let biased = vaddq_s32(vcvtnq_s32_f32(self.0), vdupq_n_s32(127));
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(biased))
        })
    }

    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { vbslq_f32(vdupq_n_u32(1 << 31), sign.0, self.0) })
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        // SAFETY: see above.
        unsafe { vcltq_f32(self.0, other.0) }
    }

    #[inline(always)]
    fn is_nan(self) -> Self::Mask {
        // SAFETY: see above.
        unsafe { vmvnq_u32(vceqq_f32(self.0, self.0)) }
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { vbslq_f32(mask, yes.0, no.0) })
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: see above.
        unsafe { vaddvq_f32(self.0) }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: see above.
        unsafe { vmaxvq_f32(self.0) }
    }
}
