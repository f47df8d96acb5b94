//! Fast kernels for f32 tensors on the CPU.
//!
//! Each computes what a function of [`crate::ops`] computes by its reference path, over slices of
//! the tensors' elements, and gives `None` for what it does not take: another dtype or device, or a
//! layout that it was not written for. The reference path then runs, as it does everywhere with
//! `PYCANDLE_KERNELS=reference`.
//!
//! A kernel is written once, over the vectors of [`simd::Simd`], and compiled for every instruction
//! set of [`Isa`]; which of them runs is found out on the machine.
//! Kernels must not know layers, models or checkers.

#![allow(
    unsafe_code,
    reason = "vectors of the processor are loaded and stored through pointers"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "loops over registers count places in several arrays"
)]

pub mod attention;
pub mod binary;
pub mod channels;
pub mod conv;
pub mod copy;
pub mod elements;
pub mod epilogue;
pub mod formula;
pub mod gather;
pub mod gemm;
pub mod isa;
pub mod kept;
pub mod math;
pub mod memory;
pub mod normalize;
pub mod panels;
pub mod pointwise;
pub mod pool;
pub mod product;
pub mod recurrent;
pub mod simd;
pub mod softmax;
pub mod sums;
pub mod threads;
mod tile;
pub mod walk;
pub mod winograd;

use candle_core::{DType, Result, Tensor};

pub use epilogue::{Activation, Epilogue};
pub use isa::{Isa, Kernels, with_kernels};

/// Whether there are kernels for a tensor's dtype and device, and they are not switched off.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn takes(x: &Tensor) -> Result<bool> {
    Ok(x.dtype() == DType::F32 && x.device().is_cpu() && isa::isa()?.is_some())
}
