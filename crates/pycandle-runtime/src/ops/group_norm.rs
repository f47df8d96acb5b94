//! Normalisation of groups of channels, or single ones, each by its own statistics.

use candle_core::{DType, Result, Tensor};

use super::batch_norm::{affine, numbers};
use super::layer_norm::moments;
use super::promote::sum_dtype;
use super::reduce::mean;
use super::slices::with_slice;
use crate::kernels;

/// `torch.nn.functional.group_norm` of `(batch, channels, …)`; the parameters are `(channels,)`.
pub fn group_norm(
    x: &Tensor,
    num_groups: usize,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor> {
    let (means, scales) = statistics(x, num_groups, eps)?;
    normalized(x, num_groups, &means, &scales, weight, bias)
}

/// [`group_norm`], and for each group its mean and the reciprocal of its standard deviation.
///
/// Those are `(batch, groups)`, f32 where a half meets weights in f32, else of the input's dtype.
pub fn native_group_norm(
    x: &Tensor,
    num_groups: usize,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let (means, scales) = statistics(x, num_groups, eps)?;
    let y = normalized(x, num_groups, &means, &scales, weight, bias)?;
    let given = weight.or(bias).map_or(x.dtype(), Tensor::dtype);
    let tensor = |numbers: Vec<f64>| {
        let shape = (x.dims()[0], num_groups);
        let host = Tensor::from_vec(numbers, shape, &candle_core::Device::Cpu)?;
        host.to_dtype(given)?.to_device(x.device())
    };
    Ok((y, tensor(means)?, tensor(scales)?))
}

/// `torch.nn.functional.instance_norm` of `(batch, channels, …)`; all parameters are `(channels,)`.
///
/// With `use_input_stats`, by the statistics of each channel of `x`, else by the running ones.
///
/// # Errors
/// Without `use_input_stats` if there are no running statistics; with it if there are, since PyTorch
/// would change them.
pub fn instance_norm(
    x: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    running_mean: Option<&Tensor>,
    running_var: Option<&Tensor>,
    use_input_stats: bool,
    eps: f64,
) -> Result<Tensor> {
    match use_input_stats {
        true if running_mean.is_none() && running_var.is_none() && x.rank() > 1 => {
            group_norm(x, x.dims()[1], weight, bias, eps)
        }
        _ => super::batch_norm(
            x,
            weight,
            bias,
            running_mean,
            running_var,
            use_input_stats,
            eps,
        ),
    }
}

fn normalized(
    x: &Tensor,
    num_groups: usize,
    means: &[f64],
    scales: &[f64],
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let shared = x.dims()[1] / num_groups;
    let planes = |numbers: &[f64]| -> Vec<f64> {
        numbers
            .iter()
            .flat_map(|&number| std::iter::repeat_n(number, shared))
            .collect()
    };
    affine(x, &planes(means), &planes(scales), weight, bias)
}

/// The mean of each group, and the reciprocal of its standard deviation.
fn statistics(x: &Tensor, num_groups: usize, eps: f64) -> Result<(Vec<f64>, Vec<f64>)> {
    if x.rank() < 2 || num_groups == 0 || !x.dims()[1].is_multiple_of(num_groups) {
        candle_core::bail!(
            "{num_groups} groups do not fit the channels of {:?}",
            x.shape()
        )
    }
    let groups = x.dims()[0] * num_groups;
    if x.elem_count() == 0 {
        return Ok((vec![0.0; groups], vec![f64::NAN; groups]));
    }
    let (means, variances): (Vec<f64>, Vec<f64>) =
        if let Some(moments) = kernels::channels::moments(x, num_groups)? {
            moments
        } else if x.device().is_cpu() && x.dtype() != DType::F64 {
            let x = x.to_dtype(DType::F32)?;
            with_slice::<f32, _>(&x, |x| {
                Ok(x.chunks_exact(x.len() / groups).map(moments).unzip())
            })?
        } else {
            let rows = x
                .reshape((groups, ()))?
                .to_dtype(sum_dtype(x.dtype(), x.device()))?;
            let means = mean(&rows, &[1], true)?;
            let variances = mean(&rows.broadcast_sub(&means)?.sqr()?, &[1], true)?;
            (numbers(&means)?, numbers(&variances)?)
        };
    Ok((
        means,
        variances
            .iter()
            .map(|variance| 1.0 / (variance + eps).sqrt())
            .collect(),
    ))
}
