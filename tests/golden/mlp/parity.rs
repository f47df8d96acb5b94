use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for Mlp {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (y0, y1) = self.forward(inputs.tensor(0)?)?;
                Ok(vec![y0, y1])
            }
            ("features", rest) => self.features.call(rest, inputs),
            ("head", rest) => self.head.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Features {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("0", rest) => self.linear_0.call(rest, inputs),
            ("1", rest) => self.relu_1.call(rest, inputs),
            ("3", rest) => self.linear_3.call(rest, inputs),
            ("4", rest) => self.tanh_4.call(rest, inputs),
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
    parity::Region { path: "features.1", call: 0, inputs: &["features.0#0.0"], elided: false },
    parity::Region { path: "features.2", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.3", call: 0, inputs: &["features.2#0.0"], elided: false },
    parity::Region { path: "features.4", call: 0, inputs: &["features.3#0.0"], elided: false },
    parity::Region { path: "skip", call: 0, inputs: &[], elided: true },
    parity::Region { path: "head", call: 0, inputs: &["features#0.0"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "mlp",
    manifest: "mlp_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=mlp_manifest.json\u{a}model=\u{a}module=mlp\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, Mlp::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, Mlp::load, |model, inputs| {
        let (y0, y1) = model.forward(inputs.tensor(0)?)?;
        Ok(vec![y0, y1])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
