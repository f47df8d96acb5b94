//! Normalisation along axes.

use candle_core::{Result, Tensor};

use super::promote::{in_float, sum_dtype};
use super::reduce::{amax, mean, sum};
use super::rows;

/// `exp(x) / sum(exp(x))` along an axis; a row of only -inf gives NaN.
pub fn softmax(x: &Tensor, dim: usize) -> Result<Tensor> {
    if x.rank() == 0 {
        return x.ones_like();
    }
    if x.elem_count() == 0 {
        return Ok(x.clone());
    }
    in_float(x, |x| {
        if let Some(y) = last(x, dim, softmax_row) {
            return y;
        }
        let exponentials = x.broadcast_sub(&amax(x, &[dim], true)?)?.exp()?;
        exponentials.broadcast_div(&sum(&exponentials, &[dim], true)?)
    })
}

/// `log(softmax(x))` along an axis, without forming the softmax.
pub fn log_softmax(x: &Tensor, dim: usize) -> Result<Tensor> {
    if x.rank() == 0 {
        return x.zeros_like();
    }
    if x.elem_count() == 0 {
        return Ok(x.clone());
    }
    in_float(x, |x| {
        if let Some(y) = last(x, dim, log_softmax_row) {
            return y;
        }
        let x = x.broadcast_sub(&amax(x, &[dim], true)?)?;
        x.broadcast_sub(&sum(&x.exp()?, &[dim], true)?.log()?)
    })
}

/// A function of rows, where the axis is the last.
fn last(x: &Tensor, dim: usize, f: fn(&[f32], &mut [f32])) -> Option<Result<Tensor>> {
    (dim + 1 == x.rank())
        .then(|| rows::map(x, x.dims()[dim], f))
        .flatten()
}

fn softmax_row(x: &[f32], y: &mut [f32]) {
    let most = rows::best(x, |a, b| a > b);
    for (y, x) in y.iter_mut().zip(x) {
        *y = (x - most).exp();
    }
    let total = rows::sum(y, |y| y) as f32;
    for y in y {
        *y /= total;
    }
}

fn log_softmax_row(x: &[f32], y: &mut [f32]) {
    let most = rows::best(x, |a, b| a > b);
    for (y, x) in y.iter_mut().zip(x) {
        *y = (x - most).exp();
    }
    let total = rows::sum(y, |y| y).ln() as f32;
    for (y, x) in y.iter_mut().zip(x) {
        *y = (x - most) - total;
    }
}

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
    let row = |x: &[f32], y: &mut [f32]| {
        let count = x.len() as f64;
        let mean = rows::sum(x, |x| x) / count;
        let variance = rows::sum(x, |x| (x - mean) * (x - mean)) / count;
        let scale = 1.0 / (variance + eps).sqrt();
        for (y, &x) in y.iter_mut().zip(x) {
            *y = ((f64::from(x) - mean) * scale) as f32;
        }
    };
    normalize(x, normalized_rank, weight, bias, row, |x, dims| {
        let centered = x.broadcast_sub(&mean(x, dims, true)?)?;
        let variance = mean(&centered.sqr()?, dims, true)?;
        centered.broadcast_div(&(variance + eps)?.sqrt()?)
    })
}

/// `torch.nn.functional.rms_norm` over the last `normalized_rank` axes.
pub fn rms_norm(
    x: &Tensor,
    normalized_rank: usize,
    weight: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    let row = |x: &[f32], y: &mut [f32]| {
        let power = rows::sum(x, |x| x * x) / x.len() as f64;
        let scale = 1.0 / (power + eps).sqrt();
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (f64::from(x) * scale) as f32;
        }
    };
    normalize(x, normalized_rank, weight, None, row, |x, dims| {
        let power = mean(&x.sqr()?, dims, true)?;
        x.broadcast_div(&(power + eps)?.sqrt()?)
    })
}

/// Normalises by a loop over rows, or in the dtype of long sums; then scales and shifts.
fn normalize(
    x: &Tensor,
    rank: usize,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    row: impl Fn(&[f32], &mut [f32]) + Send + Sync,
    composed: impl FnOnce(&Tensor, &[usize]) -> Result<Tensor>,
) -> Result<Tensor> {
    if rank == 0 || rank > x.rank() {
        candle_core::bail!("cannot normalise {rank} axes of {:?}", x.shape())
    }
    if x.elem_count() == 0 {
        return Ok(x.clone());
    }
    let dims: Vec<usize> = (x.rank() - rank..x.rank()).collect();
    let width = dims.iter().map(|&dim| x.dims()[dim]).product();
    let mut y = match rows::map(x, width, row) {
        Some(y) => y?,
        None => composed(&x.to_dtype(sum_dtype(x.dtype(), x.device()))?, &dims)?,
    };
    if let Some(weight) = weight {
        y = y.broadcast_mul(&weight.to_dtype(y.dtype())?)?;
    }
    if let Some(bias) = bias {
        y = y.broadcast_add(&bias.to_dtype(y.dtype())?)?;
    }
    y.to_dtype(x.dtype())
}
