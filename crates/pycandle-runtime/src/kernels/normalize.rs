//! Normalisation of rows by their own moments.

use std::mem::MaybeUninit;

use candle_core::{Result, Tensor};

use super::copy::contiguous;
use super::elements::{elements, in_order, written};
use super::isa::{Kernel, dispatch, isa};
use super::simd::{Simd, each_vector};
use super::sums::sum;
use super::threads::parallel_rows;

/// By which moments a row is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moments {
    /// To a mean of zero and a variance of one.
    MeanAndVariance,
    /// To a mean square of one.
    Power,
}

/// About how long an element takes.
const NANOSECONDS: f64 = 0.2;

/// Normalises rows, the last axes of `width` elements together, and scales and shifts them.
///
/// `weight` and `bias` have `width` elements.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn normalize(
    x: &Tensor,
    width: usize,
    moments: Moments,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else {
        return Ok(None);
    };
    let x = &contiguous(x)?;
    let (found, weights, biases) = (elements(x), weight.map(elements), bias.map(elements));
    let Some(((values, weight), bias)) = (found.as_ref())
        .and_then(|elements| elements.in_order())
        .zip(in_order(&weights))
        .zip(in_order(&biases))
    else {
        return Ok(None);
    };
    let fits = |given: Option<&[f32]>| given.is_none_or(|given| given.len() == width);
    if width == 0 || !fits(weight) || !fits(bias) {
        return Ok(None);
    }
    let write = |out: &mut [MaybeUninit<f32>]| {
        let time = NANOSECONDS * out.len() as f64;
        parallel_rows(out, width, time, |first, out| {
            let values = &values[first * width..][..out.len()];
            dispatch(
                isa,
                Rows {
                    values,
                    out,
                    width,
                    moments,
                    weight,
                    bias,
                    eps,
                },
            );
        });
    };
    // SAFETY: the kernel writes all rows.
    unsafe { written(x.shape(), write) }.map(Some)
}

struct Rows<'a> {
    values: &'a [f32],
    /// As many elements.
    out: &'a mut [MaybeUninit<f32>],
    width: usize,
    moments: Moments,
    /// As many elements as a row has.
    weight: Option<&'a [f32]>,
    /// As many elements as a row has.
    bias: Option<&'a [f32]>,
    eps: f64,
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let scale = |square: f64| 1.0 / (square + self.eps).sqrt();
        let rows = self.values.chunks_exact(self.width);
        for (row, out) in rows.zip(self.out.chunks_exact_mut(self.width)) {
            let (middle, shift, scale) = match self.moments {
                Moments::Power => (0.0, 0.0, scale(power::<S>(row, 0.0))),
                Moments::MeanAndVariance => {
                    let (mean, variance) = mean_and_variance::<S>(row);
                    let scale = scale(variance);
                    let middle = mean as f32;
                    (middle, -(mean - f64::from(middle)) * scale, scale)
                }
            };
            let (middle, shift) = (S::splat(middle), S::splat(shift as f32));
            let scale = S::splat(scale as f32);
            let (from, to) = (row.as_ptr(), out.as_mut_ptr().cast::<f32>());
            macro_rules! each {
                (|$normal:ident, $place:ident, $count:ident| $y:expr) => {
                    each_vector!(S, row.len(), |$place, $count| {
                        // SAFETY: the row has so many elements, and `out`, `weight` and `bias` have
                        // as many as the row.
                        unsafe {
                            let x = S::load_some(from.add($place), $count);
                            let $normal = (x - middle).mul_add(scale, shift);
                            let y: S = $y;
                            y.store_some(to.add($place), $count);
                        }
                    })
                };
            }
            match (self.weight, self.bias) {
                (Some(weight), Some(bias)) => each!(|x, k, count| {
                    let bias = S::load_some(bias.as_ptr().add(k), count);
                    x.mul_add(S::load_some(weight.as_ptr().add(k), count), bias)
                }),
                (Some(weight), None) => {
                    each!(|x, k, count| x * S::load_some(weight.as_ptr().add(k), count));
                }
                (None, Some(bias)) => {
                    each!(|x, k, count| x + S::load_some(bias.as_ptr().add(k), count));
                }
                (None, None) => each!(|x, k, count| x),
            }
        }
    }
}

/// The mean of elements and their variance.
#[inline(always)]
pub fn mean_and_variance<S: Simd>(values: &[f32]) -> (f64, f64) {
    let from = values.as_ptr();
    let total = sum!(S, values.len(), |place, count| {
        // SAFETY: so many elements are there.
        unsafe { S::load_some(from.add(place), count) }
    });
    let mean = total / values.len() as f64;
    let middle = mean as f32;
    let rest = mean - f64::from(middle);
    // Every term has what the rounded mean differs from the mean.
    let variance = power::<S>(values, middle) - rest * rest;
    (mean, if variance < 0.0 { 0.0 } else { variance })
}

/// The mean square of the distances from `middle`.
#[inline(always)]
fn power<S: Simd>(values: &[f32], middle: f32) -> f64 {
    let (from, middle) = (values.as_ptr(), S::splat(middle));
    let total = sum!(S, values.len(), |place, count| {
        // SAFETY: so many elements are there.
        let x = unsafe {
            if count == S::LANES {
                S::load(from.add(place))
            } else {
                S::load_first_or(from.add(place), count, middle)
            }
        };
        (x - middle) * (x - middle)
    });
    total / values.len() as f64
}
