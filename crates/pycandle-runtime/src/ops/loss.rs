//! Losses. Each element's loss is computed in f64, and so are the sums.

use candle_core::{DType, Device, Result, Tensor};

use super::distance::{floating, pairwise_distance};
use super::lines::{floats, tensor};
use super::promote::{float_type, result_type};

/// What becomes of the losses of all elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// They stay.
    None,
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
}

impl Reduction {
    /// The losses, of `sizes`, as they are or in one number.
    pub(crate) fn of(
        self,
        losses: Vec<f64>,
        sizes: Vec<usize>,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let total: f64 = losses.iter().sum();
        match self {
            Self::None => tensor(losses, sizes, dtype, device),
            Self::Mean => tensor(vec![total / losses.len() as f64], vec![], dtype, device),
            Self::Sum => tensor(vec![total], vec![], dtype, device),
        }
    }
}

/// `(x - target)²`
pub fn mse_loss(x: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    pointwise([x, target], reduction, |[x, y]| (x - y) * (x - y))
}

/// `|x - target|`
pub fn l1_loss(x: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    pointwise([x, target], reduction, |[x, y]| (x - y).abs())
}

/// Squared and over `2 beta` below a distance of `beta`, linear above.
pub fn smooth_l1_loss(
    x: &Tensor,
    target: &Tensor,
    reduction: Reduction,
    beta: f64,
) -> Result<Tensor> {
    pointwise([x, target], reduction, |[x, y]| {
        let distance = (x - y).abs();
        if distance < beta {
            0.5 * distance * distance / beta
        } else {
            distance - 0.5 * beta
        }
    })
}

/// Half the square up to a distance of `delta`, linear above.
pub fn huber_loss(x: &Tensor, target: &Tensor, reduction: Reduction, delta: f64) -> Result<Tensor> {
    pointwise([x, target], reduction, |[x, y]| {
        let distance = (x - y).abs();
        if distance <= delta {
            0.5 * distance * distance
        } else {
            delta * (distance - 0.5 * delta)
        }
    })
}

/// Of probabilities; logarithms are at least -100.
///
/// # Errors
/// If one is not between 0 and 1, as in PyTorch.
pub fn binary_cross_entropy(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    if floats(x)?.iter().any(|x| !(0.0..=1.0).contains(x)) {
        candle_core::bail!("binary_cross_entropy takes probabilities, between 0 and 1")
    }
    let ones = x.ones_like()?;
    let weight = weight.unwrap_or(&ones);
    pointwise([x, target, weight], reduction, |[x, y, w]| {
        w * ((y - 1.0) * (-x).ln_1p().max(-100.0) - y * x.ln().max(-100.0))
    })
}

/// Of logits; `pos_weight` multiplies the losses of positive examples.
pub fn binary_cross_entropy_with_logits(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    pos_weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    let ones = x.ones_like()?;
    let (weight, positive) = (weight.unwrap_or(&ones), pos_weight.unwrap_or(&ones));
    pointwise([x, target, weight, positive], reduction, |[x, y, w, p]| {
        let log_sigmoid = x.min(0.0) - (-x.abs()).exp().ln_1p();
        let log_sigmoid = if x.is_nan() { x } else { log_sigmoid };
        w * ((1.0 - y) * x - ((p - 1.0) * y + 1.0) * log_sigmoid)
    })
}

/// Of log-probabilities `x`; with `log_target` the target has logarithms too.
pub fn kl_div(
    x: &Tensor,
    target: &Tensor,
    reduction: Reduction,
    log_target: bool,
) -> Result<Tensor> {
    pointwise([x, target], reduction, |[x, y]| {
        if log_target {
            y.exp() * (y - x)
        } else {
            xlogy(y) - y * x
        }
    })
}

/// Of counts, given their rate or its logarithm; `full` adds Stirling's approximation.
pub fn poisson_nll_loss(
    x: &Tensor,
    target: &Tensor,
    log_input: bool,
    full: bool,
    eps: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    pointwise([x, target], reduction, |[x, y]| {
        let loss = if log_input {
            x.exp() - y * x
        } else {
            x - y * (x + eps).ln()
        };
        let stirling = y * y.ln() - y + 0.5 * (2.0 * std::f64::consts::PI * y).ln();
        if full && y > 1.0 {
            loss + stirling
        } else {
            loss
        }
    })
}

/// `log(1 + exp(-target x))`, infinite where the exponential is in the dtype, as in PyTorch.
pub fn soft_margin_loss(x: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    let most = match result_type(&[x.into(), target.into()]) {
        DType::F16 => 65504.0,
        DType::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    };
    pointwise([x, target], reduction, |[x, y]| {
        let exponential = (-y * x).exp();
        if exponential > most {
            f64::INFINITY
        } else {
            exponential.ln_1p()
        }
    })
}

/// `max(0, margin - target (a - b))`
pub fn margin_ranking_loss(
    a: &Tensor,
    b: &Tensor,
    target: &Tensor,
    margin: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    pointwise([a, b, target], reduction, |[a, b, y]| {
        positive(margin - y * (a - b))
    })
}

/// `x` where the target is 1, `max(0, margin - x)` where it is -1.
pub fn hinge_embedding_loss(
    x: &Tensor,
    target: &Tensor,
    margin: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    pointwise([x, target], reduction, |[x, y]| {
        let apart = if y == 1.0 { 0.0 } else { positive(margin - x) };
        let close = if y == -1.0 { 0.0 } else { x };
        apart + close
    })
}

/// `1 - cos(a, b)` where the target is 1, `max(0, cos(a, b) - margin)` where it is -1.
///
/// `a` and `b` are vectors, or batches of them.
pub fn cosine_embedding_loss(
    a: &Tensor,
    b: &Tensor,
    target: &Tensor,
    margin: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    let dim = target.rank();
    let [left, right] = floating(a, b)?;
    let total = |x: Result<Tensor>| super::reduce::sum(&x?, &[dim], false);
    let (wide_a, wide_b) = (left.to_dtype(DType::F64)?, right.to_dtype(DType::F64)?);
    let product = total(wide_a.broadcast_mul(&wide_b))?;
    let (size_a, size_b) = (total(wide_a.sqr())?, total(wide_b.sqr())?);
    let losses = pointwise(
        [&product, &size_a, &size_b, target],
        reduction,
        |[p, a, b, y]| {
            let cosine = p / ((a + 1e-12) * (b + 1e-12)).sqrt();
            match y {
                1.0 => 1.0 - cosine,
                -1.0 => positive(cosine - margin),
                _ => 0.0,
            }
        },
    )?;
    losses.to_dtype(left.dtype())
}

/// How much farther than `margin` an anchor is from the positive than from the negative example.
///
/// With `swap`, the negative example's distance is the smaller of those to anchor and positive.
#[allow(clippy::too_many_arguments)]
pub fn triplet_margin_loss(
    anchor: &Tensor,
    close: &Tensor,
    far: &Tensor,
    margin: f64,
    p: f64,
    eps: f64,
    swap: bool,
    reduction: Reduction,
) -> Result<Tensor> {
    // Distances are not rounded to halves, only the loss is.
    let dtype = anchor.dtype();
    let wide = |x: &Tensor| x.to_dtype(DType::F64);
    let (anchor, close, far) = (wide(anchor)?, wide(close)?, wide(far)?);
    let to_close = pairwise_distance(&anchor, &close, p, eps, false)?;
    let to_far = pairwise_distance(&anchor, &far, p, eps, false)?;
    let between = if swap {
        pairwise_distance(&close, &far, p, eps, false)?
    } else {
        to_far.clone()
    };
    pointwise([&to_close, &to_far, &between], reduction, |[a, b, c]| {
        positive(margin + a - b.min(c))
    })?
    .to_dtype(dtype)
}

/// `max(0, x)`; NaN stays.
pub(crate) fn positive(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

/// `y log(y)`, which is zero at zero.
fn xlogy(y: f64) -> f64 {
    if y == 0.0 { 0.0 } else { y * y.ln() }
}

/// A loss for each element of tensors that broadcast, in the result type of the first two.
fn pointwise<const N: usize>(
    inputs: [&Tensor; N],
    reduction: Reduction,
    loss: impl Fn([f64; N]) -> f64,
) -> Result<Tensor> {
    let operands: Vec<_> = inputs.iter().take(2).map(|&input| input.into()).collect();
    let dtype = float_type(result_type(&operands));
    let mut shape = inputs[0].shape().clone();
    for input in &inputs {
        shape = shape.broadcast_shape_binary_op(input.shape(), "loss")?;
    }
    let spread = |input: &&Tensor| floats(&input.broadcast_as(&shape)?);
    let columns = inputs.iter().map(spread).collect::<Result<Vec<_>>>()?;
    let element = |i: usize| loss(std::array::from_fn(|k| columns[k][i]));
    let losses = (0..shape.elem_count()).map(element).collect();
    reduction.of(losses, shape.into_dims(), dtype, inputs[0].device())
}
