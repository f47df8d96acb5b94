use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for SwinTransformer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("features", rest) => self.features.call(rest, inputs),
            ("norm", rest) => self.norm.call(rest, inputs),
            ("permute", rest) => self.permute.call(rest, inputs),
            ("avgpool", rest) => self.avgpool.call(rest, inputs),
            ("flatten", rest) => self.flatten.call(rest, inputs),
            ("head", rest) => self.head.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Features {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("0", rest) => self.features_0.call(rest, inputs),
            ("1", rest) => self.swin_transformer_blocks_1.call(rest, inputs),
            ("2", rest) => self.patch_merging_2.call(rest, inputs),
            ("3", rest) => self.swin_transformer_blocks_3.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for SwinTransformerBlocks {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("0", rest) => self.swin_transformer_blocks[0].call(rest, inputs),
            ("1", rest) => self.swin_transformer_blocks[1].call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for SwinTransformerBlock {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("norm1", rest) => self.norm1.call(rest, inputs),
            ("attn", rest) => self.attn.call(rest, inputs),
            ("norm2", rest) => self.norm2.call(rest, inputs),
            ("mlp", rest) => self.mlp.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for PatchMerging {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("norm", rest) => self.norm.call(rest, inputs),
            ("reduction", rest) => self.reduction.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for MLP {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("0", rest) => self.linear_0.call(rest, inputs),
            ("1", rest) => self.gelu_1.call(rest, inputs),
            ("3", rest) => self.linear_3.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Features0 {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("0", rest) => self.conv2d_0.call(rest, inputs),
            ("1", rest) => self.permute_1.call(rest, inputs),
            ("2", rest) => self.layer_norm_2.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Flatten {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for ShiftedWindowAttention {
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
    parity::Region { path: "", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "features", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "features.0", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "features.0.0", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "features.0.1", call: 0, inputs: &["features.0.0#0.0"], elided: false },
    parity::Region { path: "features.0.2", call: 0, inputs: &["features.0.1#0.0"], elided: false },
    parity::Region { path: "features.1", call: 0, inputs: &["features.0#0.0"], elided: false },
    parity::Region { path: "features.1.0", call: 0, inputs: &["features.0#0.0"], elided: false },
    parity::Region { path: "features.1.0.norm1", call: 0, inputs: &["features.0#0.0"], elided: false },
    parity::Region { path: "features.1.0.attn", call: 0, inputs: &["features.1.0.norm1#0.0"], elided: false },
    parity::Region { path: "features.1.0.stochastic_depth", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.1.0.norm2", call: 0, inputs: &["features.1.0.norm2#0.input"], elided: false },
    parity::Region { path: "features.1.0.mlp", call: 0, inputs: &["features.1.0.norm2#0.0"], elided: false },
    parity::Region { path: "features.1.0.mlp.0", call: 0, inputs: &["features.1.0.norm2#0.0"], elided: false },
    parity::Region { path: "features.1.0.mlp.1", call: 0, inputs: &["features.1.0.mlp.0#0.0"], elided: false },
    parity::Region { path: "features.1.0.mlp.2", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.1.0.mlp.3", call: 0, inputs: &["features.1.0.mlp.1#0.0"], elided: false },
    parity::Region { path: "features.1.0.mlp.4", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.1.0.stochastic_depth", call: 1, inputs: &[], elided: true },
    parity::Region { path: "features.1.1", call: 0, inputs: &["features.1.0#0.0"], elided: false },
    parity::Region { path: "features.1.1.norm1", call: 0, inputs: &["features.1.0#0.0"], elided: false },
    parity::Region { path: "features.1.1.attn", call: 0, inputs: &["features.1.1.norm1#0.0"], elided: false },
    parity::Region { path: "features.1.1.stochastic_depth", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.1.1.norm2", call: 0, inputs: &["features.1.1.norm2#0.input"], elided: false },
    parity::Region { path: "features.1.1.mlp", call: 0, inputs: &["features.1.1.norm2#0.0"], elided: false },
    parity::Region { path: "features.1.1.mlp.0", call: 0, inputs: &["features.1.1.norm2#0.0"], elided: false },
    parity::Region { path: "features.1.1.mlp.1", call: 0, inputs: &["features.1.1.mlp.0#0.0"], elided: false },
    parity::Region { path: "features.1.1.mlp.2", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.1.1.mlp.3", call: 0, inputs: &["features.1.1.mlp.1#0.0"], elided: false },
    parity::Region { path: "features.1.1.mlp.4", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.1.1.stochastic_depth", call: 1, inputs: &[], elided: true },
    parity::Region { path: "features.2", call: 0, inputs: &["features.1#0.0"], elided: false },
    parity::Region { path: "features.2.norm", call: 0, inputs: &["features.2.norm#0.input"], elided: false },
    parity::Region { path: "features.2.reduction", call: 0, inputs: &["features.2.norm#0.0"], elided: false },
    parity::Region { path: "features.3", call: 0, inputs: &["features.2#0.0"], elided: false },
    parity::Region { path: "features.3.0", call: 0, inputs: &["features.2#0.0"], elided: false },
    parity::Region { path: "features.3.0.norm1", call: 0, inputs: &["features.2#0.0"], elided: false },
    parity::Region { path: "features.3.0.attn", call: 0, inputs: &["features.3.0.norm1#0.0"], elided: false },
    parity::Region { path: "features.3.0.stochastic_depth", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.3.0.norm2", call: 0, inputs: &["features.3.0.norm2#0.input"], elided: false },
    parity::Region { path: "features.3.0.mlp", call: 0, inputs: &["features.3.0.norm2#0.0"], elided: false },
    parity::Region { path: "features.3.0.mlp.0", call: 0, inputs: &["features.3.0.norm2#0.0"], elided: false },
    parity::Region { path: "features.3.0.mlp.1", call: 0, inputs: &["features.3.0.mlp.0#0.0"], elided: false },
    parity::Region { path: "features.3.0.mlp.2", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.3.0.mlp.3", call: 0, inputs: &["features.3.0.mlp.1#0.0"], elided: false },
    parity::Region { path: "features.3.0.mlp.4", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.3.0.stochastic_depth", call: 1, inputs: &[], elided: true },
    parity::Region { path: "features.3.1", call: 0, inputs: &["features.3.0#0.0"], elided: false },
    parity::Region { path: "features.3.1.norm1", call: 0, inputs: &["features.3.0#0.0"], elided: false },
    parity::Region { path: "features.3.1.attn", call: 0, inputs: &["features.3.1.norm1#0.0"], elided: false },
    parity::Region { path: "features.3.1.stochastic_depth", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.3.1.norm2", call: 0, inputs: &["features.3.1.norm2#0.input"], elided: false },
    parity::Region { path: "features.3.1.mlp", call: 0, inputs: &["features.3.1.norm2#0.0"], elided: false },
    parity::Region { path: "features.3.1.mlp.0", call: 0, inputs: &["features.3.1.norm2#0.0"], elided: false },
    parity::Region { path: "features.3.1.mlp.1", call: 0, inputs: &["features.3.1.mlp.0#0.0"], elided: false },
    parity::Region { path: "features.3.1.mlp.2", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.3.1.mlp.3", call: 0, inputs: &["features.3.1.mlp.1#0.0"], elided: false },
    parity::Region { path: "features.3.1.mlp.4", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.3.1.stochastic_depth", call: 1, inputs: &[], elided: true },
    parity::Region { path: "norm", call: 0, inputs: &["features#0.0"], elided: false },
    parity::Region { path: "permute", call: 0, inputs: &["norm#0.0"], elided: false },
    parity::Region { path: "avgpool", call: 0, inputs: &["permute#0.0"], elided: false },
    parity::Region { path: "flatten", call: 0, inputs: &["avgpool#0.0"], elided: false },
    parity::Region { path: "head", call: 0, inputs: &["flatten#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "swin",
    manifest: "swin_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=swin_manifest.json\u{a}model=\u{a}module=swin\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, SwinTransformer::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, SwinTransformer::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
