//! Fourier transforms as in `torch.fft`, of any length, along any axes.
//!
//! Complex tensors are pairs, see [`complex`]; axes are counted from the front, without the axis of
//! pairs. Real tensors are of f32, f64 or integers, and integers become f32. Every transform is
//! computed in double and rounded once.

use candle_core::{DType, Device, Result, Tensor};
use rustfft::FftDirection::{self, Forward, Inverse};

use super::complex;
use super::fourier::Grid;
use super::promote::to_float;
use rustfft::num_complex::Complex64;

/// Which direction of a transform is divided by the number of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FftNorm {
    /// The inverse one; PyTorch's default.
    Backward,
    /// Each by the square root.
    Ortho,
    /// The forward one.
    Forward,
}

impl FftNorm {
    fn factor(self, direction: FftDirection, points: usize) -> f64 {
        match (self, direction) {
            (Self::Backward, Forward) | (Self::Forward, Inverse) => 1.0,
            (Self::Backward, Inverse) | (Self::Forward, Forward) => 1.0 / points as f64,
            (Self::Ortho, _) => 1.0 / (points as f64).sqrt(),
        }
    }

    /// What says of the inverse transform what `self` says of the forward one.
    fn swapped(self) -> Self {
        match self {
            Self::Backward => Self::Forward,
            Self::Ortho => Self::Ortho,
            Self::Forward => Self::Backward,
        }
    }
}

/// The transform of a complex tensor along one axis, cut or padded with zeros to `n` points.
pub fn fft(x: &Tensor, n: Option<usize>, dim: usize, norm: FftNorm) -> Result<Tensor> {
    fftn(x, n.as_ref().map(std::slice::from_ref), &[dim], norm)
}

/// The inverse of [`fft`].
pub fn ifft(x: &Tensor, n: Option<usize>, dim: usize, norm: FftNorm) -> Result<Tensor> {
    ifftn(x, n.as_ref().map(std::slice::from_ref), &[dim], norm)
}

/// The transform of a complex tensor along axes, each cut or padded with zeros to its size.
pub fn fftn(x: &Tensor, sizes: Option<&[usize]>, dims: &[usize], norm: FftNorm) -> Result<Tensor> {
    whole(x, sizes, dims, norm, Forward)
}

/// The inverse of [`fftn`].
pub fn ifftn(x: &Tensor, sizes: Option<&[usize]>, dims: &[usize], norm: FftNorm) -> Result<Tensor> {
    whole(x, sizes, dims, norm, Inverse)
}

/// The first half, `n / 2 + 1` numbers, of the transform of a real tensor along one axis, cut or
/// padded with zeros to `n` points.
pub fn rfft(x: &Tensor, n: Option<usize>, dim: usize, norm: FftNorm) -> Result<Tensor> {
    rfftn(x, n.as_ref().map(std::slice::from_ref), &[dim], norm)
}

/// The inverse of [`rfft`]: `n` real numbers, by default `2 (m - 1)` from `m` complex ones.
pub fn irfft(x: &Tensor, n: Option<usize>, dim: usize, norm: FftNorm) -> Result<Tensor> {
    irfftn(x, n.as_ref().map(std::slice::from_ref), &[dim], norm)
}

/// The transform of a real tensor along axes, of which the last is halved as in [`rfft`].
pub fn rfftn(x: &Tensor, sizes: Option<&[usize]>, dims: &[usize], norm: FftNorm) -> Result<Tensor> {
    let x = in_single_or_double(x)?;
    let mut grid = Grid::<f64>::of(&x)?;
    let Some((&last, leading)) = dims.split_last() else {
        candle_core::bail!("a transform of real numbers takes at least one axis")
    };
    for (k, &dim) in dims.iter().enumerate() {
        let size = wanted(sizes, k, axis_size(&grid.shape, dim)?)?;
        grid = grid.fit(dim, size)?;
    }
    let points = dims.iter().map(|&dim| grid.shape[dim]).product();
    let mut half = grid.half_spectrum(last)?;
    for &dim in leading {
        half = half.transform(dim, Forward)?;
    }
    half.tensor(norm.factor(Forward, points), x.dtype(), x.device())
}

/// The inverse of [`rfftn`].
pub fn irfftn(
    x: &Tensor,
    sizes: Option<&[usize]>,
    dims: &[usize],
    norm: FftNorm,
) -> Result<Tensor> {
    let mut grid = Grid::<Complex64>::of(x)?;
    let Some((&last, leading)) = dims.split_last() else {
        candle_core::bail!("a transform to real numbers takes at least one axis")
    };
    for (k, &dim) in leading.iter().enumerate() {
        let size = wanted(sizes, k, axis_size(&grid.shape, dim)?)?;
        grid = grid.fit(dim, size)?.transform(dim, Inverse)?;
    }
    let default = (2 * axis_size(&grid.shape, last)?).saturating_sub(2);
    let n = wanted(sizes, leading.len(), default)?;
    if n == 0 {
        candle_core::bail!("a Fourier transform takes at least one point, not 0, in axis {last}")
    }
    let values = grid.transform_to_real(last, n)?;
    let points = dims.iter().map(|&dim| values.shape[dim]).product();
    values.tensor(norm.factor(Inverse, points), x.dtype(), x.device())
}

/// The transform, to real numbers, of a complex tensor that is the first half of one with Hermitian
/// symmetry; `n` is by default `2 (m - 1)` for `m` numbers.
pub fn hfft(x: &Tensor, n: Option<usize>, dim: usize, norm: FftNorm) -> Result<Tensor> {
    hfftn(x, n.as_ref().map(std::slice::from_ref), &[dim], norm)
}

/// The inverse of [`hfft`], of a real tensor.
pub fn ihfft(x: &Tensor, n: Option<usize>, dim: usize, norm: FftNorm) -> Result<Tensor> {
    ihfftn(x, n.as_ref().map(std::slice::from_ref), &[dim], norm)
}

/// [`hfft`] along axes, of which the last is the halved one.
pub fn hfftn(x: &Tensor, sizes: Option<&[usize]>, dims: &[usize], norm: FftNorm) -> Result<Tensor> {
    irfftn(&complex::conj(x)?, sizes, dims, norm.swapped())
}

/// The inverse of [`hfftn`], of a real tensor.
pub fn ihfftn(
    x: &Tensor,
    sizes: Option<&[usize]>,
    dims: &[usize],
    norm: FftNorm,
) -> Result<Tensor> {
    complex::conj(&rfftn(x, sizes, dims, norm.swapped())?)
}

/// Moves the zero frequency to the middle of each of the axes.
pub fn fftshift(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    rotated(x, dims, |size| size - size / 2)
}

/// The inverse of [`fftshift`].
pub fn ifftshift(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    rotated(x, dims, |size| size / 2)
}

/// The frequencies of the numbers that [`fft`] of `n` points gives, for samples `d` apart.
pub fn fftfreq(n: usize, d: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    let positive = n.div_ceil(2);
    let signed = |k: usize| k as f64 - if k < positive { 0.0 } else { n as f64 };
    frequencies((0..n).map(signed), n, d, dtype, device)
}

/// The frequencies of the numbers that [`rfft`] of `n` points gives, for samples `d` apart.
pub fn rfftfreq(n: usize, d: f64, dtype: DType, device: &Device) -> Result<Tensor> {
    frequencies((0..n / 2 + 1).map(|k| k as f64), n, d, dtype, device)
}

fn frequencies(
    counts: impl Iterator<Item = f64>,
    n: usize,
    d: f64,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let step = 1.0 / (n as f64 * d);
    let values: Vec<f64> = counts.map(|k| k * step).collect();
    let count = values.len();
    Tensor::from_vec(values, count, device)?.to_dtype(dtype)
}

fn whole(
    x: &Tensor,
    sizes: Option<&[usize]>,
    dims: &[usize],
    norm: FftNorm,
    direction: FftDirection,
) -> Result<Tensor> {
    let mut grid = Grid::<Complex64>::of(x)?;
    let mut points = 1;
    for (k, &dim) in dims.iter().enumerate() {
        let size = wanted(sizes, k, axis_size(&grid.shape, dim)?)?;
        grid = grid.fit(dim, size)?.transform(dim, direction)?;
        points *= size;
    }
    grid.tensor(norm.factor(direction, points), x.dtype(), x.device())
}

fn wanted(sizes: Option<&[usize]>, k: usize, default: usize) -> Result<usize> {
    match sizes.map(|sizes| sizes.get(k)) {
        None => Ok(default),
        Some(Some(&size)) => Ok(size),
        Some(None) => candle_core::bail!("a transform takes as many sizes as axes"),
    }
}

fn axis_size(shape: &[usize], dim: usize) -> Result<usize> {
    match shape.get(dim) {
        Some(&size) => Ok(size),
        None => candle_core::bail!("axis {dim} of a tensor of {} axes", shape.len()),
    }
}

fn in_single_or_double(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F16 | DType::BF16 => {
            candle_core::bail!("PyTorch has no Fourier transform of half precision on the CPU")
        }
        _ => to_float(x),
    }
}

/// Each axis turned so that it starts with what stood at `first(size)`.
fn rotated(x: &Tensor, dims: &[usize], first: fn(usize) -> usize) -> Result<Tensor> {
    dims.iter().try_fold(x.clone(), |x, &dim| {
        let size = x.dim(dim)?;
        let start = first(size);
        if start == 0 || start == size {
            return Ok(x);
        }
        let parts = [
            x.narrow(dim, start, size - start)?,
            x.narrow(dim, 0, start)?,
        ];
        Tensor::cat(&parts, dim)
    })
}
