//! Softmax along an axis.

use candle_core::{Result, Tensor};

use super::promote::in_float;
use super::reduce::{amax, sum};
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
