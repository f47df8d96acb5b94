//! Sentence embeddings by all-MiniLM-L6-v2.
//!
//! [`minilm`] is generated from a recording of the PyTorch model; the rest is what a user writes around it.

use std::path::Path;

use candle_core::{D, DType, Device, Error, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::PyChecker;
use tokenizers::{PaddingParams, PaddingStrategy, Tokenizer, TruncationParams};

use minilm::BertModel;

pub mod minilm {
    pycandle_runtime::include_model!("minilm");
}

/// What all-MiniLM-L6-v2 was trained with; longer sentences are cut.
const MOST_TOKENS: usize = 256;

/// Loads the model from a checkpoint of PyTorch's own names; `checker` compares every module's output.
pub fn load(weights: &Path, checker: Option<PyChecker>, device: &Device) -> Result<BertModel> {
    let bytes = std::fs::read(weights).map_err(|error| unreadable(weights, error))?;
    let vb = VarBuilder::from_buffered_safetensors(bytes, DType::F32, device)?;
    BertModel::load(vb, checker)
}

/// Loads `tokenizer.json`, set to pad a batch to its longest sentence.
pub fn tokenizer(file: &Path) -> Result<Tokenizer> {
    let mut tokenizer = Tokenizer::from_file(file).map_err(|error| unreadable(file, error))?;
    let longest = PaddingStrategy::BatchLongest;
    tokenizer.with_padding(Some(PaddingParams {
        strategy: longest,
        ..Default::default()
    }));
    let truncation = TruncationParams {
        max_length: MOST_TOKENS,
        ..Default::default()
    };
    tokenizer
        .with_truncation(Some(truncation))
        .map_err(Error::wrap)?;
    Ok(tokenizer)
}

/// A batch of sentences as the model takes it: three tensors `(batch, seq)`, i64.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub input_ids: Tensor,
    /// One for a token, zero for padding.
    pub attention_mask: Tensor,
    pub token_type_ids: Tensor,
}

/// Tokenizes sentences, of which there must be at least one.
pub fn tokenize(tokenizer: &Tokenizer, sentences: &[String], device: &Device) -> Result<Tokens> {
    if sentences.is_empty() {
        return Err(Error::Msg(
            "there is no sentence to embed; give at least one".into(),
        ));
    }
    let encodings = tokenizer
        .encode_batch(sentences.to_vec(), true)
        .map_err(Error::wrap)?;
    let tensor = |part: fn(&tokenizers::Encoding) -> &[u32]| {
        let values = encodings
            .iter()
            .flat_map(|encoding| part(encoding).iter().copied());
        let values: Vec<i64> = values.map(i64::from).collect();
        let shape = (sentences.len(), values.len() / sentences.len());
        Tensor::from_vec(values, shape, device)
    };
    Ok(Tokens {
        input_ids: tensor(tokenizers::Encoding::get_ids)?,
        attention_mask: tensor(tokenizers::Encoding::get_attention_mask)?,
        token_type_ids: tensor(tokenizers::Encoding::get_type_ids)?,
    })
}

/// Embeds sentences as unit vectors `(sentences, 384)`, so that their products are cosines.
pub fn embed(model: &BertModel, tokenizer: &Tokenizer, sentences: &[String]) -> Result<Tensor> {
    let tokens = tokenize(tokenizer, sentences, &Device::Cpu)?;
    let (hidden, _) = model.forward(
        &tokens.input_ids,
        &tokens.attention_mask,
        &tokens.token_type_ids,
    )?;
    let mean = mean_over_tokens(&hidden, &tokens.attention_mask)?;
    mean.broadcast_div(&mean.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?)
}

/// The mean of `hidden` `(batch, seq, width)` over the tokens that `mask` `(batch, seq)` keeps.
fn mean_over_tokens(hidden: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let mask = mask.to_dtype(hidden.dtype())?.unsqueeze(D::Minus1)?;
    hidden
        .broadcast_mul(&mask)?
        .sum(1)?
        .broadcast_div(&mask.sum(1)?)
}

fn unreadable(file: &Path, error: impl std::fmt::Display) -> Error {
    Error::Msg(format!(
        "cannot read {}: {error}; `cargo xtask demo` brings it",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_does_not_count() -> Result<()> {
        let hidden = Tensor::new(&[[[1f32, 2.], [3., 4.], [9., 9.]]], &Device::Cpu)?;
        let mask = Tensor::new(&[[1i64, 1, 0]], &Device::Cpu)?;

        let mean = mean_over_tokens(&hidden, &mask)?;

        assert_eq!(mean.to_vec2::<f32>()?, [[2., 3.]]);
        Ok(())
    }
}
