//! Running results along one axis.

use candle_core::{DType, Result, Tensor};

use super::lines::{Lines, Values};
use super::promote::{result_type, sum_dtype};
use super::reduce::sum;
use super::sort::{Keys, pick_all};

/// Running sum; integers and bools add up to i64.
pub fn cumsum(x: &Tensor, dim: usize) -> Result<Tensor> {
    scan(x, dim, |a, b| a + b, i64::wrapping_add)
}

/// Running product; integers and bools multiply to i64.
pub fn cumprod(x: &Tensor, dim: usize) -> Result<Tensor> {
    scan(x, dim, |a, b| a * b, i64::wrapping_mul)
}

/// Running `log(sum(exp(x)))` of floats.
pub fn logcumsumexp(x: &Tensor, dim: usize) -> Result<Tensor> {
    if !x.dtype().is_float() {
        candle_core::bail!("logcumsumexp takes floats, not {:?}", x.dtype())
    }
    scan(x, dim, log_add_exp, i64::wrapping_add)
}

/// `log(exp(a) + exp(b))`; equal infinities are their own sum, and NaN wins.
fn log_add_exp(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    let (least, most) = (a.min(b), a.max(b));
    if least == most && !least.is_finite() {
        most
    } else {
        (least - most).exp().ln_1p() + most
    }
}

/// Running maximum with the index of its last place; NaN stays.
pub fn cummax(x: &Tensor, dim: usize) -> Result<(Tensor, Tensor)> {
    pick_all(x, dim, |keys, nan| running_best(keys, nan, |a, b| a >= b))
}

/// Running minimum with the index of its last place; NaN stays.
pub fn cummin(x: &Tensor, dim: usize) -> Result<(Tensor, Tensor)> {
    pick_all(x, dim, |keys, nan| running_best(keys, nan, |a, b| a <= b))
}

fn running_best(keys: &[i64], nan: Keys, wins: fn(i64, i64) -> bool) -> Vec<usize> {
    let mut best = 0;
    let place = |(i, &key): (usize, &i64)| {
        if nan.is_nan(key) || (!nan.is_nan(keys[best]) && wins(key, keys[best])) {
            best = i;
        }
        best
    };
    keys.iter().enumerate().map(place).collect()
}

/// `torch.diff`: each element less the one before it, `n` times; bools differ or not.
pub fn diff(x: &Tensor, n: usize, dim: usize) -> Result<Tensor> {
    if x.rank() == 0 {
        candle_core::bail!("diff takes a tensor with at least one axis")
    }
    let size = x.dim(dim)?;
    let times = n.min(size);
    if times == 0 {
        return Ok(x.clone());
    }
    let lines = Lines::new(x, &[dim])?;
    match lines.values()? {
        Values::Floats(values) => {
            let rows = lines.rows(&values);
            let values = rows.flat_map(|row| differences(row, times, |a, b| a - b));
            lines.along(values.collect(), size - times, x.dtype())
        }
        Values::Integers(values) => {
            let less = match x.dtype() {
                DType::U8 => |a: i64, b: i64| i64::from(a != b),
                _ => i64::wrapping_sub,
            };
            let rows = lines.rows(&values);
            let values = rows.flat_map(|row| differences(row, times, less));
            lines.along(values.collect(), size - times, x.dtype())
        }
    }
}

/// `torch.trapezoid`: the area under a line through points along an axis, `dx` apart, or at `x`.
///
/// `x` has one axis, or broadcasts with `y`.
pub fn trapezoid(y: &Tensor, x: Option<&Tensor>, dx: f64, dim: usize) -> Result<Tensor> {
    let (areas, dtype) = areas(y, x, dx, dim)?;
    sum(&areas, &[dim], false)?.to_dtype(dtype)
}

/// `torch.cumulative_trapezoid`: [`trapezoid`] up to each point but the first.
pub fn cumulative_trapezoid(y: &Tensor, x: Option<&Tensor>, dx: f64, dim: usize) -> Result<Tensor> {
    let (areas, dtype) = areas(y, x, dx, dim)?;
    cumsum(&areas, dim)?.to_dtype(dtype)
}

/// The area between each two neighbours, and the dtype of the result.
fn areas(y: &Tensor, x: Option<&Tensor>, dx: f64, dim: usize) -> Result<(Tensor, DType)> {
    let dtype = x.map_or(y.dtype(), |x| result_type(&[y.into(), x.into()]));
    let wide = |x: &Tensor| x.to_dtype(sum_dtype(dtype, x.device()));
    let pair = |x: &Tensor, dim: usize, f: fn(&Tensor, &Tensor) -> Result<Tensor>| {
        let count = x.dim(dim)?.saturating_sub(1);
        let first = x.dim(dim)?.min(1);
        f(&x.narrow(dim, first, count)?, &x.narrow(dim, 0, count)?)
    };
    let sums = pair(&wide(y)?, dim, |b, a| a + b)?;
    let Some(x) = x else {
        let half = Tensor::new(dx / 2.0, y.device())?.to_dtype(sums.dtype())?;
        return Ok((sums.broadcast_mul(&half)?, dtype));
    };
    let mut sizes = vec![1; y.rank().saturating_sub(x.rank())];
    sizes.extend(x.dims());
    if x.rank() == 1 {
        sizes = vec![1; y.rank()];
        sizes[dim] = x.elem_count();
    }
    let widths = pair(&wide(x)?.reshape(sizes)?, dim, |b, a| b - a)?;
    Ok(((sums.broadcast_mul(&widths)? * 0.5)?, dtype))
}

fn differences<T: Copy>(row: &[T], times: usize, less: fn(T, T) -> T) -> Vec<T> {
    let mut row = row.to_vec();
    for _ in 0..times {
        row = row.windows(2).map(|pair| less(pair[1], pair[0])).collect();
    }
    row
}

fn scan(
    x: &Tensor,
    dim: usize,
    floats: impl Fn(f64, f64) -> f64,
    integers: impl Fn(i64, i64) -> i64,
) -> Result<Tensor> {
    let lines = Lines::new(x, &[dim])?;
    match lines.values()? {
        Values::Floats(values) => {
            let values = running(values, lines.width, floats);
            lines.along(values, lines.width, x.dtype())
        }
        Values::Integers(values) => {
            let values = running(values, lines.width, integers);
            lines.along(values, lines.width, DType::I64)
        }
    }
}

fn running<T: Copy>(mut values: Vec<T>, width: usize, next: impl Fn(T, T) -> T) -> Vec<T> {
    for row in values.chunks_mut(width.max(1)) {
        for i in 1..row.len() {
            row[i] = next(row[i - 1], row[i]);
        }
    }
    values
}
