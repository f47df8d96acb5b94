//! Reductions over axes. No axes mean all of them, as in PyTorch.

use candle_core::{DType, Result, Tensor};

use super::promote::sum_dtype;
use super::rows;

/// Sum; integers and bools add up to i64.
pub fn sum(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    let dtype = if x.dtype().is_float() {
        x.dtype()
    } else {
        DType::I64
    };
    let x = x.to_dtype(if dtype.is_float() {
        sum_dtype(dtype, x.device())
    } else {
        dtype
    })?;
    let dims = all_if_empty(&x, dims);
    let sum = if x.elem_count() == 0 {
        Tensor::zeros(kept(&x, &dims), x.dtype(), x.device())?
    } else {
        x.sum_keepdim(&dims[..])?
    };
    squeezed(sum.to_dtype(dtype)?, &dims, keepdim)
}

/// Mean of floats.
///
/// # Errors
/// For integers, as in PyTorch.
pub fn mean(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    if !x.dtype().is_float() {
        candle_core::bail!("mean takes floats, not {:?}", x.dtype())
    }
    let average = |row: &[f32]| (rows::sum(row, |x| x) / row.len() as f64) as f32;
    if let Some(means) = trailing(x, dims, keepdim, average) {
        return means;
    }
    let count: usize = all_if_empty(x, dims)
        .iter()
        .map(|&dim| x.dims()[dim])
        .product();
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    let total = sum(&wide, dims, keepdim)?;
    let count = Tensor::new(count as f64, x.device())?.to_dtype(total.dtype())?;
    total.broadcast_div(&count)?.to_dtype(x.dtype())
}

/// Largest value; NaN if one is.
pub fn amax(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    match trailing(x, dims, keepdim, |row| rows::best(row, |a, b| a > b)) {
        Some(result) => result,
        None => extreme(x, dims, keepdim, Tensor::max_keepdim),
    }
}

/// Smallest value; NaN if one is.
pub fn amin(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    match trailing(x, dims, keepdim, |row| rows::best(row, |a, b| a < b)) {
        Some(result) => result,
        None => extreme(x, dims, keepdim, Tensor::min_keepdim),
    }
}

fn extreme(
    x: &Tensor,
    dims: &[usize],
    keepdim: bool,
    best: fn(&Tensor, usize) -> Result<Tensor>,
) -> Result<Tensor> {
    let dims = all_if_empty(x, dims);
    let mut result = x.clone();
    for &dim in &dims {
        if x.dims()[dim] == 0 {
            candle_core::bail!("axis {dim} is empty, so it has no largest or smallest value")
        }
        // An empty tensor has no values, and Candle's reduction still looks at the first.
        result = if x.elem_count() == 0 {
            result.narrow(dim, 0, 1)?
        } else {
            best(&result, dim)?
        };
    }
    if x.dtype().is_float() && x.elem_count() > 0 {
        // Candle's comparisons pass over NaN, so its places are found on their own.
        let nans = x.ne(x)?.to_dtype(DType::F32)?.sum_keepdim(&dims[..])?;
        let nan = result.zeros_like()?.affine(0.0, f64::NAN)?;
        result = nans.gt(0f32)?.where_cond(&nan, &result)?;
    }
    squeezed(result, &dims, keepdim)
}

/// Running sum along an axis, in linear time; integers and bools add up to i64.
pub fn cumsum(x: &Tensor, dim: usize) -> Result<Tensor> {
    if x.rank() == 0 {
        return if x.dtype().is_float() {
            Ok(x.clone())
        } else {
            x.to_dtype(DType::I64)
        };
    }
    let last = x.rank() - 1;
    let rows = x.transpose(dim, last)?.contiguous()?;
    let (length, device) = (rows.dims()[last].max(1), x.device());
    let flat = rows.flatten_all()?;
    let sums = if x.dtype().is_float() {
        let sums = running(
            flat.to_dtype(DType::F64)?.to_vec1::<f64>()?,
            length,
            |a, b| a + b,
        );
        Tensor::from_vec(sums, rows.shape(), device)?.to_dtype(x.dtype())?
    } else {
        let sums = running(
            flat.to_dtype(DType::I64)?.to_vec1::<i64>()?,
            length,
            i64::wrapping_add,
        );
        Tensor::from_vec(sums, rows.shape(), device)?
    };
    sums.transpose(dim, last)?.contiguous()
}

fn running<T: Copy>(mut values: Vec<T>, length: usize, add: impl Fn(T, T) -> T) -> Vec<T> {
    for row in values.chunks_mut(length) {
        for i in 1..row.len() {
            row[i] = add(row[i - 1], row[i]);
        }
    }
    values
}

/// Reduces the last axes, in any order, by a loop over rows, where there is one.
fn trailing(
    x: &Tensor,
    dims: &[usize],
    keepdim: bool,
    f: impl Fn(&[f32]) -> f32 + Send + Sync,
) -> Option<Result<Tensor>> {
    let dims = all_if_empty(x, dims);
    let first = x.rank().checked_sub(dims.len())?;
    if !(first..x.rank()).all(|dim| dims.contains(&dim)) {
        return None;
    }
    let result = rows::reduce(x, x.dims()[first..].iter().product(), f)?;
    Some(result.and_then(|y| squeezed(y.reshape(kept(x, &dims))?, &dims, keepdim)))
}

fn all_if_empty(x: &Tensor, dims: &[usize]) -> Vec<usize> {
    if dims.is_empty() {
        (0..x.rank()).collect()
    } else {
        dims.to_vec()
    }
}

/// The shape of `x` with reduced axes of size one.
fn kept(x: &Tensor, dims: &[usize]) -> Vec<usize> {
    let size = |(dim, &size): (usize, &usize)| if dims.contains(&dim) { 1 } else { size };
    x.dims().iter().enumerate().map(size).collect()
}

fn squeezed(x: Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    if keepdim {
        return Ok(x);
    }
    let left = x
        .dims()
        .iter()
        .enumerate()
        .filter(|(dim, _)| !dims.contains(dim));
    let shape: Vec<_> = left.map(|(_, &size)| size).collect();
    x.reshape(shape)
}
