//! The patches that a convolution's window sees, as columns of a matrix, and back.
//!
//! Rows of the matrix are `(channel, kernel depth, kernel height, kernel width)`, columns are places
//! of the window in order. The element loops run along the width, over whole slices.

use std::ops::Range;

use super::slices::Number;
use super::window::Window;

/// The columns `columns` of the matrix of patches (im2col) of one image of `(channels, input)`.
pub(crate) fn unfold<T: Number>(
    image: &[T],
    input: [usize; 3],
    window: &Window,
    places: [usize; 3],
    columns: Range<usize>,
) -> Vec<T> {
    let width = columns.len();
    let plane: usize = input.iter().product();
    let taps: usize = window.kernel.iter().product();
    let mut matrix = vec![T::ZERO; image.len() / plane * taps * width];
    for (row, out) in matrix.chunks_exact_mut(width).enumerate() {
        let image = &image[row / taps * plane..][..plane];
        runs(row % taps, input, window, places, &columns, |run| {
            let stride = window.stride[2];
            let from = &image[run.image..];
            let to = &mut out[run.column..][..run.length];
            if stride == 1 {
                to.copy_from_slice(&from[..run.length]);
            } else {
                for (to, from) in to.iter_mut().zip(from.iter().step_by(stride)) {
                    *to = *from;
                }
            }
        });
    }
    matrix
}

/// Adds the columns `columns` of a matrix of patches to the image that they overlap in (col2im).
pub(crate) fn fold<T: Number>(
    matrix: &[T],
    image: &mut [T],
    input: [usize; 3],
    window: &Window,
    places: [usize; 3],
    columns: Range<usize>,
) {
    let plane: usize = input.iter().product();
    let taps: usize = window.kernel.iter().product();
    for (row, from) in matrix.chunks_exact(columns.len()).enumerate() {
        let image = &mut image[row / taps * plane..][..plane];
        runs(row % taps, input, window, places, &columns, |run| {
            let to = image[run.image..].iter_mut().step_by(window.stride[2]);
            for (to, from) in to.zip(&from[run.column..][..run.length]) {
                *to = to.plus(*from);
            }
        });
    }
}

/// Convolves each channel with kernels of its own, without a matrix (a depthwise convolution).
///
/// `images` is `(batch, channels, input)`, `weight` `(channels, outputs, kernel)`, the result
/// `(batch, channels, outputs, places)`.
pub(crate) fn direct<T: Number>(
    images: &[T],
    weight: &[T],
    channels: usize,
    outputs: usize,
    input: [usize; 3],
    window: &Window,
    places: [usize; 3],
) -> Vec<T> {
    let plane: usize = input.iter().product();
    let count: usize = places.iter().product();
    let taps: usize = window.kernel.iter().product();
    let mut result = vec![T::ZERO; images.len() / plane * outputs * count];
    for (index, out) in result.chunks_exact_mut(count).enumerate() {
        let image = &images[index / outputs * plane..][..plane];
        let kernel = index % (channels * outputs) * taps;
        for tap in 0..taps {
            let factor = weight[kernel + tap];
            runs(tap, input, window, places, &(0..count), |run| {
                let to = &mut out[run.column..][..run.length];
                let from = &image[run.image..];
                if window.stride[2] == 1 {
                    for (to, from) in to.iter_mut().zip(from) {
                        *to = to.plus(factor.times(*from));
                    }
                } else {
                    for (to, from) in to.iter_mut().zip(from.iter().step_by(window.stride[2])) {
                        *to = to.plus(factor.times(*from));
                    }
                }
            });
        }
    }
    result
}

/// Places next to each other on the width whose tap lies inside the image.
struct Run {
    /// The first column, counted from the first of those asked for.
    column: usize,
    /// Where the first one's tap lies in the image's plane; the others follow by the stride.
    image: usize,
    length: usize,
}

/// Calls `f` for each run of one tap of the kernel.
fn runs(
    tap: usize,
    input: [usize; 3],
    window: &Window,
    places: [usize; 3],
    columns: &Range<usize>,
    mut f: impl FnMut(Run),
) {
    let [_, height, width] = window.kernel;
    let taps = [tap / (height * width), tap / width % height, tap % width];
    let rows = columns.start / places[2]..columns.end.div_ceil(places[2]);
    for row in rows {
        let (depth, height) = (row / places[1], row % places[1]);
        let lines = [
            window.inside(0, taps[0], depth..depth + 1, input[0]),
            window.inside(1, taps[1], height..height + 1, input[1]),
        ];
        if lines.iter().any(|(range, _)| range.is_empty()) {
            continue;
        }
        let start = row * places[2];
        let first = columns.start.saturating_sub(start);
        let end = (columns.end - start).min(places[2]);
        let (range, place) = window.inside(2, taps[2], first..end, input[2]);
        if !range.is_empty() {
            f(Run {
                column: start + range.start - columns.start,
                image: (lines[0].1 * input[1] + lines[1].1) * input[2] + place,
                length: range.len(),
            });
        }
    }
}
