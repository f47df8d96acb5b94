use candle_core::{Result, Shape, Tensor};
use candle_nn::VarBuilder;

use crate::{PyChecker, ops, py_check};

/// `torch.nn.RMSNorm` over the last axes, those of `weight`.
#[derive(Debug, Clone)]
pub struct RMSNorm {
    pub weight: Tensor,
    pub eps: f64,
    pub checker: Option<PyChecker>,
}

/// Loads `weight`, of shape `normalized_shape`.
pub fn rms_norm(
    normalized_shape: impl Into<Shape>,
    eps: f64,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<RMSNorm> {
    Ok(RMSNorm {
        weight: vb.get(normalized_shape, "weight")?,
        eps,
        checker,
    })
}

impl RMSNorm {
    /// Keeps the shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = ops::rms_norm(x, self.weight.rank(), Some(&self.weight), self.eps)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}
