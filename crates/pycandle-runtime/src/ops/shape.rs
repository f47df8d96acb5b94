//! Joining tensors.

use candle_core::{Result, Tensor};

use super::promote::promote_types;

/// `torch.cat`, with promotion; as in PyTorch, tensors of shape `(0,)` count as nothing.
pub fn cat(tensors: &[&Tensor], dim: usize) -> Result<Tensor> {
    let joined = promoted(tensors)?;
    let parts: Vec<_> = joined.iter().filter(|x| x.dims() != [0]).collect();
    match (&parts[..], joined.first()) {
        ([], Some(first)) => Ok(first.clone()),
        (parts, _) => Tensor::cat(parts, dim),
    }
}

/// `torch.stack`, with promotion: joins along a new axis.
pub fn stack(tensors: &[&Tensor], dim: usize) -> Result<Tensor> {
    Tensor::stack(&promoted(tensors)?, dim)
}

fn promoted(tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
    let dtype = tensors.iter().map(|x| x.dtype()).reduce(promote_types);
    let dtype = dtype.ok_or_else(|| candle_core::Error::Msg("nothing to join".to_string()))?;
    tensors.iter().map(|x| x.to_dtype(dtype)).collect()
}
