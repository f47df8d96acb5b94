//! Reductions over axes. No axes mean all of them, as in PyTorch.

use candle_core::{DType, Result, Tensor};

use super::compare::to_bool;
use super::lines::{Lines, Values, axes};
use super::promote::sum_dtype;
use super::rows;
use crate::kernels::pool::{Of, Span, pool};

/// Sum; integers and bools add up to i64.
pub fn sum(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    if !x.dtype().is_float() {
        let total = |row: &[i64]| row.iter().fold(0, |a: i64, &b| a.wrapping_add(b));
        return integers(x, dims, keepdim, DType::I64, total);
    }
    if let Some(sums) = by_rows(x, dims, keepdim, |row| rows::sum(row, |x| x) as f32) {
        return sums;
    }
    let dims = axes(x, dims)?;
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    let sum = if x.elem_count() == 0 {
        Tensor::zeros(kept(x, &dims), wide.dtype(), x.device())?
    } else {
        wide.sum_keepdim(&dims[..])?
    };
    squeezed(sum.to_dtype(x.dtype())?, &dims, keepdim)
}

/// Mean of floats.
///
/// # Errors
/// For integers, as in PyTorch.
pub fn mean(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    if !x.dtype().is_float() {
        candle_core::bail!("mean takes floats, not {:?}", x.dtype())
    }
    let axes = axes(x, dims)?;
    if x.rank() == 4 && axes.contains(&2) && axes.contains(&3) && axes.len() == 2 {
        let [height, width] = [x.dims()[2], x.dims()[3]].map(Span::whole);
        if let Some(y) = pool(x, &[height], &[width], Of::Mean(None))? {
            return squeezed(y, &axes, keepdim);
        }
    }
    let average = |row: &[f32]| (rows::sum(row, |x| x) / row.len() as f64) as f32;
    if let Some(means) = by_rows(x, dims, keepdim, average) {
        return means;
    }
    let count = length(x, dims)? as f64;
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    divided(&sum(&wide, dims, keepdim)?, count)?.to_dtype(x.dtype())
}

/// Product; integers and bools multiply to i64.
pub fn prod(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    if !x.dtype().is_float() {
        let product = |row: &[i64]| row.iter().fold(1, |a: i64, &b| a.wrapping_mul(b));
        return integers(x, dims, keepdim, DType::I64, product);
    }
    let lines = Lines::new(x, dims)?;
    let values = lines.floats()?;
    let products: Vec<f64> = lines
        .rows(&values)
        .map(|row| row.iter().product())
        .collect();
    lines.reduced(products, keepdim, x.dtype())
}

/// Sum without NaN; integers and bools add up to i64.
pub fn nansum(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    if x.dtype().is_float() {
        sum(&x.eq(x)?.where_cond(x, &x.zeros_like()?)?, dims, keepdim)
    } else {
        sum(x, dims, keepdim)
    }
}

/// Mean of floats without NaN; NaN where nothing is left.
pub fn nanmean(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    let count = sum(&x.eq(x)?, dims, keepdim)?.to_dtype(wide.dtype())?;
    nansum(&wide, dims, keepdim)?
        .div(&count)?
        .to_dtype(x.dtype())
}

/// Largest value; NaN if one is.
///
/// # Errors
/// If there is nothing to choose from, as in PyTorch.
pub fn amax(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    not_empty("amax", x, dims)?;
    if !x.dtype().is_float() {
        let most = |row: &[i64]| row.iter().fold(i64::MIN, |a, &b| a.max(b));
        return integers(x, dims, keepdim, x.dtype(), most);
    }
    match by_rows(x, dims, keepdim, |row| rows::best(row, |a, b| a > b)) {
        Some(result) => result,
        None => extreme(x, dims, keepdim, Tensor::max_keepdim),
    }
}

/// Smallest value; NaN if one is.
///
/// # Errors
/// If there is nothing to choose from, as in PyTorch.
pub fn amin(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    not_empty("amin", x, dims)?;
    if !x.dtype().is_float() {
        let least = |row: &[i64]| row.iter().fold(i64::MAX, |a, &b| a.min(b));
        return integers(x, dims, keepdim, x.dtype(), least);
    }
    match by_rows(x, dims, keepdim, |row| rows::best(row, |a, b| a < b)) {
        Some(result) => result,
        None => extreme(x, dims, keepdim, Tensor::min_keepdim),
    }
}

/// Smallest and largest value; NaN if one is.
pub fn aminmax(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<(Tensor, Tensor)> {
    Ok((amin(x, dims, keepdim)?, amax(x, dims, keepdim)?))
}

/// Whether any element is not zero, as u8; NaN is not zero.
pub fn any(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    let some = |row: &[i64]| row.iter().any(|&x| x != 0).into();
    integers(&to_bool(x)?, dims, keepdim, DType::U8, some)
}

/// Whether every element is not zero, as u8; NaN is not zero.
pub fn all(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    let every = |row: &[i64]| row.iter().all(|&x| x != 0).into();
    integers(&to_bool(x)?, dims, keepdim, DType::U8, every)
}

/// How many elements are not zero, as i64; NaN is not zero.
pub fn count_nonzero(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    sum(&to_bool(x)?, dims, false)
}

/// Variance of floats: the squared distances from the mean, added up, over `count - correction`.
///
/// Where `correction` is at least the count, a division by zero, as in PyTorch.
pub fn var(x: &Tensor, dims: &[usize], correction: f64, keepdim: bool) -> Result<Tensor> {
    let variance = |row: &[f32]| (squares(row) / freedom(row.len(), correction)) as f32;
    if let Some(variances) = by_rows(x, dims, keepdim, variance) {
        return variances;
    }
    wide_var(x, dims, correction, keepdim)?.to_dtype(x.dtype())
}

/// Standard deviation of floats: the root of [`var`].
pub fn std(x: &Tensor, dims: &[usize], correction: f64, keepdim: bool) -> Result<Tensor> {
    let deviation = |row: &[f32]| (squares(row) / freedom(row.len(), correction)).sqrt() as f32;
    if let Some(deviations) = by_rows(x, dims, keepdim, deviation) {
        return deviations;
    }
    wide_var(x, dims, correction, keepdim)?
        .sqrt()?
        .to_dtype(x.dtype())
}

/// Variance and mean.
pub fn var_mean(
    x: &Tensor,
    dims: &[usize],
    correction: f64,
    keepdim: bool,
) -> Result<(Tensor, Tensor)> {
    Ok((
        var(x, dims, correction, keepdim)?,
        running_mean(x, dims, keepdim)?,
    ))
}

/// Standard deviation and mean.
pub fn std_mean(
    x: &Tensor,
    dims: &[usize],
    correction: f64,
    keepdim: bool,
) -> Result<(Tensor, Tensor)> {
    Ok((
        std(x, dims, correction, keepdim)?,
        running_mean(x, dims, keepdim)?,
    ))
}

/// Mean as `var_mean` gives it: that of the elements so far, moved towards each next one.
///
/// So an infinity makes it NaN, unless it is the last element.
fn running_mean(x: &Tensor, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    let lines = Lines::new(x, dims)?;
    let values = lines.floats()?;
    let moved = |(mean, count): (f64, f64), x: &f64| (mean + (x - mean) / count, count + 1.0);
    let means = lines.rows(&values).map(|row| match row {
        [] => f64::NAN,
        _ => row.iter().fold((0.0, 1.0), moved).0,
    });
    lines.reduced(means.collect(), keepdim, x.dtype())
}

fn squares(row: &[f32]) -> f64 {
    let mean = rows::sum(row, |x| x) / row.len() as f64;
    rows::sum(row, |x| (x - mean) * (x - mean))
}

fn freedom(count: usize, correction: f64) -> f64 {
    (count as f64 - correction).max(0.0)
}

fn wide_var(x: &Tensor, dims: &[usize], correction: f64, keepdim: bool) -> Result<Tensor> {
    if !x.dtype().is_float() {
        candle_core::bail!("var takes floats, not {:?}", x.dtype())
    }
    let count = length(x, dims)?;
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    let centered = wide.broadcast_sub(&mean(&wide, dims, true)?)?;
    let total = sum(&centered.sqr()?, dims, keepdim)?;
    divided(&total, freedom(count, correction))
}

/// `x / number`
fn divided(x: &Tensor, number: f64) -> Result<Tensor> {
    x.broadcast_div(&Tensor::new(number, x.device())?.to_dtype(x.dtype())?)
}

/// How many elements each result is made of.
fn length(x: &Tensor, dims: &[usize]) -> Result<usize> {
    let dims = axes(x, dims)?;
    Ok(dims.iter().map(|&dim| x.dims()[dim]).product())
}

fn not_empty(name: &str, x: &Tensor, dims: &[usize]) -> Result<()> {
    if length(x, dims)? == 0 {
        let shape = x.shape();
        candle_core::bail!("{name}: there is nothing to choose from along {dims:?} of {shape:?}")
    }
    Ok(())
}

fn extreme(
    x: &Tensor,
    dims: &[usize],
    keepdim: bool,
    best: fn(&Tensor, usize) -> Result<Tensor>,
) -> Result<Tensor> {
    let dims = axes(x, dims)?;
    if x.elem_count() == 0 {
        // Candle's reduction looks at the first value even where there is none.
        return squeezed(
            Tensor::zeros(kept(x, &dims), x.dtype(), x.device())?,
            &dims,
            keepdim,
        );
    }
    let mut result = x.clone();
    for &dim in &dims {
        result = best(&result, dim)?;
    }
    // Candle's comparisons pass over NaN, so its places are found on their own.
    let nans = x.ne(x)?.to_dtype(DType::F32)?.sum_keepdim(&dims[..])?;
    let nan = result.zeros_like()?.affine(0.0, f64::NAN)?;
    result = nans.gt(0f32)?.where_cond(&nan, &result)?;
    squeezed(result, &dims, keepdim)
}

/// Reduces integers and bools along lines, exactly.
fn integers(
    x: &Tensor,
    dims: &[usize],
    keepdim: bool,
    dtype: DType,
    f: impl Fn(&[i64]) -> i64,
) -> Result<Tensor> {
    let lines = Lines::new(x, dims)?;
    match lines.values()? {
        Values::Integers(values) => {
            lines.reduced(lines.rows(&values).map(f).collect(), keepdim, dtype)
        }
        Values::Floats(_) => candle_core::bail!("takes integers, not {:?}", x.dtype()),
    }
}

/// Reduces by a loop over rows, where there is one for the dtype and device.
pub(crate) fn by_rows(
    x: &Tensor,
    dims: &[usize],
    keepdim: bool,
    f: impl Fn(&[f32]) -> f32 + Send + Sync,
) -> Option<Result<Tensor>> {
    let dims = axes(x, dims).ok()?;
    let mut order: Vec<usize> = (0..x.rank()).filter(|dim| !dims.contains(dim)).collect();
    order.extend(&dims);
    let rows = x.permute(order).ok()?;
    let width = dims.iter().map(|&dim| x.dims()[dim]).product();
    let result = rows::reduce(&rows, width, f)?;
    Some(result.and_then(|y| squeezed(y.reshape(kept(x, &dims))?, &dims, keepdim)))
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
