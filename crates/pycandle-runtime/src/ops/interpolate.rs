//! Resampling of the axes after (batch, channels) to given sizes: nearest, linear and cubic.
//!
//! The kernels are separable: one axis at a time, the last one first. Coordinates are computed in
//! the precision in which PyTorch's CPU kernels compute them (`aten/src/ATen/native/UpSample.h`),
//! since nearest neighbours jump where a coordinate is rounded the other way.

use candle_core::{Result, Shape, Tensor, WithDType};

use super::flat::{Flat, computed, moved, rounding};

/// `interpolate(mode="nearest")`: the sample at or before each place, of one to three axes.
///
/// `scales` are the factors where the caller gave them; PyTorch then computes coordinates from them
/// and not from the sizes.
///
/// # Errors
/// For other than two axes more than `output_size` has, and for empty axes.
pub fn upsample_nearest(
    x: &Tensor,
    output_size: &[usize],
    scales: Option<&[f64]>,
) -> Result<Tensor> {
    nearest(x, output_size, scales, false)
}

/// `interpolate(mode="nearest-exact")`: the sample nearest to each place; arguments and errors are
/// those of [`upsample_nearest`].
pub fn upsample_nearest_exact(
    x: &Tensor,
    output_size: &[usize],
    scales: Option<&[f64]>,
) -> Result<Tensor> {
    nearest(x, output_size, scales, true)
}

macro_rules! weighted {
    ($($(#[$doc:meta])+ $name:ident => $kernel:expr;)+) => {$(
        $(#[$doc])+
        ///
        /// `align_corners` puts the first and the last samples at the same places. `scales` are the
        /// factors where the caller gave them; PyTorch then computes coordinates from them and not
        /// from the sizes. Halves are computed in f32.
        ///
        /// # Errors
        /// For integers, other than two axes more than `output_size` has, and empty axes.
        pub fn $name(
            x: &Tensor,
            output_size: &[usize],
            align_corners: bool,
            scales: Option<&[f64]>,
        ) -> Result<Tensor> {
            weighted(x, output_size, align_corners, scales, $kernel)
        }
    )+};
}

weighted! {
    /// `interpolate(mode="linear")`, `"bilinear"` and `"trilinear"`, by the number of axes.
    upsample_linear => linear;
    /// `interpolate(mode="bicubic")` of images.
    upsample_bicubic2d => cubic;
    /// `interpolate(mode="bilinear", antialias=True)` of images.
    upsample_bilinear2d_aa => |axis| windows(axis, 1.0, triangle);
    /// `interpolate(mode="bicubic", antialias=True)` of images.
    upsample_bicubic2d_aa => |axis| windows(axis, 2.0, keys);
    /// `interpolate(mode="lanczos", antialias=True)` of images.
    upsample_lanczos2d_aa => |axis| windows(axis, 3.0, lanczos);
}

fn nearest(
    x: &Tensor,
    output_size: &[usize],
    scales: Option<&[f64]>,
    exact: bool,
) -> Result<Tensor> {
    let axes = axes(x, output_size, scales, false)?;
    let sources = axes.iter().map(|axis| axis.nearest(exact)).collect();
    let shape = x.dims().to_vec();
    moved(x, &Picked { shape, sources })
}

fn weighted(
    x: &Tensor,
    output_size: &[usize],
    align_corners: bool,
    scales: Option<&[f64]>,
    kernel: impl Fn(&Axis) -> Taps,
) -> Result<Tensor> {
    let axes = axes(x, output_size, scales, align_corners)?;
    let taps = axes.iter().map(kernel).collect();
    let shape = x.dims().to_vec();
    computed(x, "interpolate", &Summed { shape, taps })
}

/// One axis to resample.
struct Axis {
    input: usize,
    output: usize,
    align_corners: bool,
    /// Input samples per output sample.
    scale: f64,
    /// To the precision in which coordinates are computed.
    round: fn(f64) -> f64,
}

fn axes(
    x: &Tensor,
    output_size: &[usize],
    scales: Option<&[f64]>,
    align_corners: bool,
) -> Result<Vec<Axis>> {
    let sizes = match x.dims() {
        [_, _, sizes @ ..] if sizes.len() == output_size.len() => sizes,
        dims => candle_core::bail!(
            "interpolate to {output_size:?} takes {} axes, not {dims:?}",
            output_size.len() + 2
        ),
    };
    if sizes.iter().chain(output_size).any(|&size| size == 0) {
        candle_core::bail!("interpolate from {sizes:?} to {output_size:?}: no axis may be empty")
    }
    if scales.is_some_and(|scales| scales.len() != output_size.len()) {
        candle_core::bail!("interpolate to {output_size:?} by {scales:?}")
    }
    let round = rounding(x.dtype());
    let axis = |k: usize| {
        let (input, output) = (sizes[k], output_size[k]);
        let scale = match scales.map(|scales| scales[k]) {
            _ if align_corners && output == 1 => 0.0,
            _ if align_corners => round((input - 1) as f64 / (output - 1) as f64),
            Some(factor) if factor > 0.0 => round(1.0 / factor),
            _ => round(input as f64 / output as f64),
        };
        Axis {
            input,
            output,
            align_corners,
            scale,
            round,
        }
    };
    Ok((0..sizes.len()).map(axis).collect())
}

impl Axis {
    /// Where an output sample lies between the input's.
    fn coordinate(&self, index: usize) -> f64 {
        let round = self.round;
        if self.align_corners {
            round(self.scale * index as f64)
        } else {
            round(round(self.scale * round(index as f64 + 0.5)) - 0.5)
        }
    }

    /// The input sample for each output sample. PyTorch takes the floor in f32 whatever the dtype.
    fn nearest(&self, exact: bool) -> Vec<usize> {
        let source = |index: usize| {
            let place = if exact {
                self.coordinate(index).max(0.0) + 0.5
            } else {
                (self.round)(self.scale * index as f64)
            };
            ((place as f32).floor() as usize).min(self.input - 1)
        };
        (0..self.output).map(source).collect()
    }

    /// The input sample at or before a coordinate, and how far it lies behind it, from 0 to 1.
    fn split(&self, coordinate: f64) -> (isize, f64) {
        let index = ((coordinate as f32).floor() as isize).min(self.input as isize - 1);
        let offset = (self.round)(coordinate - index as f64);
        (index, offset.clamp(0.0, 1.0))
    }

    fn clamp(&self, index: isize) -> usize {
        index.clamp(0, self.input as isize - 1) as usize
    }
}

/// For each sample of an output axis, the input samples that it is a weighted sum of.
struct Taps {
    output: usize,
    /// Where the taps of each output sample end; those of the next begin there.
    ends: Vec<usize>,
    sources: Vec<usize>,
    weights: Vec<f64>,
}

impl Taps {
    fn new<const N: usize>(axis: &Axis, of: impl Fn(usize) -> ([usize; N], [f64; N])) -> Self {
        let (sources, weights): (Vec<_>, Vec<_>) = (0..axis.output).map(of).unzip();
        Self {
            output: axis.output,
            ends: (1..=axis.output).map(|count| count * N).collect(),
            sources: sources.concat(),
            weights: weights.concat(),
        }
    }
}

fn linear(axis: &Axis) -> Taps {
    Taps::new(axis, |index| {
        if axis.input == axis.output {
            return ([index; 2], [1.0, 0.0]);
        }
        let (first, offset) = axis.split(axis.coordinate(index).max(0.0));
        let sources = [axis.clamp(first), axis.clamp(first + 1)];
        (sources, [1.0 - offset, offset])
    })
}

/// Cubic convolution with a = -0.75.
fn cubic(axis: &Axis) -> Taps {
    Taps::new(axis, |index| {
        let (first, offset) = axis.split(axis.coordinate(index));
        let sources = [-1, 0, 1, 2].map(|step| axis.clamp(first + step));
        let distances = [offset + 1.0, offset, 1.0 - offset, 2.0 - offset];
        (sources, distances.map(|x| convolution(x, -0.75)))
    })
}

/// Keys's cubic convolution kernel at a distance of up to 2 (Keys, Cubic convolution interpolation
/// for digital image processing, 1981).
pub(crate) fn convolution(x: f64, a: f64) -> f64 {
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    }
}

/// A filter of `radius` around each sample, stretched where the output is coarser than the input,
/// with weights that add up to one.
fn windows(axis: &Axis, radius: f64, filter: fn(f64) -> f64) -> Taps {
    if axis.input == axis.output {
        return Taps::new(axis, |index| ([index], [1.0]));
    }
    let round = axis.round;
    let stretch = axis.scale.max(1.0);
    let support = round(radius * stretch);
    let mut taps = Taps {
        output: axis.output,
        ends: Vec::with_capacity(axis.output),
        sources: Vec::new(),
        weights: Vec::new(),
    };
    for index in 0..axis.output {
        let center = round(axis.scale * (index as f64 + 0.5));
        // Conversions saturate at zero.
        let first = (center - support + 0.5) as usize;
        let last = ((center + support + 0.5) as usize).min(axis.input);
        let weights = (first..last).map(|k| filter((k as f64 - center + 0.5) / stretch));
        let begin = taps.weights.len();
        taps.weights.extend(weights);
        taps.sources.extend(first..last);
        taps.ends.push(taps.weights.len());
        let total: f64 = taps.weights[begin..].iter().sum();
        if total != 0.0 {
            taps.weights[begin..].iter_mut().for_each(|w| *w /= total);
        }
    }
    taps
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// Cubic convolution with a = -0.5.
fn keys(x: f64) -> f64 {
    if x.abs() < 2.0 {
        convolution(x.abs(), -0.5)
    } else {
        0.0
    }
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| {
        let angle = x * std::f64::consts::PI;
        if x == 0.0 { 1.0 } else { angle.sin() / angle }
    };
    if x.abs() < 3.0 {
        sinc(x) * sinc(x / 3.0)
    } else {
        0.0
    }
}

/// Picks samples along the last axes.
struct Picked {
    shape: Vec<usize>,
    sources: Vec<Vec<usize>>,
}

impl Flat for Picked {
    fn shape(&self) -> Shape {
        resized(&self.shape, self.sources.iter().map(Vec::len))
    }

    fn run<T: WithDType>(&self, values: &[T]) -> Vec<T> {
        over_axes(values, &self.shape, &self.sources, Vec::len, pick)
    }
}

/// Weighted sums along the last axes.
struct Summed {
    shape: Vec<usize>,
    taps: Vec<Taps>,
}

impl Flat for Summed {
    fn shape(&self) -> Shape {
        resized(&self.shape, self.taps.iter().map(|taps| taps.output))
    }

    fn run<T: WithDType>(&self, values: &[T]) -> Vec<T> {
        over_axes(values, &self.shape, &self.taps, |taps| taps.output, add_up)
    }
}

fn resized(shape: &[usize], sizes: impl Iterator<Item = usize>) -> Shape {
    let kept = shape[..2].iter().copied();
    Shape::from(kept.chain(sizes).collect::<Vec<_>>())
}

/// Runs `step(values, length, inner, how)` over each axis but the first two, the last one first:
/// `values` has slabs of `length` rows of `inner` elements.
fn over_axes<T: WithDType, H>(
    values: &[T],
    shape: &[usize],
    axes: &[H],
    size: impl Fn(&H) -> usize,
    step: impl Fn(&[T], usize, usize, &H) -> Vec<T>,
) -> Vec<T> {
    let mut current: Option<Vec<T>> = None;
    let mut inner = 1;
    for (&length, how) in shape[2..].iter().zip(axes).rev() {
        let source = current.as_deref().unwrap_or(values);
        current = Some(step(source, length, inner, how));
        inner *= size(how);
    }
    current.unwrap_or_else(|| values.to_vec())
}

fn pick<T: WithDType>(values: &[T], length: usize, inner: usize, sources: &Vec<usize>) -> Vec<T> {
    let mut out = Vec::with_capacity(values.len() / length * sources.len());
    for slab in values.chunks_exact(length * inner) {
        if inner == 1 {
            out.extend(sources.iter().map(|&source| slab[source]));
            continue;
        }
        for &source in sources {
            out.extend_from_slice(&slab[source * inner..][..inner]);
        }
    }
    out
}

fn add_up<T: WithDType>(values: &[T], length: usize, inner: usize, taps: &Taps) -> Vec<T> {
    let weights: Vec<T> = taps.weights.iter().map(|&w| T::from_f64(w)).collect();
    let mut out = vec![T::zero(); values.len() / length * taps.output];
    let slabs = values.chunks_exact(length * inner);
    for (slab, out) in slabs.zip(out.chunks_exact_mut(taps.output * inner)) {
        let mut begin = 0;
        for (row, &end) in out.chunks_exact_mut(inner).zip(&taps.ends) {
            for (&source, &weight) in taps.sources[begin..end].iter().zip(&weights[begin..end]) {
                let source = &slab[source * inner..][..inner];
                for (sum, &x) in row.iter_mut().zip(source) {
                    *sum += weight * x;
                }
            }
            begin = end;
        }
    }
    out
}
