//! Normalisation of channels by statistics over the batch, or by those of the training.

use candle_core::{DType, Device, Result, Tensor, WithDType};

use super::promote::{in_float, sum_dtype};
use super::reduce::mean;
use super::slices::with_slice;
use crate::kernels;

/// `torch.nn.functional.batch_norm` of `(batch, channels, …)`.
///
/// With `training`, by the statistics of `x` itself, else by the running ones. All parameters are
/// `(channels,)`.
///
/// # Errors
/// Without `training` if there are no running statistics; with it if there are, since PyTorch would
/// change them.
pub fn batch_norm(
    x: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    running_mean: Option<&Tensor>,
    running_var: Option<&Tensor>,
    training: bool,
    eps: f64,
) -> Result<Tensor> {
    if x.dims() == [0] {
        return Ok(x.clone());
    }
    if x.rank() < 2 {
        candle_core::bail!("batch_norm takes a batch of channels, not {:?}", x.shape())
    }
    let (means, variances) = match (running_mean, running_var, training) {
        (Some(mean), Some(variance), false) => (numbers(mean)?, numbers(variance)?),
        (None, None, true) => batch_statistics(x)?,
        _ => candle_core::bail!(
            "batch_norm takes running statistics if it does not train, and none if it does"
        ),
    };
    affine(x, &means, &reciprocals(&variances, eps), weight, bias)
}

/// [`batch_norm`], and with `training` each channel's mean and the reciprocal of its standard
/// deviation; without it two empty tensors.
pub fn native_batch_norm(
    x: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    running_mean: Option<&Tensor>,
    running_var: Option<&Tensor>,
    training: bool,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let y = batch_norm(x, weight, bias, running_mean, running_var, training, eps)?;
    let given = weight.or(running_mean).map_or(x.dtype(), Tensor::dtype);
    if !training {
        let empty = Tensor::zeros(0, given, x.device())?;
        return Ok((y, empty.clone(), empty));
    }
    let (means, variances) = batch_statistics(x)?;
    let tensor = |numbers: Vec<f64>| {
        let host = Tensor::new(numbers, &Device::Cpu)?;
        host.to_dtype(given)?.to_device(x.device())
    };
    Ok((y, tensor(means)?, tensor(reciprocals(&variances, eps))?))
}

/// What [`batch_norm`] by running statistics multiplies each channel with and then adds to it, in
/// f64; all parameters are `(channels,)`.
pub(crate) fn running_factors(
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let (means, variances) = (numbers(running_mean)?, numbers(running_var)?);
    let scales = reciprocals(&variances, eps);
    scale_and_shift(means.len().max(1), &means, &scales, weight, bias)
}

/// One over the standard deviations.
fn reciprocals(variances: &[f64], eps: f64) -> Vec<f64> {
    let deviations = variances.iter().map(|variance| (variance + eps).sqrt());
    deviations.map(|deviation| 1.0 / deviation).collect()
}

/// The mean and the variance of each channel.
fn batch_statistics(x: &Tensor) -> Result<(Vec<f64>, Vec<f64>)> {
    let dims: Vec<usize> = (0..x.rank()).filter(|&dim| dim != 1).collect();
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    let average = mean(&wide, &dims, true)?;
    let variance = mean(&wide.broadcast_sub(&average)?.sqr()?, &dims, true)?;
    Ok((numbers(&average)?, numbers(&variance)?))
}

/// Scales and shifts planes: `(x - mean) * scale * weight + bias`.
///
/// Planes are `(batch, channels)`; `means` and `scales` have one number a plane, or a channel.
pub(crate) fn affine(
    x: &Tensor,
    means: &[f64],
    scales: &[f64],
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    if x.elem_count() == 0 {
        return Ok(x.clone());
    }
    let channels = x.dims()[1];
    let (scale, shift) = scale_and_shift(channels, means, scales, weight, bias)?;
    if let Some(y) = kernels::channels::scaled(x, means, &scale, &shift)? {
        return Ok(y);
    }
    in_float(x, |x| match (x.device().is_cpu(), x.dtype()) {
        (true, DType::F32) => scaled(x, &scale, &shift, |x: f32, s, t| {
            (f64::from(x) * s + t) as f32
        }),
        (true, DType::F64) => scaled(x, &scale, &shift, |x: f64, s, t| x * s + t),
        _ => {
            let mut shape = vec![1; x.rank()];
            (shape[0], shape[1]) = (scale.len() / channels, channels);
            let planes = |numbers: Vec<f64>| {
                let numbers: Vec<f32> = numbers.into_iter().map(|number| number as f32).collect();
                Tensor::from_vec(numbers, &shape[..], x.device())?.to_dtype(x.dtype())
            };
            x.broadcast_mul(&planes(scale)?)?
                .broadcast_add(&planes(shift)?)
        }
    })
}

/// What [`affine`] multiplies each plane with and then adds to it, in f64.
fn scale_and_shift(
    channels: usize,
    means: &[f64],
    scales: &[f64],
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let parameter = |parameter: Option<&Tensor>, missing: f64| match parameter {
        Some(parameter) => numbers(parameter),
        None => Ok(vec![missing; channels]),
    };
    let (weight, bias) = (parameter(weight, 1.0)?, parameter(bias, 0.0)?);
    if [weight.len(), bias.len(), means.len()].map(|length| length % channels) != [0; 3] {
        candle_core::bail!("the parameters do not fit the {channels} channels")
    }
    let weights = weight.iter().cycle();
    let scale: Vec<f64> = scales.iter().zip(weights).map(|(s, w)| s * w).collect();
    let biases = means.iter().zip(&scale).zip(bias.iter().cycle());
    let shift = biases.map(|((mean, s), bias)| bias - mean * s).collect();
    Ok((scale, shift))
}

/// `f(x, scale, shift)`, where plane after plane takes the next of both, again and again.
fn scaled<T: WithDType>(
    x: &Tensor,
    scale: &[f64],
    shift: &[f64],
    f: impl Fn(T, f64, f64) -> T,
) -> Result<Tensor> {
    let width = x.dims()[2..].iter().product();
    let mut y = Vec::with_capacity(x.elem_count());
    with_slice::<T, _>(x, |x| {
        let factors = scale.iter().zip(shift).cycle();
        for (plane, (&scale, &shift)) in x.chunks_exact(width).zip(factors) {
            y.extend(plane.iter().map(|&x| f(x, scale, shift)));
        }
        Ok(())
    })?;
    Tensor::from_vec(y, x.shape(), x.device())
}

/// A parameter's numbers in order.
pub(crate) fn numbers(parameter: &Tensor) -> Result<Vec<f64>> {
    let parameter = parameter.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
    parameter.flatten_all()?.to_vec1()
}
