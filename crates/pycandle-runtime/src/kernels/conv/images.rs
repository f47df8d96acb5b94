//! Images as a convolution reads them: where their elements lie, and copies that lie better.

use std::ops::Range;

use candle_core::Result;

use crate::kernels::isa::{Isa, Kernel, dispatch};
use crate::kernels::simd::{Simd, each_vector};
use crate::kernels::threads::parallel_rows;
use crate::ops::Window;

/// About how many nanoseconds it takes to copy an element.
const COPY: f64 = 0.5;

/// The sizes of a convolution over height and width.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    pub images: usize,
    pub channels: usize,
    pub out: usize,
    pub groups: usize,
    /// Height and width, as all of these.
    pub input: [usize; 2],
    pub output: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Zeros before and after.
    pub padding: [(usize, usize); 2],
}

impl Geometry {
    /// Of an input and a weight with five axes each, of which depth must be none; else `None`, as for
    /// a convolution of nothing.
    pub fn new(
        input: &[usize],
        weight: &[usize],
        groups: usize,
        window: &Window,
    ) -> Result<Option<Self>> {
        let (&[images, channels, depth, height, width], &[out, inner, ..]) = (input, weight) else {
            return Ok(None);
        };
        let places = window.places([depth, height, width])?;
        let flat = depth == 1 && window.kernel[0] == 1 && places[0] == 1;
        let mut sizes = input.iter().chain(weight).chain(&places);
        if !flat || sizes.any(|&size| size == 0) || inner * groups != channels || out % groups != 0
        {
            return Ok(None);
        }
        let two = |three: [usize; 3]| [three[1], three[2]];
        Ok(Some(Self {
            images,
            channels,
            out,
            groups,
            input: [height, width],
            output: two(places),
            kernel: two(window.kernel),
            stride: two(window.stride),
            dilation: two(window.dilation),
            padding: [window.padding[1], window.padding[2]],
        }))
    }

    /// `out`, `in / groups`, the taps of the window, `groups`.
    pub fn sizes(&self) -> [usize; 4] {
        let taps = self.kernel[0] * self.kernel[1];
        [self.out, self.channels / self.groups, taps, self.groups]
    }

    /// Of the output, as it lies.
    pub fn shape(&self) -> [usize; 5] {
        [self.images, 1, self.output[0], self.output[1], self.out]
    }

    /// How many weights there are.
    pub fn weights(&self) -> usize {
        self.sizes()[..3].iter().product()
    }

    /// How many elements are read and written.
    pub fn elements(&self) -> usize {
        let count = |[height, width]: [usize; 2], channels| height * width * channels;
        self.images * (count(self.input, self.channels) + count(self.output, self.out))
    }

    /// How many products it takes.
    pub fn work(&self) -> f64 {
        let [out, inner, taps, _] = self.sizes();
        (self.images * self.output[0] * self.output[1] * out) as f64 * (inner * taps) as f64
    }
}

/// Images with any strides.
#[derive(Clone, Copy)]
pub struct Images<'a> {
    pub values: &'a [f32],
    /// From an image, a channel, a row, a pixel to the next.
    pub image: usize,
    pub channel: usize,
    pub row: usize,
    pub pixel: usize,
}

impl<'a> Images<'a> {
    /// From the strides of `(batch, channels, depth, height, width)`.
    pub fn new(values: &'a [f32], strides: &[usize]) -> Self {
        let stride = |axis: usize| strides.get(axis).copied().unwrap_or(0);
        Self {
            values,
            image: stride(0),
            channel: stride(1),
            row: stride(3),
            pixel: stride(4),
        }
    }

    /// All elements, if they lie channel beside channel without gaps.
    pub fn in_order(&self, geometry: &Geometry) -> Option<&'a [f32]> {
        let [height, width] = geometry.input;
        let dense = Self::dense(self.values, geometry.input, geometry.channels);
        let same = (self.image == dense.image || geometry.images == 1)
            && (self.channel == 1 || geometry.channels == 1)
            && (self.row == dense.row || height == 1)
            && (self.pixel == dense.pixel || width == 1);
        let count = geometry.images * dense.image;
        self.values.get(..count).filter(|_| same)
    }

    /// Whose elements lie channel beside channel without gaps.
    pub fn dense(values: &'a [f32], [height, width]: [usize; 2], channels: usize) -> Self {
        Self {
            values,
            image: height * width * channels,
            channel: 1,
            row: width * channels,
            pixel: channels,
        }
    }
}

/// Whether all elements are finite, and so small that sums of a few are.
pub struct Moderate<'a>(pub &'a [f32]);

impl Kernel for Moderate<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self) -> bool {
        // What is infinite after this times zero is no number, and then no sum is one.
        let (large, zero) = (S::splat(2f32.powi(64)), S::splat(0.0));
        let mut sums = [zero; 4];
        let part = self.0.len() / 4;
        each_vector!(S, part, |place, count| {
            for (k, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the place is in the first of four parts.
                let x = unsafe { S::load_some(self.0.as_ptr().add(k * part + place), count) };
                *sum = (x * large).mul_add(zero, *sum);
            }
        });
        let rest = self.0[4 * part..]
            .iter()
            .all(|x| (x * 2f32.powi(64)).is_finite());
        rest && ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum() == 0.0
    }
}

/// A copy of images of `[height, width]`, channel beside channel.
pub fn beside(
    isa: Isa,
    images: &Images<'_>,
    count: usize,
    size: [usize; 2],
    channels: usize,
) -> Vec<f32> {
    let [height, width] = size;
    let row = width * channels;
    let mut copy = vec![0.0; count * height * row];
    let work = copy.len() as f64 * COPY;
    parallel_rows(&mut copy, row, work, |first, rows| {
        for (k, to) in rows.chunks_exact_mut(row).enumerate() {
            let part = Part {
                image: (first + k) / height,
                top: (first + k) % height,
                rows: 1,
                width,
                before: [0, 0],
                size,
                last: width,
                channels,
            };
            part.copy(isa, images, channels, to);
        }
    });
    copy
}

/// Some rows of an image, with zeros around them.
#[derive(Clone, Copy)]
pub struct Part {
    pub image: usize,
    /// The first row, counted with the padding.
    pub top: usize,
    pub rows: usize,
    /// How many pixels a row has with its padding.
    pub width: usize,
    /// How many rows and pixels of padding are before the image.
    pub before: [usize; 2],
    /// Height and width of the image.
    pub size: [usize; 2],
    /// The width of the image's last row.
    pub last: usize,
    pub channels: usize,
}

impl Part {
    /// Copies the part channel beside channel, with `pixel` elements from a pixel to the next.
    ///
    /// Elements between pixels stay as they are.
    pub fn copy(&self, isa: Isa, from: &Images<'_>, pixel: usize, to: &mut [f32]) {
        let rows = to.chunks_exact_mut(self.width * pixel).take(self.rows);
        for (y, to) in rows.enumerate() {
            let y = (self.top + y).wrapping_sub(self.before[0]);
            if y >= self.size[0] {
                to.fill(0.0);
                continue;
            }
            let whole = if y + 1 == self.size[0] {
                self.last
            } else {
                self.size[1]
            };
            let left = self.before[1].min(self.width);
            let width = whole.min(self.width - left);
            to[..left * pixel].fill(0.0);
            to[(left + width) * pixel..].fill(0.0);
            let start = self.image * from.image + y * from.row;
            self.copy_row(
                isa,
                from,
                start,
                pixel,
                &mut to[left * pixel..(left + width) * pixel],
            );
        }
    }

    fn copy_row(&self, isa: Isa, from: &Images<'_>, start: usize, pixel: usize, to: &mut [f32]) {
        let channels = self.channels;
        let gapless = from.pixel == 1 && pixel == channels;
        match channels {
            2 if gapless => return interleave::<2>(from, start, to),
            3 if gapless => return interleave::<3>(from, start, to),
            4 if gapless => return interleave::<4>(from, start, to),
            _ => {}
        }
        if from.channel == 1 || channels == 1 {
            if from.pixel == channels && pixel == channels {
                to.copy_from_slice(&from.values[start..][..to.len()]);
                return;
            }
            for (x, to) in to.chunks_exact_mut(pixel).enumerate() {
                to[..channels].copy_from_slice(&from.values[start + x * from.pixel..][..channels]);
            }
            return;
        }
        dispatch(
            isa,
            Transpose {
                images: from,
                start,
                pixel,
                channels,
                to,
            },
        );
    }
}

/// Copies a row of pixels of `C` channels, each of which lies without gaps, to pixels without gaps.
fn interleave<const C: usize>(from: &Images<'_>, start: usize, to: &mut [f32]) {
    let (pixels, _) = to.as_chunks_mut::<C>();
    // All of one length, so that nothing is checked pixel by pixel.
    let channels: [&[f32]; C] = std::array::from_fn(|channel| {
        &from.values[start + channel * from.channel..][..pixels.len()]
    });
    for (x, to) in pixels.iter_mut().enumerate() {
        *to = channels.map(|channel| channel[x]);
    }
}

/// Copies a row of pixels whose channels lie apart.
struct Transpose<'a> {
    images: &'a Images<'a>,
    start: usize,
    pixel: usize,
    channels: usize,
    to: &'a mut [f32],
}

impl Kernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let width = self.to.len() / self.pixel;
        let beside = self.images.pixel == 1;
        let (wide, deep) = match beside {
            true => (
                width / S::LANES * S::LANES,
                self.channels / S::LANES * S::LANES,
            ),
            false => (0, 0),
        };
        // All that the squares read and write is in here.
        if wide > 0 && deep > 0 {
            let last = self.start + (deep - 1) * self.images.channel + wide;
            assert!(last <= self.images.values.len() && width * self.pixel <= self.to.len());
        }
        for channel in (0..deep).step_by(S::LANES) {
            for x in (0..wide).step_by(S::LANES) {
                let from = self.start + channel * self.images.channel + x;
                // SAFETY: see above.
                unsafe {
                    S::transpose(
                        (self.images.values.as_ptr().add(from), self.images.channel),
                        (
                            self.to.as_mut_ptr().add(x * self.pixel + channel),
                            self.pixel,
                        ),
                    );
                }
            }
        }
        self.one_by_one(0..wide, deep..self.channels);
        self.one_by_one(wide..width, 0..self.channels);
    }
}

impl Transpose<'_> {
    fn one_by_one(&mut self, pixels: Range<usize>, channels: Range<usize>) {
        for channel in channels {
            let start = self.start + channel * self.images.channel;
            for x in pixels.clone() {
                let value = self.images.values[start + x * self.images.pixel];
                self.to[x * self.pixel + channel] = value;
            }
        }
    }
}
