//! Activations, as in `torch.nn.functional`. Floats, unless they say otherwise.

use candle_core::{Result, Tensor};

use super::arithmetic::{clamp, maximum};
use super::compare::{le, masked_fill};
use super::each::{floats, integers, overflowing, simple_floats};
use super::math::{candle_functions, float_functions};
use super::promote::{Operand, in_float};
use crate::kernels::Activation;
use crate::kernels::pointwise::{Function, pointwise};

candle_functions! {
    /// `1 / (1 + e⁻ˣ)`
    sigmoid by Function::Activation(Activation::Sigmoid) => |x| (x.neg()?.exp()? + 1.0)?.recip();
    /// `gelu(approximate="none")`: `x Φ(x)` with the error function.
    gelu by Function::Activation(Activation::Gelu) => Tensor::gelu_erf;
    /// `gelu(approximate="tanh")`
    gelu_tanh by Function::Activation(Activation::GeluTanh) => Tensor::gelu;
    /// `x sigmoid(x)`
    silu by Function::Activation(Activation::Silu) => Tensor::silu;
}

float_functions! {
    /// `x tanh(softplus(x))`
    mish => |x: f64| x * x.exp().ln_1p().tanh();
    /// `elu` with the two constants that keep mean and variance.
    selu => |x: f64| elu_of(x, 1.673_263_242_354_377_2, 1.050_700_987_355_480_5, 1.0);
    /// `ln(sigmoid(x))`
    log_sigmoid => |x: f64| x.min(0.0) - (-x.abs()).exp().ln_1p();
}

/// Zero below zero; NaN stays NaN, where Candle gives zero. Integers too.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    if let Some(y) = pointwise(Function::Activation(Activation::Relu), x)? {
        return Ok(y);
    }
    if !x.dtype().is_float() {
        integers([x.into()], |[x]| x.max(0))
    } else if x.device().is_cpu() {
        simple_floats([x.into()], |[x]| if x < 0.0 { 0.0 } else { x })
    } else {
        maximum(x, 0.0)
    }
}

/// `x relu6(x + 3) / 6`
pub fn hardswish(x: &Tensor) -> Result<Tensor> {
    if let Some(y) = pointwise(Function::Activation(Activation::Hardswish), x)? {
        return Ok(y);
    }
    let dtype = x.dtype();
    simple_floats([x.into()], |[x]| {
        overflowing(dtype, x * (x + 3.0).clamp(0.0, 6.0)) / 6.0
    })
}

/// `relu6(x + 3) / 6`
pub fn hardsigmoid(x: &Tensor) -> Result<Tensor> {
    if let Some(y) = pointwise(Function::Activation(Activation::Hardsigmoid), x)? {
        return Ok(y);
    }
    simple_floats([x.into()], |[x]| (x + 3.0).clamp(0.0, 6.0) / 6.0)
}

/// `relu`, no higher than 6. Integers too.
pub fn relu6(x: &Tensor) -> Result<Tensor> {
    clamp(x, 0i64, 6i64)
}

/// `x` where it is positive, else `slope * x`.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    if let Some(y) = pointwise(Function::LeakyRelu(slope as f32), x)? {
        return Ok(y);
    }
    simple_floats([x.into(), slope.into()], |[x, slope]| {
        if x > 0.0 { x } else { x * slope }
    })
}

/// `scale * x` where it is positive, else `scale * alpha * (exp(input_scale * x) - 1)`.
pub fn elu(x: &Tensor, alpha: f64, scale: f64, input_scale: f64) -> Result<Tensor> {
    floats([x.into()], |[x]| elu_of(x, alpha, scale, input_scale))
}

fn elu_of(x: f64, alpha: f64, scale: f64, input_scale: f64) -> f64 {
    if x <= 0.0 {
        scale * alpha * (x * input_scale).exp_m1()
    } else {
        scale * x
    }
}

/// `ln(1 + exp(beta * x)) / beta`; `x` itself where `beta * x` exceeds the threshold.
pub fn softplus(x: &Tensor, beta: f64, threshold: f64) -> Result<Tensor> {
    let operands = [x.into(), beta.into(), threshold.into()];
    floats(operands, |[x, beta, threshold]| {
        if x * beta > threshold {
            x
        } else {
            (x * beta).exp().ln_1p() / beta
        }
    })
}

/// `x` moved towards zero by `lambda`, and zero within it.
pub fn softshrink(x: &Tensor, lambda: f64) -> Result<Tensor> {
    floats([x.into(), lambda.into()], |[x, lambda]| {
        if x > lambda {
            x - lambda
        } else if x < -lambda {
            x + lambda
        } else {
            x * 0.0
        }
    })
}

/// `x`, and zero within `lambda` of it.
pub fn hardshrink(x: &Tensor, lambda: f64) -> Result<Tensor> {
    floats([x.into(), lambda.into()], |[x, lambda]| {
        if (-lambda..=lambda).contains(&x) {
            0.0
        } else {
            x
        }
    })
}

/// `x` where it exceeds the threshold, else `value`; NaN stays NaN. Integers too.
pub fn threshold<'a>(
    x: &'a Tensor,
    threshold: impl Into<Operand<'a>>,
    value: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    masked_fill(x, &le(x, threshold)?, value)
}

/// `log_sigmoid(x)`, and `exp(-|x|)`, which PyTorch keeps for its gradient.
pub fn log_sigmoid_forward(x: &Tensor) -> Result<(Tensor, Tensor)> {
    Ok((log_sigmoid(x)?, floats([x.into()], |[x]| (-x.abs()).exp())?))
}

/// The first half of an axis, times the sigmoid of the second.
pub fn glu(x: &Tensor, dim: usize) -> Result<Tensor> {
    let half = x.dim(dim)? / 2;
    in_float(x, |x| {
        let gate = sigmoid(&x.narrow(dim, half, half)?)?;
        x.narrow(dim, 0, half)? * gate
    })
}

/// `x` where it is positive, else `weight * x`, of weights that broadcast.
pub fn prelu(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    floats([x.into(), weight.into()], |[x, weight]| {
        if x > 0.0 { x } else { x * weight }
    })
}

/// `ln(x / (1 - x))`, of `x` limited to `[eps, 1 - eps]` if `eps` is given.
pub fn logit(x: &Tensor, eps: Option<f64>) -> Result<Tensor> {
    floats([x.into()], |[x]| {
        let x = match eps {
            Some(eps) if x < eps => eps,
            Some(eps) if x > 1.0 - eps => 1.0 - eps,
            _ => x,
        };
        (x / (1.0 - x)).ln()
    })
}
