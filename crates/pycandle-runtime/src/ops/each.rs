//! Loops over the elements of tensors that broadcast together.
//!
//! Floats are computed in f64 and rounded once, integers in i64 and wrapped into their dtype, so
//! each function is written once and is at least as exact as PyTorch's in every dtype.
//! All functions of as many operands share one loop, which calls them, so that they add little to
//! the time that a build takes.
//! What lies on another device than the CPU travels through the host.

use std::array::from_fn;

use candle_core::{DType, Device, Result, Storage, Tensor, WithDType};

use super::promote::{Operand, float_type, in_compute_type, in_dtype, result_type};

/// `f` of each element, in the operands' result type; integers give f32.
pub(crate) fn floats<const N: usize>(
    operands: [Operand<'_>; N],
    f: impl Fn([f64; N]) -> f64,
) -> Result<Tensor> {
    simple_floats(operands, &f as &dyn Fn([f64; N]) -> f64)
}

/// An intermediate result as PyTorch has it, which computes in f32 but for f64: infinite where that
/// overflows.
pub(crate) fn overflowing(dtype: DType, x: f64) -> f64 {
    let fits = dtype == DType::F64 || x.abs() <= f32::MAX.into();
    if fits { x } else { x * f64::INFINITY }
}

/// [`floats`] in a loop of its own, for an `f` that takes less time than a call.
pub(crate) fn simple_floats<const N: usize>(
    operands: [Operand<'_>; N],
    f: impl Fn([f64; N]) -> f64,
) -> Result<Tensor> {
    let dtype = float_type(result_type(&operands));
    let result = match dtype {
        DType::F64 => map(in_dtype(operands, DType::F64)?, f)?,
        _ => map(in_compute_type(operands, dtype)?, |x: [f32; N]| {
            f(x.map(f64::from)) as f32
        })?,
    };
    result.to_dtype(dtype)
}

/// `f` of each element of integer tensors, modulo the size of their result type.
///
/// # Errors
/// For floats.
pub(crate) fn integers<const N: usize>(
    operands: [Operand<'_>; N],
    f: impl Fn([i64; N]) -> i64,
) -> Result<Tensor> {
    let dtype = result_type(&operands);
    if dtype.is_float() {
        candle_core::bail!("this operator takes integers, not {dtype:?}")
    }
    // Numbers wrap into the result type too before anything is computed.
    let tensors = in_dtype(operands, dtype)?;
    let wide = in_dtype(tensors.each_ref().map(Operand::Tensor), DType::I64)?;
    map(wide, &f as &dyn Fn([i64; N]) -> i64)?.to_dtype(dtype)
}

/// Where `f` holds, as u8 zeros and ones.
pub(crate) fn tests<const N: usize>(
    operands: [Operand<'_>; N],
    f: impl Fn([f64; N]) -> bool,
) -> Result<Tensor> {
    let f = &f as &dyn Fn([f64; N]) -> bool;
    let dtype = float_type(result_type(&operands));
    match dtype {
        DType::F64 => map(in_dtype(operands, DType::F64)?, |x: [f64; N]| {
            u8::from(f(x))
        }),
        _ => map(in_compute_type(operands, dtype)?, |x: [f32; N]| {
            u8::from(f(x.map(f64::from)))
        }),
    }
}

/// `f` of each element of tensors of the dtype `T`, a contiguous tensor of the dtype `U`.
pub(crate) fn map<T: WithDType, U: WithDType, const N: usize>(
    tensors: [Tensor; N],
    f: impl Fn([T; N]) -> U,
) -> Result<Tensor> {
    let mut shape = tensors[0].shape().clone();
    for x in &tensors[1..] {
        shape = shape.broadcast_shape_binary_op(x.shape(), "elementwise")?;
    }
    let (count, device) = (shape.elem_count(), tensors[0].device());
    let tensors: Vec<Tensor> = tensors
        .iter()
        .map(|x| {
            // A single element is read again and again, and takes no copies.
            if x.elem_count() == 1 {
                x.to_device(&Device::Cpu)?.contiguous()
            } else {
                let x = x.broadcast_as(&shape)?.contiguous()?;
                x.to_device(&Device::Cpu)
            }
        })
        .collect::<Result<_>>()?;
    let stored: Vec<_> = tensors.iter().map(Tensor::storage_and_layout).collect();
    let mut slices: [&[T]; N] = [&[]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&stored) {
        let Storage::Cpu(storage) = &**storage else {
            candle_core::bail!("the elements are not on the CPU")
        };
        let start = layout.start_offset();
        *slice = &storage.as_slice::<T>()?[start..start + layout.shape().elem_count()];
    }
    let values: Vec<U> = if slices.iter().all(|slice| slice.len() == count) {
        let slices = slices.map(|slice| &slice[..count]);
        (0..count).map(|i| f(from_fn(|k| slices[k][i]))).collect()
    } else {
        let at = |slice: &[T], i: usize| slice[if slice.len() == 1 { 0 } else { i }];
        (0..count)
            .map(|i| f(from_fn(|k| at(slices[k], i))))
            .collect()
    };
    Tensor::from_vec(values, &shape, device)
}
