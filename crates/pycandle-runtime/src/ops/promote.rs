//! PyTorch's type promotion, and the dtype in which it computes.

use candle_core::{DType, Device, Result, Tensor};

/// The dtype of an operation between two tensors (`torch.result_type`).
///
/// A tensor without axes does not widen one with axes of the same kind (float or integer).
pub(crate) fn result_type(a: &Tensor, b: &Tensor) -> DType {
    let (x, y) = (a.dtype(), b.dtype());
    match (a.rank() == 0, b.rank() == 0) {
        (false, true) if x.is_float() >= y.is_float() => x,
        (true, false) if y.is_float() >= x.is_float() => y,
        _ => promote_types(x, y),
    }
}

/// The smallest dtype that both convert to (`torch.promote_types`).
pub(crate) fn promote_types(a: DType, b: DType) -> DType {
    match (a.is_float(), b.is_float()) {
        (true, false) => a,
        (false, true) => b,
        // Neither of the two halves holds the other.
        (true, true) if a != b && a.size_in_bytes() == b.size_in_bytes() => DType::F32,
        // Candle's u32 holds indices, and PyTorch's indices are i64.
        (false, false) if a != b && (a == DType::U32 || b == DType::U32) => DType::I64,
        _ if a.size_in_bytes() >= b.size_in_bytes() => a,
        _ => b,
    }
}

/// Both tensors in their result type and of their common shape.
pub(crate) fn promoted(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let dtype = result_type(a, b);
    Ok((a.to_dtype(dtype)?, b.to_dtype(dtype)?))
}

/// Floats as they are, integers as PyTorch's default dtype, f32.
pub(crate) fn to_float(x: &Tensor) -> Result<Tensor> {
    if x.dtype().is_float() {
        Ok(x.clone())
    } else {
        x.to_dtype(DType::F32)
    }
}

/// Computes halves in f32 and rounds once at the end, as PyTorch does; integers become f32.
pub(crate) fn in_float(x: &Tensor, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    match x.dtype() {
        dtype @ (DType::F16 | DType::BF16) => f(&x.to_dtype(DType::F32)?)?.to_dtype(dtype),
        _ => f(&to_float(x)?),
    }
}

/// The dtype in which to add up many values of `dtype`: PyTorch adds in blocks or in double, and
/// Candle one by one, which loses digits. Metal has no f64.
pub(crate) fn sum_dtype(dtype: DType, device: &Device) -> DType {
    if device.is_metal() {
        DType::F32
    } else if dtype.is_float() {
        DType::F64
    } else {
        dtype
    }
}

/// `Tensor.to(dtype)` for numbers; for bool see [`to_bool`](crate::ops::to_bool).
///
/// Floats truncate to integers; NaN and values out of range become some integer, in PyTorch too.
pub fn to_dtype(x: &Tensor, dtype: DType) -> Result<Tensor> {
    x.to_dtype(dtype)
}
