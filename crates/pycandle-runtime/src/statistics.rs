//! How two tensors differ, in numbers that a reader compares with experience: none of them decides.
//!
//! Pure functions over values; the verdict is [`crate::compare`]'s.

use serde::Serialize;

use crate::compare::largest;
use crate::values::{Data, Values};

/// The quantiles of distances in units in the last place that [`Statistics::ulp`] has.
pub const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 1.0];
/// Rows this long or longer are taken for scores of classes.
const LEAST_CLASSES: usize = 10;
/// How many of the best scores [`Statistics::top`] looks at, beside the best one.
const TOP: usize = 5;

/// The difference of a tensor from PyTorch's of the same shape and dtype.
///
/// Where an element is NaN or infinite in either tensor, it counts in `nan` or `infinite` only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    pub elements: usize,
    /// NaNs in Rust's tensor and in PyTorch's.
    pub nan: [usize; 2],
    /// Infinities in Rust's tensor and in PyTorch's.
    pub infinite: [usize; 2],
    pub max_abs: f64,
    /// Of elements where PyTorch's is not zero.
    pub max_rel: f64,
    pub rmse: f64,
    /// Of the two tensors as vectors; none if one of them is zero.
    pub cosine: Option<f64>,
    /// Signal to noise in decibels; none if they are equal, or if the signal is zero.
    pub sqnr: Option<f64>,
    /// Distance in units in the last place of the dtype, at each of [`QUANTILES`]; floats only.
    pub ulp: Option<[f64; 4]>,
    /// Of rows that may be scores of classes: how many agree on the best one, and which part of the
    /// five best they share; both from 0 to 1.
    pub top: Option<[f64; 2]>,
}

impl Statistics {
    /// Nothing can be said of tensors of different shapes or kinds.
    pub fn of(rust: &Values, torch: &Values) -> Option<Self> {
        if rust.shape != torch.shape {
            return None;
        }
        match (&rust.data, &torch.data) {
            (Data::Float(a), Data::Float(b)) => {
                let mut found = Self::of_numbers(a, b);
                found.ulp = Some(ulp_quantiles(a, b, torch.dtype));
                found.top = top(a, b, &torch.shape);
                Some(found)
            }
            (Data::Integer(a), Data::Integer(b)) => {
                let widen = |data: &[i64]| data.iter().map(|&x| x as f64).collect::<Vec<_>>();
                Some(Self::of_numbers(&widen(a), &widen(b)))
            }
            _ => None,
        }
    }

    fn of_numbers(rust: &[f64], torch: &[f64]) -> Self {
        let count = |data: &[f64], what: fn(f64) -> bool| data.iter().filter(|&&x| what(x)).count();
        let finite = || pairs(rust, torch);
        let count_finite = finite().count().max(1) as f64;
        let noise: f64 = finite().map(|(a, b)| (a - b) * (a - b)).sum();
        let signal: f64 = finite().map(|(_, b)| b * b).sum();
        let own: f64 = finite().map(|(a, _)| a * a).sum();
        let product: f64 = finite().map(|(a, b)| a * b).sum();
        let relative = finite().filter(|(_, b)| *b != 0.0);
        Self {
            elements: torch.len(),
            nan: [count(rust, f64::is_nan), count(torch, f64::is_nan)],
            infinite: [
                count(rust, f64::is_infinite),
                count(torch, f64::is_infinite),
            ],
            max_abs: largest(finite().map(|(a, b)| a - b)),
            max_rel: largest(relative.map(|(a, b)| (a - b) / b)),
            rmse: (noise / count_finite).sqrt(),
            cosine: (own > 0.0 && signal > 0.0).then(|| product / (own.sqrt() * signal.sqrt())),
            sqnr: (noise > 0.0 && signal > 0.0).then(|| 10.0 * (signal / noise).log10()),
            ulp: None,
            top: None,
        }
    }
}

/// The elements that are finite in both.
fn pairs<'a>(rust: &'a [f64], torch: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    let both = rust.iter().copied().zip(torch.iter().copied());
    both.filter(|(a, b)| a.is_finite() && b.is_finite())
}

fn ulp_quantiles(rust: &[f64], torch: &[f64], dtype: &str) -> [f64; 4] {
    let unit = |b: f64| unit_in_last_place(b, dtype);
    let mut found: Vec<f64> = pairs(rust, torch)
        .map(|(a, b)| ((a - b) / unit(b)).abs())
        .collect();
    if found.is_empty() {
        return [0.0; 4];
    }
    found.sort_by(f64::total_cmp);
    QUANTILES.map(|part| found[((found.len() - 1) as f64 * part).round() as usize])
}

/// The distance from a value to the next of its dtype, away from zero.
fn unit_in_last_place(value: f64, dtype: &str) -> f64 {
    // Bits of the significand, and the exponent of the smallest normal number.
    let (digits, least) = match dtype {
        "f64" => (52, -1022),
        "f16" => (10, -14),
        "bf16" => (7, -126),
        _ => (23, -126),
    };
    let exponent = if value == 0.0 {
        least
    } else {
        (value.abs().log2().floor() as i32).max(least)
    };
    // In two steps, since `powi` gives zero for the smallest of f64.
    2f64.powi(exponent) * 2f64.powi(-digits)
}

fn top(rust: &[f64], torch: &[f64], shape: &[usize]) -> Option<[f64; 2]> {
    let (&classes, rest) = shape.split_last()?;
    if classes < LEAST_CLASSES || rest.is_empty() || torch.is_empty() {
        return None;
    }
    let rows = || rust.chunks(classes).zip(torch.chunks(classes));
    if rows().any(|(a, b)| a.iter().chain(b).any(|x| x.is_nan())) {
        return None;
    }
    let (mut first, mut shared) = (0usize, 0usize);
    for (a, b) in rows() {
        let (a, b) = (best(a), best(b));
        first += usize::from(a.first() == b.first());
        shared += a.iter().filter(|index| b.contains(index)).count();
    }
    let count = rows().count();
    Some([
        first as f64 / count as f64,
        shared as f64 / (count * TOP) as f64,
    ])
}

/// The places of the largest values, the largest first; of equal ones the first.
fn best(row: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&i, &j| row[j].total_cmp(&row[i]).then(i.cmp(&j)));
    order.truncate(TOP);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(dtype: &'static str, shape: &[usize], data: &[f64]) -> Values {
        Values {
            dtype,
            shape: shape.to_vec(),
            data: Data::Float(data.to_vec()),
        }
    }

    fn check(dtype: &'static str, rust: &[f64], torch: &[f64]) -> Statistics {
        let shape = [torch.len()];
        let found = Statistics::of(&floats(dtype, &shape, rust), &floats(dtype, &shape, torch));
        found.expect("they have one shape")
    }

    #[test]
    fn differences() {
        let found = check("f32", &[1.0, 2.0, 3.5, 0.5], &[1.0, 2.0, 3.0, 0.0]);
        assert_eq!((found.elements, found.max_abs), (4, 0.5));
        assert_eq!(found.max_rel, 0.5 / 3.0);
        assert_eq!(found.rmse, 0.125f64.sqrt());
        let sqnr = 10.0 * (14.0f64 / 0.5).log10();
        assert!((found.sqnr.expect("there is noise") - sqnr).abs() < 1e-12);
        let cosine = (1.0 + 4.0 + 10.5) / (17.5f64.sqrt() * 14f64.sqrt());
        assert!((found.cosine.expect("neither is zero") - cosine).abs() < 1e-12);
    }

    #[test]
    fn equal_tensors_have_no_noise() {
        let found = check("f32", &[1.0, -2.0], &[1.0, -2.0]);
        assert_eq!((found.sqnr, found.rmse), (None, 0.0));
        assert!((found.cosine.expect("neither is zero") - 1.0).abs() < 1e-15);
        assert_eq!(check("f32", &[0.0], &[0.0]).cosine, None);
        assert_eq!(check("f32", &[], &[]).ulp, Some([0.0; 4]));
    }

    #[test]
    fn what_is_not_finite_is_counted_and_left_out() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let found = check("f32", &[nan, inf, 1.0, 5.0], &[1.0, -inf, 1.0, nan]);
        assert_eq!((found.nan, found.infinite), ([1, 1], [1, 1]));
        assert_eq!((found.max_abs, found.rmse), (0.0, 0.0));
    }

    #[test]
    fn units_in_the_last_place_are_those_of_the_dtype() {
        for (value, next) in [
            (1f32, 1f32.next_up()),
            (3e20, 3e20f32.next_up()),
            (0.0, 1e-45),
        ] {
            let found = check("f32", &[next.into()], &[value.into()]);
            assert_eq!(found.ulp, Some([1.0; 4]), "{value}");
        }
        assert_eq!(check("bf16", &[1.0078125], &[1.0]).ulp, Some([1.0; 4]));
        let least = f64::from_bits(1);
        assert_eq!(check("f64", &[least], &[0.0]).ulp, Some([1.0; 4]));
        assert_eq!(check("f64", &[0.0], &[0.0]).ulp, Some([0.0; 4]));
        assert_eq!(check("f16", &[2.00390625], &[2.0]).ulp, Some([2.0; 4]));
        let far = check("f32", &[1.0, 1.0, 1.0, 2.0], &[1.0; 4]).ulp;
        assert_eq!(far, Some([0.0, 8388608.0, 8388608.0, 8388608.0]));
    }

    #[test]
    fn scores_of_classes_agree_on_the_best() {
        let row = |order: &[usize]| {
            let mut scores = vec![0.0; 12];
            for (k, &class) in order.iter().enumerate() {
                scores[class] = 10.0 - k as f64;
            }
            scores
        };
        let torch = [row(&[3, 1, 2, 4, 5]), row(&[6, 7, 8, 9, 10])].concat();
        let rust = [row(&[3, 1, 2, 4, 11]), row(&[7, 6, 8, 9, 10])].concat();
        let values = |data: &[f64]| floats("f32", &[2, 12], data);
        let found = Statistics::of(&values(&rust), &values(&torch)).expect("one shape");
        assert_eq!(found.top, Some([0.5, 0.9]));
        assert_eq!(check("f32", &[0.0; 12], &[0.0; 12]).top, None);
    }

    #[test]
    fn other_shapes_say_nothing() {
        let (a, b) = (
            floats("f32", &[2], &[0.0; 2]),
            floats("f32", &[1, 2], &[0.0; 2]),
        );
        assert_eq!(Statistics::of(&a, &b), None);
        let whole = |data: &[i64]| Values {
            dtype: "i64",
            shape: vec![2],
            data: Data::Integer(data.to_vec()),
        };
        let found = Statistics::of(&whole(&[1, 5]), &whole(&[1, 3])).expect("integers");
        assert_eq!((found.max_abs, found.ulp), (2.0, None));
        assert_eq!(Statistics::of(&whole(&[1, 5]), &a), None);
    }
}
