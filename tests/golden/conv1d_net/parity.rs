use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for Net {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("blocks", rest) => self.blocks.call(rest, inputs),
            ("head", rest) => self.head.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Block {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("conv1", rest) => self.conv1.call(rest, inputs),
            ("conv2", rest) => self.conv2.call(rest, inputs),
            ("skip", rest) => self.skip.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.signal"], elided: false },
    parity::Region { path: "blocks.0", call: 0, inputs: &["#0.signal"], elided: false },
    parity::Region { path: "blocks.0.conv1", call: 0, inputs: &["#0.signal"], elided: false },
    parity::Region { path: "blocks.0.conv2", call: 0, inputs: &["blocks.0.conv2#0.input"], elided: false },
    parity::Region { path: "blocks.0.skip", call: 0, inputs: &["#0.signal"], elided: false },
    parity::Region { path: "blocks.1", call: 0, inputs: &["blocks.0#0.0"], elided: false },
    parity::Region { path: "blocks.1.conv1", call: 0, inputs: &["blocks.0#0.0"], elided: false },
    parity::Region { path: "blocks.1.conv2", call: 0, inputs: &["blocks.1.conv2#0.input"], elided: false },
    parity::Region { path: "blocks.1.skip", call: 0, inputs: &["blocks.0#0.0"], elided: false },
    parity::Region { path: "head", call: 0, inputs: &["head#0.input"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "conv1d_net",
    manifest: "conv1d_net_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=conv1d_net_manifest.json\u{a}model=\u{a}module=conv1d_net\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, Net::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, Net::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
