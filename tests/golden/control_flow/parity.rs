use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for Router {
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
            ("jitter", rest) => self.jitter.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Jitter {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.x", "#0.length", "#0.noise", "#0.noise_2"], elided: false },
    parity::Region { path: "jitter", call: 0, inputs: &["#0.x", "#0.noise"], elided: false },
    parity::Region { path: "jitter", call: 1, inputs: &["jitter#0.0", "#0.noise_2"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "control_flow",
    manifest: "control_flow_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=control_flow_manifest.json\u{a}model=\u{a}module=control_flow\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, Router::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, Router::load, |model, inputs| {
        let (y0, y1, y2) = model.forward(
            inputs.tensor(0)?,
            inputs.tensor(1)?,
            inputs.tensor(2)?,
            inputs.tensor(3)?,
        )?;
        Ok(vec![y0, y1, y2])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
