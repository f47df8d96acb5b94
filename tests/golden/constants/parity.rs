use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for Tables {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (y0, y1) = self.forward(inputs.tensor(0)?)?;
                Ok(vec![y0, y1])
            }
            ("blocks", rest) => self.blocks.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Block {
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
    parity::Region { path: "blocks.0", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "blocks.1", call: 0, inputs: &["blocks.0#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "constants",
    manifest: "constants_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=constants_manifest.json\u{a}model=\u{a}module=constants\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, Tables::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, Tables::load, |model, inputs| {
        let (y0, y1) = model.forward(inputs.tensor(0)?)?;
        Ok(vec![y0, y1])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
