//! Largest elements and means of windows over height and width, of images that lie channel beside
//! channel (NHWC), as [convolutions](super::conv) leave them; the result lies so too.
//!
//! Windows are rectangles: the rows of one are joined first, then what is left of its columns.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Range;

use candle_core::{Result, Tensor};

use super::elements::{elements, written};
use super::isa::{Isa, Kernel, dispatch, isa};
use super::simd::{Simd, each_vector};
use super::threads::{Shared, parallel};

/// Nanoseconds that it takes to join an element, about.
const NANOSECONDS: f64 = 0.2;

/// What a window covers of an axis: every `step`-th element of `start..end`.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub step: usize,
    /// How many elements it counts as in a mean.
    pub count: usize,
}

impl Span {
    /// All of an axis of a size.
    pub fn whole(size: usize) -> Self {
        Self {
            start: 0,
            end: size,
            step: 1,
            count: size,
        }
    }
}

/// What is made of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The largest element; NaN if there is one.
    Largest,
    /// The sum by this number, or by what the window counts; zero if it counts nothing.
    Mean(Option<i64>),
}

/// The windows of `(batch, channels, height, width)`, one for each pair of a span of the height and
/// one of the width.
///
/// `None` unless it is an f32 tensor on the CPU with more than one channel, which lie so.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn pool(x: &Tensor, heights: &[Span], widths: &[Span], of: Of) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else { return Ok(None) };
    let (&[images, channels, height, width], Some(values)) = (x.dims(), elements(x)) else {
        return Ok(None);
    };
    let &[image, 1, row, pixel] = values.strides() else {
        return Ok(None);
    };
    let beside = channels > 1 && (pixel == channels || width == 1);
    let inside = |spans: &[Span], size| spans.iter().all(|s| s.end <= size && s.step > 0);
    if !beside || !inside(heights, height) || !inside(widths, width) {
        return Ok(None);
    }
    let shape = (images, heights.len(), widths.len(), channels);
    if x.elem_count() == 0 || heights.is_empty() || widths.is_empty() {
        return Ok(None);
    }
    let pools = Pools {
        values: values.from_first(),
        strides: [image, row],
        channels,
        width,
        heights,
        widths,
        of,
    };
    // SAFETY: each row of the output is written whole.
    let y = unsafe {
        written(shape, |y| {
            let y = Shared::new(y);
            pools.all(isa, images, &y);
        })?
    };
    y.permute((0, 3, 1, 2)).map(Some)
}

struct Pools<'a> {
    values: &'a [f32],
    /// From an image, and from a row, to the next.
    strides: [usize; 2],
    channels: usize,
    width: usize,
    heights: &'a [Span],
    widths: &'a [Span],
    of: Of,
}

impl Pools<'_> {
    fn all(&self, isa: Isa, images: usize, y: &Shared<MaybeUninit<f32>>) {
        let reach = self.heights[0].end - self.heights[0].start;
        let rows = images * self.heights.len();
        let work = (rows * self.width * self.channels * (reach + 2)) as f64 * NANOSECONDS;
        parallel(rows, work, |rows| match self.of {
            Of::Largest => dispatch(isa, Lines::<true> { all: self, rows, y }),
            Of::Mean(_) => dispatch(isa, Lines::<false> { all: self, rows, y }),
        });
    }
}

thread_local! {
    /// The joined rows of a window, kept for the next.
    static JOINED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Some rows of the output: largest elements, or means.
struct Lines<'a, const LARGEST: bool> {
    all: &'a Pools<'a>,
    rows: Range<usize>,
    y: &'a Shared<MaybeUninit<f32>>,
}

impl<const LARGEST: bool> Kernel for Lines<'_, LARGEST> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let all = self.all;
        let mut joined = JOINED.take();
        joined.resize(all.width * all.channels, 0.0);
        for row in self.rows.clone() {
            let (image, span) = (
                row / all.heights.len(),
                all.heights[row % all.heights.len()],
            );
            self.join_rows::<S>(image, span, &mut joined);
            for (place, width) in all.widths.iter().enumerate() {
                let to = (row * all.widths.len() + place) * all.channels;
                let to = self.y.at(to).cast();
                // SAFETY: the output has this pixel, and no other thread its row.
                unsafe { self.join_pixels::<S>(&joined, *width, span.count, to) };
            }
        }
        JOINED.set(joined);
    }
}

impl<const LARGEST: bool> Lines<'_, LARGEST> {
    #[inline(always)]
    fn start<S: Simd>() -> S {
        S::splat(if LARGEST { f32::NEG_INFINITY } else { 0.0 })
    }

    #[inline(always)]
    fn join<S: Simd>(so_far: S, x: S) -> S {
        if LARGEST {
            // The maximum is what was so far if that is NaN.
            S::select(x.is_nan(), x, x.max(so_far))
        } else {
            so_far + x
        }
    }

    #[inline(always)]
    fn join_rows<S: Simd>(&self, image: usize, span: Span, joined: &mut [f32]) {
        let all = self.all;
        let length = joined.len();
        let from = &all.values[image * all.strides[0]..];
        // All that is read below is in here.
        if span.start < span.end {
            assert!((span.end - 1) * all.strides[1] + length <= from.len());
        }
        each_vector!(S, length, |place, count| {
            let mut value = Self::start::<S>();
            let mut y = span.start;
            while y < span.end {
                // SAFETY: see above.
                let x =
                    unsafe { S::load_some(from.as_ptr().add(y * all.strides[1] + place), count) };
                value = Self::join(value, x);
                y += span.step;
            }
            // SAFETY: `place` and `count` are those of vectors of `joined`.
            unsafe { value.store_some(joined.as_mut_ptr().add(place), count) };
        });
    }

    /// # Safety
    /// All channels must be writable at `to`.
    #[inline(always)]
    unsafe fn join_pixels<S: Simd>(&self, joined: &[f32], span: Span, rows: usize, to: *mut f32) {
        let channels = self.all.channels;
        let divisor = match self.all.of {
            Of::Mean(divisor) if rows * span.count > 0 => {
                divisor.map_or((rows * span.count) as f32, |divisor| divisor as f32)
            }
            // What counts nothing is a sum of nothing.
            _ => 1.0,
        };
        let nothing = !LARGEST && rows * span.count == 0;
        each_vector!(S, channels, |place, count| {
            let mut value = Self::start::<S>();
            let mut x = span.start;
            while x < span.end && !nothing {
                // SAFETY: spans end inside of the width.
                let pixel =
                    unsafe { S::load_some(joined.as_ptr().add(x * channels + place), count) };
                value = Self::join(value, pixel);
                x += span.step;
            }
            if !LARGEST {
                value = value / S::splat(divisor);
            }
            // SAFETY: the caller's promise.
            unsafe { value.store_some(to.add(place), count) };
        });
    }
}
