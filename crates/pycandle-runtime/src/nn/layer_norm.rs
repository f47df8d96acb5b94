use candle_core::{Result, Shape, Tensor};
use candle_nn::VarBuilder;

use crate::nn::once::Once;
use crate::{PyChecker, ops, py_check};

/// `torch.nn.LayerNorm` over the last `normalized_rank` axes.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    pub normalized_rank: usize,
    pub weight: Option<Tensor>,
    pub bias: Option<Tensor>,
    pub eps: f64,
    pub checker: Option<PyChecker>,
    once: Once<(usize, f64)>,
}

/// Loads `weight` and `bias`, both of shape `normalized_shape`.
pub fn layer_norm(
    normalized_shape: impl Into<Shape>,
    eps: f64,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<LayerNorm> {
    let shape = normalized_shape.into();
    let bias = Some(vb.get(shape.clone(), "bias")?);
    Ok(LayerNorm {
        bias,
        ..layer_norm_no_bias(shape, eps, vb, checker)?
    })
}

/// Loads `weight`, of shape `normalized_shape`.
pub fn layer_norm_no_bias(
    normalized_shape: impl Into<Shape>,
    eps: f64,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<LayerNorm> {
    let shape = normalized_shape.into();
    let weight = Some(vb.get(shape.clone(), "weight")?);
    Ok(LayerNorm {
        weight,
        ..layer_norm_no_affine(shape, eps, checker)?
    })
}

/// Has no parameters: `elementwise_affine=False`.
pub fn layer_norm_no_affine(
    normalized_shape: impl Into<Shape>,
    eps: f64,
    checker: Option<PyChecker>,
) -> Result<LayerNorm> {
    let normalized_rank = normalized_shape.into().rank();
    Ok(LayerNorm {
        normalized_rank,
        weight: None,
        bias: None,
        eps,
        checker,
        once: Once::default(),
    })
}

impl LayerNorm {
    /// Keeps the shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        let y = ops::layer_norm(x, self.normalized_rank, weight, bias, self.eps)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }

    /// [`forward`](Self::forward), computed once for a tensor that no input of the model changes.
    ///
    /// Another tensor, and a field that has been replaced, are noticed.
    pub fn forward_once(&self, x: &Tensor) -> Result<Tensor> {
        let parameters = [self.weight.as_ref(), self.bias.as_ref()];
        let settings = (self.normalized_rank, self.eps);
        match self.checker {
            Some(_) => self.forward(x),
            None => self.once.of(x, &parameters, settings, || self.forward(x)),
        }
    }
}
