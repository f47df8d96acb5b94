use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for BertModel {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (y0, y1) = self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?;
                Ok(vec![y0, y1])
            }
            ("embeddings", rest) => self.embeddings.call(rest, inputs),
            ("encoder", rest) => self.encoder.call(rest, inputs),
            ("pooler", rest) => self.pooler.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertEncoder {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("layer", rest) => self.layer.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertLayer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("attention", rest) => self.attention.call(rest, inputs),
            ("intermediate", rest) => self.intermediate.call(rest, inputs),
            ("output", rest) => self.output.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertAttention {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("self", rest) => self.self_.call(rest, inputs),
            ("output", rest) => self.output.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertPooler {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("dense", rest) => self.dense.call(rest, inputs),
            ("activation", rest) => self.activation.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertOutput {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("dense", rest) => self.dense.call(rest, inputs),
            ("LayerNorm", rest) => self.layer_norm.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertIntermediate {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("dense", rest) => self.dense.call(rest, inputs),
            ("intermediate_act_fn", rest) => self.intermediate_act_fn.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertSelfOutput {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("dense", rest) => self.dense.call(rest, inputs),
            ("LayerNorm", rest) => self.layer_norm.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertSelfAttention {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("query", rest) => self.query.call(rest, inputs),
            ("key", rest) => self.key.call(rest, inputs),
            ("value", rest) => self.value.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BertEmbeddings {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("word_embeddings", rest) => self.word_embeddings.call(rest, inputs),
            ("token_type_embeddings", rest) => self.token_type_embeddings.call(rest, inputs),
            ("position_embeddings", rest) => self.position_embeddings.call(rest, inputs),
            ("LayerNorm", rest) => self.layer_norm.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.input_ids", "#0.attention_mask"], elided: false },
    parity::Region { path: "embeddings", call: 0, inputs: &["#0.input_ids"], elided: false },
    parity::Region { path: "embeddings.word_embeddings", call: 0, inputs: &["#0.input_ids"], elided: false },
    parity::Region { path: "embeddings.token_type_embeddings", call: 0, inputs: &["embeddings.token_type_embeddings#0.input"], elided: false },
    parity::Region { path: "embeddings.position_embeddings", call: 0, inputs: &["embeddings.position_embeddings#0.input"], elided: false },
    parity::Region { path: "embeddings.LayerNorm", call: 0, inputs: &["embeddings.LayerNorm#0.input"], elided: false },
    parity::Region { path: "embeddings.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder", call: 0, inputs: &["embeddings#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.0", call: 0, inputs: &["embeddings#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.0.attention", call: 0, inputs: &["embeddings#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.0.attention.self", call: 0, inputs: &["embeddings#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.0.attention.self.query", call: 0, inputs: &["embeddings#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.attention.self.key", call: 0, inputs: &["embeddings#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.attention.self.value", call: 0, inputs: &["embeddings#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.attention.output", call: 0, inputs: &["encoder.layer.0.attention.self#0.0", "embeddings#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.attention.output.dense", call: 0, inputs: &["encoder.layer.0.attention.self#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.attention.output.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layer.0.attention.output.LayerNorm", call: 0, inputs: &["encoder.layer.0.attention.output.LayerNorm#0.input"], elided: false },
    parity::Region { path: "encoder.layer.0.intermediate", call: 0, inputs: &["encoder.layer.0.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.intermediate.dense", call: 0, inputs: &["encoder.layer.0.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.intermediate.intermediate_act_fn", call: 0, inputs: &["encoder.layer.0.intermediate.dense#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.output", call: 0, inputs: &["encoder.layer.0.intermediate#0.0", "encoder.layer.0.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.output.dense", call: 0, inputs: &["encoder.layer.0.intermediate#0.0"], elided: false },
    parity::Region { path: "encoder.layer.0.output.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layer.0.output.LayerNorm", call: 0, inputs: &["encoder.layer.0.output.LayerNorm#0.input"], elided: false },
    parity::Region { path: "encoder.layer.1", call: 0, inputs: &["encoder.layer.0#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.1.attention", call: 0, inputs: &["encoder.layer.0#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.1.attention.self", call: 0, inputs: &["encoder.layer.0#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.1.attention.self.query", call: 0, inputs: &["encoder.layer.0#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.attention.self.key", call: 0, inputs: &["encoder.layer.0#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.attention.self.value", call: 0, inputs: &["encoder.layer.0#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.attention.output", call: 0, inputs: &["encoder.layer.1.attention.self#0.0", "encoder.layer.0#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.attention.output.dense", call: 0, inputs: &["encoder.layer.1.attention.self#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.attention.output.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layer.1.attention.output.LayerNorm", call: 0, inputs: &["encoder.layer.1.attention.output.LayerNorm#0.input"], elided: false },
    parity::Region { path: "encoder.layer.1.intermediate", call: 0, inputs: &["encoder.layer.1.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.intermediate.dense", call: 0, inputs: &["encoder.layer.1.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.intermediate.intermediate_act_fn", call: 0, inputs: &["encoder.layer.1.intermediate.dense#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.output", call: 0, inputs: &["encoder.layer.1.intermediate#0.0", "encoder.layer.1.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.output.dense", call: 0, inputs: &["encoder.layer.1.intermediate#0.0"], elided: false },
    parity::Region { path: "encoder.layer.1.output.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layer.1.output.LayerNorm", call: 0, inputs: &["encoder.layer.1.output.LayerNorm#0.input"], elided: false },
    parity::Region { path: "encoder.layer.2", call: 0, inputs: &["encoder.layer.1#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.2.attention", call: 0, inputs: &["encoder.layer.1#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.2.attention.self", call: 0, inputs: &["encoder.layer.1#0.0", "encoder#0.attention_mask"], elided: false },
    parity::Region { path: "encoder.layer.2.attention.self.query", call: 0, inputs: &["encoder.layer.1#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.attention.self.key", call: 0, inputs: &["encoder.layer.1#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.attention.self.value", call: 0, inputs: &["encoder.layer.1#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.attention.output", call: 0, inputs: &["encoder.layer.2.attention.self#0.0", "encoder.layer.1#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.attention.output.dense", call: 0, inputs: &["encoder.layer.2.attention.self#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.attention.output.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layer.2.attention.output.LayerNorm", call: 0, inputs: &["encoder.layer.2.attention.output.LayerNorm#0.input"], elided: false },
    parity::Region { path: "encoder.layer.2.intermediate", call: 0, inputs: &["encoder.layer.2.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.intermediate.dense", call: 0, inputs: &["encoder.layer.2.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.intermediate.intermediate_act_fn", call: 0, inputs: &["encoder.layer.2.intermediate.dense#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.output", call: 0, inputs: &["encoder.layer.2.intermediate#0.0", "encoder.layer.2.attention#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.output.dense", call: 0, inputs: &["encoder.layer.2.intermediate#0.0"], elided: false },
    parity::Region { path: "encoder.layer.2.output.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layer.2.output.LayerNorm", call: 0, inputs: &["encoder.layer.2.output.LayerNorm#0.input"], elided: false },
    parity::Region { path: "pooler", call: 0, inputs: &["#0.0"], elided: false },
    parity::Region { path: "pooler.dense", call: 0, inputs: &["pooler.dense#0.input"], elided: false },
    parity::Region { path: "pooler.activation", call: 0, inputs: &["pooler.dense#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "bert",
    manifest: "bert_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=bert_manifest.json\u{a}model=\u{a}module=bert\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, BertModel::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, BertModel::load, |model, inputs| {
        let (y0, y1) = model.forward(inputs.tensor(0)?, inputs.tensor(1)?)?;
        Ok(vec![y0, y1])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
