//! Order: sorting, the largest and smallest with their places, and order statistics.
//!
//! NaN is larger than everything, as in PyTorch. Among equal elements the first place is given,
//! where PyTorch says so and also where it leaves the place open.

use candle_core::{DType, Result, Tensor};

use super::lines::{Lines, Values};

/// How to read the keys of a tensor's elements.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    floats: bool,
}

impl Keys {
    /// Whether the key is that of NaN.
    pub(crate) fn is_nan(self, key: i64) -> bool {
        self.floats && key == NAN
    }
}

const NAN: i64 = i64::MAX;

/// An integer for each float, in the same order: equal for zeros of both signs, largest for NaN.
fn key(x: f64) -> i64 {
    if x.is_nan() {
        return NAN;
    }
    // The bits of a float without its sign are in the order of its magnitude.
    let magnitude = (x.to_bits() & !(1 << 63)) as i64;
    if x < 0.0 { -magnitude } else { magnitude }
}

/// Sorted along an axis, with the index of each value; equal elements stay in order.
pub fn sort(x: &Tensor, dim: usize, descending: bool) -> Result<(Tensor, Tensor)> {
    pick_all(x, dim, |keys, _| ordered(keys, descending))
}

/// The indices that sort an axis; equal elements stay in order.
pub fn argsort(x: &Tensor, dim: usize, descending: bool) -> Result<Tensor> {
    Ok(sort(x, dim, descending)?.1)
}

/// Sorted along the first axis.
pub fn msort(x: &Tensor) -> Result<Tensor> {
    Ok(sort(x, 0, false)?.0)
}

/// The `k` largest or smallest of an axis, best first, with their indices.
///
/// # Errors
/// If the axis has fewer than `k` elements.
pub fn topk(x: &Tensor, k: usize, dim: usize, largest: bool) -> Result<(Tensor, Tensor)> {
    let lines = Lines::new(x, &[dim])?;
    // PyTorch gives the only element of a tensor without axes, whatever `k` is.
    let k = if x.rank() == 0 { 1 } else { k };
    if k > lines.width {
        candle_core::bail!("topk: {k} of an axis of {} elements", lines.width)
    }
    let (values, places) = picked(&lines, |keys, _| {
        let before = |a: &usize, b: &usize| {
            let order = keys[*a].cmp(&keys[*b]);
            if largest { order.reverse() } else { order }.then(a.cmp(b))
        };
        let mut places: Vec<usize> = (0..keys.len()).collect();
        if 0 < k && k < places.len() {
            places.select_nth_unstable_by(k - 1, before);
        }
        places.truncate(k);
        places.sort_unstable_by(before);
        places
    })?;
    let values = match values {
        Values::Floats(values) => lines.along(values, k, x.dtype())?,
        Values::Integers(values) => lines.along(values, k, x.dtype())?,
    };
    Ok((values, lines.along(places, k, DType::I64)?))
}

/// Largest value with its first index; NaN if one is.
pub fn max_dim(x: &Tensor, dim: usize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    pick_one("max", x, &[dim], keepdim, |keys, _| {
        best(keys, |a, b| a > b)
    })
}

/// Smallest value with its first index; NaN if one is.
pub fn min_dim(x: &Tensor, dim: usize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    pick_one("min", x, &[dim], keepdim, least)
}

/// The first index of the largest value; of the flattened tensor if there is no axis.
pub fn argmax(x: &Tensor, dim: Option<usize>, keepdim: bool) -> Result<Tensor> {
    let dims: Vec<usize> = dim.into_iter().collect();
    Ok(pick_one("argmax", x, &dims, keepdim, |keys, _| {
        best(keys, |a, b| a > b)
    })?
    .1)
}

/// The first index of the smallest value; of the flattened tensor if there is no axis.
pub fn argmin(x: &Tensor, dim: Option<usize>, keepdim: bool) -> Result<Tensor> {
    let dims: Vec<usize> = dim.into_iter().collect();
    Ok(pick_one("argmin", x, &dims, keepdim, least)?.1)
}

/// The `k`-th smallest element, counted from one, with its index.
///
/// # Errors
/// If the axis has no `k`-th element.
pub fn kthvalue(x: &Tensor, k: usize, dim: usize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    let width = Lines::new(x, &[dim])?.width;
    if k == 0 || k > width {
        candle_core::bail!("kthvalue: there is no element {k} in an axis of {width}")
    }
    pick_one("kthvalue", x, &[dim], keepdim, |keys, _| nth(keys, k - 1))
}

/// The median of all elements, the lower of two; NaN if one is.
pub fn median(x: &Tensor) -> Result<Tensor> {
    if x.elem_count() == 0 && x.dtype().is_float() {
        return Tensor::new(f64::NAN, x.device())?.to_dtype(x.dtype());
    }
    Ok(pick_one("median", x, &[], false, middle)?.0)
}

/// The median along an axis, the lower of two, with its index; NaN if one is.
pub fn median_dim(x: &Tensor, dim: usize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    pick_one("median", x, &[dim], keepdim, middle)
}

/// The median of all elements but NaN, the lower of two.
pub fn nanmedian(x: &Tensor) -> Result<Tensor> {
    if x.elem_count() == 0 {
        return median(x);
    }
    Ok(pick_one("nanmedian", x, &[], false, middle_number)?.0)
}

/// The median along an axis of all but NaN, the lower of two, with its index.
pub fn nanmedian_dim(x: &Tensor, dim: usize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    pick_one("nanmedian", x, &[dim], keepdim, middle_number)
}

/// The smallest of the most frequent values of an axis, with the index of its last occurrence.
pub fn mode(x: &Tensor, dim: usize, keepdim: bool) -> Result<(Tensor, Tensor)> {
    pick_one("mode", x, &[dim], keepdim, |keys, nan| {
        let order = ordered(keys, false);
        let (mut most, mut mode, mut count) = (0, 0, 0);
        for (i, &place) in order.iter().enumerate() {
            count += 1;
            // NaN differs from itself.
            let ends = nan.is_nan(keys[place])
                || order
                    .get(i + 1)
                    .is_none_or(|&next| keys[next] != keys[place]);
            if ends && count > most {
                (most, mode) = (count, place);
            }
            if ends {
                count = 0;
            }
        }
        mode
    })
}

fn ordered(keys: &[i64], descending: bool) -> Vec<usize> {
    let mut places: Vec<usize> = (0..keys.len()).collect();
    if descending {
        places.sort_by(|&a, &b| keys[b].cmp(&keys[a]));
    } else {
        places.sort_by_key(|&place| keys[place]);
    }
    places
}

/// The first place of the key that beats all others.
fn best(keys: &[i64], beats: impl Fn(i64, i64) -> bool) -> usize {
    let mut best = 0;
    for (place, &key) in keys.iter().enumerate() {
        if beats(key, keys[best]) {
            best = place;
        }
    }
    best
}

fn least(keys: &[i64], nan: Keys) -> usize {
    let first_nan = keys.iter().position(|&key| nan.is_nan(key));
    first_nan.unwrap_or_else(|| best(keys, |a, b| a < b))
}

/// The first place of the value that would be at `n` if the keys were sorted.
fn nth(keys: &[i64], n: usize) -> usize {
    let mut sorted = keys.to_vec();
    let (_, &mut value, _) = sorted.select_nth_unstable(n);
    keys.iter().position(|&key| key == value).unwrap_or(0)
}

fn middle(keys: &[i64], nan: Keys) -> usize {
    let first_nan = keys.iter().position(|&key| nan.is_nan(key));
    first_nan.unwrap_or_else(|| nth(keys, (keys.len() - 1) / 2))
}

fn middle_number(keys: &[i64], nan: Keys) -> usize {
    let count = keys.iter().filter(|key| !nan.is_nan(**key)).count();
    nth(keys, count.saturating_sub(1) / 2)
}

/// One element of each line, with its index.
///
/// # Errors
/// If there are lines without elements, as in PyTorch.
fn pick_one(
    name: &str,
    x: &Tensor,
    dims: &[usize],
    keepdim: bool,
    choose: impl Fn(&[i64], Keys) -> usize,
) -> Result<(Tensor, Tensor)> {
    let lines = Lines::new(x, dims)?;
    if lines.width == 0 {
        let shape = x.shape();
        candle_core::bail!("{name}: there is nothing to choose from along {dims:?} of {shape:?}")
    }
    let (values, places) = picked(&lines, |keys, nan| vec![choose(keys, nan)])?;
    let values = match values {
        Values::Floats(values) => lines.reduced(values, keepdim, x.dtype())?,
        Values::Integers(values) => lines.reduced(values, keepdim, x.dtype())?,
    };
    Ok((values, lines.reduced(places, keepdim, DType::I64)?))
}

/// As many elements as there are along an axis, with their indices.
pub(crate) fn pick_all(
    x: &Tensor,
    dim: usize,
    choose: impl Fn(&[i64], Keys) -> Vec<usize>,
) -> Result<(Tensor, Tensor)> {
    let lines = Lines::new(x, &[dim])?;
    let (values, places) = picked(&lines, choose)?;
    let values = match values {
        Values::Floats(values) => lines.along(values, lines.width, x.dtype())?,
        Values::Integers(values) => lines.along(values, lines.width, x.dtype())?,
    };
    Ok((values, lines.along(places, lines.width, DType::I64)?))
}

/// The elements that are chosen of each line by their keys, and their places in it.
fn picked(
    lines: &Lines,
    choose: impl Fn(&[i64], Keys) -> Vec<usize>,
) -> Result<(Values, Vec<i64>)> {
    let values = lines.values()?;
    let (keys, reading) = match &values {
        Values::Floats(values) => (
            values.iter().map(|&x| key(x)).collect(),
            Keys { floats: true },
        ),
        Values::Integers(values) => (values.clone(), Keys { floats: false }),
    };
    let mut places = Vec::new();
    let mut chosen = Vec::new();
    for (line, keys) in lines.rows(&keys).enumerate() {
        for place in choose(keys, reading) {
            places.push(place as i64);
            chosen.push(line * lines.width + place);
        }
    }
    let values = match values {
        Values::Floats(values) => Values::Floats(chosen.iter().map(|&i| values[i]).collect()),
        Values::Integers(values) => Values::Integers(chosen.iter().map(|&i| values[i]).collect()),
    };
    Ok((values, places))
}
