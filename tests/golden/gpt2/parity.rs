use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for GPT2Model {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (y0, y1, y2) = self.forward(
                    inputs.tensor(0)?,
                    inputs.tensors(1, 3)?,
                    inputs.tensors(4, 0)?,
                )?;
                Ok([vec![y0], y1, y2].concat())
            }
            ("wte", rest) => self.wte.call(rest, inputs),
            ("wpe", rest) => self.wpe.call(rest, inputs),
            ("h", rest) => self.h.call(rest, inputs),
            ("ln_f", rest) => self.ln_f.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for GPT2Block {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (y0, y1, y2) = self.forward(
                    inputs.tensor(0)?,
                    inputs.tensor(1)?,
                    inputs.tensor(2)?,
                    inputs.tensor(3)?,
                )?;
                Ok(vec![y0, y1, y2])
            }
            ("ln_1", rest) => self.ln_1.call(rest, inputs),
            ("attn", rest) => self.attn.call(rest, inputs),
            ("ln_2", rest) => self.ln_2.call(rest, inputs),
            ("mlp", rest) => self.mlp.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for GPT2MLP {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("c_fc", rest) => self.c_fc.call(rest, inputs),
            ("act", rest) => self.act.call(rest, inputs),
            ("c_proj", rest) => self.c_proj.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for GPT2Attention {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (y0, y1, y2) = self.forward(
                    inputs.tensor(0)?,
                    inputs.tensor(1)?,
                    inputs.tensor(2)?,
                    inputs.tensor(3)?,
                )?;
                Ok(vec![y0, y1, y2])
            }
            ("c_attn", rest) => self.c_attn.call(rest, inputs),
            ("c_proj", rest) => self.c_proj.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Conv1D {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.input_ids", "#0.past_key_values.key_cache.0", "#0.past_key_values.key_cache.1", "#0.past_key_values.key_cache.2", "#0.past_key_values.value_cache.0", "#0.past_key_values.value_cache.1", "#0.past_key_values.value_cache.2"], elided: false },
    parity::Region { path: "wte", call: 0, inputs: &["wte#0.input"], elided: false },
    parity::Region { path: "wpe", call: 0, inputs: &["wpe#0.input"], elided: false },
    parity::Region { path: "drop", call: 0, inputs: &[], elided: true },
    parity::Region { path: "h.0", call: 0, inputs: &["drop#0.0", "#0.past_key_values.key_cache.0", "#0.past_key_values.value_cache.0", "h.0#0.attention_mask"], elided: false },
    parity::Region { path: "h.0.ln_1", call: 0, inputs: &["drop#0.0"], elided: false },
    parity::Region { path: "h.0.attn", call: 0, inputs: &["h.0.ln_1#0.0", "#0.past_key_values.key_cache.0", "#0.past_key_values.value_cache.0", "h.0#0.attention_mask"], elided: false },
    parity::Region { path: "h.0.attn.c_attn", call: 0, inputs: &["h.0.ln_1#0.0"], elided: false },
    parity::Region { path: "h.0.attn.c_proj", call: 0, inputs: &["h.0.attn.c_proj#0.x"], elided: false },
    parity::Region { path: "h.0.attn.resid_dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "h.0.ln_2", call: 0, inputs: &["h.0.ln_2#0.input"], elided: false },
    parity::Region { path: "h.0.mlp", call: 0, inputs: &["h.0.ln_2#0.0"], elided: false },
    parity::Region { path: "h.0.mlp.c_fc", call: 0, inputs: &["h.0.ln_2#0.0"], elided: false },
    parity::Region { path: "h.0.mlp.act", call: 0, inputs: &["h.0.mlp.c_fc#0.0"], elided: false },
    parity::Region { path: "h.0.mlp.c_proj", call: 0, inputs: &["h.0.mlp.act#0.0"], elided: false },
    parity::Region { path: "h.0.mlp.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "h.1", call: 0, inputs: &["h.0#0.0", "#0.past_key_values.key_cache.1", "#0.past_key_values.value_cache.1", "h.0#0.attention_mask"], elided: false },
    parity::Region { path: "h.1.ln_1", call: 0, inputs: &["h.0#0.0"], elided: false },
    parity::Region { path: "h.1.attn", call: 0, inputs: &["h.1.ln_1#0.0", "#0.past_key_values.key_cache.1", "#0.past_key_values.value_cache.1", "h.0#0.attention_mask"], elided: false },
    parity::Region { path: "h.1.attn.c_attn", call: 0, inputs: &["h.1.ln_1#0.0"], elided: false },
    parity::Region { path: "h.1.attn.c_proj", call: 0, inputs: &["h.1.attn.c_proj#0.x"], elided: false },
    parity::Region { path: "h.1.attn.resid_dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "h.1.ln_2", call: 0, inputs: &["h.1.ln_2#0.input"], elided: false },
    parity::Region { path: "h.1.mlp", call: 0, inputs: &["h.1.ln_2#0.0"], elided: false },
    parity::Region { path: "h.1.mlp.c_fc", call: 0, inputs: &["h.1.ln_2#0.0"], elided: false },
    parity::Region { path: "h.1.mlp.act", call: 0, inputs: &["h.1.mlp.c_fc#0.0"], elided: false },
    parity::Region { path: "h.1.mlp.c_proj", call: 0, inputs: &["h.1.mlp.act#0.0"], elided: false },
    parity::Region { path: "h.1.mlp.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "h.2", call: 0, inputs: &["h.1#0.0", "#0.past_key_values.key_cache.2", "#0.past_key_values.value_cache.2", "h.0#0.attention_mask"], elided: false },
    parity::Region { path: "h.2.ln_1", call: 0, inputs: &["h.1#0.0"], elided: false },
    parity::Region { path: "h.2.attn", call: 0, inputs: &["h.2.ln_1#0.0", "#0.past_key_values.key_cache.2", "#0.past_key_values.value_cache.2", "h.0#0.attention_mask"], elided: false },
    parity::Region { path: "h.2.attn.c_attn", call: 0, inputs: &["h.2.ln_1#0.0"], elided: false },
    parity::Region { path: "h.2.attn.c_proj", call: 0, inputs: &["h.2.attn.c_proj#0.x"], elided: false },
    parity::Region { path: "h.2.attn.resid_dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "h.2.ln_2", call: 0, inputs: &["h.2.ln_2#0.input"], elided: false },
    parity::Region { path: "h.2.mlp", call: 0, inputs: &["h.2.ln_2#0.0"], elided: false },
    parity::Region { path: "h.2.mlp.c_fc", call: 0, inputs: &["h.2.ln_2#0.0"], elided: false },
    parity::Region { path: "h.2.mlp.act", call: 0, inputs: &["h.2.mlp.c_fc#0.0"], elided: false },
    parity::Region { path: "h.2.mlp.c_proj", call: 0, inputs: &["h.2.mlp.act#0.0"], elided: false },
    parity::Region { path: "h.2.mlp.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "ln_f", call: 0, inputs: &["h.2#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "gpt2",
    manifest: "gpt2_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=gpt2_manifest.json\u{a}model=\u{a}module=gpt2\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, GPT2Model::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, GPT2Model::load, |model, inputs| {
        let (y0, y1, y2) = model.forward(
            inputs.tensor(0)?,
            inputs.tensors(1, 3)?,
            inputs.tensors(4, 0)?,
        )?;
        Ok([vec![y0], y1, y2].concat())
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
