use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::{PyChecker, ops, py_check};

/// `torch.nn.BatchNorm1d`, `BatchNorm2d` and `BatchNorm3d` in eval mode.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    /// `(num_features,)`, as all of them
    pub weight: Option<Tensor>,
    pub bias: Option<Tensor>,
    pub running_mean: Tensor,
    pub running_var: Tensor,
    pub eps: f64,
    pub checker: Option<PyChecker>,
}

/// Loads `weight`, `bias`, `running_mean` and `running_var`.
pub fn batch_norm(
    num_features: usize,
    eps: f64,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<BatchNorm> {
    Ok(BatchNorm {
        weight: Some(vb.get(num_features, "weight")?),
        bias: Some(vb.get(num_features, "bias")?),
        ..batch_norm_no_affine(num_features, eps, vb, checker)?
    })
}

/// Loads `running_mean` and `running_var`: `affine=False`.
pub fn batch_norm_no_affine(
    num_features: usize,
    eps: f64,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<BatchNorm> {
    Ok(BatchNorm {
        weight: None,
        bias: None,
        running_mean: vb.get(num_features, "running_mean")?,
        running_var: vb.get(num_features, "running_var")?,
        eps,
        checker,
    })
}

impl BatchNorm {
    /// `(batch, num_features, …)`, and keeps the shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        let (mean, variance) = (Some(&self.running_mean), Some(&self.running_var));
        let y = ops::batch_norm(x, weight, bias, mean, variance, false, self.eps)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}
