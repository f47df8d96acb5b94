//! Window functions, as PyTorch makes them: of `length` numbers, computed in double.
//!
//! A periodic window is the symmetric one of a number more, without its last.

use std::f64::consts::PI;

use candle_core::{DType, Device, Result, Tensor};

/// `torch.hann_window`: a raised cosine.
pub fn hann_window(length: usize, periodic: bool, dtype: DType, device: &Device) -> Result<Tensor> {
    hamming_window(length, periodic, 0.5, 0.5, dtype, device)
}

/// `torch.hamming_window`: `alpha - beta cos(2πk/n)`.
pub fn hamming_window(
    length: usize,
    periodic: bool,
    alpha: f64,
    beta: f64,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let f = |part: f64| alpha - beta * (2.0 * PI * part).cos();
    window(length, periodic, f, dtype, device)
}

/// `torch.blackman_window`.
pub fn blackman_window(
    length: usize,
    periodic: bool,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let f = |part: f64| 0.42 - 0.5 * (2.0 * PI * part).cos() + 0.08 * (4.0 * PI * part).cos();
    window(length, periodic, f, dtype, device)
}

/// `torch.bartlett_window`: a triangle.
pub fn bartlett_window(
    length: usize,
    periodic: bool,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let f = |part: f64| 1.0 - (2.0 * part - 1.0).abs();
    window(length, periodic, f, dtype, device)
}

/// `torch.kaiser_window`, of shape `beta`.
pub fn kaiser_window(
    length: usize,
    periodic: bool,
    beta: f64,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let f = |part: f64| {
        let place = 2.0 * part - 1.0;
        bessel_i0(beta * (1.0 - place * place).max(0.0).sqrt()) / bessel_i0(beta)
    };
    window(length, periodic, f, dtype, device)
}

/// `f` of each place, from 0 for the first to 1 for the last of the symmetric window.
fn window(
    length: usize,
    periodic: bool,
    f: impl Fn(f64) -> f64,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    let values: Vec<f64> = if length == 1 {
        vec![1.0]
    } else {
        let last = if periodic { length } else { length.max(1) - 1 } as f64;
        (0..length).map(|k| f(k as f64 / last)).collect()
    };
    Tensor::from_vec(values, length, device)?.to_dtype(dtype)
}

/// The modified Bessel function of the first kind and order 0, by its series of positive terms.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * f64::EPSILON * 0.1 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}
