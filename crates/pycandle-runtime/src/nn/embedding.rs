use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::{PyChecker, ops, py_check};

/// `torch.nn.Embedding`: a row of `weight` for every id.
#[derive(Debug, Clone)]
pub struct Embedding {
    /// `(num_embeddings, embedding_dim)`
    pub weight: Tensor,
    pub checker: Option<PyChecker>,
}

/// Loads `weight`.
pub fn embedding(
    num_embeddings: usize,
    embedding_dim: usize,
    vb: VarBuilder,
    checker: Option<PyChecker>,
) -> Result<Embedding> {
    Ok(Embedding {
        weight: vb.get((num_embeddings, embedding_dim), "weight")?,
        checker,
    })
}

impl Embedding {
    /// Integer ids of any shape to `(…, embedding_dim)`; an id out of range is an error.
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let y = ops::embedding(&self.weight, ids)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}
