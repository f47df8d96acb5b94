//! Discrete Fourier transforms of numbers in memory, along one axis, by realfft and rustfft.
//!
//! All of it is in double, so that a result in float is rounded once, and not scaled: what is scaled
//! how is the callers' business.

use candle_core::{DType, Device, Result, Tensor};
use realfft::RealFftPlanner;
use rustfft::num_complex::Complex64;
use rustfft::num_traits::Zero;
use rustfft::{FftDirection, FftPlanner};

use super::complex;

/// Numbers in row-major order, with their shape.
#[derive(Debug, Clone)]
pub(crate) struct Grid<T> {
    pub numbers: Vec<T>,
    pub shape: Vec<usize>,
}

impl<T: Copy + Zero> Grid<T> {
    /// Cut at the end of an axis, or continued with zeros, to size `n`.
    pub fn fit(self, axis: usize, n: usize) -> Result<Self> {
        if n == 0 {
            candle_core::bail!(
                "a Fourier transform takes at least one point, not 0, in axis {axis}"
            )
        }
        if self.shape[axis] == n {
            return Ok(self);
        }
        let inner: usize = self.shape[axis + 1..].iter().product();
        let (old, new) = (self.shape[axis] * inner, n * inner);
        let mut shape = self.shape;
        shape[axis] = n;
        let mut numbers = vec![T::zero(); shape.iter().product()];
        if old > 0 && new > 0 {
            let kept = old.min(new);
            let blocks = numbers.chunks_exact_mut(new);
            for (to, from) in blocks.zip(self.numbers.chunks_exact(old)) {
                to[..kept].copy_from_slice(&from[..kept]);
            }
        }
        Ok(Self { numbers, shape })
    }

    /// Each line along an axis turned into another of `length` by `f(from, to)`.
    fn along<U: Copy + Zero>(
        &self,
        axis: usize,
        length: usize,
        mut f: impl FnMut(&mut [T], &mut [U]) -> Result<()>,
    ) -> Result<Grid<U>> {
        let n = self.shape[axis];
        let inner: usize = self.shape[axis + 1..].iter().product();
        let mut shape = self.shape.clone();
        shape[axis] = length;
        let mut numbers = vec![U::zero(); shape.iter().product()];
        let (mut from, mut to) = (vec![T::zero(); n], vec![U::zero(); length]);
        if !numbers.is_empty() && !self.numbers.is_empty() {
            let blocks = numbers.chunks_exact_mut(length * inner);
            for (out, block) in blocks.zip(self.numbers.chunks_exact(n * inner)) {
                for line in 0..inner {
                    for (k, x) in from.iter_mut().enumerate() {
                        *x = block[k * inner + line];
                    }
                    f(&mut from, &mut to)?;
                    for (k, &y) in to.iter().enumerate() {
                        out[k * inner + line] = y;
                    }
                }
            }
        }
        Ok(Grid { numbers, shape })
    }
}

impl Grid<Complex64> {
    /// The numbers of a complex tensor.
    pub fn of(x: &Tensor) -> Result<Self> {
        Ok(Self {
            numbers: complex::numbers(x)?,
            shape: complex::shape(x).to_vec(),
        })
    }

    /// A complex tensor of the numbers times `factor`, with parts of `dtype`.
    pub fn tensor(mut self, factor: f64, dtype: DType, device: &Device) -> Result<Tensor> {
        if factor != 1.0 {
            self.numbers.iter_mut().for_each(|z| *z *= factor);
        }
        complex::tensor(&self.numbers, &self.shape, dtype, device)
    }

    /// The transform along an axis: of the sums of `x exp(∓2πi jk/n)`.
    pub fn transform(mut self, axis: usize, direction: FftDirection) -> Result<Self> {
        let n = self.shape[axis];
        if n < 2 || self.numbers.is_empty() {
            return Ok(self);
        }
        let fft = FftPlanner::new().plan_fft(n, direction);
        let mut scratch = vec![Complex64::ZERO; fft.get_inplace_scratch_len()];
        if axis + 1 == self.shape.len() {
            fft.process_with_scratch(&mut self.numbers, &mut scratch);
            return Ok(self);
        }
        self.along(axis, n, |from, to| {
            fft.process_with_scratch(from, &mut scratch);
            to.copy_from_slice(from);
            Ok(())
        })
    }

    /// The inverse transform, along an axis, to `n` real numbers; the numbers are the first half of
    /// a spectrum whose other half is their conjugate.
    pub fn transform_to_real(self, axis: usize, n: usize) -> Result<Grid<f64>> {
        let half = self.fit(axis, n / 2 + 1)?;
        let fft = RealFftPlanner::new().plan_fft_inverse(n);
        let mut scratch = fft.make_scratch_vec();
        half.along(axis, n, |from, to| {
            // Real signals have real sums at both ends; PyTorch looks at their real parts, too.
            from[0].im = 0.0;
            if n.is_multiple_of(2) {
                from[n / 2].im = 0.0;
            }
            fft.process_with_scratch(from, to, &mut scratch)
                .map_err(candle_core::Error::wrap)
        })
    }
}

impl Grid<f64> {
    /// The numbers of a real tensor.
    pub fn of(x: &Tensor) -> Result<Self> {
        Ok(Self {
            numbers: x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?,
            shape: x.dims().to_vec(),
        })
    }

    /// A tensor of the numbers times `factor`.
    pub fn tensor(mut self, factor: f64, dtype: DType, device: &Device) -> Result<Tensor> {
        if factor != 1.0 {
            self.numbers.iter_mut().for_each(|x| *x *= factor);
        }
        Tensor::from_vec(self.numbers, self.shape, device)?.to_dtype(dtype)
    }

    /// The first `n / 2 + 1` numbers of the transform along an axis of `n` numbers.
    pub fn half_spectrum(&self, axis: usize) -> Result<Grid<Complex64>> {
        let n = self.shape[axis];
        let fft = RealFftPlanner::new().plan_fft_forward(n);
        let mut scratch = fft.make_scratch_vec();
        self.along(axis, n / 2 + 1, |from, to| {
            fft.process_with_scratch(from, to, &mut scratch)
                .map_err(candle_core::Error::wrap)
        })
    }
}
