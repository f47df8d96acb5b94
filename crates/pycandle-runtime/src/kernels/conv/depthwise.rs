//! Convolutions in which each channel has a window of its own.
//!
//! Vectors go over channels. Some pixels of a row are summed together, so that each input element and
//! each weight that they share is loaded once; taps outside of the image are passed over.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::images::{Geometry, Images};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::isa::{Isa, Kernel, dispatch};
use crate::kernels::panels::{PANEL, Panels};
use crate::kernels::simd::Simd;
use crate::kernels::threads::{Shared, parallel};
use crate::kernels::tile::{Target, finish};

/// About how many products a core makes in a nanosecond.
const PRODUCTS: f64 = 10.0;
/// How many elements the nearest cache of a core holds, about.
const CACHED: usize = 8 * 1024;

/// Writes the convolution to `y`, channel beside channel.
///
/// The images must have no more than a channel's stride of one; `weights` must be of the geometry's
/// sizes, and `y` and the epilogue's slices too.
pub fn convolve(
    isa: Isa,
    images: &Images<'_>,
    weights: &Panels,
    geometry: &Geometry,
    epilogue: &Epilogue<'_>,
    y: &mut [MaybeUninit<f32>],
) {
    let y = Shared::new(y);
    let rows = geometry.images * geometry.output[0];
    parallel(rows, geometry.work() / PRODUCTS, |rows| {
        let rows = Rows {
            images,
            weights,
            geometry,
            epilogue,
            y: &y,
            rows,
        };
        dispatch(isa, rows);
    });
}

/// Some rows of the output of all images.
struct Rows<'a> {
    images: &'a Images<'a>,
    weights: &'a Panels,
    geometry: &'a Geometry,
    epilogue: &'a Epilogue<'a>,
    y: &'a Shared<MaybeUninit<f32>>,
    rows: Range<usize>,
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let geometry = self.geometry;
        match (geometry.kernel[1], geometry.stride[1], geometry.dilation[1]) {
            (3, 1, 1) => self.with::<S, 3, 1>(),
            (3, 2, 1) => self.with::<S, 3, 2>(),
            (5, 1, 1) => self.with::<S, 5, 1>(),
            (5, 2, 1) => self.with::<S, 5, 2>(),
            (7, 1, 1) => self.with::<S, 7, 1>(),
            _ => {
                for row in self.rows.clone() {
                    S::apart(Slow(Row::new(&self, row)));
                }
            }
        }
    }
}

impl Rows<'_> {
    /// `K` taps in a row of the window, which moves by `T`.
    ///
    /// What lies under the window stays in the nearest cache from a row to the next: a strip of some
    /// pixels, with not too many channels, is done from the first row to the last.
    #[inline(always)]
    fn with<S: Simd, const K: usize, const T: usize>(&self) {
        let geometry = self.geometry;
        let under = geometry.kernel[0] * (6 * T + K);
        let blocks = geometry.channels.div_ceil((CACHED / under).max(PANEL));
        let block = geometry.channels.div_ceil(blocks).next_multiple_of(PANEL);
        for first in (0..geometry.channels).step_by(block) {
            let channels = (first, geometry.channels.min(first + block));
            let mut x = 0;
            while x < geometry.output[1] {
                // Half of the registers of the smallest set hold sums.
                x += match geometry.output[1] - x {
                    8 | 16.. => self.strip::<S, 8, K, T>(x, channels),
                    7 | 14.. => self.strip::<S, 7, K, T>(x, channels),
                    4.. => self.strip::<S, 4, K, T>(x, channels),
                    2.. => self.strip::<S, 2, K, T>(x, channels),
                    _ => self.strip::<S, 1, K, T>(x, channels),
                };
            }
        }
    }

    /// Does `R` pixels of each row from `x` on, and gives how many these are.
    #[inline(always)]
    fn strip<S: Simd, const R: usize, const K: usize, const T: usize>(
        &self,
        x: usize,
        channels: (usize, usize),
    ) -> usize {
        let first = (x * T).wrapping_sub(self.geometry.padding[1].0);
        let end = first.wrapping_add((R - 1) * T + K);
        let width = self.geometry.input[1];
        for row in self.rows.clone() {
            let row = Row::new(self, row);
            if first < width && end <= width {
                S::apart(Part::<R, K, T, true> { row, x, channels });
            } else {
                S::apart(Part::<R, K, T, false> { row, x, channels });
            }
        }
        R
    }
}

/// A row of the output.
#[derive(Clone, Copy)]
struct Row<'a> {
    all: &'a Rows<'a>,
    image: usize,
    y: usize,
    /// The first row of the window that is inside, and the first that is no more.
    taps: (usize, usize),
}

impl<'a> Row<'a> {
    fn new(all: &'a Rows<'a>, row: usize) -> Self {
        let geometry = all.geometry;
        let (image, y) = (row / geometry.output[0], row % geometry.output[0]);
        let (from, step) = (y * geometry.stride[0], geometry.dilation[0]);
        let before = geometry.padding[0].0;
        let first = before.saturating_sub(from).div_ceil(step);
        let end = (geometry.input[0] + before)
            .saturating_sub(from)
            .div_ceil(step);
        let end = end.min(geometry.kernel[0]);
        Self {
            all,
            image,
            y,
            taps: (first.min(end), end),
        }
    }

    /// Where the input row under a tap starts, which is inside.
    fn input(&self, tap: usize) -> *const f32 {
        let geometry = self.all.geometry;
        let y = self.y * geometry.stride[0] + tap * geometry.dilation[0] - geometry.padding[0].0;
        let images = self.all.images;
        images.values[self.image * images.image + y * images.row..].as_ptr()
    }

    fn target(&self, x: usize, channel: usize, channels: usize) -> Target {
        let geometry = self.all.geometry;
        let [height, width] = geometry.output;
        let pixel = (self.image * height + self.y) * width + x;
        let index = pixel * geometry.out + channel;
        Target {
            at: self.all.y.at(index).cast(),
            step: geometry.out,
            index,
            column: channel,
            columns: channels,
        }
    }

    /// The weights of a tap for channels from a multiple of a vector's on.
    fn weights(&self, tap: usize, channel: usize) -> *const f32 {
        let place = channel / PANEL * self.all.weights.panel_stride() + channel % PANEL;
        self.all.weights.as_ptr().wrapping_add(tap * PANEL + place)
    }
}

/// `R` pixels of a row, under a window with `K` taps in a row, that moves by `T`; if all of their
/// taps are `INSIDE` of the image.
struct Part<'a, const R: usize, const K: usize, const T: usize, const INSIDE: bool> {
    row: Row<'a>,
    x: usize,
    /// The first channel, and the first that is not done.
    channels: (usize, usize),
}

impl<const R: usize, const K: usize, const T: usize, const INSIDE: bool> Kernel
    for Part<'_, R, K, T, INSIDE>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (first, end) = self.channels;
        let mut channel = first;
        while channel + S::LANES <= end {
            self.vector::<S, true>(channel, S::LANES);
            channel += S::LANES;
        }
        if channel < end {
            self.vector::<S, false>(channel, end - channel);
        }
    }
}

impl<const R: usize, const K: usize, const T: usize, const INSIDE: bool> Part<'_, R, K, T, INSIDE> {
    /// Does `count` channels, which with `FULL` are a whole vector.
    #[inline(always)]
    fn vector<S: Simd, const FULL: bool>(&self, channel: usize, count: usize) {
        let row = self.row;
        let (geometry, images) = (row.all.geometry, row.all.images);
        let left = (self.x * T).wrapping_sub(geometry.padding[1].0);
        let mut sums = [[S::splat(0.0)]; R];
        for tap in row.taps.0..row.taps.1 {
            let input = row.input(tap).wrapping_add(channel);
            let input = input.wrapping_add(left.wrapping_mul(images.pixel));
            let from = row.weights(tap * K, channel);
            let mut weights = [S::splat(0.0); K];
            for k in 0..K {
                // SAFETY: panels are filled up with zeros, so whole vectors are there.
                weights[k] = unsafe { S::load(from.add(k * PANEL)) };
            }
            // An element that several pixels see is loaded once, where the compiler keeps so many
            // sums in registers.
            if T == 1 {
                for column in 0..R - 1 + K {
                    if !INSIDE && left.wrapping_add(column) >= geometry.input[1] {
                        continue;
                    }
                    // SAFETY: the row and the column are inside of the image, and so are channels.
                    let value = unsafe { load::<S, FULL>(input, column * images.pixel, count) };
                    for k in 0..K {
                        if column >= k && column - k < R {
                            sums[column - k][0] = value.mul_add(weights[k], sums[column - k][0]);
                        }
                    }
                }
                continue;
            }
            for r in 0..R {
                for k in 0..K {
                    let column = r * T + k;
                    if !INSIDE && left.wrapping_add(column) >= geometry.input[1] {
                        continue;
                    }
                    // SAFETY: as above.
                    let value = unsafe { load::<S, FULL>(input, column * images.pixel, count) };
                    sums[r][0] = value.mul_add(weights[k], sums[r][0]);
                }
            }
        }
        let target = row.target(self.x, channel, count);
        // SAFETY: the output has these pixels and channels, and no other thread this row.
        unsafe { finish::<S, R, 1>(sums, target, row.all.epilogue) };
    }
}

/// The elements from a place on: a whole vector if `FULL`, else `count`.
///
/// # Safety
/// They must be readable.
#[inline(always)]
unsafe fn load<S: Simd, const FULL: bool>(from: *const f32, place: usize, count: usize) -> S {
    let from = from.wrapping_add(place);
    // SAFETY: the caller's promise.
    unsafe {
        if FULL {
            S::load(from)
        } else {
            S::load_first(from, count)
        }
    }
}

/// A row under any window.
struct Slow<'a>(Row<'a>);

impl Kernel for Slow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let row = self.0;
        let (geometry, images) = (row.all.geometry, row.all.images);
        for x in 0..geometry.output[1] {
            let left = (x * geometry.stride[1]).wrapping_sub(geometry.padding[1].0);
            for channel in (0..geometry.channels).step_by(S::LANES) {
                let channels = S::LANES.min(geometry.channels - channel);
                let mut sum = S::splat(0.0);
                for tap in row.taps.0..row.taps.1 {
                    let input = row.input(tap).wrapping_add(channel);
                    let weights = row.weights(tap * geometry.kernel[1], channel);
                    for k in 0..geometry.kernel[1] {
                        let x = left.wrapping_add(k * geometry.dilation[1]);
                        if x < geometry.input[1] {
                            // SAFETY: the row and the column are inside of the image, and so are
                            // the channels; the weights are filled up to whole vectors.
                            let (value, weight) = unsafe {
                                let value = input.add(x * images.pixel);
                                (
                                    S::load_first(value, channels),
                                    S::load(weights.add(k * PANEL)),
                                )
                            };
                            sum = value.mul_add(weight, sum);
                        }
                    }
                }
                let target = row.target(x, channel, channels);
                // SAFETY: the output has this pixel and channels, and no other thread this row.
                unsafe { finish::<S, 1, 1>([[sum]], target, row.all.epilogue) };
            }
        }
    }
}
