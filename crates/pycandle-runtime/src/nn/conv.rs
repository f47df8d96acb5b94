use candle_core::{Result, Tensor};
use candle_nn::{Conv1dConfig, VarBuilder};

use crate::{PyChecker, ops, py_check};

/// `torch.nn.Conv1d` with zero padding.
#[derive(Debug, Clone)]
pub struct Conv1d {
    /// `(out_channels, in_channels / groups, kernel_size)`
    pub weight: Tensor,
    /// `(out_channels,)`
    pub bias: Option<Tensor>,
    pub config: Conv1dConfig,
    pub checker: Option<PyChecker>,
}

/// Loads `weight` and `bias`.
pub fn conv1d(
    in_channels: usize,
    out_channels: usize,
    kernel_size: usize,
    config: Conv1dConfig,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<Conv1d> {
    let bias = Some(vb.get(out_channels, "bias")?);
    let conv = conv1d_no_bias(in_channels, out_channels, kernel_size, config, vb, checker)?;
    Ok(Conv1d { bias, ..conv })
}

/// Loads `weight`.
pub fn conv1d_no_bias(
    in_channels: usize,
    out_channels: usize,
    kernel_size: usize,
    config: Conv1dConfig,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<Conv1d> {
    let shape = (
        out_channels,
        in_channels / config.groups.max(1),
        kernel_size,
    );
    Ok(Conv1d {
        weight: vb.get(shape, "weight")?,
        bias: None,
        config,
        checker,
    })
}

impl Conv1d {
    /// `(batch, in_channels, length)`, or without batch, to as many axes.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let Conv1dConfig {
            padding,
            stride,
            dilation,
            groups,
            ..
        } = self.config;
        let bias = self.bias.as_ref();
        let y = ops::conv1d(x, &self.weight, bias, stride, padding, dilation, groups)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}
