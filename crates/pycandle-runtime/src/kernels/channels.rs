//! Channels that are scaled and shifted, and the moments of groups of them.
//!
//! Channels are the axis 1 of `(batch, channels, …)`. Each has a plane of neighbouring elements for
//! each entry of the batch, or all channels of one place lie side by side.

use std::mem::MaybeUninit;

use candle_core::{Result, Tensor};

use super::copy::contiguous;
use super::elements::{elements, written_like};
use super::isa::{Isa, Kernel, dispatch, isa};
use super::normalize::mean_and_variance;
use super::simd::{MOST_LANES, Simd, each_vector};
use super::threads::parallel_rows;

/// About how long an element takes.
const NANOSECONDS: f64 = 0.2;
/// So many places are added up one by one, before their sums go into those of f64.
const BLOCK: usize = 64;

/// How the channels of a tensor lie.
#[derive(Debug, Clone, Copy)]
struct Channels {
    batch: usize,
    count: usize,
    /// How many places each channel has in an entry of the batch.
    places: usize,
    /// Whether channels of one place lie side by side.
    last: bool,
}

/// The tensor, copied if its channels lie otherwise, and how they do.
fn channels(x: &Tensor) -> Result<(Tensor, Channels)> {
    let dims = x.dims();
    let mut order: Vec<usize> = (0..dims.len()).collect();
    order[1..].rotate_left(1);
    let last = !x.is_contiguous() && x.permute(order)?.is_contiguous();
    let x = if last { x.clone() } else { contiguous(x)? };
    let channels = Channels {
        batch: dims[0],
        count: dims[1],
        places: dims[2..].iter().product(),
        last,
    };
    Ok((x, channels))
}

/// `x * scale + shift` of `(batch, channels, …)`; both have a number for each channel, or for each
/// channel of each entry of the batch. So has `middle`, near which the elements of a channel lie: its
/// digits are not lost.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn scaled(x: &Tensor, middle: &[f64], scale: &[f64], shift: &[f64]) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else { return Ok(None) };
    if elements(x).is_none() || x.rank() < 2 || x.elem_count() == 0 {
        return Ok(None);
    }
    let (x, channels) = &channels(x)?;
    let numbers = [channels.count, channels.batch * channels.count].contains(&scale.len());
    if !numbers || middle.len() != scale.len() || shift.len() != scale.len() {
        return Ok(None);
    }
    let found = elements(x);
    let Some(values) = found.as_ref().and_then(|elements| elements.dense()) else {
        return Ok(None);
    };
    // Infinities less infinities would be NaN.
    let near = middle.iter().map(|&middle| middle as f32);
    let near: Vec<f32> = near.map(|x| if x.is_finite() { x } else { 0.0 }).collect();
    let moved = shift.iter().zip(scale).zip(&near);
    let moved = moved.map(|((shift, scale), &near)| (shift + f64::from(near) * scale) as f32);
    let (scale, shift): (Vec<f32>, Vec<f32>) = (
        scale.iter().map(|&scale| scale as f32).collect(),
        moved.collect(),
    );
    let width = if channels.last {
        channels.count
    } else {
        channels.places
    };
    let write = |out: &mut [MaybeUninit<f32>]| {
        let time = NANOSECONDS * out.len() as f64;
        parallel_rows(out, width, time, |first, out| {
            let scaled = Scaled {
                channels: *channels,
                values: &values[first * width..][..out.len()],
                out,
                first,
                near: &near,
                scale: &scale,
                shift: &shift,
            };
            dispatch(isa, scaled);
        });
    };
    // SAFETY: the kernel writes all rows of `width` elements.
    unsafe { written_like(x.layout(), write) }.map(Some)
}

/// Rows of one place's channels, or of one channel's places.
struct Scaled<'a> {
    channels: Channels,
    values: &'a [f32],
    /// As many elements.
    out: &'a mut [MaybeUninit<f32>],
    /// The number of the first row.
    first: usize,
    near: &'a [f32],
    /// As many as `near`, as `shift` has.
    scale: &'a [f32],
    shift: &'a [f32],
}

impl Kernel for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Channels {
            count,
            places,
            last,
            ..
        } = self.channels;
        let width = if last { count } else { places };
        let (mut from, mut to) = (self.values.as_ptr(), self.out.as_mut_ptr().cast::<f32>());
        for row in self.first..self.first + self.values.len() / width {
            if last {
                let start = row / places * count % self.near.len();
                let near = self.near[start..][..count].as_ptr();
                let scale = self.scale[start..][..count].as_ptr();
                let shift = self.shift[start..][..count].as_ptr();
                each_vector!(S, width, |k, some| {
                    // SAFETY: all of them have the elements of a row.
                    unsafe {
                        let x = S::load_some(from.add(k), some) - S::load_some(near.add(k), some);
                        let scale = S::load_some(scale.add(k), some);
                        x.mul_add(scale, S::load_some(shift.add(k), some))
                            .store_some(to.add(k), some);
                    }
                });
            } else {
                let plane = row % self.near.len();
                let (near, scale) = (S::splat(self.near[plane]), S::splat(self.scale[plane]));
                let shift = S::splat(self.shift[plane]);
                each_vector!(S, width, |k, some| {
                    // SAFETY: both have the elements of a row.
                    unsafe {
                        let x = S::load_some(from.add(k), some) - near;
                        x.mul_add(scale, shift).store_some(to.add(k), some);
                    }
                });
            }
            (from, to) = (from.wrapping_add(width), to.wrapping_add(width));
        }
    }
}

/// The means and the variances of `groups` groups of neighbouring channels in each entry of the batch
/// of `(batch, channels, …)`.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn moments(x: &Tensor, groups: usize) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
    let Some(isa) = isa()? else { return Ok(None) };
    let fits =
        x.rank() > 1 && x.elem_count() > 0 && groups > 0 && x.dims()[1].is_multiple_of(groups);
    if elements(x).is_none() || !fits {
        return Ok(None);
    }
    let (x, channels) = &channels(x)?;
    let found = elements(x);
    let Some(values) = found.as_ref().and_then(|elements| elements.dense()) else {
        return Ok(None);
    };
    let size = values.len() / channels.batch / groups;
    let mut moments = vec![(0.0, 0.0); channels.batch * groups];
    let time = 2.0 * NANOSECONDS * values.len() as f64;
    if channels.last {
        let entry = size * groups;
        parallel_rows(&mut moments, groups, time, |first, moments| {
            for (k, moments) in moments.chunks_exact_mut(groups).enumerate() {
                let values = &values[(first + k) * entry..][..entry];
                side_by_side(isa, values, channels.count, moments);
            }
        });
    } else {
        parallel_rows(&mut moments, 1, time, |first, moments| {
            for (k, moments) in moments.iter_mut().enumerate() {
                let values = &values[(first + k) * size..][..size];
                *moments = dispatch(isa, Group { values });
            }
        });
    }
    Ok(Some(moments.into_iter().unzip()))
}

/// Elements that lie side by side.
struct Group<'a> {
    values: &'a [f32],
}

impl Kernel for Group<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<S: Simd>(self) -> (f64, f64) {
        mean_and_variance::<S>(self.values)
    }
}

/// The moments of groups of channels that lie side by side, place after place.
fn side_by_side(isa: Isa, values: &[f32], channels: usize, moments: &mut [(f64, f64)]) {
    let shared = channels / moments.len();
    let size = (values.len() / moments.len()) as f64;
    let mut near = vec![0f32; channels];
    let powers = |near: &[f32], power| {
        let mut sums = vec![0f64; channels];
        dispatch(
            isa,
            Columns {
                values,
                near,
                power,
                sums: &mut sums,
            },
        );
        sums
    };
    let sums = powers(&near, false);
    for ((moments, sums), near) in
        (moments.iter_mut().zip(sums.chunks_exact(shared))).zip(near.chunks_exact_mut(shared))
    {
        moments.0 = sums.iter().sum::<f64>() / size;
        near.fill(moments.0 as f32);
    }
    let squares = powers(&near, true);
    for (moments, squares) in moments.iter_mut().zip(squares.chunks_exact(shared)) {
        // Every term has what the rounded mean differs from the mean.
        let rest = moments.0 - f64::from(moments.0 as f32);
        let variance = squares.iter().sum::<f64>() / size - rest * rest;
        moments.1 = if variance < 0.0 { 0.0 } else { variance };
    }
}

/// Sums over the places of each channel: of what it differs from `near`, or of the squares of that.
struct Columns<'a> {
    values: &'a [f32],
    /// As many as there are channels.
    near: &'a [f32],
    power: bool,
    /// As many.
    sums: &'a mut [f64],
}

impl Kernel for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let count = self.near.len();
        for block in self.values.chunks(BLOCK * count) {
            each_vector!(S, count, |channel, some| {
                let mut sum = S::splat(0.0);
                // SAFETY: each place has `count` channels, of which `some` are left from here on.
                unsafe {
                    let near = S::load_some(self.near.as_ptr().add(channel), some);
                    for place in (channel..block.len()).step_by(count) {
                        let x = S::load_some(block.as_ptr().add(place), some) - near;
                        sum = if self.power {
                            x.mul_add(x, sum)
                        } else {
                            sum + x
                        };
                    }
                }
                let mut parts = [0f32; MOST_LANES];
                // SAFETY: no vector has more elements.
                unsafe { sum.store(parts.as_mut_ptr()) };
                for (sum, part) in self.sums[channel..].iter_mut().zip(&parts[..some]) {
                    *sum += f64::from(*part);
                }
            });
        }
    }
}
