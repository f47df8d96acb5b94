//! Finding values among others: places in a sorted axis, histograms, quantiles.

use std::cmp::Ordering;

use candle_core::{DType, Result, Tensor};

use super::lines::{Lines, Values, floats, integers, numbers, tensor};
use super::promote::result_type;

/// `torch.searchsorted`: for each value, where it goes in the sorted last axis, as i64.
///
/// Before equal elements, or with `right` behind them. A sequence of one axis serves all values;
/// otherwise the leading axes are equal. `sorter` holds the indices that sort the sequence.
///
/// # Errors
/// If the leading axes differ, or an index of `sorter` is out of range.
pub fn searchsorted(
    sequence: &Tensor,
    values: &Tensor,
    right: bool,
    sorter: Option<&Tensor>,
) -> Result<Tensor> {
    let [lead @ .., length] = sequence.dims() else {
        candle_core::bail!("searchsorted takes a sequence with an axis")
    };
    let shared = sequence.rank() == 1;
    if !shared && (values.rank() == 0 || lead != &values.dims()[..values.rank() - 1]) {
        let (a, b) = (sequence.shape(), values.shape());
        candle_core::bail!("searchsorted: leading axes differ in {a:?} and {b:?}")
    }
    let each = match values.dims().last() {
        Some(&size) if !shared => size,
        _ => values.elem_count(),
    };
    let dtype = result_type(&[sequence.into(), values.into()]);
    let (table, wanted) = (sequence.to_dtype(dtype)?, values.to_dtype(dtype)?);
    let order = match sorter {
        Some(sorter) => Some(sorter_places(sorter, sequence)?),
        None => None,
    };
    let places = match (numbers(&table)?, numbers(&wanted)?) {
        (Values::Floats(table), Values::Floats(wanted)) => {
            let table = in_order(table, order.as_deref(), *length);
            places(&table, &wanted, *length, each, right)
        }
        (Values::Integers(table), Values::Integers(wanted)) => {
            let table = in_order(table, order.as_deref(), *length);
            places(&table, &wanted, *length, each, right)
        }
        _ => candle_core::bail!("searchsorted: the dtypes differ"),
    };
    tensor(places, values.dims().to_vec(), DType::I64, values.device())
}

/// `torch.bucketize`: which interval between the sorted boundaries each value lies in, as i64.
pub fn bucketize(values: &Tensor, boundaries: &Tensor, right: bool) -> Result<Tensor> {
    searchsorted(boundaries, values, right, None)
}

fn sorter_places(sorter: &Tensor, sequence: &Tensor) -> Result<Vec<usize>> {
    let length = sequence.dims().last().copied().unwrap_or(0);
    if sorter.dims() != sequence.dims() {
        candle_core::bail!("searchsorted: the sorter has another shape than the sequence")
    }
    let places = integers(sorter)?;
    if let Some(place) = places.iter().find(|p| **p < 0 || **p >= length as i64) {
        candle_core::bail!("searchsorted: the sorter's index {place} is out of range")
    }
    Ok(places.into_iter().map(|place| place as usize).collect())
}

fn in_order<T: Copy>(table: Vec<T>, order: Option<&[usize]>, length: usize) -> Vec<T> {
    match order {
        None => table,
        Some(order) => {
            let places = order.iter().enumerate();
            places
                .map(|(i, place)| table[i / length * length + place])
                .collect()
        }
    }
}

fn places<T: Copy + PartialOrd>(
    table: &[T],
    wanted: &[T],
    length: usize,
    each: usize,
    right: bool,
) -> Vec<i64> {
    let place = |(i, &value): (usize, &T)| {
        let first = i / each * length;
        let row = &table[first..first + length];
        // What compares as neither, a NaN, goes to the end, and a sequence that is not sorted is
        // halved at the same places as in PyTorch.
        let (mut low, mut high) = (0, length);
        while low < high {
            let middle = low + (high - low) / 2;
            let before = match row[middle].partial_cmp(&value) {
                Some(Ordering::Greater) => false,
                Some(Ordering::Equal) => right,
                _ => true,
            };
            if before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low as i64
    };
    wanted.iter().enumerate().map(place).collect()
}

/// `torch.histc`: how many elements lie in each of `bins` equal intervals from `min` to `max`.
///
/// Elements outside count nowhere. If both bounds are equal, the smallest and the largest element
/// take their place.
///
/// # Errors
/// If a bound is not finite, or `min` is above `max`.
pub fn histc(x: &Tensor, bins: usize, min: f64, max: f64) -> Result<Tensor> {
    let values = floats(x)?;
    let (mut low, mut high) = (min, max);
    if low == high && !values.is_empty() {
        low = values.iter().copied().fold(f64::INFINITY, f64::min);
        high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if values.iter().any(|x| x.is_nan()) {
            low = f64::NAN;
        }
    }
    if low == high {
        (low, high) = (low - 1.0, high + 1.0);
    }
    if bins == 0 || !low.is_finite() || !high.is_finite() || low > high {
        candle_core::bail!("histc: there are no {bins} intervals from {low} to {high}")
    }
    let mut counts = vec![0f64; bins];
    for value in values {
        if value >= low && value <= high {
            let place = if x.dtype() == DType::F64 {
                ((value - low) * bins as f64 / (high - low)) as usize
            } else {
                // PyTorch's own rounding decides about elements at an edge.
                let (value, low, high) = (value as f32, low as f32, high as f32);
                ((value - low) * bins as f32 / (high - low)) as usize
            };
            counts[place.min(bins - 1)] += 1.0;
        }
    }
    tensor(counts, vec![bins], x.dtype(), x.device())
}

/// What `torch.quantile` gives between two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantileInterpolation {
    /// In proportion to the distance from each.
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// Their mean.
    Midpoint,
    /// The nearer one; of two equally near the one with an even index.
    Nearest,
}

/// `torch.quantile`: a tensor with an axis for `q` in front, unless `q` is a single number.
///
/// Along an axis, or over all elements. NaN if one element is.
///
/// # Errors
/// If `q` is outside `[0, 1]`, or there are no elements.
pub fn quantile(
    x: &Tensor,
    q: &Tensor,
    dim: Option<usize>,
    keepdim: bool,
    interpolation: QuantileInterpolation,
) -> Result<Tensor> {
    quantiles(x, q, dim, keepdim, interpolation, |sorted| {
        if sorted.last().is_some_and(|x| x.is_nan()) {
            0
        } else {
            sorted.len()
        }
    })
}

/// `torch.nanquantile`: [`quantile`] of what is not NaN; NaN where nothing is left.
pub fn nanquantile(
    x: &Tensor,
    q: &Tensor,
    dim: Option<usize>,
    keepdim: bool,
    interpolation: QuantileInterpolation,
) -> Result<Tensor> {
    quantiles(x, q, dim, keepdim, interpolation, |sorted| {
        sorted.iter().filter(|x| !x.is_nan()).count()
    })
}

fn quantiles(
    x: &Tensor,
    q: &Tensor,
    dim: Option<usize>,
    keepdim: bool,
    interpolation: QuantileInterpolation,
    counted: fn(&[f64]) -> usize,
) -> Result<Tensor> {
    let dims: Vec<usize> = dim.into_iter().collect();
    let lines = Lines::new(x, &dims)?;
    if lines.width == 0 {
        candle_core::bail!(
            "quantile: there are no elements along {dims:?} of {:?}",
            x.shape()
        )
    }
    let wanted = floats(&q.to_dtype(x.dtype())?)?;
    if wanted.iter().any(|q| !(0.0..=1.0).contains(q)) {
        candle_core::bail!("quantile: q must be between 0 and 1")
    }
    let mut values = lines.floats()?;
    for row in values.chunks_mut(lines.width) {
        // NaN goes last, whatever its sign.
        row.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(a.is_nan().cmp(&b.is_nan())));
    }
    let single = x.dtype() != DType::F64;
    let parts = wanted.iter().map(|&q| {
        let of = |row: &[f64]| between(&row[..counted(row)], q, interpolation, single);
        lines.reduced(lines.rows(&values).map(of).collect(), keepdim, x.dtype())
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    match (&parts[..], q.rank()) {
        ([part], 0) => Ok(part.clone()),
        ([], _) => {
            let none = lines.reduced(vec![0f64; lines.count], keepdim, x.dtype())?;
            Tensor::zeros([&[0], none.dims()].concat(), x.dtype(), x.device())
        }
        _ => Tensor::stack(&parts, 0),
    }
}

/// The quantile of a sorted row; with `single`, at a place rounded to f32, as PyTorch's is.
fn between(row: &[f64], q: f64, interpolation: QuantileInterpolation, single: bool) -> f64 {
    let Some(last) = row.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = if single {
        f64::from(q as f32 * last as f32)
    } else {
        q * last as f64
    };
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let (a, b) = (row[low.min(last)], row[high.min(last)]);
    match interpolation {
        QuantileInterpolation::Lower => a,
        QuantileInterpolation::Higher => b,
        QuantileInterpolation::Nearest => row[(place.round_ties_even() as usize).min(last)],
        QuantileInterpolation::Linear => mixed(a, b, place - place.floor()),
        QuantileInterpolation::Midpoint => mixed(a, b, 0.5),
    }
}

/// `torch.lerp`, which reaches both ends exactly.
fn mixed(a: f64, b: f64, weight: f64) -> f64 {
    if weight < 0.5 {
        a + weight * (b - a)
    } else {
        b - (b - a) * (1.0 - weight)
    }
}
