//! Checks of a model's inputs.

use candle_core::{Error, Result, Tensor};

/// Checks that a symbolic axis lies in the range for which the model was exported.
///
/// # Errors
/// Names the axis, its size and the range.
pub fn expect_size(name: &str, size: usize, min: usize, max: Option<usize>) -> Result<()> {
    if size >= min && max.is_none_or(|max| size <= max) {
        return Ok(());
    }
    let range = match max {
        Some(max) if max == min => format!("exactly {min}"),
        Some(max) => format!("{min} to {max}"),
        None => format!("at least {min}"),
    };
    Err(Error::Msg(format!(
        "{name} is {size}; the model was exported for {range}"
    )))
}

/// Refuses input sizes that the recorded graph is not right for.
///
/// `relation` says in words what `holds` decides: `seq % 2 == 0`.
pub fn expect_relation(relation: &str, holds: bool) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Msg(format!(
        "the model was exported for inputs where {relation}, which these are not"
    )))
}

/// Checks an input's shape.
///
/// # Errors
/// Names the input, the first axis that differs, and both shapes.
pub fn expect_shape(name: &str, tensor: &Tensor, shape: &[usize]) -> Result<()> {
    let dims = tensor.dims();
    if dims == shape {
        return Ok(());
    }
    let what = if dims.len() != shape.len() {
        format!("has {} axes instead of {}", dims.len(), shape.len())
    } else {
        let axis = (0..dims.len())
            .find(|&axis| dims[axis] != shape[axis])
            .unwrap_or(0);
        format!(
            "has {} instead of {} in axis {axis}",
            dims[axis], shape[axis]
        )
    };
    Err(Error::Msg(format!(
        "input {name:?} {what}: its shape is {dims:?}, expected {shape:?}"
    )))
}

/// Checks a list of inputs, as caches are: how many there are, and the shape of each.
///
/// # Errors
/// As [`expect_items`]; names the first tensor whose shape differs, as [`expect_shape`].
pub fn expect_shapes(name: &str, tensors: &[Tensor], count: usize, shape: &[usize]) -> Result<()> {
    expect_items(name, tensors, count)?;
    for (index, tensor) in tensors.iter().enumerate() {
        expect_shape(&format!("{name}.{index}"), tensor, shape)?;
    }
    Ok(())
}

/// Checks that a list has a tensor for each module that takes one.
///
/// # Errors
/// Names the list and both lengths.
pub fn expect_items(name: &str, tensors: &[Tensor], count: usize) -> Result<()> {
    if tensors.len() == count {
        return Ok(());
    }
    Err(Error::Msg(format!(
        "input {name:?} has {} tensors instead of {count}",
        tensors.len()
    )))
}

/// The first tensor of a list of inputs.
///
/// # Errors
/// Names the list if it is empty.
pub fn first<'a>(name: &str, tensors: &'a [Tensor]) -> Result<&'a Tensor> {
    let first = tensors.first();
    first.ok_or_else(|| Error::Msg(format!("input {name:?} has no tensors")))
}
