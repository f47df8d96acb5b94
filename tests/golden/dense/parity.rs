use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for Dense {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("block1", rest) => self.block1.call(rest, inputs),
            ("block2", rest) => self.block2.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Block2 {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("layer1", rest) => self.layers[0].call(rest, inputs),
            ("layer2", rest) => self.layers[1].call(rest, inputs),
            ("layer3", rest) => self.layers[2].call(rest, inputs),
            ("layer4", rest) => self.layers[3].call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Block {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            ("layer1", rest) => self.layers[0].call(rest, inputs),
            ("layer2", rest) => self.layers[1].call(rest, inputs),
            ("layer3", rest) => self.layers[2].call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Layer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![
                self.forward(inputs.tensors(0, 1)?, inputs.from_end(1)?)?,
            ]),
            ("join", rest) => self.join.call(rest, inputs),
            ("fc", rest) => self.fc.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Join {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![
                self.forward(inputs.tensors(0, 1)?, inputs.from_end(1)?)?,
            ]),
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "block1", call: 0, inputs: &["#0.x", "block1#0.scale"], elided: false },
    parity::Region { path: "block1.layer1", call: 0, inputs: &["#0.x", "block1#0.scale"], elided: false },
    parity::Region { path: "block1.layer1.join", call: 0, inputs: &["#0.x", "block1#0.scale"], elided: false },
    parity::Region { path: "block1.layer1.fc", call: 0, inputs: &["block1.layer1.join#0.0"], elided: false },
    parity::Region { path: "block1.layer2", call: 0, inputs: &["#0.x", "block1.layer1#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block1.layer2.join", call: 0, inputs: &["#0.x", "block1.layer1#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block1.layer2.fc", call: 0, inputs: &["block1.layer2.join#0.0"], elided: false },
    parity::Region { path: "block1.layer3", call: 0, inputs: &["#0.x", "block1.layer1#0.0", "block1.layer2#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block1.layer3.join", call: 0, inputs: &["#0.x", "block1.layer1#0.0", "block1.layer2#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block1.layer3.fc", call: 0, inputs: &["block1.layer3.join#0.0"], elided: false },
    parity::Region { path: "block2", call: 0, inputs: &["block1#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer1", call: 0, inputs: &["block1#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer1.join", call: 0, inputs: &["block1#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer1.fc", call: 0, inputs: &["block2.layer1.join#0.0"], elided: false },
    parity::Region { path: "block2.layer2", call: 0, inputs: &["block1#0.0", "block2.layer1#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer2.join", call: 0, inputs: &["block1#0.0", "block2.layer1#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer2.fc", call: 0, inputs: &["block2.layer2.join#0.0"], elided: false },
    parity::Region { path: "block2.layer3", call: 0, inputs: &["block1#0.0", "block2.layer1#0.0", "block2.layer2#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer3.join", call: 0, inputs: &["block1#0.0", "block2.layer1#0.0", "block2.layer2#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer3.fc", call: 0, inputs: &["block2.layer3.join#0.0"], elided: false },
    parity::Region { path: "block2.layer4", call: 0, inputs: &["block1#0.0", "block2.layer1#0.0", "block2.layer2#0.0", "block2.layer3#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer4.join", call: 0, inputs: &["block1#0.0", "block2.layer1#0.0", "block2.layer2#0.0", "block2.layer3#0.0", "block1#0.scale"], elided: false },
    parity::Region { path: "block2.layer4.fc", call: 0, inputs: &["block2.layer4.join#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "dense",
    manifest: "dense_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=dense_manifest.json\u{a}model=\u{a}module=dense\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, Dense::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, Dense::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
