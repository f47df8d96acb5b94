use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

pub const HIDDEN_SIZE: usize = 48;
pub const VOCAB_SIZE: usize = 50;
pub const NUM_HIDDEN_LAYERS: usize = 3;
pub const VARIANCE_EPSILON: f64 = 1e-6;
pub const NUM_ATTENTION_HEADS: usize = 6;
pub const HEAD_DIM: usize = 8;
pub const NUM_KEY_VALUE_HEADS: usize = 2;
pub const NUM_KEY_VALUE_GROUPS: usize = 3;
pub const INTERMEDIATE_SIZE: usize = 80;

/// transformers.models.llama.modeling_llama.LlamaForCausalLM (transformers/models/llama/modeling_llama.py:425)
#[derive(Debug, Clone)]
pub struct LlamaForCausalLM {
    pub model: LlamaModel,
    pub lm_head: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl LlamaForCausalLM {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            model: LlamaModel::load(vb.pp("model"), checker.pp("model"))?,
            lm_head: nn::linear_no_bias(
                HIDDEN_SIZE,
                VOCAB_SIZE,
                vb.pp("lm_head"),
                checker.pp("lm_head"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, input_ids: &Tensor) -> Result<Tensor> {
        let (batch, seq) = input_ids.dims2()?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_size("seq", seq, 1, None)?;
        let outputs = self.model.forward(input_ids)?;
        let logits = self.lm_head.forward(&outputs)?;
        py_check!(self.checker, "", &logits);
        Ok(logits)
    }
}

/// transformers.models.llama.modeling_llama.LlamaModel (transformers/models/llama/modeling_llama.py:353)
#[derive(Debug, Clone)]
pub struct LlamaModel {
    pub embed_tokens: nn::Embedding,
    pub rotary_emb: LlamaRotaryEmbedding,
    pub layers: Vec<LlamaDecoderLayer>,
    pub norm: nn::RMSNorm,
    pub checker: Option<PyChecker>,
}

impl LlamaModel {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            embed_tokens: nn::embedding(
                VOCAB_SIZE,
                HIDDEN_SIZE,
                vb.pp("embed_tokens"),
                checker.pp("embed_tokens"),
            )?,
            rotary_emb: LlamaRotaryEmbedding::load(vb.pp("rotary_emb"), checker.pp("rotary_emb"))?,
            layers: (0..NUM_HIDDEN_LAYERS)
                .map(|i| {
                    LlamaDecoderLayer::load(
                        vb.pp(format!("layers.{i}")),
                        checker.pp(format!("layers.{i}")),
                    )
                })
                .collect::<Result<Vec<_>>>()?,
            norm: nn::rms_norm(
                HIDDEN_SIZE,
                VARIANCE_EPSILON,
                vb.pp("norm"),
                checker.pp("norm"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, input_ids: &Tensor) -> Result<Tensor> {
        let seq = input_ids.dim(1)?;
        let inputs_embeds = self.embed_tokens.forward(input_ids)?;
        let (cos, sin) = self.rotary_emb.forward(seq)?;
        let mut hidden_states = inputs_embeds;
        for layer in &self.layers {
            hidden_states = layer.forward(&hidden_states, &cos, &sin)?;
        }
        let hidden_states = self.norm.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.llama.modeling_llama.LlamaRotaryEmbedding (transformers/models/llama/modeling_llama.py:108)
#[derive(Debug, Clone)]
pub struct LlamaRotaryEmbedding {
    device: Device,
    pub checker: Option<PyChecker>,
}

impl LlamaRotaryEmbedding {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            device: vb.device().clone(),
            checker,
        })
    }

    pub fn forward(&self, seq: usize) -> Result<(Tensor, Tensor)> {
        let freqs = ops::mul(
            &Tensor::arange(0i64, seq as i64, &self.device)?
                .reshape((1, seq, 1))?
                .to_dtype(DType::F32)?,
            &Tensor::new(&[1.0f32, 0.1f32, 0.01f32, 0.001f32], &self.device)?,
        )?;
        let emb = ops::cat(&[&freqs, &freqs], 2)?;
        let cos = ops::cos(&emb)?;
        let sin = ops::sin(&emb)?;
        py_check!(self.checker, "", &cos, &sin);
        Ok((cos, sin))
    }
}

/// transformers.models.llama.modeling_llama.LlamaDecoderLayer (transformers/models/llama/modeling_llama.py:284)
#[derive(Debug, Clone)]
pub struct LlamaDecoderLayer {
    pub input_layernorm: nn::RMSNorm,
    pub self_attn: LlamaAttention,
    pub post_attention_layernorm: nn::RMSNorm,
    pub mlp: LlamaMLP,
    pub checker: Option<PyChecker>,
}

impl LlamaDecoderLayer {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            input_layernorm: nn::rms_norm(
                HIDDEN_SIZE,
                VARIANCE_EPSILON,
                vb.pp("input_layernorm"),
                checker.pp("input_layernorm"),
            )?,
            self_attn: LlamaAttention::load(vb.pp("self_attn"), checker.pp("self_attn"))?,
            post_attention_layernorm: nn::rms_norm(
                HIDDEN_SIZE,
                VARIANCE_EPSILON,
                vb.pp("post_attention_layernorm"),
                checker.pp("post_attention_layernorm"),
            )?,
            mlp: LlamaMLP::load(vb.pp("mlp"), checker.pp("mlp"))?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
        let input_layernorm = self.input_layernorm.forward(hidden_states)?;
        let self_attn = self.self_attn.forward(&input_layernorm, cos, sin)?;
        let hidden_states = (hidden_states + &self_attn)?;
        let post_attention_layernorm = self.post_attention_layernorm.forward(&hidden_states)?;
        let mlp = self.mlp.forward(&post_attention_layernorm)?;
        let hidden_states = (&hidden_states + &mlp)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.llama.modeling_llama.LlamaAttention (transformers/models/llama/modeling_llama.py:232)
#[derive(Debug, Clone)]
pub struct LlamaAttention {
    pub q_proj: nn::Linear,
    pub k_proj: nn::Linear,
    pub v_proj: nn::Linear,
    pub o_proj: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl LlamaAttention {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            q_proj: nn::linear_no_bias(
                HIDDEN_SIZE,
                NUM_ATTENTION_HEADS * HEAD_DIM,
                vb.pp("q_proj"),
                checker.pp("q_proj"),
            )?,
            k_proj: nn::linear_no_bias(
                HIDDEN_SIZE,
                NUM_KEY_VALUE_HEADS * HEAD_DIM,
                vb.pp("k_proj"),
                checker.pp("k_proj"),
            )?,
            v_proj: nn::linear_no_bias(
                HIDDEN_SIZE,
                NUM_KEY_VALUE_HEADS * HEAD_DIM,
                vb.pp("v_proj"),
                checker.pp("v_proj"),
            )?,
            o_proj: nn::linear_no_bias(
                NUM_ATTENTION_HEADS * HEAD_DIM,
                HIDDEN_SIZE,
                vb.pp("o_proj"),
                checker.pp("o_proj"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
        let (batch, seq, _) = hidden_states.dims3()?;
        let query_states = self
            .q_proj
            .forward(hidden_states)?
            .reshape((batch, seq, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let key_states = self
            .k_proj
            .forward(hidden_states)?
            .reshape((batch, seq, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let value_states = self
            .v_proj
            .forward(hidden_states)?
            .reshape((batch, seq, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let cos = cos.unsqueeze(1)?;
        let sin = sin.unsqueeze(1)?;
        let q_embed = Self::apply_rotary_pos_emb(&query_states, &cos, &sin)?;
        let k_embed = Self::apply_rotary_pos_emb(&key_states, &cos, &sin)?;
        let key = Self::repeat_kv(&k_embed, batch, seq)?;
        let value = Self::repeat_kv(&value_states, batch, seq)?;
        let attn_output =
            ops::scaled_dot_product_attention(&q_embed, &key, &value, None, true, None)?;
        let attn_output = attn_output.transpose(1, 2)?;
        let attn_output = attn_output.reshape((batch, seq, ()))?;
        let attn_output = self.o_proj.forward(&attn_output)?;
        py_check!(self.checker, "", &attn_output);
        Ok(attn_output)
    }

    fn apply_rotary_pos_emb(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
        let x1 = x.narrow(3, 0, 4)?;
        let x2 = x.narrow(3, 4, 4)?;
        let output = ops::fused(
            (x, cos, &ops::cat(&[&ops::neg(&x2)?, &x1], 3)?, sin),
            |(x, cos, cat, sin)| x * cos + cat * sin,
        )?;
        Ok(output)
    }

    fn repeat_kv(x: &Tensor, batch: usize, seq: usize) -> Result<Tensor> {
        let hidden_states = x.unsqueeze(2)?.broadcast_as((
            batch,
            NUM_KEY_VALUE_HEADS,
            NUM_KEY_VALUE_GROUPS,
            seq,
            HEAD_DIM,
        ))?;
        let output = hidden_states.reshape((batch, 6, seq, HEAD_DIM))?;
        Ok(output)
    }
}

/// transformers.models.llama.modeling_llama.LlamaMLP (transformers/models/llama/modeling_llama.py:163)
#[derive(Debug, Clone)]
pub struct LlamaMLP {
    pub gate_proj: nn::Linear,
    pub act_fn: nn::Func,
    pub up_proj: nn::Linear,
    pub down_proj: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl LlamaMLP {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            gate_proj: nn::linear_no_bias(
                HIDDEN_SIZE,
                INTERMEDIATE_SIZE,
                vb.pp("gate_proj"),
                checker.pp("gate_proj"),
            )?,
            act_fn: nn::func(ops::silu, checker.pp("act_fn")),
            up_proj: nn::linear_no_bias(
                HIDDEN_SIZE,
                INTERMEDIATE_SIZE,
                vb.pp("up_proj"),
                checker.pp("up_proj"),
            )?,
            down_proj: nn::linear_no_bias(
                INTERMEDIATE_SIZE,
                HIDDEN_SIZE,
                vb.pp("down_proj"),
                checker.pp("down_proj"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let gate_proj = self.gate_proj.then(&self.act_fn).forward(x)?;
        let down_proj = self
            .down_proj
            .forward(&(&gate_proj * self.up_proj.forward(x)?)?)?;
        py_check!(self.checker, "", &down_proj);
        Ok(down_proj)
    }
}
