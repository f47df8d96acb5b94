use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for LlamaForCausalLM {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("model", rest) => self.model.call(rest, inputs),
            ("lm_head", rest) => self.lm_head.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for LlamaModel {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("embed_tokens", rest) => self.embed_tokens.call(rest, inputs),
            ("rotary_emb", rest) => self.rotary_emb.call(rest, inputs),
            ("layers", rest) => self.layers.call(rest, inputs),
            ("norm", rest) => self.norm.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for LlamaDecoderLayer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(
                inputs.tensor(0)?,
                inputs.tensor(1)?,
                inputs.tensor(2)?,
            )?]),
            ("input_layernorm", rest) => self.input_layernorm.call(rest, inputs),
            ("self_attn", rest) => self.self_attn.call(rest, inputs),
            ("post_attention_layernorm", rest) => self.post_attention_layernorm.call(rest, inputs),
            ("mlp", rest) => self.mlp.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for LlamaMLP {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("gate_proj", rest) => self.gate_proj.call(rest, inputs),
            ("act_fn", rest) => self.act_fn.call(rest, inputs),
            ("up_proj", rest) => self.up_proj.call(rest, inputs),
            ("down_proj", rest) => self.down_proj.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for LlamaAttention {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(
                inputs.tensor(0)?,
                inputs.tensor(1)?,
                inputs.tensor(2)?,
            )?]),
            ("q_proj", rest) => self.q_proj.call(rest, inputs),
            ("k_proj", rest) => self.k_proj.call(rest, inputs),
            ("v_proj", rest) => self.v_proj.call(rest, inputs),
            ("o_proj", rest) => self.o_proj.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for LlamaRotaryEmbedding {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (y0, y1) = self.forward(inputs.size("seq")?)?;
                Ok(vec![y0, y1])
            }
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.input_ids"], elided: false },
    parity::Region { path: "model", call: 0, inputs: &["#0.input_ids"], elided: false },
    parity::Region { path: "model.embed_tokens", call: 0, inputs: &["#0.input_ids"], elided: false },
    parity::Region { path: "model.rotary_emb", call: 0, inputs: &[], elided: false },
    parity::Region { path: "model.layers.0", call: 0, inputs: &["model.embed_tokens#0.0", "model.rotary_emb#0.0", "model.rotary_emb#0.1"], elided: false },
    parity::Region { path: "model.layers.0.input_layernorm", call: 0, inputs: &["model.embed_tokens#0.0"], elided: false },
    parity::Region { path: "model.layers.0.self_attn", call: 0, inputs: &["model.layers.0.input_layernorm#0.0", "model.rotary_emb#0.0", "model.rotary_emb#0.1"], elided: false },
    parity::Region { path: "model.layers.0.self_attn.q_proj", call: 0, inputs: &["model.layers.0.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.0.self_attn.k_proj", call: 0, inputs: &["model.layers.0.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.0.self_attn.v_proj", call: 0, inputs: &["model.layers.0.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.0.self_attn.o_proj", call: 0, inputs: &["model.layers.0.self_attn.o_proj#0.input"], elided: false },
    parity::Region { path: "model.layers.0.post_attention_layernorm", call: 0, inputs: &["model.layers.0.post_attention_layernorm#0.hidden_states"], elided: false },
    parity::Region { path: "model.layers.0.mlp", call: 0, inputs: &["model.layers.0.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.0.mlp.gate_proj", call: 0, inputs: &["model.layers.0.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.0.mlp.act_fn", call: 0, inputs: &["model.layers.0.mlp.gate_proj#0.0"], elided: false },
    parity::Region { path: "model.layers.0.mlp.up_proj", call: 0, inputs: &["model.layers.0.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.0.mlp.down_proj", call: 0, inputs: &["model.layers.0.mlp.down_proj#0.input"], elided: false },
    parity::Region { path: "model.layers.1", call: 0, inputs: &["model.layers.0#0.0", "model.rotary_emb#0.0", "model.rotary_emb#0.1"], elided: false },
    parity::Region { path: "model.layers.1.input_layernorm", call: 0, inputs: &["model.layers.0#0.0"], elided: false },
    parity::Region { path: "model.layers.1.self_attn", call: 0, inputs: &["model.layers.1.input_layernorm#0.0", "model.rotary_emb#0.0", "model.rotary_emb#0.1"], elided: false },
    parity::Region { path: "model.layers.1.self_attn.q_proj", call: 0, inputs: &["model.layers.1.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.1.self_attn.k_proj", call: 0, inputs: &["model.layers.1.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.1.self_attn.v_proj", call: 0, inputs: &["model.layers.1.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.1.self_attn.o_proj", call: 0, inputs: &["model.layers.1.self_attn.o_proj#0.input"], elided: false },
    parity::Region { path: "model.layers.1.post_attention_layernorm", call: 0, inputs: &["model.layers.1.post_attention_layernorm#0.hidden_states"], elided: false },
    parity::Region { path: "model.layers.1.mlp", call: 0, inputs: &["model.layers.1.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.1.mlp.gate_proj", call: 0, inputs: &["model.layers.1.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.1.mlp.act_fn", call: 0, inputs: &["model.layers.1.mlp.gate_proj#0.0"], elided: false },
    parity::Region { path: "model.layers.1.mlp.up_proj", call: 0, inputs: &["model.layers.1.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.1.mlp.down_proj", call: 0, inputs: &["model.layers.1.mlp.down_proj#0.input"], elided: false },
    parity::Region { path: "model.layers.2", call: 0, inputs: &["model.layers.1#0.0", "model.rotary_emb#0.0", "model.rotary_emb#0.1"], elided: false },
    parity::Region { path: "model.layers.2.input_layernorm", call: 0, inputs: &["model.layers.1#0.0"], elided: false },
    parity::Region { path: "model.layers.2.self_attn", call: 0, inputs: &["model.layers.2.input_layernorm#0.0", "model.rotary_emb#0.0", "model.rotary_emb#0.1"], elided: false },
    parity::Region { path: "model.layers.2.self_attn.q_proj", call: 0, inputs: &["model.layers.2.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.2.self_attn.k_proj", call: 0, inputs: &["model.layers.2.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.2.self_attn.v_proj", call: 0, inputs: &["model.layers.2.input_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.2.self_attn.o_proj", call: 0, inputs: &["model.layers.2.self_attn.o_proj#0.input"], elided: false },
    parity::Region { path: "model.layers.2.post_attention_layernorm", call: 0, inputs: &["model.layers.2.post_attention_layernorm#0.hidden_states"], elided: false },
    parity::Region { path: "model.layers.2.mlp", call: 0, inputs: &["model.layers.2.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.2.mlp.gate_proj", call: 0, inputs: &["model.layers.2.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.2.mlp.act_fn", call: 0, inputs: &["model.layers.2.mlp.gate_proj#0.0"], elided: false },
    parity::Region { path: "model.layers.2.mlp.up_proj", call: 0, inputs: &["model.layers.2.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "model.layers.2.mlp.down_proj", call: 0, inputs: &["model.layers.2.mlp.down_proj#0.input"], elided: false },
    parity::Region { path: "model.norm", call: 0, inputs: &["model.layers.2#0.0"], elided: false },
    parity::Region { path: "lm_head", call: 0, inputs: &["lm_head#0.input"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "llama",
    manifest: "llama_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=llama_manifest.json\u{a}model=\u{a}module=llama\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, LlamaForCausalLM::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, LlamaForCausalLM::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
