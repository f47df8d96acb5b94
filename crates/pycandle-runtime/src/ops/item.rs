//! Numbers that a model reads from its tensors: sizes, and the conditions of branches and loops.

use candle_core::{DType, Error, Result, Tensor};

/// Whether the one element of a tensor is not zero: the condition of a branch or a loop.
///
/// # Errors
/// If the tensor has not exactly one element.
pub fn item_bool(x: &Tensor) -> Result<bool> {
    one(x)?;
    let flat = x.flatten_all()?;
    Ok(match x.dtype() {
        DType::U8 => flat.to_vec1::<u8>()?.iter().any(|held| *held != 0),
        dtype if dtype.is_int() => flat
            .to_dtype(DType::I64)?
            .to_vec1::<i64>()?
            .iter()
            .any(|held| *held != 0),
        _ => flat
            .to_dtype(DType::F64)?
            .to_vec1::<f64>()?
            .iter()
            .any(|held| *held != 0.0),
    })
}

/// A size that a model reads from an integer tensor of one element, `x.item()`.
///
/// # Errors
/// If it is not from `min` to `max`, for which the model was exported; names it and the range.
pub fn item_size(name: &str, x: &Tensor, min: usize, max: Option<usize>) -> Result<usize> {
    one(x)?;
    if !x.dtype().is_int() {
        candle_core::bail!(
            "{name} is read from a tensor of {:?}, not of integers",
            x.dtype()
        )
    }
    let flat = x.flatten_all()?.to_dtype(DType::I64)?.to_vec1::<i64>()?;
    let held = flat.first().copied().unwrap_or_default();
    let size = usize::try_from(held).map_err(|_| {
        Error::Msg(format!(
            "{name} is {held}; the model was exported for at least {min}"
        ))
    })?;
    super::expect_size(name, size, min, max)?;
    Ok(size)
}

fn one(x: &Tensor) -> Result<()> {
    if x.elem_count() != 1 {
        candle_core::bail!(
            "one number is to be read from a tensor of {} elements, of shape {:?}",
            x.elem_count(),
            x.shape()
        )
    }
    Ok(())
}
