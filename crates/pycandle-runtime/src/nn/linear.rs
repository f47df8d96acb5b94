use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::kernels::product::{self, After, Packed, Weight};
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
    })
}

impl Linear {
    /// `(…, in_features)` to `(…, out_features)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let weight = Weight {
            tensor: &self.weight,
            packed: Some(&self.packed),
            by_rows: true,
        };
        let bias = self.bias.as_ref();
        let y = match product::linear(
            x,
            weight,
            After {
                bias,
                ..After::default()
            },
        )? {
            Some(y) => y,
            None => ops::linear(x, &self.weight, bias)?,
        };
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}
