//! New tensors.

use candle_core::{DType, Device, Result, Tensor};

/// `torch.arange` of integers: `start`, `start + step`, … before `end`.
///
/// # Errors
/// If the step is zero or leads away from the end, as in PyTorch.
pub fn arange_i64(start: i64, end: i64, step: i64, device: &Device) -> Result<Tensor> {
    if step == 0 || (end > start && step < 0) || (end < start && step > 0) {
        candle_core::bail!("arange: a step of {step} does not lead from {start} to {end}")
    }
    let count = (end - start).unsigned_abs().div_ceil(step.unsigned_abs());
    Tensor::from_iter((0..count as i64).map(|i| start + i * step), device)
}

/// `torch.arange` of floats, each computed in f64 and rounded once.
///
/// # Errors
/// If the step is zero or leads away from the end, as in PyTorch.
pub fn arange(start: f64, end: f64, step: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    let count = ((end - start) / step).ceil();
    if !(count >= 0.0 && count.is_finite()) {
        candle_core::bail!("arange: a step of {step} does not lead from {start} to {end}")
    }
    Tensor::from_iter((0..count as u64).map(|i| start + i as f64 * step), device)?.to_dtype(dtype)
}

/// `torch.full`; also `zeros`, `ones` and their like.
pub fn full(shape: &[usize], value: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    Tensor::full(value, shape, &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)
}

/// Zeroes what lies above the given diagonal of the last two axes.
pub fn tril(x: &Tensor, diagonal: i64) -> Result<Tensor> {
    keep(x, |row, column| column <= row + diagonal)
}

/// Zeroes what lies below the given diagonal of the last two axes.
pub fn triu(x: &Tensor, diagonal: i64) -> Result<Tensor> {
    keep(x, |row, column| column >= row + diagonal)
}

fn keep(x: &Tensor, kept: impl Fn(i64, i64) -> bool) -> Result<Tensor> {
    let [.., rows, columns] = *x.dims() else {
        candle_core::bail!("a triangle needs two axes, and {:?} has fewer", x.shape())
    };
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let mask: Vec<u8> = places
        .map(|(row, column)| kept(row as i64, column as i64).into())
        .collect();
    let mask = Tensor::from_vec(mask, (rows, columns), x.device())?;
    mask.broadcast_as(x.shape())?
        .where_cond(x, &x.zeros_like()?)
}
