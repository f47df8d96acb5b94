use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

pub const VOCAB_SIZE: usize = 50;
pub const EMBED_DIM: usize = 48;
pub const MAX_POSITION_EMBEDDINGS: usize = 32;
pub const NUM_HIDDEN_LAYERS: usize = 3;
pub const LAYER_NORM_EPSILON: f64 = 1e-5;
pub const HIDDEN_SIZE: usize = 48;
pub const SPLIT_SIZE: usize = 48;
pub const HEAD_DIM: usize = 8;
pub const INTERMEDIATE_SIZE: usize = 192;

/// transformers.models.gpt2.modeling_gpt2.GPT2Model (transformers/models/gpt2/modeling_gpt2.py:509)
#[derive(Debug, Clone)]
pub struct GPT2Model {
    pub wte: nn::Embedding,
    pub wpe: nn::Embedding,
    pub h: Vec<GPT2Block>,
    pub ln_f: nn::LayerNorm,
    pub checker: Option<PyChecker>,
}

impl GPT2Model {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            wte: nn::embedding(VOCAB_SIZE, EMBED_DIM, vb.pp("wte"), checker.pp("wte"))?,
            wpe: nn::embedding(
                MAX_POSITION_EMBEDDINGS,
                EMBED_DIM,
                vb.pp("wpe"),
                checker.pp("wpe"),
            )?,
            h: (0..NUM_HIDDEN_LAYERS)
                .map(|i| GPT2Block::load(vb.pp(format!("h.{i}")), checker.pp(format!("h.{i}"))))
                .collect::<Result<Vec<_>>>()?,
            ln_f: nn::layer_norm(
                EMBED_DIM,
                LAYER_NORM_EPSILON,
                vb.pp("ln_f"),
                checker.pp("ln_f"),
            )?,
            checker,
        })
    }

    pub fn forward(
        &self,
        input_ids: &Tensor,
        past_key_values_key_cache: &[Tensor],
        past_key_values_value_cache: &[Tensor],
    ) -> Result<(Tensor, Vec<Tensor>, Vec<Tensor>)> {
        let (batch, seq) = input_ids.dims2()?;
        let past_key_values_length =
            ops::first("past_key_values_key_cache", past_key_values_key_cache)?.dim(2)?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_size("seq", seq, 1, None)?;
        ops::expect_size("past_key_values_length", past_key_values_length, 0, None)?;
        ops::expect_shapes(
            "past_key_values_key_cache",
            past_key_values_key_cache,
            self.h.len(),
            &[batch, 6, past_key_values_length, 8],
        )?;
        ops::expect_shapes(
            "past_key_values_value_cache",
            past_key_values_value_cache,
            self.h.len(),
            &[batch, 6, past_key_values_length, 8],
        )?;
        let inputs_embeds = self.wte.forward(input_ids)?;
        let position_ids = Tensor::arange(
            past_key_values_length as i64,
            (past_key_values_length + seq) as i64,
            input_ids.device(),
        )?
        .unsqueeze(0)?;
        let position_embeds = self.wpe.forward(&position_ids)?;
        let mut hidden_states = ops::add(&inputs_embeds, &position_embeds)?;
        let attention_mask =
            ops::causal_mask(seq, past_key_values_length + seq, input_ids.device())?;
        let mut key_caches = Vec::with_capacity(self.h.len());
        let mut value_caches = Vec::with_capacity(self.h.len());
        for ((h, key_cache), value_cache) in self
            .h
            .iter()
            .zip(past_key_values_key_cache)
            .zip(past_key_values_value_cache)
        {
            let (next, key_cache, value_cache) =
                h.forward(&hidden_states, key_cache, value_cache, &attention_mask)?;
            hidden_states = next;
            key_caches.push(key_cache);
            value_caches.push(value_cache);
        }
        let hidden_states = self.ln_f.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states; &key_caches, &value_caches);
        Ok((hidden_states, key_caches, value_caches))
    }
}

/// transformers.models.gpt2.modeling_gpt2.GPT2Block (transformers/models/gpt2/modeling_gpt2.py:262)
#[derive(Debug, Clone)]
pub struct GPT2Block {
    pub ln_1: nn::LayerNorm,
    pub attn: GPT2Attention,
    pub ln_2: nn::LayerNorm,
    pub mlp: GPT2MLP,
    pub checker: Option<PyChecker>,
}

impl GPT2Block {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            ln_1: nn::layer_norm(
                HIDDEN_SIZE,
                LAYER_NORM_EPSILON,
                vb.pp("ln_1"),
                checker.pp("ln_1"),
            )?,
            attn: GPT2Attention::load(vb.pp("attn"), checker.pp("attn"))?,
            ln_2: nn::layer_norm(
                HIDDEN_SIZE,
                LAYER_NORM_EPSILON,
                vb.pp("ln_2"),
                checker.pp("ln_2"),
            )?,
            mlp: GPT2MLP::load(vb.pp("mlp"), checker.pp("mlp"))?,
            checker,
        })
    }

    pub fn forward(
        &self,
        hidden_states: &Tensor,
        past_key_values_key_cache: &Tensor,
        past_key_values_value_cache: &Tensor,
        attention_mask: &Tensor,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        let ln_1 = self.ln_1.forward(hidden_states)?;
        let (attn_output, key_cache, value_cache) = self.attn.forward(
            &ln_1,
            past_key_values_key_cache,
            past_key_values_value_cache,
            attention_mask,
        )?;
        let hidden_states = (&attn_output + hidden_states)?;
        let ln_2 = self.ln_2.forward(&hidden_states)?;
        let feed_forward_hidden_states = self.mlp.forward(&ln_2)?;
        let hidden_states = (&hidden_states + &feed_forward_hidden_states)?;
        py_check!(self.checker, "", &hidden_states, &key_cache, &value_cache);
        Ok((hidden_states, key_cache, value_cache))
    }
}

/// transformers.models.gpt2.modeling_gpt2.GPT2Attention (transformers/models/gpt2/modeling_gpt2.py:144)
#[derive(Debug, Clone)]
pub struct GPT2Attention {
    pub c_attn: Conv1D,
    pub c_proj: Conv1D,
    pub checker: Option<PyChecker>,
}

impl GPT2Attention {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            c_attn: Conv1D::load(
                EMBED_DIM,
                3 * EMBED_DIM,
                vb.pp("c_attn"),
                checker.pp("c_attn"),
            )?,
            c_proj: Conv1D::load(EMBED_DIM, EMBED_DIM, vb.pp("c_proj"), checker.pp("c_proj"))?,
            checker,
        })
    }

    pub fn forward(
        &self,
        hidden_states: &Tensor,
        past_key_values_key_cache: &Tensor,
        past_key_values_value_cache: &Tensor,
        attention_mask: &Tensor,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        let (batch, seq, _) = hidden_states.dims3()?;
        let c_attn = self.c_attn.forward(hidden_states)?;
        let query_states = c_attn.narrow(2, 0, SPLIT_SIZE)?;
        let key_states = c_attn.narrow(2, SPLIT_SIZE, SPLIT_SIZE)?;
        let value_states = c_attn.narrow(2, 2 * SPLIT_SIZE, SPLIT_SIZE)?;
        let key_states = key_states
            .reshape((batch, seq, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let value_states = value_states
            .reshape((batch, seq, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let query_states = query_states
            .reshape((batch, seq, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let key_cache = ops::cat(&[past_key_values_key_cache, &key_states], 2)?;
        let value_cache = ops::cat(&[past_key_values_value_cache, &value_states], 2)?;
        let attn_output = ops::scaled_dot_product_attention(
            &query_states,
            &key_cache,
            &value_cache,
            Some(attention_mask),
            false,
            None,
        )?;
        let attn_output = attn_output.transpose(1, 2)?;
        let attn_output = attn_output.reshape((batch, seq, ()))?;
        let attn_output = self.c_proj.forward(&attn_output)?;
        py_check!(self.checker, "", &attn_output, &key_cache, &value_cache);
        Ok((attn_output, key_cache, value_cache))
    }
}

/// transformers.pytorch_utils.Conv1D (transformers/pytorch_utils.py:117)
#[derive(Debug, Clone)]
pub struct Conv1D {
    pub weight: nn::Parameter,
    pub bias: Tensor,
    nx: usize,
    nf: usize,
    pub checker: Option<PyChecker>,
}

impl Conv1D {
    pub fn load(nx: usize, nf: usize, vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            weight: nn::parameter(vb.get((nx, nf), "weight")?),
            bias: vb.get(nf, "bias")?,
            nx,
            nf,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, seq, _) = x.dims3()?;
        let x = ops::addmm(&self.bias, &x.reshape(((), self.nx))?, &self.weight)?;
        let x = x.reshape((batch, seq, self.nf))?;
        py_check!(self.checker, "", &x);
        Ok(x)
    }
}

/// transformers.models.gpt2.modeling_gpt2.GPT2MLP (transformers/models/gpt2/modeling_gpt2.py:238)
#[derive(Debug, Clone)]
pub struct GPT2MLP {
    pub c_fc: Conv1D,
    pub act: nn::Func,
    pub c_proj: Conv1D,
    pub checker: Option<PyChecker>,
}

impl GPT2MLP {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            c_fc: Conv1D::load(
                EMBED_DIM,
                INTERMEDIATE_SIZE,
                vb.pp("c_fc"),
                checker.pp("c_fc"),
            )?,
            act: nn::func(ops::gelu_tanh, checker.pp("act")),
            c_proj: Conv1D::load(
                INTERMEDIATE_SIZE,
                EMBED_DIM,
                vb.pp("c_proj"),
                checker.pp("c_proj"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<Tensor> {
        let hidden_states = self.c_fc.forward(hidden_states)?;
        let hidden_states = self.act.forward(&hidden_states)?;
        let hidden_states = self.c_proj.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}
