//! Softmax and its logarithm.

use candle_core::{Result, Tensor};

use super::promote::{in_float, sum_dtype};
use super::reduce::{amax, by_rows, sum};
use super::rows;
use crate::kernels;
use crate::kernels::softmax::Softmax;

/// `exp(x) / sum(exp(x))` along an axis; a row of only -inf gives NaN.
pub fn softmax(x: &Tensor, dim: usize) -> Result<Tensor> {
    if let Some(y) = fast(Softmax::Plain, x, dim)? {
        return Ok(y);
    }
    normalized(x, dim, softmax_row, |x| {
        let exponentials = x.broadcast_sub(&amax(x, &[dim], true)?)?.exp()?;
        exponentials.broadcast_div(&sum(&exponentials, &[dim], true)?)
    })
}

/// `log(softmax(x))` along an axis, without forming the softmax.
pub fn log_softmax(x: &Tensor, dim: usize) -> Result<Tensor> {
    if let Some(y) = fast(Softmax::Logarithm, x, dim)? {
        return Ok(y);
    }
    normalized(x, dim, log_softmax_row, |x| {
        let x = x.broadcast_sub(&amax(x, &[dim], true)?)?;
        x.broadcast_sub(&sum(&x.exp()?, &[dim], true)?.log()?)
    })
}

/// By a kernel, where it takes what is asked.
pub(crate) fn fast(kind: Softmax, x: &Tensor, dim: usize) -> Result<Option<Tensor>> {
    match x.rank() {
        0 => Ok(None),
        _ => kernels::softmax::softmax(kind, x, dim),
    }
}

/// `log(sum(exp(x)))` over axes, of floats; no axes mean all.
pub fn logsumexp(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    let row = |row: &[f32]| {
        let most = f64::from(rows::best(row, |a, b| a > b));
        // The difference of equal infinities would be NaN.
        let most = if most.is_infinite() { 0.0 } else { most };
        (rows::sum(row, |x| (x - most).exp()).ln() + most) as f32
    };
    if let Some(result) = by_rows(x, dims, keepdim, row) {
        return result;
    }
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    if x.elem_count() == 0 {
        return sum(&wide, dims, keepdim)?.log()?.to_dtype(x.dtype());
    }
    let most = amax(&wide, dims, true)?;
    let finite = most.abs()?.ne(f64::INFINITY)?;
    let most = finite.where_cond(&most, &most.zeros_like()?)?;
    let total = sum(&wide.broadcast_sub(&most)?.exp()?, dims, keepdim)?;
    (total.log()? + most.reshape(total.shape())?)?.to_dtype(x.dtype())
}

fn normalized(
    x: &Tensor,
    dim: usize,
    row: fn(&[f32], &mut [f32]),
    composed: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if x.elem_count() == 0 {
        return Ok(x.clone());
    }
    if x.rank() == 0 {
        return normalized(&x.reshape(1)?, 0, row, composed)?.reshape(());
    }
    in_float(x, |x| {
        let last = x.rank() - 1;
        // Rows have their axis last.
        let rows = x.transpose(dim, last)?;
        match rows::map(&rows, x.dim(dim)?, row) {
            Some(y) => y?.transpose(dim, last)?.contiguous(),
            None => composed(x),
        }
    })
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
