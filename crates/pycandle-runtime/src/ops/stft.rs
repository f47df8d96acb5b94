//! The short-time Fourier transform and its inverse.
//!
//! Spectra are complex tensors of (batch, frequency, frame), or (frequency, frame) of a signal
//! without a batch; complex tensors are pairs, see [`complex`]. All is computed in double and
//! rounded once.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use realfft::{ComplexToReal, RealFftPlanner};
use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

use super::complex;
use super::fourier::Grid;

/// Below this PyTorch takes the windows' overlap for zero.
const LEAST_OVERLAP: f64 = 1e-11;

/// What stands before and behind a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalPad {
    /// Zeros.
    Constant,
    /// The signal mirrored at its first and last sample, which are not repeated.
    Reflect,
    /// The first and the last sample.
    Replicate,
    /// The signal's other end.
    Circular,
}

/// A real signal with more samples along its last axis, as `center` and `pad_mode` of
/// `torch.stft` ask for.
pub fn pad_signal(x: &Tensor, left: usize, right: usize, mode: SignalPad) -> Result<Tensor> {
    let axis = x.rank().saturating_sub(1);
    let length = x.dim(axis)?;
    if mode == SignalPad::Constant {
        return x.pad_with_zeros(axis, left, right);
    }
    let (longest, last) = match mode {
        SignalPad::Reflect => (length.saturating_sub(1), length.saturating_sub(1)),
        SignalPad::Circular => (length, length),
        _ => (usize::MAX, length),
    };
    if length == 0 || left > longest || right > longest {
        candle_core::bail!(
            "{mode:?} padding by {left} and {right} takes a longer signal than one of {length}"
        )
    }
    let index = |i: usize| match mode {
        SignalPad::Reflect if i < left => left - i,
        SignalPad::Reflect if i >= left + length => 2 * last - (i - left),
        SignalPad::Circular => (i + length - left) % length,
        _ => i.saturating_sub(left).min(length - 1),
    };
    let indices: Vec<u32> = (0..left + length + right)
        .map(|i| index(i) as u32)
        .collect();
    let count = indices.len();
    let indices = Tensor::from_vec(indices, count, x.device())?;
    x.contiguous()?.index_select(&indices, axis)
}

/// `torch.stft` of a real signal, (batch, time) or (time), without centring: see [`pad_signal`].
///
/// A frame of `n_fft` samples begins every `hop_length`; the window of `win_length` real numbers
/// stands in the middle of it, ones if there is none. `normalized` divides by the square root of
/// `n_fft`, `onesided` keeps the first `n_fft / 2 + 1` frequencies, all that a real signal has.
pub fn stft(
    x: &Tensor,
    n_fft: usize,
    hop_length: usize,
    win_length: usize,
    window: Option<&Tensor>,
    normalized: bool,
    onesided: bool,
) -> Result<Tensor> {
    let signal = Grid::<f64>::of(x)?;
    let window = window.map(Grid::<f64>::of).transpose()?;
    let window = window.map(|window| window.numbers);
    let window = centred(window, 1.0, n_fft, win_length)?;
    let frames = Frames::of(&signal.shape, n_fft, hop_length, normalized)?;
    let fft = RealFftPlanner::new().plan_fft_forward(n_fft);
    let mut scratch = fft.make_scratch_vec();
    let kept = n_fft / 2 + 1;
    let mut half = vec![Complex64::ZERO; kept];
    let count = if onesided { kept } else { n_fft };
    let spectrum = frames.spectrum(&signal.numbers, &window, count, |frame: &mut [f64], to| {
        fft.process_with_scratch(frame, &mut half, &mut scratch)
            .map_err(candle_core::Error::wrap)?;
        to[..kept].copy_from_slice(&half);
        for k in kept..count {
            to[k] = half[n_fft - k].conj();
        }
        Ok(())
    })?;
    spectrum.tensor(frames.factor, x.dtype(), x.device())
}

/// [`stft`] of a complex signal, with a complex window; all frequencies are kept.
pub fn stft_complex(
    x: &Tensor,
    n_fft: usize,
    hop_length: usize,
    win_length: usize,
    window: Option<&Tensor>,
    normalized: bool,
) -> Result<Tensor> {
    let signal = Grid::<Complex64>::of(x)?;
    let window = window.map(complex::numbers).transpose()?;
    let window = centred(window, Complex64::ONE, n_fft, win_length)?;
    let frames = Frames::of(&signal.shape, n_fft, hop_length, normalized)?;
    let fft = FftPlanner::new().plan_fft_forward(n_fft);
    let spectrum = frames.spectrum(&signal.numbers, &window, n_fft, |frame, to| {
        fft.process(frame);
        to.copy_from_slice(frame);
        Ok(())
    })?;
    spectrum.tensor(frames.factor, x.dtype(), x.device())
}

/// `torch.istft`: the real signal, (batch, time) or (time), of a spectrum.
///
/// The arguments are those of [`stft`]; `center` cuts `n_fft / 2` samples off the start, and off the
/// end unless `length` says how many samples there are.
///
/// # Errors
/// Where the windows do not overlap enough to say what the signal was.
#[expect(clippy::too_many_arguments, reason = "they are torch.istft's")]
pub fn istft(
    x: &Tensor,
    n_fft: usize,
    hop_length: usize,
    win_length: usize,
    window: Option<&Tensor>,
    center: bool,
    normalized: bool,
    onesided: bool,
    length: Option<usize>,
) -> Result<Tensor> {
    let framed = (n_fft, hop_length, win_length);
    let bins = if onesided { n_fft / 2 + 1 } else { n_fft };
    let inverse = Inverse::to_real(n_fft);
    let made = signal(
        x,
        framed,
        window,
        (center, normalized),
        length,
        bins,
        inverse,
    )?;
    complex::real(&made)
}

/// [`istft`] of a spectrum of all frequencies to a complex signal.
#[expect(clippy::too_many_arguments, reason = "they are torch.istft's")]
pub fn istft_complex(
    x: &Tensor,
    n_fft: usize,
    hop_length: usize,
    win_length: usize,
    window: Option<&Tensor>,
    center: bool,
    normalized: bool,
    length: Option<usize>,
) -> Result<Tensor> {
    let framed = (n_fft, hop_length, win_length);
    let inverse = Inverse::to_complex(n_fft);
    signal(
        x,
        framed,
        window,
        (center, normalized),
        length,
        n_fft,
        inverse,
    )
}

fn signal(
    x: &Tensor,
    (n_fft, hop_length, win_length): (usize, usize, usize),
    window: Option<&Tensor>,
    (center, normalized): (bool, bool),
    length: Option<usize>,
    bins: usize,
    inverse: Inverse,
) -> Result<Tensor> {
    let grid = Grid::<Complex64>::of(x)?;
    let rank = grid.shape.len();
    if !(2..=3).contains(&rank) || grid.shape[rank - 2] != bins || hop_length == 0 {
        candle_core::bail!(
            "istft with n_fft {n_fft} and hop_length {hop_length} takes a spectrum of (batch, \
             {bins}, frames), not {:?}",
            grid.shape
        )
    }
    let count = grid.shape[rank - 1];
    if count == 0 || n_fft == 0 {
        candle_core::bail!("istft takes at least one frame and one point")
    }
    let window = window.map(Grid::<f64>::of).transpose()?;
    let window = centred(window.map(|window| window.numbers), 1.0, n_fft, win_length)?;
    let whole = n_fft + hop_length * (count - 1);
    let start = if center { n_fft / 2 } else { 0 };
    let end = match length {
        Some(length) => start + length,
        None => whole.saturating_sub(start),
    };
    let overlap = overlap(&window, hop_length, count, start, end.min(whole))?;
    let factor = if normalized {
        1.0 / (n_fft as f64).sqrt()
    } else {
        1.0 / n_fft as f64
    };
    let mut out = Vec::new();
    for spectrum in grid.numbers.chunks_exact(bins * count) {
        let mut sum = vec![Complex64::ZERO; whole.max(end)];
        for frame in 0..count {
            let read = 0..inverse.reads;
            let values = inverse.frame(read.map(|k| spectrum[k * count + frame]).collect())?;
            let at = &mut sum[frame * hop_length..][..n_fft];
            for ((to, value), w) in at.iter_mut().zip(values).zip(&window) {
                *to += value * (w * factor);
            }
        }
        let inside = sum[start..end].iter().enumerate();
        out.extend(inside.map(|(i, &y)| overlap.get(i).map_or(y, |w| y / w)));
    }
    let shape = [&grid.shape[..rank - 2], &[end - start]].concat();
    complex::tensor(&out, &shape, x.dtype(), x.device())
}

/// The sums of the squares of the windows that lie over each sample between `start` and `end`.
fn overlap(
    window: &[f64],
    hop_length: usize,
    count: usize,
    start: usize,
    end: usize,
) -> Result<Vec<f64>> {
    let mut sums = vec![0f64; window.len() + hop_length * (count - 1)];
    for frame in 0..count {
        for (sum, w) in sums[frame * hop_length..].iter_mut().zip(window) {
            *sum += w * w;
        }
    }
    let inside = sums.get(start..end).unwrap_or(&[]).to_vec();
    if inside.is_empty() || inside.iter().any(|sum| sum.abs() < LEAST_OVERLAP) {
        candle_core::bail!(
            "the windows of istft do not cover every sample: take a smaller hop_length, or a \
             window without zeros"
        )
    }
    Ok(inside)
}

/// The inverse transform of one frame, not scaled.
struct Inverse {
    n_fft: usize,
    /// How many frequencies it looks at.
    reads: usize,
    plan: Plan,
}

enum Plan {
    Real(Arc<dyn ComplexToReal<f64>>),
    Complex(Arc<dyn Fft<f64>>),
}

impl Inverse {
    /// To real numbers, from the first half of the frequencies alone, as PyTorch does it.
    fn to_real(n_fft: usize) -> Self {
        Self {
            n_fft,
            reads: n_fft / 2 + 1,
            plan: Plan::Real(RealFftPlanner::new().plan_fft_inverse(n_fft)),
        }
    }

    fn to_complex(n_fft: usize) -> Self {
        Self {
            n_fft,
            reads: n_fft,
            plan: Plan::Complex(FftPlanner::new().plan_fft_inverse(n_fft)),
        }
    }

    fn frame(&self, mut spectrum: Vec<Complex64>) -> Result<Vec<Complex64>> {
        let fft = match &self.plan {
            Plan::Real(fft) => fft,
            Plan::Complex(fft) => {
                fft.process(&mut spectrum);
                return Ok(spectrum);
            }
        };
        // Real signals have real sums at both ends; PyTorch looks at their real parts, too.
        spectrum[0].im = 0.0;
        if self.n_fft.is_multiple_of(2) {
            spectrum[self.n_fft / 2].im = 0.0;
        }
        let mut values = vec![0f64; self.n_fft];
        fft.process(&mut spectrum, &mut values)
            .map_err(candle_core::Error::wrap)?;
        Ok(values.into_iter().map(Complex64::from).collect())
    }
}

/// A window of `win_length`, in the middle of `n_fft` numbers, zeros around it.
fn centred<T: Copy + rustfft::num_traits::Zero>(
    window: Option<Vec<T>>,
    one: T,
    n_fft: usize,
    win_length: usize,
) -> Result<Vec<T>> {
    let window = window.unwrap_or_else(|| vec![one; win_length]);
    if window.len() != win_length || win_length > n_fft || win_length == 0 {
        candle_core::bail!(
            "a window of {} for win_length {win_length} and n_fft {n_fft}",
            window.len()
        )
    }
    let left = (n_fft - win_length) / 2;
    let mut whole = vec![T::zero(); n_fft];
    whole[left..left + win_length].copy_from_slice(&window);
    Ok(whole)
}

/// Where the frames of a signal lie.
struct Frames {
    batch: Vec<usize>,
    length: usize,
    n_fft: usize,
    hop_length: usize,
    count: usize,
    factor: f64,
}

impl Frames {
    fn of(shape: &[usize], n_fft: usize, hop_length: usize, normalized: bool) -> Result<Self> {
        let (batch, length) = match shape {
            [length] => (vec![], *length),
            [batch, length] => (vec![*batch], *length),
            _ => candle_core::bail!("stft takes (batch, time) or (time), not {shape:?}"),
        };
        if n_fft == 0 || n_fft > length || hop_length == 0 {
            candle_core::bail!(
                "stft with n_fft {n_fft} and hop_length {hop_length} of a signal of {length}"
            )
        }
        Ok(Self {
            batch,
            length,
            n_fft,
            hop_length,
            count: 1 + (length - n_fft) / hop_length,
            factor: if normalized {
                1.0 / (n_fft as f64).sqrt()
            } else {
                1.0
            },
        })
    }

    /// Each frame times the window through `f(frame, to)`, as (batch, `bins`, frame).
    fn spectrum<T: Copy + std::ops::Mul<Output = T>>(
        &self,
        signal: &[T],
        window: &[T],
        bins: usize,
        mut f: impl FnMut(&mut [T], &mut [Complex64]) -> Result<()>,
    ) -> Result<Grid<Complex64>> {
        let shape = [&self.batch[..], &[bins, self.count]].concat();
        let mut numbers = vec![Complex64::ZERO; shape.iter().product()];
        let mut to = vec![Complex64::ZERO; bins];
        let signals = signal.chunks_exact(self.length);
        for (out, signal) in numbers.chunks_exact_mut(bins * self.count).zip(signals) {
            for frame in 0..self.count {
                let samples = &signal[frame * self.hop_length..][..self.n_fft];
                let mut values: Vec<T> = samples.iter().zip(window).map(|(&x, &w)| x * w).collect();
                f(&mut values, &mut to)?;
                for (k, &value) in to.iter().enumerate() {
                    out[k * self.count + frame] = value;
                }
            }
        }
        Ok(Grid { numbers, shape })
    }
}
