use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for Stack {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("scan", rest) => self.scan.call(rest, inputs),
            ("layers", rest) => self.layers.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Scan {
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
    parity::Region { path: "scan", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "layers.0", call: 0, inputs: &["scan#0.0"], elided: false },
    parity::Region { path: "layers.1", call: 0, inputs: &["layers.0#0.0"], elided: false },
    parity::Region { path: "layers.2", call: 0, inputs: &["layers.1#0.0"], elided: false },
    parity::Region { path: "layers.3", call: 0, inputs: &["layers.2#0.0"], elided: false },
    parity::Region { path: "layers.4", call: 0, inputs: &["layers.3#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "recurrence",
    manifest: "recurrence_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=recurrence_manifest.json\u{a}model=\u{a}module=recurrence\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, Stack::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, Stack::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
