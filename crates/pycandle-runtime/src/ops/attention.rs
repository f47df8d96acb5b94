//! Attention.

use candle_core::{D, DType, Result, Tensor};

use super::arithmetic::mul;
use super::compare::{eq, where_};
use super::create::tril;
use super::linear::matmul;
use super::promote::to_float;
use super::reduce::amax;
use super::softmax::{log_softmax, softmax};
use crate::kernels::attention::attention;
use crate::kernels::softmax::Softmax;

/// `torch.nn.functional.scaled_dot_product_attention`.
///
/// `q`: `(…, L, E)`, `k`: `(…, S, E)`, `v`: `(…, S, Ev)`; gives `(…, L, Ev)`.
/// A u8 `mask` is a bool one, of which true may be attended to; a float mask is added to the scores;
/// both broadcast to `(…, L, S)`. With `is_causal` a query attends to the keys up to its own place.
/// `scale` is `1 / sqrt(E)` by default.
/// Fewer heads of keys and values than of queries, on the third last axis, each serve a group of
/// neighbouring ones (`enable_gqa`).
/// A row that may attend to nothing gives zeros, as PyTorch does.
pub fn scaled_dot_product_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    is_causal: bool,
    scale: Option<f64>,
) -> Result<Tensor> {
    #[cfg(feature = "flash-attn")]
    if mask.is_none() {
        let factor = scale.unwrap_or(1.0 / (q.dim(D::Minus1)? as f64).sqrt());
        if let Some(attended) = super::flash::flash_attention(q, k, v, is_causal, factor)? {
            return Ok(attended);
        }
    }
    if let Some(attended) = fast(q, k, v, mask, is_causal, scale)? {
        return Ok(attended);
    }
    let scores = attention_scores(q, k, mask, is_causal, scale)?;
    grouped(&safe_softmax(&scores, scores.rank() - 1)?, &wide(v)?)?.to_dtype(q.dtype())
}

/// By the kernel, where it takes what is asked.
fn fast(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    is_causal: bool,
    scale: Option<f64>,
) -> Result<Option<Tensor>> {
    let (true, DType::F32) = (q.device().is_cpu(), q.dtype()) else {
        return Ok(None);
    };
    if is_causal && mask.is_some() {
        return Ok(None);
    }
    let scale = scale.unwrap_or(1.0 / (q.dim(D::Minus1)? as f64).sqrt());
    let added = match mask {
        Some(mask) if mask.dtype() == DType::U8 => {
            let never = Tensor::new(f32::NEG_INFINITY, mask.device())?;
            Some(where_(mask, &never.zeros_like()?, &never)?)
        }
        Some(mask) => Some(mask.to_dtype(DType::F32)?),
        None => None,
    };
    attention(q, k, v, added.as_ref(), is_causal, scale)
}

/// Attention, and the weights that it gives the values: `(…, L, Ev)` and `(…, L, S)`.
///
/// The causal mask too is added to the scores here: one that is infinite or NaN makes its row NaN.
pub fn scaled_dot_product_attention_math(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    is_causal: bool,
    scale: Option<f64>,
) -> Result<(Tensor, Tensor)> {
    let causal = match mask {
        None if is_causal => Some(causal_mask(q, k)?),
        _ => None,
    };
    let scores = match &causal {
        Some(causal) => attention_scores(q, k, Some(causal), false, scale)?,
        None => attention_scores(q, k, mask, is_causal, scale)?,
    };
    let weights = safe_softmax(&scores, scores.rank() - 1)?;
    let attended = grouped(&weights, &wide(v)?)?.to_dtype(q.dtype())?;
    Ok((attended, weights.to_dtype(q.dtype())?))
}

/// Attention, and the logarithm of the sum of each row's exponentials, which is
/// zero for a row that may attend to nothing: `(…, L, Ev)` and `(…, L)`.
pub fn scaled_dot_product_attention_logsumexp(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    is_causal: bool,
    scale: Option<f64>,
) -> Result<(Tensor, Tensor)> {
    let scores = attention_scores(q, k, mask, is_causal, scale)?;
    let last = scores.rank() - 1;
    let attended = grouped(&safe_softmax(&scores, last)?, &wide(v)?)?.to_dtype(q.dtype())?;
    // The logarithm of a row's sum is what a logarithmic softmax takes off its largest score.
    let most = amax(&scores, &[last], true)?;
    let highest = amax(&log_softmax(&scores, last)?, &[last], true)?;
    let zero = Tensor::zeros((), scores.dtype(), scores.device())?;
    let nothing = eq(&most, f64::NEG_INFINITY)?;
    let sums = where_(&nothing, &zero, &(most - highest)?)?;
    Ok((attended, sums.squeeze(last)?))
}

/// `softmax`, in which a row of only -inf gives zeros; `torch._safe_softmax`.
pub fn safe_softmax(x: &Tensor, dim: usize) -> Result<Tensor> {
    if x.rank() == 0 || x.elem_count() == 0 {
        return softmax(x, dim);
    }
    if let Some(y) = super::softmax::fast(Softmax::Safe, x, dim)? {
        return Ok(y);
    }
    let nothing = eq(&amax(x, &[dim], true)?, f64::NEG_INFINITY)?;
    let zero = Tensor::zeros((), x.dtype(), x.device())?;
    where_(&nothing, &zero, &softmax(x, dim)?)
}

/// Scaled products of queries and keys, with the mask; halves in f32.
fn attention_scores(
    q: &Tensor,
    k: &Tensor,
    mask: Option<&Tensor>,
    is_causal: bool,
    scale: Option<f64>,
) -> Result<Tensor> {
    if is_causal && mask.is_some() {
        candle_core::bail!("attention takes either a mask or is_causal, not both")
    }
    let width = q.dim(D::Minus1)? as f64;
    let scale = scale.unwrap_or(1.0 / width.sqrt());
    let keys = wide(k)?.transpose(k.rank() - 2, k.rank() - 1)?;
    let scores = grouped(&mul(&wide(q)?, scale)?, &keys)?;
    let never = Tensor::new(f64::NEG_INFINITY, scores.device())?.to_dtype(scores.dtype())?;
    match mask {
        _ if is_causal => where_(&causal_mask(q, k)?, &scores, &never),
        // PyTorch adds a bool mask too, as zero or -inf: a score that is NaN stays so.
        Some(mask) if mask.dtype() == DType::U8 => {
            scores.broadcast_add(&where_(mask, &never.zeros_like()?, &never)?)
        }
        Some(mask) => scores.broadcast_add(&mask.to_dtype(scores.dtype())?),
        None => Ok(scores),
    }
}

/// Which keys each query attends to: those up to its own place, as u8 `(L, S)`.
fn causal_mask(q: &Tensor, k: &Tensor) -> Result<Tensor> {
    let (&[.., rows, _], &[.., columns, _]) = (q.dims(), k.dims()) else {
        candle_core::bail!("attention takes tensors of two axes or more")
    };
    tril(&Tensor::ones((rows, columns), DType::U8, q.device())?, 0)
}

/// The matrix product, where each head of the right side serves a group of the left side's.
fn grouped(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let (&[ref batch @ .., heads, rows, inner], &[.., shared, _, columns]) =
        (left.dims(), right.dims())
    else {
        return matmul(left, right);
    };
    if heads == shared || shared == 0 || heads % shared != 0 {
        return matmul(left, right);
    }
    let group = heads / shared;
    let stacked = left.reshape([batch, &[shared, group * rows, inner]].concat())?;
    matmul(&stacked, right)?.reshape([batch, &[heads, rows, columns]].concat())
}

/// Scores and weights are never rounded to halves, only what comes out.
fn wide(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F16 | DType::BF16 => x.to_dtype(DType::F32),
        _ => to_float(x),
    }
}
