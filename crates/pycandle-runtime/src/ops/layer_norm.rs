//! Normalisation over the last axes.

use candle_core::{DType, Result, Tensor};

use super::batch_norm::numbers;
use super::promote::{in_float, sum_dtype};
use super::reduce::mean;
use super::rows;
use crate::kernels::normalize::{Moments, normalize};

/// `torch.nn.functional.layer_norm` over the last `normalized_rank` axes.
///
/// `weight` and `bias` have the shape of those axes.
pub fn layer_norm(
    x: &Tensor,
    normalized_rank: usize,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    let dims = last(x, normalized_rank, [weight, bias])?;
    let kind = Moments::MeanAndVariance;
    if let Some(y) = normalize(x, width(x, &dims), kind, weight, bias, eps)? {
        return Ok(y);
    }
    let (weights, biases) = (host(x, weight)?, host(x, bias)?);
    let row = |x: &[f32], y: &mut [f32]| {
        let (mean, variance) = moments(x);
        let scale = 1.0 / (variance + eps).sqrt();
        write(x, y, &weights, &biases, |x| (x - mean) * scale);
    };
    composed(x, &dims, weight, bias, row, |x, dims| {
        let centered = x.broadcast_sub(&mean(x, dims, true)?)?;
        let variance = mean(&centered.sqr()?, dims, true)?;
        centered.broadcast_div(&(variance + eps)?.sqrt()?)
    })
}

/// [`layer_norm`], and for each row its mean and the reciprocal of its standard deviation.
///
/// Those are f32 where a half meets weights in f32, else of the input's dtype. The mean of a row with
/// an infinity is NaN, as it is of PyTorch's running mean.
pub fn native_layer_norm(
    x: &Tensor,
    normalized_rank: usize,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let y = layer_norm(x, normalized_rank, weight, bias, eps)?;
    let dims = last(x, normalized_rank, [None; 2])?;
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    let average = mean(&wide, &dims, true)?;
    let variance = mean(&wide.broadcast_sub(&average)?.sqr()?, &dims, true)?;
    let scale = (variance + eps)?.sqrt()?.recip()?;
    let given = weight.or(bias).map_or(x.dtype(), Tensor::dtype);
    // What is no number times zero is NaN.
    let average = (&average + (&average * 0.0)?)?;
    Ok((y, average.to_dtype(given)?, scale.to_dtype(given)?))
}

/// `torch.nn.functional.rms_norm` over the last `normalized_rank` axes.
pub fn rms_norm(
    x: &Tensor,
    normalized_rank: usize,
    weight: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    let dims = last(x, normalized_rank, [weight, None])?;
    if let Some(y) = normalize(x, width(x, &dims), Moments::Power, weight, None, eps)? {
        return Ok(y);
    }
    let weights = host(x, weight)?;
    let row = |x: &[f32], y: &mut [f32]| {
        let power = rows::sum(x, |x| x * x) / x.len() as f64;
        let scale = 1.0 / (power + eps).sqrt();
        write(x, y, &weights, &None, |x| x * scale);
    };
    composed(x, &dims, weight, None, row, |x, dims| {
        x.broadcast_mul(&reciprocal_root(x, dims, eps)?)
    })
}

/// [`rms_norm`], and for each row the reciprocal of the root of its mean square.
pub fn fused_rms_norm(
    x: &Tensor,
    normalized_rank: usize,
    weight: Option<&Tensor>,
    eps: f64,
) -> Result<(Tensor, Tensor)> {
    let dims = last(x, normalized_rank, [None; 2])?;
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    // PyTorch keeps the statistics of halves in f32.
    let dtype = if x.dtype() == DType::F64 {
        DType::F64
    } else {
        DType::F32
    };
    let scale = reciprocal_root(&wide, &dims, eps)?.to_dtype(dtype)?;
    Ok((rms_norm(x, normalized_rank, weight, eps)?, scale))
}

fn reciprocal_root(x: &Tensor, dims: &[usize], eps: f64) -> Result<Tensor> {
    (mean(&x.sqr()?, dims, true)? + eps)?.sqrt()?.recip()
}

/// The mean of a row and its variance, in f64.
pub(crate) fn moments(row: &[f32]) -> (f64, f64) {
    let count = row.len() as f64;
    let mean = rows::sum(row, |x| x) / count;
    (mean, rows::sum(row, |x| (x - mean) * (x - mean)) / count)
}

/// A parameter's numbers, where rows are normalised in a loop.
fn host(x: &Tensor, parameter: Option<&Tensor>) -> Result<Option<Vec<f64>>> {
    match parameter {
        Some(parameter) if x.device().is_cpu() => Ok(Some(numbers(parameter)?)),
        _ => Ok(None),
    }
}

/// `f(x) * weight + bias`, rounded once.
fn write(
    x: &[f32],
    y: &mut [f32],
    weight: &Option<Vec<f64>>,
    bias: &Option<Vec<f64>>,
    f: impl Fn(f64) -> f64,
) {
    let pairs = y.iter_mut().zip(x);
    match (weight, bias) {
        (Some(weight), Some(bias)) => {
            for ((y, &x), (weight, bias)) in pairs.zip(weight.iter().zip(bias)) {
                *y = (f(x.into()) * weight + bias) as f32;
            }
        }
        (Some(weight), None) => {
            for ((y, &x), weight) in pairs.zip(weight) {
                *y = (f(x.into()) * weight) as f32;
            }
        }
        (None, Some(bias)) => {
            for ((y, &x), bias) in pairs.zip(bias) {
                *y = (f(x.into()) + bias) as f32;
            }
        }
        (None, None) => {
            for (y, &x) in pairs {
                *y = f(x.into()) as f32;
            }
        }
    }
}

/// The last `rank` axes, whose sizes all parameters have.
fn last(x: &Tensor, rank: usize, parameters: [Option<&Tensor>; 2]) -> Result<Vec<usize>> {
    if rank == 0 || rank > x.rank() {
        candle_core::bail!("cannot normalise {rank} axes of {:?}", x.shape())
    }
    let normalized = &x.dims()[x.rank() - rank..];
    for parameter in parameters.into_iter().flatten() {
        if parameter.dims() != normalized {
            candle_core::bail!(
                "a parameter of {:?} does not fit the axes {normalized:?}",
                parameter.shape()
            )
        }
    }
    Ok((x.rank() - rank..x.rank()).collect())
}

/// How many elements these axes have together.
fn width(x: &Tensor, dims: &[usize]) -> usize {
    dims.iter().map(|&dim| x.dims()[dim]).product()
}

/// Normalises by a loop over rows, which scales and shifts too, or by `composed` in the dtype of
/// long sums.
fn composed(
    x: &Tensor,
    dims: &[usize],
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    row: impl Fn(&[f32], &mut [f32]) + Send + Sync,
    composed: impl FnOnce(&Tensor, &[usize]) -> Result<Tensor>,
) -> Result<Tensor> {
    if x.elem_count() == 0 {
        return Ok(x.clone());
    }
    in_float(x, |x| {
        if let Some(y) = rows::map(x, width(x, dims), row) {
            return y;
        }
        let mut y = composed(&x.to_dtype(sum_dtype(x.dtype(), x.device()))?, dims)?;
        if let Some(weight) = weight {
            y = y.broadcast_mul(&weight.to_dtype(y.dtype())?)?;
        }
        if let Some(bias) = bias {
            y = y.broadcast_add(&bias.to_dtype(y.dtype())?)?;
        }
        y.to_dtype(x.dtype())
    })
}
