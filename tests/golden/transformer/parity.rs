use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for Decoder {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("tokens", rest) => self.tokens.call(rest, inputs),
            ("positions", rest) => self.positions.call(rest, inputs),
            ("blocks", rest) => self.blocks.call(rest, inputs),
            ("norm", rest) => self.norm.call(rest, inputs),
            ("head", rest) => self.head.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Block {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("norm", rest) => self.norm.call(rest, inputs),
            ("attention", rest) => self.attention.call(rest, inputs),
            ("mlp", rest) => self.mlp.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Mlp {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("0", rest) => self.layer_norm_0.call(rest, inputs),
            ("1", rest) => self.linear_1.call(rest, inputs),
            ("2", rest) => self.silu_2.call(rest, inputs),
            ("3", rest) => self.linear_3.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Attention {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("qkv", rest) => self.qkv.call(rest, inputs),
            ("out", rest) => self.out.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.tokens", "#0.padding"], elided: false },
    parity::Region { path: "tokens", call: 0, inputs: &["#0.tokens"], elided: false },
    parity::Region { path: "positions", call: 0, inputs: &["positions#0.input"], elided: false },
    parity::Region { path: "blocks.0", call: 0, inputs: &["blocks.0#0.hidden", "blocks.0#0.mask"], elided: false },
    parity::Region { path: "blocks.0.norm", call: 0, inputs: &["blocks.0#0.hidden"], elided: false },
    parity::Region { path: "blocks.0.attention", call: 0, inputs: &["blocks.0.norm#0.0", "blocks.0#0.mask"], elided: false },
    parity::Region { path: "blocks.0.attention.qkv", call: 0, inputs: &["blocks.0.norm#0.0"], elided: false },
    parity::Region { path: "blocks.0.attention.out", call: 0, inputs: &["blocks.0.attention.out#0.input"], elided: false },
    parity::Region { path: "blocks.0.mlp", call: 0, inputs: &["blocks.0.mlp#0.input"], elided: false },
    parity::Region { path: "blocks.0.mlp.0", call: 0, inputs: &["blocks.0.mlp#0.input"], elided: false },
    parity::Region { path: "blocks.0.mlp.1", call: 0, inputs: &["blocks.0.mlp.0#0.0"], elided: false },
    parity::Region { path: "blocks.0.mlp.2", call: 0, inputs: &["blocks.0.mlp.1#0.0"], elided: false },
    parity::Region { path: "blocks.0.mlp.3", call: 0, inputs: &["blocks.0.mlp.2#0.0"], elided: false },
    parity::Region { path: "blocks.1", call: 0, inputs: &["blocks.0#0.0", "blocks.0#0.mask"], elided: false },
    parity::Region { path: "blocks.1.norm", call: 0, inputs: &["blocks.0#0.0"], elided: false },
    parity::Region { path: "blocks.1.attention", call: 0, inputs: &["blocks.1.norm#0.0", "blocks.0#0.mask"], elided: false },
    parity::Region { path: "blocks.1.attention.qkv", call: 0, inputs: &["blocks.1.norm#0.0"], elided: false },
    parity::Region { path: "blocks.1.attention.out", call: 0, inputs: &["blocks.1.attention.out#0.input"], elided: false },
    parity::Region { path: "blocks.1.mlp", call: 0, inputs: &["blocks.1.mlp#0.input"], elided: false },
    parity::Region { path: "blocks.1.mlp.0", call: 0, inputs: &["blocks.1.mlp#0.input"], elided: false },
    parity::Region { path: "blocks.1.mlp.1", call: 0, inputs: &["blocks.1.mlp.0#0.0"], elided: false },
    parity::Region { path: "blocks.1.mlp.2", call: 0, inputs: &["blocks.1.mlp.1#0.0"], elided: false },
    parity::Region { path: "blocks.1.mlp.3", call: 0, inputs: &["blocks.1.mlp.2#0.0"], elided: false },
    parity::Region { path: "blocks.2", call: 0, inputs: &["blocks.1#0.0", "blocks.0#0.mask"], elided: false },
    parity::Region { path: "blocks.2.norm", call: 0, inputs: &["blocks.1#0.0"], elided: false },
    parity::Region { path: "blocks.2.attention", call: 0, inputs: &["blocks.2.norm#0.0", "blocks.0#0.mask"], elided: false },
    parity::Region { path: "blocks.2.attention.qkv", call: 0, inputs: &["blocks.2.norm#0.0"], elided: false },
    parity::Region { path: "blocks.2.attention.out", call: 0, inputs: &["blocks.2.attention.out#0.input"], elided: false },
    parity::Region { path: "blocks.2.mlp", call: 0, inputs: &["blocks.2.mlp#0.input"], elided: false },
    parity::Region { path: "blocks.2.mlp.0", call: 0, inputs: &["blocks.2.mlp#0.input"], elided: false },
    parity::Region { path: "blocks.2.mlp.1", call: 0, inputs: &["blocks.2.mlp.0#0.0"], elided: false },
    parity::Region { path: "blocks.2.mlp.2", call: 0, inputs: &["blocks.2.mlp.1#0.0"], elided: false },
    parity::Region { path: "blocks.2.mlp.3", call: 0, inputs: &["blocks.2.mlp.2#0.0"], elided: false },
    parity::Region { path: "norm", call: 0, inputs: &["blocks.2#0.0"], elided: false },
    parity::Region { path: "head", call: 0, inputs: &["norm#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "transformer",
    manifest: "transformer_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=transformer_manifest.json\u{a}model=\u{a}module=transformer\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, Decoder::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, Decoder::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?, inputs.tensor(1)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
