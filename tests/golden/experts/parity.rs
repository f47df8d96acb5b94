use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for MixtralModel {
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

impl Isolated for MixtralDecoderLayer {
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

impl Isolated for MixtralSparseMoeBlock {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("gate", rest) => self.gate.call(rest, inputs),
            ("experts", rest) => self.experts.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for MixtralExperts {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(
                inputs.tensor(0)?,
                inputs.tensor(1)?,
                inputs.tensor(2)?,
                inputs.size("batch")?,
                inputs.size("seq")?,
            )?]),
            ("act_fn", rest) => self.act_fn.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for MixtralAttention {
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

impl Isolated for MixtralTopKRouter {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (y0, y1) = self.forward(inputs.tensor(0)?)?;
                Ok(vec![y0, y1])
            }
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for MixtralRotaryEmbedding {
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
    parity::Region { path: "embed_tokens", call: 0, inputs: &["#0.input_ids"], elided: false },
    parity::Region { path: "rotary_emb", call: 0, inputs: &[], elided: false },
    parity::Region { path: "layers.0", call: 0, inputs: &["embed_tokens#0.0", "rotary_emb#0.0", "rotary_emb#0.1"], elided: false },
    parity::Region { path: "layers.0.input_layernorm", call: 0, inputs: &["embed_tokens#0.0"], elided: false },
    parity::Region { path: "layers.0.self_attn", call: 0, inputs: &["layers.0.input_layernorm#0.0", "rotary_emb#0.0", "rotary_emb#0.1"], elided: false },
    parity::Region { path: "layers.0.self_attn.q_proj", call: 0, inputs: &["layers.0.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.0.self_attn.k_proj", call: 0, inputs: &["layers.0.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.0.self_attn.v_proj", call: 0, inputs: &["layers.0.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.0.self_attn.o_proj", call: 0, inputs: &["layers.0.self_attn.o_proj#0.input"], elided: false },
    parity::Region { path: "layers.0.post_attention_layernorm", call: 0, inputs: &["layers.0.post_attention_layernorm#0.hidden_states"], elided: false },
    parity::Region { path: "layers.0.mlp", call: 0, inputs: &["layers.0.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.0.mlp.gate", call: 0, inputs: &["layers.0.mlp.gate#0.hidden_states"], elided: false },
    parity::Region { path: "layers.0.mlp.experts", call: 0, inputs: &["layers.0.mlp.gate#0.hidden_states", "layers.0.mlp.gate#0.1", "layers.0.mlp.gate#0.0"], elided: false },
    parity::Region { path: "layers.0.mlp.experts.act_fn", call: 0, inputs: &["layers.0.mlp.experts.act_fn#0.input"], elided: false },
    parity::Region { path: "layers.1", call: 0, inputs: &["layers.0#0.0", "rotary_emb#0.0", "rotary_emb#0.1"], elided: false },
    parity::Region { path: "layers.1.input_layernorm", call: 0, inputs: &["layers.0#0.0"], elided: false },
    parity::Region { path: "layers.1.self_attn", call: 0, inputs: &["layers.1.input_layernorm#0.0", "rotary_emb#0.0", "rotary_emb#0.1"], elided: false },
    parity::Region { path: "layers.1.self_attn.q_proj", call: 0, inputs: &["layers.1.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.1.self_attn.k_proj", call: 0, inputs: &["layers.1.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.1.self_attn.v_proj", call: 0, inputs: &["layers.1.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.1.self_attn.o_proj", call: 0, inputs: &["layers.1.self_attn.o_proj#0.input"], elided: false },
    parity::Region { path: "layers.1.post_attention_layernorm", call: 0, inputs: &["layers.1.post_attention_layernorm#0.hidden_states"], elided: false },
    parity::Region { path: "layers.1.mlp", call: 0, inputs: &["layers.1.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.1.mlp.gate", call: 0, inputs: &["layers.1.mlp.gate#0.hidden_states"], elided: false },
    parity::Region { path: "layers.1.mlp.experts", call: 0, inputs: &["layers.1.mlp.gate#0.hidden_states", "layers.1.mlp.gate#0.1", "layers.1.mlp.gate#0.0"], elided: false },
    parity::Region { path: "layers.1.mlp.experts.act_fn", call: 0, inputs: &["layers.1.mlp.experts.act_fn#0.input"], elided: false },
    parity::Region { path: "layers.2", call: 0, inputs: &["layers.1#0.0", "rotary_emb#0.0", "rotary_emb#0.1"], elided: false },
    parity::Region { path: "layers.2.input_layernorm", call: 0, inputs: &["layers.1#0.0"], elided: false },
    parity::Region { path: "layers.2.self_attn", call: 0, inputs: &["layers.2.input_layernorm#0.0", "rotary_emb#0.0", "rotary_emb#0.1"], elided: false },
    parity::Region { path: "layers.2.self_attn.q_proj", call: 0, inputs: &["layers.2.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.2.self_attn.k_proj", call: 0, inputs: &["layers.2.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.2.self_attn.v_proj", call: 0, inputs: &["layers.2.input_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.2.self_attn.o_proj", call: 0, inputs: &["layers.2.self_attn.o_proj#0.input"], elided: false },
    parity::Region { path: "layers.2.post_attention_layernorm", call: 0, inputs: &["layers.2.post_attention_layernorm#0.hidden_states"], elided: false },
    parity::Region { path: "layers.2.mlp", call: 0, inputs: &["layers.2.post_attention_layernorm#0.0"], elided: false },
    parity::Region { path: "layers.2.mlp.gate", call: 0, inputs: &["layers.2.mlp.gate#0.hidden_states"], elided: false },
    parity::Region { path: "layers.2.mlp.experts", call: 0, inputs: &["layers.2.mlp.gate#0.hidden_states", "layers.2.mlp.gate#0.1", "layers.2.mlp.gate#0.0"], elided: false },
    parity::Region { path: "layers.2.mlp.experts.act_fn", call: 0, inputs: &["layers.2.mlp.experts.act_fn#0.input"], elided: false },
    parity::Region { path: "norm", call: 0, inputs: &["layers.2#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "experts",
    manifest: "experts_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=experts_manifest.json\u{a}model=\u{a}module=experts\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, MixtralModel::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, MixtralModel::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
