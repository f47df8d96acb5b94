//! Flash attention, where the feature `flash-attn` is on and the kernel can do what is asked.

use candle_core::{DType, Result, Tensor};

/// The largest head that the kernels are made for, and what its size is a multiple of.
const MOST_WIDTH: usize = 512;
const WIDTHS: usize = 8;

/// Attention of `(batch, heads, L, E)` without a mask by the kernels of `candle-flash-attn`.
///
/// Nothing for what they lack: other devices than CUDA, other dtypes than f16 and bf16, values of
/// another width than the keys; and a causal mask of fewer or more keys than queries, which they
/// align with the last key where PyTorch aligns it with the first.
pub fn flash_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    is_causal: bool,
    scale: f64,
) -> Result<Option<Tensor>> {
    let (&[_, heads, rows, width], &[_, shared, columns, _]) = (q.dims(), k.dims()) else {
        return Ok(None);
    };
    let here = q.device().is_cuda() && matches!(q.dtype(), DType::F16 | DType::BF16);
    let alike = k.dims() == v.dims() && k.dim(3)? == width && k.dim(0)? == q.dim(0)?;
    let fits = width % WIDTHS == 0 && width <= MOST_WIDTH && shared > 0 && heads % shared == 0;
    if !(here && alike && fits)
        || q.elem_count() * k.elem_count() == 0
        || (is_causal && rows != columns)
    {
        return Ok(None);
    }
    let turned = |x: &Tensor| x.transpose(1, 2)?.contiguous();
    let (q, k, v) = (turned(q)?, turned(k)?, turned(v)?);
    let attended = candle_flash_attn::flash_attn(&q, &k, &v, scale as f32, is_causal)?;
    Ok(Some(attended.transpose(1, 2)?))
}
