use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::kernels::Activation;
use crate::kernels::product::{self, After, Packed, Weight};
use crate::nn::once::Once;
use crate::{PyChecker, ops, py_check};

/// `torch.nn.Linear`: `y = x weightᵀ + bias`.
#[derive(Debug, Clone)]
pub struct Linear {
    /// `(out_features, in_features)`
    pub weight: Tensor,
    /// `(out_features,)`
    pub bias: Option<Tensor>,
    pub checker: Option<PyChecker>,
    packed: Packed,
    once: Once,
}

/// Loads `weight` and `bias`.
pub fn linear(
    in_features: usize,
    out_features: usize,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<Linear> {
    let bias = Some(vb.get(out_features, "bias")?);
    Ok(Linear {
        bias,
        ..linear_no_bias(in_features, out_features, vb, checker)?
    })
}

/// Loads `weight`.
pub fn linear_no_bias(
    in_features: usize,
    out_features: usize,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<Linear> {
    Ok(Linear {
        weight: vb.get((out_features, in_features), "weight")?,
        bias: None,
        checker,
        packed: Packed::default(),
        once: Once::default(),
    })
}

impl Linear {
    /// `(…, in_features)` to `(…, out_features)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = match self.fused(x, None, None)? {
            Some(y) => y,
            None => ops::linear(x, &self.weight, self.bias.as_ref())?,
        };
        py_check!(self.checker, "", &y);
        Ok(y)
    }

    /// [`forward`](Self::forward), computed once for a tensor that no input of the model changes.
    ///
    /// Another tensor, and a parameter that has been replaced, are noticed.
    pub fn forward_once(&self, x: &Tensor) -> Result<Tensor> {
        let parameters = [Some(&self.weight), self.bias.as_ref()];
        match self.checker {
            Some(_) => self.forward(x),
            None => self.once.of(x, &parameters, (), || self.forward(x)),
        }
    }

    /// The layer by a kernel, which then adds a tensor of the result's shape and applies a function
    /// where they are asked for; `None` if there is no kernel for it.
    pub(super) fn fused(
        &self,
        x: &Tensor,
        residual: Option<&Tensor>,
        activation: Option<Activation>,
    ) -> Result<Option<Tensor>> {
        let weight = Weight {
            tensor: &self.weight,
            packed: Some(&self.packed),
            by_rows: true,
        };
        let after = After {
            bias: self.bias.as_ref(),
            residual,
            activation,
        };
        product::linear(x, weight, after)
    }
}
