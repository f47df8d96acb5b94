//! Attention.

use candle_core::{DType, Result, Tensor};

use super::compare::{eq_scalar, logical_not, masked_fill, where_};
use super::create::tril;
use super::linear::matmul;
use super::norm::softmax;
use super::reduce::amax;
use super::scalar::mul_scalar;

/// `torch.nn.functional.scaled_dot_product_attention`.
///
/// `q`: `(…, L, E)`, `k`: `(…, S, E)`, `v`: `(…, S, Ev)`; gives `(…, L, Ev)`.
/// A u8 `mask` is a bool one, of which true may be attended to; a float mask is added to the scores;
/// both broadcast to `(…, L, S)`. `scale` is `1 / sqrt(E)` by default.
/// A row that may attend to nothing gives zeros, as PyTorch does.
pub fn scaled_dot_product_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    is_causal: bool,
    scale: Option<f64>,
) -> Result<Tensor> {
    if is_causal && mask.is_some() {
        candle_core::bail!("attention takes either a mask or is_causal, not both")
    }
    if q.rank() < 2 || k.rank() < 2 || v.rank() < 2 {
        candle_core::bail!("attention takes tensors of two axes or more")
    }
    let dtype = q.dtype();
    if matches!(dtype, DType::F16 | DType::BF16) {
        // Scores and weights are never rounded to halves, only what comes out.
        let wide = |x: &Tensor| x.to_dtype(DType::F32);
        let (q, k, v) = (wide(q)?, wide(k)?, wide(v)?);
        let y = scaled_dot_product_attention(&q, &k, &v, mask, is_causal, scale)?;
        return y.to_dtype(dtype);
    }
    let (rows, columns) = (q.dims()[q.rank() - 2], k.dims()[k.rank() - 2]);
    let width = q.dims()[q.rank() - 1];
    let scale = scale.unwrap_or(1.0 / (width as f64).sqrt());
    let attend = if is_causal {
        Some(tril(
            &Tensor::ones((rows, columns), DType::U8, q.device())?,
            0,
        )?)
    } else {
        mask.cloned()
    };
    let scores = matmul(
        &mul_scalar(q, scale)?,
        &k.transpose(k.rank() - 2, k.rank() - 1)?,
    )?;
    let scores = match &attend {
        Some(mask) if mask.dtype() == DType::U8 => {
            masked_fill(&scores, &logical_not(mask)?, f64::NEG_INFINITY)?
        }
        Some(mask) => scores.broadcast_add(&mask.to_dtype(scores.dtype())?)?,
        None => scores,
    };
    matmul(&safe_softmax(&scores)?, v)
}

/// Softmax over the last axis, in which a row of only -inf gives zeros.
fn safe_softmax(scores: &Tensor) -> Result<Tensor> {
    let last = scores.rank() - 1;
    if scores.elem_count() == 0 {
        return Ok(scores.clone());
    }
    let nothing = eq_scalar(&amax(scores, &[last], true)?, f64::NEG_INFINITY)?;
    let zero = Tensor::zeros((), scores.dtype(), scores.device())?;
    where_(&nothing, &zero, &softmax(scores, last)?)
}
