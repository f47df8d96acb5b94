use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

pub const VOCAB_SIZE: usize = 50;
pub const HIDDEN_SIZE: usize = 48;
pub const NUM_HIDDEN_LAYERS: usize = 3;
pub const VARIANCE_EPSILON: f64 = 1e-5;
pub const NUM_ATTENTION_HEADS: usize = 6;
pub const HEAD_DIM: usize = 8;
pub const NUM_KEY_VALUE_HEADS: usize = 2;
pub const NUM_KEY_VALUE_GROUPS: usize = 3;
pub const NUM_EXPERTS: usize = 4;
pub const HIDDEN_DIM: usize = 48;
pub const INTERMEDIATE_DIM: usize = 80;

/// transformers.models.mixtral.modeling_mixtral.MixtralModel (transformers/models/mixtral/modeling_mixtral.py:416)
#[derive(Debug, Clone)]
pub struct MixtralModel {
    pub embed_tokens: nn::Embedding,
    pub rotary_emb: MixtralRotaryEmbedding,
    pub layers: Vec<MixtralDecoderLayer>,
    pub norm: nn::RMSNorm,
    pub checker: Option<PyChecker>,
}

impl MixtralModel {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            embed_tokens: nn::embedding(
                VOCAB_SIZE,
                HIDDEN_SIZE,
                vb.pp("embed_tokens"),
                checker.pp("embed_tokens"),
            )?,
            rotary_emb: MixtralRotaryEmbedding::load(
                vb.pp("rotary_emb"),
                checker.pp("rotary_emb"),
            )?,
            layers: (0..NUM_HIDDEN_LAYERS)
                .map(|i| {
                    MixtralDecoderLayer::load(
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
        let (batch, seq) = input_ids.dims2()?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_size("seq", seq, 1, None)?;
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

/// transformers.models.mixtral.modeling_mixtral.MixtralRotaryEmbedding (transformers/models/mixtral/modeling_mixtral.py:189)
#[derive(Debug, Clone)]
pub struct MixtralRotaryEmbedding {
    device: Device,
    pub checker: Option<PyChecker>,
}

impl MixtralRotaryEmbedding {
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
            &Tensor::new(
                &[1.0f32, 0.03162278f32, 0.001f32, 3.1622774e-5f32],
                &self.device,
            )?,
        )?;
        let emb = ops::cat(&[&freqs, &freqs], 2)?;
        let cos = ops::cos(&emb)?;
        let sin = ops::sin(&emb)?;
        py_check!(self.checker, "", &cos, &sin);
        Ok((cos, sin))
    }
}

/// transformers.models.mixtral.modeling_mixtral.MixtralDecoderLayer (transformers/models/mixtral/modeling_mixtral.py:341)
#[derive(Debug, Clone)]
pub struct MixtralDecoderLayer {
    pub input_layernorm: nn::RMSNorm,
    pub self_attn: MixtralAttention,
    pub post_attention_layernorm: nn::RMSNorm,
    pub mlp: MixtralSparseMoeBlock,
    pub checker: Option<PyChecker>,
}

impl MixtralDecoderLayer {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            input_layernorm: nn::rms_norm(
                HIDDEN_SIZE,
                VARIANCE_EPSILON,
                vb.pp("input_layernorm"),
                checker.pp("input_layernorm"),
            )?,
            self_attn: MixtralAttention::load(vb.pp("self_attn"), checker.pp("self_attn"))?,
            post_attention_layernorm: nn::rms_norm(
                HIDDEN_SIZE,
                VARIANCE_EPSILON,
                vb.pp("post_attention_layernorm"),
                checker.pp("post_attention_layernorm"),
            )?,
            mlp: MixtralSparseMoeBlock::load(vb.pp("mlp"), checker.pp("mlp"))?,
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

/// transformers.models.mixtral.modeling_mixtral.MixtralAttention (transformers/models/mixtral/modeling_mixtral.py:288)
#[derive(Debug, Clone)]
pub struct MixtralAttention {
    pub q_proj: nn::Linear,
    pub k_proj: nn::Linear,
    pub v_proj: nn::Linear,
    pub o_proj: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl MixtralAttention {
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

/// transformers.models.mixtral.modeling_mixtral.MixtralSparseMoeBlock (transformers/models/mixtral/modeling_mixtral.py:121)
#[derive(Debug, Clone)]
pub struct MixtralSparseMoeBlock {
    pub gate: MixtralTopKRouter,
    pub experts: MixtralExperts,
    pub checker: Option<PyChecker>,
}

impl MixtralSparseMoeBlock {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            gate: MixtralTopKRouter::load(vb.pp("gate"), checker.pp("gate"))?,
            experts: MixtralExperts::load(vb.pp("experts"), checker.pp("experts"))?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<Tensor> {
        let (batch, seq, _) = hidden_states.dims3()?;
        let hidden_states = hidden_states.reshape(((), HIDDEN_SIZE))?;
        let (gate, top_k_weights) = self.gate.forward(&hidden_states)?;
        let hidden_states =
            self.experts
                .forward(&hidden_states, &top_k_weights, &gate, batch, seq)?;
        let hidden_states = hidden_states.reshape((batch, seq, 48))?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.mixtral.modeling_mixtral.MixtralTopKRouter (transformers/models/mixtral/modeling_mixtral.py:103)
#[derive(Debug, Clone)]
pub struct MixtralTopKRouter {
    pub weight: nn::Parameter,
    pub checker: Option<PyChecker>,
}

impl MixtralTopKRouter {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            weight: nn::parameter(vb.get((NUM_EXPERTS, HIDDEN_DIM), "weight")?),
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<(Tensor, Tensor)> {
        let router_logits = ops::linear(hidden_states, &self.weight, None)?;
        let router_probs = ops::softmax(&router_logits, 1)?;
        let (router_top_value, router_indices) = ops::topk(&router_probs, 2, 1, true)?;
        let router_top_value =
            ops::div(&router_top_value, &ops::sum(&router_top_value, &[1], true)?)?;
        py_check!(self.checker, "", &router_top_value, &router_indices);
        Ok((router_top_value, router_indices))
    }
}

/// transformers.models.mixtral.modeling_mixtral.MixtralExperts (transformers/models/mixtral/modeling_mixtral.py:68)
#[derive(Debug, Clone)]
pub struct MixtralExperts {
    pub gate_up_proj: Tensor,
    pub down_proj: Tensor,
    pub act_fn: nn::Func,
    pub checker: Option<PyChecker>,
}

impl MixtralExperts {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            gate_up_proj: vb.get((NUM_EXPERTS, 160, HIDDEN_DIM), "gate_up_proj")?,
            down_proj: vb.get((NUM_EXPERTS, HIDDEN_DIM, INTERMEDIATE_DIM), "down_proj")?,
            act_fn: nn::func(ops::silu, checker.pp("act_fn")),
            checker,
        })
    }

    pub fn forward(
        &self,
        hidden_states: &Tensor,
        top_k_index: &Tensor,
        top_k_weights: &Tensor,
        batch: usize,
        seq: usize,
    ) -> Result<Tensor> {
        let expert_ids = top_k_index.reshape(batch * seq * 2)?;
        let (expert_ids_g, perm) = ops::sort(&expert_ids, 0, false)?;
        let selected_hidden_states_g =
            ops::index(hidden_states, &[Some(&ops::floor_divide(&perm, 2)?)])?;
        let sample_weights = top_k_weights.reshape(batch * seq * 2)?;
        let sample_weights_g = ops::index(&sample_weights, &[Some(&perm)])?;
        let histc_input = expert_ids_g.to_dtype(DType::F32)?;
        let tokens_per_expert = ops::histc(&histc_input, 4, 0.0, 3.0)?;
        let offsets =
            ops::cumsum(&tokens_per_expert.to_dtype(DType::I32)?, 0)?.to_dtype(DType::I32)?;
        let out = ops::grouped_mm(
            &selected_hidden_states_g,
            &self.gate_up_proj.transpose(1, 2)?,
            Some(&offsets),
        )?;
        let gate = out.narrow(1, 0, 80)?;
        let up = out.narrow(1, 80, 80)?;
        let proj_out = (self.act_fn.forward(&gate)? * &up)?;
        let out = ops::grouped_mm(&proj_out, &self.down_proj.transpose(1, 2)?, Some(&offsets))?;
        let weighted_out = ops::mul(&out, &sample_weights_g.unsqueeze(1)?)?;
        let inv_perm = Tensor::zeros(batch * seq * 2, DType::I64, hidden_states.device())?;
        let inv_perm = ops::index_put(
            &inv_perm,
            &[Some(&perm)],
            &Tensor::arange(0i64, (batch * seq * 2) as i64, hidden_states.device())?,
            false,
        )?;
        let weighted_out = ops::index(&weighted_out, &[Some(&inv_perm)])?;
        let final_hidden_states =
            ops::sum(&weighted_out.reshape((batch * seq, 2, 48))?, &[1], false)?;
        py_check!(self.checker, "", &final_hidden_states);
        Ok(final_hidden_states)
    }
}
