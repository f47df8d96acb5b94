//! Sampling at the places that a grid says (`torch.nn.functional.grid_sample`, `affine_grid`).
//!
//! A place is computed in PyTorch's own steps and precision: nearest samples, and whether a sample
//! lies outside, change where it is rounded the other way.

use candle_core::{DType, Device, Result, Shape, Tensor, WithDType};

use super::flat::{Flat, computed, rounding};
use super::interpolate::convolution;

/// How values between samples come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridInterpolation {
    /// Linear along each axis.
    Bilinear,
    /// The nearest sample, halves to even.
    Nearest,
    /// Cubic convolution with a = -0.75, of images only.
    Bicubic,
}

/// What lies outside of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridPadding {
    Zeros,
    /// The sample at the border.
    Border,
    /// The samples mirrored at the border.
    Reflection,
}

/// Samples `x` of shape `(batch, channels, height, width)` at the places in `grid` of shape
/// `(batch, out_height, out_width, 2)`, or volumes of one more axis likewise.
///
/// A place is `(x, y)` or `(x, y, z)`, from -1 to 1: between the centres of the outermost samples
/// with `align_corners`, else between their outer edges.
///
/// # Errors
/// For dtypes or shapes that do not fit together, and for bicubic sampling of volumes.
pub fn grid_sampler(
    x: &Tensor,
    grid: &Tensor,
    interpolation: GridInterpolation,
    padding: GridPadding,
    align_corners: bool,
) -> Result<Tensor> {
    let axes = x.rank().saturating_sub(2);
    let (sizes, places) = (x.dims(), grid.dims());
    if !(axes == 2 || axes == 3)
        || places.len() != axes + 2
        || places[axes + 1] != axes
        || places[0] != sizes[0]
        || sizes[2..].contains(&0)
    {
        candle_core::bail!("grid_sample takes images or volumes, not {sizes:?} at {places:?}")
    }
    if x.dtype() != grid.dtype() {
        candle_core::bail!("grid_sample of {:?} at {:?}", x.dtype(), grid.dtype())
    }
    if axes == 3 && interpolation == GridInterpolation::Bicubic {
        candle_core::bail!("grid_sample takes bicubic for images only")
    }
    let sampled = Sampled {
        sizes: sizes.to_vec(),
        out: places[1..=axes].to_vec(),
        grid: grid
            .to_device(&Device::Cpu)?
            .to_dtype(DType::F64)?
            .flatten_all()?
            .to_vec1()?,
        interpolation,
        padding,
        align_corners,
        round: rounding(x.dtype()),
    };
    computed(x, "grid_sample", &sampled)
}

/// The grid of places that an affine map takes an output of `size` to.
///
/// `theta` has shape `(batch, 2, 3)` for images, whose size is `(batch, channels, height, width)`,
/// and `(batch, 3, 4)` for volumes.
///
/// # Errors
/// For shapes that do not fit together.
pub fn affine_grid_generator(
    theta: &Tensor,
    size: &[usize],
    align_corners: bool,
) -> Result<Tensor> {
    let axes = size.len().saturating_sub(2);
    if !(axes == 2 || axes == 3) || theta.dims() != [size[0], axes, axes + 1] {
        candle_core::bail!("affine_grid of {:?} for {size:?}", theta.dims())
    }
    let round = rounding(theta.dtype());
    let steps = |n: usize| -> Vec<f64> {
        let step = round(2.0 / n.saturating_sub(1).max(1) as f64);
        let place = |i: usize| match (n, align_corners) {
            (1, _) => 0.0,
            (_, true) => spaced(round, step, i, n),
            (_, false) => {
                let inner = round(spaced(round, step, i, n) * (n - 1) as f64);
                round(inner / n as f64)
            }
        };
        (0..n).map(place).collect()
    };
    let steps: Vec<Vec<f64>> = size[2..].iter().map(|&n| steps(n)).collect();
    let points: usize = size[2..].iter().product();
    let maps: Vec<f64> = theta
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F64)?
        .flatten_all()?
        .to_vec1()?;
    let mut grid = Vec::with_capacity(size[0] * points * axes);
    for map in maps.chunks_exact(axes * (axes + 1)) {
        for point in 0..points {
            // The first coordinate of a place is that of the last axis.
            let mut place = [0f64; 3];
            let mut rest = point;
            for (k, steps) in steps.iter().rev().enumerate() {
                place[k] = steps[rest % steps.len()];
                rest /= steps.len();
            }
            grid.extend(map.chunks_exact(axes + 1).map(|row| {
                let moved: f64 = row.iter().zip(&place[..axes]).map(|(a, b)| a * b).sum();
                moved + row[axes]
            }));
        }
    }
    let mut shape = vec![size[0]];
    shape.extend(&size[2..]);
    shape.push(axes);
    Tensor::from_vec(grid, shape, &Device::Cpu)?
        .to_dtype(theta.dtype())?
        .to_device(theta.device())
}

/// One of `n` equal steps from -1 to 1, from whichever end is nearer (`torch.linspace`).
fn spaced(round: fn(f64) -> f64, step: f64, i: usize, n: usize) -> f64 {
    if i < n / 2 {
        round(round(step * i as f64) - 1.0)
    } else {
        round(1.0 - round(step * (n - 1 - i) as f64))
    }
}

struct Sampled {
    sizes: Vec<usize>,
    out: Vec<usize>,
    grid: Vec<f64>,
    interpolation: GridInterpolation,
    padding: GridPadding,
    align_corners: bool,
    round: fn(f64) -> f64,
}

/// Up to four samples of an axis, `None` outside, each with its weight.
#[derive(Clone, Copy, Default)]
struct Taps {
    count: usize,
    sources: [Option<usize>; 4],
    weights: [f64; 4],
}

impl Taps {
    fn push(&mut self, source: Option<usize>, weight: f64) {
        self.sources[self.count] = source;
        self.weights[self.count] = weight;
        self.count += 1;
    }
}

impl Flat for Sampled {
    fn shape(&self) -> Shape {
        Shape::from([&self.sizes[..2], &self.out].concat())
    }

    fn run<T: WithDType>(&self, values: &[T]) -> Vec<T> {
        let axes = self.out.len();
        let (channels, points) = (self.sizes[1], self.out.iter().product::<usize>());
        let plane: usize = self.sizes[2..].iter().product();
        let mut out = Vec::with_capacity(self.sizes[0] * channels * points);
        if points == 0 || channels == 0 {
            return out;
        }
        let images = values.chunks_exact(plane * channels);
        for (image, grid) in images.zip(self.grid.chunks_exact(points * axes)) {
            let mut taps: Vec<(usize, T)> = Vec::new();
            // Where the taps of each point end, and what those outside give: zero, or NaN.
            let mut ends: Vec<(usize, T)> = Vec::with_capacity(points);
            for place in grid.chunks_exact(axes) {
                let outside = self.point(place, &mut taps);
                ends.push((taps.len(), T::from_f64(outside)));
            }
            for plane in image.chunks_exact(plane) {
                let mut begin = 0;
                out.extend(ends.iter().map(|&(end, outside)| {
                    let mut sum = outside;
                    for &(source, weight) in &taps[begin..end] {
                        sum += weight * plane[source];
                    }
                    begin = end;
                    sum
                }));
            }
        }
        out
    }
}

impl Sampled {
    /// Appends the samples around one place; gives what those outside add up to.
    fn point<T: WithDType>(&self, place: &[f64], taps: &mut Vec<(usize, T)>) -> f64 {
        let mut axes = [Taps::default(); 3];
        for (k, &coordinate) in place.iter().enumerate() {
            let size = self.sizes[self.sizes.len() - 1 - k];
            axes[k] = self.axis(coordinate, size);
        }
        let mut outside = 0.0;
        // The first axis of a place is the innermost one.
        let combinations: usize = axes[..place.len()].iter().map(|axis| axis.count).product();
        for combination in 0..combinations {
            let (mut rest, mut stride) = (combination, 1);
            let (mut source, mut weight) = (Some(0), 1.0);
            for (k, axis) in axes[..place.len()].iter().enumerate() {
                let tap = rest % axis.count;
                rest /= axis.count;
                weight *= axis.weights[tap];
                source = source
                    .zip(axis.sources[tap])
                    .map(|(sum, index)| sum + index * stride);
                stride *= self.sizes[self.sizes.len() - 1 - k];
            }
            match source {
                Some(source) => taps.push((source, T::from_f64(weight))),
                None => outside += weight * 0.0,
            }
        }
        outside
    }

    /// The samples of one axis around a coordinate.
    fn axis(&self, coordinate: f64, size: usize) -> Taps {
        let round = self.round;
        let raw = self.unnormalized(coordinate, size);
        let mut taps = Taps::default();
        match self.interpolation {
            GridInterpolation::Nearest => {
                let place = self.padded(raw, size).round_ties_even();
                taps.push(inside(place, size), 1.0);
            }
            GridInterpolation::Bilinear => {
                let place = self.padded(raw, size);
                let first = place.floor();
                let offset = round(place - first);
                taps.push(inside(first, size), 1.0 - offset);
                taps.push(inside(first + 1.0, size), offset);
            }
            GridInterpolation::Bicubic => {
                let first = raw.floor();
                let offset = round(raw - first);
                let distances = [offset + 1.0, offset, 1.0 - offset, 2.0 - offset];
                for (step, distance) in [-1.0, 0.0, 1.0, 2.0].into_iter().zip(distances) {
                    let place = self.padded(first + step, size);
                    taps.push(inside(place, size), convolution(distance, -0.75));
                }
            }
        }
        taps
    }

    /// From -1 to 1 to indices. PyTorch's kernels for images and for volumes differ in their order.
    fn unnormalized(&self, coordinate: f64, size: usize) -> f64 {
        let (round, size) = (self.round, size as f64);
        let shifted = round(coordinate + 1.0);
        match (self.out.len(), self.align_corners) {
            (2, true) => round(shifted * round((size - 1.0) / 2.0)),
            (2, false) => round(round(shifted * round(size / 2.0)) - 0.5),
            (_, true) => round(round(shifted / 2.0) * (size - 1.0)),
            (_, false) => round(round(round(shifted * size) - 1.0) / 2.0),
        }
    }

    /// The coordinate brought inside, as the padding says.
    fn padded(&self, coordinate: f64, size: usize) -> f64 {
        let last = size as f64 - 1.0;
        let volume = self.out.len() == 3;
        match self.padding {
            // PyTorch's kernel for volumes puts what is not finite far outside.
            GridPadding::Zeros if volume && !coordinate.is_finite() => -100.0,
            GridPadding::Zeros => coordinate,
            GridPadding::Border => clipped(coordinate, last, volume),
            GridPadding::Reflection => {
                clipped(self.reflected(coordinate, size, volume), last, volume)
            }
        }
    }

    fn reflected(&self, coordinate: f64, size: usize, volume: bool) -> f64 {
        let round = self.round;
        let (low, span) = match self.align_corners {
            true if size == 1 => return 0.0,
            true => (0.0, size as f64 - 1.0),
            false => (-0.5, size as f64),
        };
        let distance = round(coordinate - low).abs();
        if volume {
            let extra = distance % span;
            let flips = round(distance / span).floor();
            // PyTorch counts them in 32 bits, of which more have none that is odd.
            let odd = flips <= f64::from(i32::MAX) && flips % 2.0 == 1.0;
            return round(if odd { round(span - extra) } else { extra } + low);
        }
        let flips = round(distance / (2.0 * span)).trunc();
        let extra = round(distance - round(flips * 2.0 * span));
        round(extra.min(round(2.0 * span - extra)) + low)
    }
}

/// NaN becomes the first sample of an image, and the last of a volume, as in PyTorch's kernels.
fn clipped(coordinate: f64, last: f64, volume: bool) -> f64 {
    if coordinate.is_nan() && volume {
        last
    } else {
        coordinate.max(0.0).min(last)
    }
}

fn inside(place: f64, size: usize) -> Option<usize> {
    (place >= 0.0 && place < size as f64).then_some(place as usize)
}
