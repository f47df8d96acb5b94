use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::{PyChecker, ops, py_check};

/// `torch.nn.GroupNorm`.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    pub num_groups: usize,
    /// `(num_channels,)`
    pub weight: Tensor,
    /// `(num_channels,)`
    pub bias: Tensor,
    pub eps: f64,
    pub checker: Option<PyChecker>,
}

/// Loads `weight` and `bias`.
pub fn group_norm(
    num_groups: usize,
    num_channels: usize,
    eps: f64,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<GroupNorm> {
    Ok(GroupNorm {
        num_groups,
        weight: vb.get(num_channels, "weight")?,
        bias: vb.get(num_channels, "bias")?,
        eps,
        checker,
    })
}

impl GroupNorm {
    /// `(batch, num_channels, …)`, and keeps the shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        let y = ops::group_norm(x, self.num_groups, weight, bias, self.eps)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}

/// `torch.nn.InstanceNorm1d`, `InstanceNorm2d` and `InstanceNorm3d` with `affine=True`.
#[derive(Debug, Clone)]
pub struct InstanceNorm {
    /// `(num_features,)`
    pub weight: Tensor,
    /// `(num_features,)`
    pub bias: Tensor,
    pub eps: f64,
    pub checker: Option<PyChecker>,
}

/// Loads `weight` and `bias`.
pub fn instance_norm(
    num_features: usize,
    eps: f64,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<InstanceNorm> {
    Ok(InstanceNorm {
        weight: vb.get(num_features, "weight")?,
        bias: vb.get(num_features, "bias")?,
        eps,
        checker,
    })
}

impl InstanceNorm {
    /// `(batch, num_features, …)`, and keeps the shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        let y = ops::instance_norm(x, weight, bias, None, None, true, self.eps)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}
