//! The model that parity.py records, mirrored by hand as generated code would be.

use std::path::Path;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::parity::{self, Inputs, Isolated};
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

#[derive(Debug, Clone)]
pub struct Block {
    pub fc: nn::Linear,
    pub act: nn::Func,
    pub checker: Option<PyChecker>,
}

impl Block {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            fc: nn::linear(6, 6, vb.pp("fc"), checker.pp("fc"))?,
            act: nn::func(ops::gelu, checker.pp("act")),
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = (x + self.act.forward(&self.fc.forward(x)?)?)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}

#[derive(Debug, Clone)]
pub struct Tagger {
    pub embed: nn::Embedding,
    pub norm: nn::LayerNorm,
    pub blocks: Vec<Block>,
    pub head: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl Tagger {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        let vb = nn::tie(vb, &[&["head.weight", "embed.weight"]])?;
        let block = |i| {
            Block::load(
                vb.pp(format!("blocks.{i}")),
                checker.pp(format!("blocks.{i}")),
            )
        };
        Ok(Self {
            embed: nn::embedding(11, 6, vb.pp("embed"), checker.pp("embed"))?,
            norm: nn::layer_norm((6,), 1e-3, vb.pp("norm"), checker.pp("norm"))?,
            blocks: (0..2).map(block).collect::<Result<_>>()?,
            head: nn::linear_no_bias(6, 11, vb.pp("head"), checker.pp("head"))?,
            checker,
        })
    }

    pub fn forward(&self, ids: &Tensor) -> Result<(Tensor, Tensor)> {
        let (_, seq) = ids.dims2()?;
        ops::expect_size("seq", seq, 1, Some(64))?;
        let mut x = self.norm.forward(&self.embed.forward(ids)?)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let scores = self.head.forward(&self.norm.forward(&x)?)?;
        let positive = ops::gt(&ops::select(&scores, 2, 0)?, 0.0)?;
        py_check!(self.checker, "", &scores, &positive);
        Ok((scores, positive))
    }
}

impl Isolated for Block {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("fc", rest) => self.fc.call(rest, inputs),
            ("act", rest) => self.act.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Tagger {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => {
                let (scores, positive) = self.forward(inputs.tensor(0)?)?;
                Ok(vec![scores, positive])
            }
            ("embed", rest) => self.embed.call(rest, inputs),
            ("norm", rest) => self.norm.call(rest, inputs),
            ("blocks", rest) => self.blocks.call(rest, inputs),
            ("head", rest) => self.head.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

const fn region(
    path: &'static str,
    call: usize,
    inputs: &'static [&'static str],
) -> parity::Region {
    parity::Region {
        path,
        call,
        inputs,
        elided: inputs.is_empty(),
    }
}

pub const REGIONS: &[parity::Region] = &[
    region("", 0, &["#0.ids"]),
    region("embed", 0, &["#0.ids"]),
    region("norm", 0, &["embed#0.0"]),
    region("blocks.0", 0, &["norm#0.0"]),
    region("blocks.0.fc", 0, &["norm#0.0"]),
    region("blocks.0.act", 0, &["blocks.0.fc#0.0"]),
    region("blocks.0.dropout", 0, &[]),
    region("blocks.1", 0, &["blocks.0#0.0"]),
    region("blocks.1.fc", 0, &["blocks.0#0.0"]),
    region("blocks.1.act", 0, &["blocks.1.fc#0.0"]),
    region("blocks.1.dropout", 0, &[]),
    region("norm", 1, &["blocks.1#0.0"]),
    region("head", 0, &["norm#1.0"]),
];

pub const SPEC: parity::Spec = parity::Spec {
    name: "tagger",
    manifest: "tests/parity/tagger_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    digest: "sha256:of something else",
    options: "model=Tagger\nmodule=tagger\n",
    regions: REGIONS,
};

pub fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity"))
}

pub fn forward(model: &Tagger, inputs: &Inputs) -> Result<Vec<Tensor>> {
    let (scores, positive) = model.forward(inputs.tensor(0)?)?;
    Ok(vec![scores, positive])
}

/// An empty folder, and the model as recorded there.
pub fn elsewhere() -> (tempfile::TempDir, parity::Spec) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap().to_string().leak();
    let spec = parity::Spec {
        root,
        manifest: "tagger_manifest.json",
        ..SPEC
    };
    (folder, spec)
}
