use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

pub const VOCAB_SIZE: usize = 50;
pub const HIDDEN_SIZE: usize = 48;
pub const TYPE_VOCAB_SIZE: usize = 2;
pub const MAX_POSITION_EMBEDDINGS: usize = 32;
pub const LAYER_NORM_EPS: f64 = 1e-12;
pub const NUM_HIDDEN_LAYERS: usize = 3;
pub const ALL_HEAD_SIZE: usize = 48;
pub const ATTENTION_HEAD_SIZE: usize = 8;
pub const INTERMEDIATE_SIZE: usize = 80;

/// transformers.models.bert.modeling_bert.BertModel (transformers/models/bert/modeling_bert.py:620)
#[derive(Debug, Clone)]
pub struct BertModel {
    pub embeddings: BertEmbeddings,
    pub encoder: BertEncoder,
    pub pooler: BertPooler,
    pub checker: Option<PyChecker>,
}

impl BertModel {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            embeddings: BertEmbeddings::load(vb.pp("embeddings"), checker.pp("embeddings"))?,
            encoder: BertEncoder::load(vb.pp("encoder"), checker.pp("encoder"))?,
            pooler: BertPooler::load(vb.pp("pooler"), checker.pp("pooler"))?,
            checker,
        })
    }

    pub fn forward(&self, input_ids: &Tensor, attention_mask: &Tensor) -> Result<(Tensor, Tensor)> {
        let (batch, seq) = input_ids.dims2()?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_size("seq", seq, 1, Some(32))?;
        ops::expect_shape("attention_mask", attention_mask, &[batch, seq])?;
        let embedding_output = self.embeddings.forward(input_ids)?;
        let attention_mask = ops::to_bool(attention_mask)?;
        let attention_mask = attention_mask.reshape((batch, 1, 1, seq))?;
        let encoder_outputs = self.encoder.forward(&embedding_output, &attention_mask)?;
        let pooled_output = self.pooler.forward(&encoder_outputs)?;
        py_check!(self.checker, "", &encoder_outputs, &pooled_output);
        Ok((encoder_outputs, pooled_output))
    }
}

/// transformers.models.bert.modeling_bert.BertEmbeddings (transformers/models/bert/modeling_bert.py:68)
#[derive(Debug, Clone)]
pub struct BertEmbeddings {
    pub word_embeddings: nn::Embedding,
    pub token_type_embeddings: nn::Embedding,
    pub position_embeddings: nn::Embedding,
    pub layer_norm: nn::LayerNorm,
    pub checker: Option<PyChecker>,
}

impl BertEmbeddings {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            word_embeddings: nn::embedding(
                VOCAB_SIZE,
                HIDDEN_SIZE,
                vb.pp("word_embeddings"),
                checker.pp("word_embeddings"),
            )?,
            token_type_embeddings: nn::embedding(
                TYPE_VOCAB_SIZE,
                HIDDEN_SIZE,
                vb.pp("token_type_embeddings"),
                checker.pp("token_type_embeddings"),
            )?,
            position_embeddings: nn::embedding(
                MAX_POSITION_EMBEDDINGS,
                HIDDEN_SIZE,
                vb.pp("position_embeddings"),
                checker.pp("position_embeddings"),
            )?,
            layer_norm: nn::layer_norm(
                HIDDEN_SIZE,
                LAYER_NORM_EPS,
                vb.pp("LayerNorm"),
                checker.pp("LayerNorm"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, input_ids: &Tensor) -> Result<Tensor> {
        let (batch, seq) = input_ids.dims2()?;
        let position_ids = Tensor::arange(0i64, seq as i64, input_ids.device())?.unsqueeze(0)?;
        let token_type_ids = Tensor::zeros((batch, seq), DType::I64, input_ids.device())?;
        let inputs_embeds = self.word_embeddings.forward(input_ids)?;
        let token_type_embeddings = self.token_type_embeddings.forward(&token_type_ids)?;
        let embeddings = (&inputs_embeds + &token_type_embeddings)?;
        let position_embeddings = self.position_embeddings.forward(&position_ids)?;
        let embeddings = ops::add(&embeddings, &position_embeddings)?;
        let embeddings = self.layer_norm.forward(&embeddings)?;
        py_check!(self.checker, "", &embeddings);
        Ok(embeddings)
    }
}

/// transformers.models.bert.modeling_bert.BertEncoder (transformers/models/bert/modeling_bert.py:425)
#[derive(Debug, Clone)]
pub struct BertEncoder {
    pub layer: Vec<BertLayer>,
    pub checker: Option<PyChecker>,
}

impl BertEncoder {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            layer: (0..NUM_HIDDEN_LAYERS)
                .map(|i| {
                    BertLayer::load(
                        vb.pp(format!("layer.{i}")),
                        checker.pp(format!("layer.{i}")),
                    )
                })
                .collect::<Result<Vec<_>>>()?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, attention_mask: &Tensor) -> Result<Tensor> {
        let mut hidden_states = hidden_states.clone();
        for layer in &self.layer {
            hidden_states = layer.forward(&hidden_states, attention_mask)?;
        }
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.bert.modeling_bert.BertLayer (transformers/models/bert/modeling_bert.py:374)
#[derive(Debug, Clone)]
pub struct BertLayer {
    pub attention: BertAttention,
    pub intermediate: BertIntermediate,
    pub output: BertOutput,
    pub checker: Option<PyChecker>,
}

impl BertLayer {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            attention: BertAttention::load(vb.pp("attention"), checker.pp("attention"))?,
            intermediate: BertIntermediate::load(
                vb.pp("intermediate"),
                checker.pp("intermediate"),
            )?,
            output: BertOutput::load(vb.pp("output"), checker.pp("output"))?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, attention_mask: &Tensor) -> Result<Tensor> {
        let self_attention_output = self.attention.forward(hidden_states, attention_mask)?;
        let intermediate_output = self.intermediate.forward(&self_attention_output)?;
        let layer_output = self
            .output
            .forward(&intermediate_output, &self_attention_output)?;
        py_check!(self.checker, "", &layer_output);
        Ok(layer_output)
    }
}

/// transformers.models.bert.modeling_bert.BertAttention (transformers/models/bert/modeling_bert.py:304)
#[derive(Debug, Clone)]
pub struct BertAttention {
    pub self_: BertSelfAttention,
    pub output: BertSelfOutput,
    pub checker: Option<PyChecker>,
}

impl BertAttention {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            self_: BertSelfAttention::load(vb.pp("self"), checker.pp("self"))?,
            output: BertSelfOutput::load(vb.pp("output"), checker.pp("output"))?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, attention_mask: &Tensor) -> Result<Tensor> {
        let attention_output = self.self_.forward(hidden_states, attention_mask)?;
        let attention_output = self.output.forward(&attention_output, hidden_states)?;
        py_check!(self.checker, "", &attention_output);
        Ok(attention_output)
    }
}

/// transformers.models.bert.modeling_bert.BertSelfAttention (transformers/models/bert/modeling_bert.py:164)
#[derive(Debug, Clone)]
pub struct BertSelfAttention {
    pub query: nn::Linear,
    pub key: nn::Linear,
    pub value: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl BertSelfAttention {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            query: nn::linear(
                HIDDEN_SIZE,
                ALL_HEAD_SIZE,
                vb.pp("query"),
                checker.pp("query"),
            )?,
            key: nn::linear(HIDDEN_SIZE, ALL_HEAD_SIZE, vb.pp("key"), checker.pp("key"))?,
            value: nn::linear(
                HIDDEN_SIZE,
                ALL_HEAD_SIZE,
                vb.pp("value"),
                checker.pp("value"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, attention_mask: &Tensor) -> Result<Tensor> {
        let (batch, seq, _) = hidden_states.dims3()?;
        let query_layer = self
            .query
            .forward(hidden_states)?
            .reshape((batch, seq, (), ATTENTION_HEAD_SIZE))?
            .transpose(1, 2)?;
        let key_layer = self
            .key
            .forward(hidden_states)?
            .reshape((batch, seq, (), ATTENTION_HEAD_SIZE))?
            .transpose(1, 2)?;
        let value_layer = self
            .value
            .forward(hidden_states)?
            .reshape((batch, seq, (), ATTENTION_HEAD_SIZE))?
            .transpose(1, 2)?;
        let attn_output = ops::scaled_dot_product_attention(
            &query_layer,
            &key_layer,
            &value_layer,
            Some(attention_mask),
            false,
            None,
        )?;
        let attn_output = attn_output.transpose(1, 2)?;
        let attn_output = attn_output.reshape((batch, seq, ()))?;
        py_check!(self.checker, "", &attn_output);
        Ok(attn_output)
    }
}

/// transformers.models.bert.modeling_bert.BertSelfOutput (transformers/models/bert/modeling_bert.py:289)
#[derive(Debug, Clone)]
pub struct BertSelfOutput {
    pub dense: nn::Linear,
    pub layer_norm: nn::LayerNorm,
    pub checker: Option<PyChecker>,
}

impl BertSelfOutput {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            dense: nn::linear(
                HIDDEN_SIZE,
                HIDDEN_SIZE,
                vb.pp("dense"),
                checker.pp("dense"),
            )?,
            layer_norm: nn::layer_norm(
                HIDDEN_SIZE,
                LAYER_NORM_EPS,
                vb.pp("LayerNorm"),
                checker.pp("LayerNorm"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, input_tensor: &Tensor) -> Result<Tensor> {
        let hidden_states = self.dense.add(input_tensor).forward(hidden_states)?;
        let hidden_states = self.layer_norm.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.bert.modeling_bert.BertIntermediate (transformers/models/bert/modeling_bert.py:334)
#[derive(Debug, Clone)]
pub struct BertIntermediate {
    pub dense: nn::Linear,
    pub intermediate_act_fn: nn::Func,
    pub checker: Option<PyChecker>,
}

impl BertIntermediate {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            dense: nn::linear(
                HIDDEN_SIZE,
                INTERMEDIATE_SIZE,
                vb.pp("dense"),
                checker.pp("dense"),
            )?,
            intermediate_act_fn: nn::func(ops::gelu, checker.pp("intermediate_act_fn")),
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<Tensor> {
        let hidden_states = self
            .dense
            .then(&self.intermediate_act_fn)
            .forward(hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.bert.modeling_bert.BertOutput (transformers/models/bert/modeling_bert.py:347)
#[derive(Debug, Clone)]
pub struct BertOutput {
    pub dense: nn::Linear,
    pub layer_norm: nn::LayerNorm,
    pub checker: Option<PyChecker>,
}

impl BertOutput {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            dense: nn::linear(
                INTERMEDIATE_SIZE,
                HIDDEN_SIZE,
                vb.pp("dense"),
                checker.pp("dense"),
            )?,
            layer_norm: nn::layer_norm(
                HIDDEN_SIZE,
                LAYER_NORM_EPS,
                vb.pp("LayerNorm"),
                checker.pp("LayerNorm"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, input_tensor: &Tensor) -> Result<Tensor> {
        let hidden_states = self.dense.add(input_tensor).forward(hidden_states)?;
        let hidden_states = self.layer_norm.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.bert.modeling_bert.BertPooler (transformers/models/bert/modeling_bert.py:457)
#[derive(Debug, Clone)]
pub struct BertPooler {
    pub dense: nn::Linear,
    pub activation: nn::Func,
    pub checker: Option<PyChecker>,
}

impl BertPooler {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            dense: nn::linear(
                HIDDEN_SIZE,
                HIDDEN_SIZE,
                vb.pp("dense"),
                checker.pp("dense"),
            )?,
            activation: nn::func(ops::tanh, checker.pp("activation")),
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<Tensor> {
        let first_token_tensor = hidden_states.get_on_dim(1, 0)?;
        let pooled_output = self
            .dense
            .then(&self.activation)
            .forward(&first_token_tensor)?;
        py_check!(self.checker, "", &pooled_output);
        Ok(pooled_output)
    }
}
