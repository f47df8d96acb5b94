use std::sync::Arc;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::kernels::kept::Kept;
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
    factors: Arc<Kept<Factors, f64>>,
}

/// What a batch norm multiplies each channel with, and then adds to it.
#[derive(Debug)]
pub(super) struct Factors {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
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
        factors: Arc::default(),
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

    /// Its parameters as two numbers for each channel, computed once, in f64; `None` if its fields
    /// are others by now.
    pub(super) fn factors(&self) -> Result<Option<&Factors>> {
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        let (mean, variance) = (&self.running_mean, &self.running_var);
        let tensors: Vec<&Tensor> = [mean, variance]
            .into_iter()
            .chain(weight)
            .chain(bias)
            .collect();
        self.factors.of(&tensors, &self.eps, || {
            let (scale, shift) = ops::running_factors(weight, bias, mean, variance, self.eps)?;
            let rounded = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect();
            Ok(Some(Factors {
                scale: rounded(scale),
                shift: rounded(shift),
            }))
        })
    }
}
