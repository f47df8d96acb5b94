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
    let count = end.abs_diff(start).div_ceil(step.unsigned_abs());
    let place = |i: u64| start.wrapping_add(step.wrapping_mul(i as i64));
    Tensor::from_iter((0..count).map(place), device)
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
    rounded(count as usize, dtype, device, |i| start + i as f64 * step)
}

/// `torch.linspace`: `steps` numbers from `start` to `end`, both included.
///
/// Integers are truncated, as are the ends if the numbers are integers.
pub fn linspace(
    start: f64,
    end: f64,
    steps: usize,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let (start, end) = if dtype.is_float() {
        (start, end)
    } else {
        (start.trunc(), end.trunc())
    };
    rounded(steps, dtype, device, |i| spaced(start, end, steps, i))
}

/// `torch.logspace`: `base` to the power of each number of [`linspace`].
pub fn logspace(
    start: f64,
    end: f64,
    steps: usize,
    base: f64,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    rounded(steps, dtype, device, |i| {
        base.powf(spaced(start, end, steps, i))
    })
}

/// Number `i` of `steps`, counted from the nearer end, so that both ends are exact.
fn spaced(start: f64, end: f64, steps: usize, i: usize) -> f64 {
    let step = (end - start) / (steps.saturating_sub(1)) as f64;
    if steps == 1 {
        start
    } else if i < steps / 2 {
        start + step * i as f64
    } else {
        end - step * (steps - i - 1) as f64
    }
}

/// `count` numbers of a dtype, computed in f64.
fn rounded(
    count: usize,
    dtype: DType,
    device: &Device,
    number: impl Fn(usize) -> f64,
) -> Result<Tensor> {
    let numbers: Vec<f64> = (0..count).map(number).collect();
    Tensor::from_vec(numbers, count, &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)
}

/// `torch.full`, for any dtype. Halves are rounded from f32, as in PyTorch.
pub fn full(shape: &[usize], value: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    let value = Tensor::new(value, &Device::Cpu)?;
    let value = match dtype {
        DType::F16 | DType::BF16 => value.to_dtype(DType::F32)?,
        _ => value,
    };
    let value = value.to_dtype(dtype)?.to_device(device)?;
    value.broadcast_as(shape)?.contiguous()
}

/// `torch.eye`: ones on the main diagonal of a matrix, zeros elsewhere.
pub fn eye(rows: usize, columns: usize, dtype: DType, device: &Device) -> Result<Tensor> {
    let mut ones = vec![0u8; rows * columns];
    ones.iter_mut()
        .step_by(columns + 1)
        .take(rows.min(columns))
        .for_each(|one| *one = 1);
    Tensor::from_vec(ones, (rows, columns), &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)
}

/// Zeroes what lies above the given diagonal of the last two axes.
pub fn tril(x: &Tensor, diagonal: i64) -> Result<Tensor> {
    keep(x, |row, column| column <= row.saturating_add(diagonal))
}

/// Zeroes what lies below the given diagonal of the last two axes.
pub fn triu(x: &Tensor, diagonal: i64) -> Result<Tensor> {
    keep(x, |row, column| column >= row.saturating_add(diagonal))
}

fn keep(x: &Tensor, kept: impl Fn(i64, i64) -> bool) -> Result<Tensor> {
    let [.., rows, columns] = *x.dims() else {
        candle_core::bail!("a triangle needs two axes, and {:?} has fewer", x.shape())
    };
    let mask: Vec<u8> = places(rows, columns)
        .map(|(row, column)| kept(row, column).into())
        .collect();
    let mask = Tensor::from_vec(mask, (rows, columns), x.device())?;
    mask.broadcast_as(x.shape())?
        .where_cond(x, &x.zeros_like()?)
}

/// `torch.tril_indices`: the places on and below a diagonal, as a row of rows and one of columns.
pub fn tril_indices(rows: usize, columns: usize, offset: i64, device: &Device) -> Result<Tensor> {
    kept_places(rows, columns, device, |row, column| {
        column <= row.saturating_add(offset)
    })
}

/// `torch.triu_indices`: the places on and above a diagonal, as a row of rows and one of columns.
pub fn triu_indices(rows: usize, columns: usize, offset: i64, device: &Device) -> Result<Tensor> {
    kept_places(rows, columns, device, |row, column| {
        column >= row.saturating_add(offset)
    })
}

fn kept_places(
    rows: usize,
    columns: usize,
    device: &Device,
    kept: impl Fn(i64, i64) -> bool,
) -> Result<Tensor> {
    let kept: Vec<(i64, i64)> = places(rows, columns)
        .filter(|&(row, column)| kept(row, column))
        .collect();
    let indices = kept.iter().map(|(row, _)| *row);
    let indices: Vec<i64> = indices
        .chain(kept.iter().map(|(_, column)| *column))
        .collect();
    Tensor::from_vec(indices, (2, kept.len()), device)
}

fn places(rows: usize, columns: usize) -> impl Iterator<Item = (i64, i64)> {
    (0..rows as i64).flat_map(move |row| (0..columns as i64).map(move |column| (row, column)))
}
