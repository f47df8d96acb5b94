//! The checker and the parity runs on a model recorded from PyTorch by parity.py, here mirrored by
//! hand as generated code would, and then broken in ways that must be noticed.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::parity::{self, Inputs, Isolated};
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize_to_file};

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

const REGIONS: &[parity::Region] = &[
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

const SPEC: parity::Spec = parity::Spec {
    name: "tagger",
    manifest: "tests/parity/tagger_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    digest: "sha256:of something else",
    options: "model=Tagger\nmodule=tagger\n",
    regions: REGIONS,
};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity"))
}

fn forward(model: &Tagger, inputs: &Inputs) -> Result<Vec<Tensor>> {
    let (scores, positive) = model.forward(inputs.tensor(0)?)?;
    Ok(vec![scores, positive])
}

/// Breaks the model, and expects both runs to fail with these words, the culprit first of all.
fn check(break_it: fn(&mut Tagger), isolated: &str, cumulative: &str) {
    let load = |vb: VarBuilder, checker| {
        let mut model = Tagger::load(vb, checker)?;
        break_it(&mut model);
        Ok(model)
    };
    let result = parity::isolated(&SPEC, load);
    fails(result, isolated);
    fails(parity::cumulative(&SPEC, load, forward), cumulative);
}

fn fails<T: std::fmt::Debug>(result: Result<T>, words: &str) {
    let message = result.unwrap_err().to_string();
    assert!(
        message.contains(words),
        "{message:?} does not contain {words:?}"
    );
}

#[test]
fn a_faithful_model_passes() -> Result<()> {
    parity::isolated(&SPEC, Tagger::load)?;
    parity::cumulative(&SPEC, Tagger::load, forward)?;
    for report in [
        parity::run_isolated(&SPEC, Tagger::load)?,
        parity::run_cumulative(&SPEC, Tagger::load, forward)?,
    ] {
        let counts = report.counts();
        assert_eq!(
            (counts.passed, counts.elided, counts.expected()),
            (33, 6, 33),
            "{report}"
        );
        assert!(report.culprit().is_none());
        let text = report.to_string();
        assert!(
            text.contains("33 of 33 module calls compared; 33 passed"),
            "{text}"
        );
        assert!(text.contains("norm (call 1)"), "{text}");
    }
    Ok(())
}

#[test]
fn broken_models_fail_and_the_culprit_is_named() {
    check(
        |model| model.norm.eps = 1e-5,
        "first norm (LayerNorm",
        "first norm (LayerNorm",
    );
    check(
        |model| model.blocks[1].act.function = std::sync::Arc::new(ops::gelu_tanh),
        "first blocks.1.act (GELU",
        "first blocks.1.act",
    );
    check(
        |model| model.blocks[0].fc.weight = model.blocks[0].fc.weight.t().unwrap(),
        "first blocks.0.fc (Linear, torch/nn/modules/linear.py:130, called at parity.py:",
        "first blocks.0.fc",
    );
    check(
        |model| model.head.weight = (&model.head.weight * f64::NAN).unwrap(),
        "first head (Linear",
        "PyTorch's",
    );
    check(
        |model| model.norm.bias = None,
        "first norm (",
        "first norm (",
    );
    check(
        |model| drop(model.blocks.pop()),
        "it did not run: the generated model has no module",
        "first norm (call 1)",
    );
    check(
        |model| model.embed.weight = model.embed.weight.narrow(0, 0, 3).unwrap(),
        "out of range",
        "it did not run: embedding: id",
    );
    check(
        |model| model.embed.weight = model.embed.weight.to_dtype(DType::F64).unwrap(),
        "first embed (Embedding",
        "its dtype is f64, PyTorch's f32",
    );
}

#[test]
fn what_was_not_compared_fails() {
    let load = |vb: VarBuilder, checker| {
        let mut model = Tagger::load(vb, checker)?;
        model.blocks[1].fc.checker = None;
        Ok(model)
    };
    let cumulative = parity::cumulative(&SPEC, load, forward);
    fails(
        cumulative,
        "3 module calls were not compared, first blocks.1.fc",
    );
    let nothing = parity::cumulative(&SPEC, |vb, _| Tagger::load(vb, None), forward);
    fails(nothing, "33 module calls were not compared");
    let fewer = parity::Spec {
        regions: &REGIONS[..12],
        ..SPEC
    };
    fails(
        parity::isolated(&fewer, Tagger::load),
        "lists 12 module calls and the manifest 13, first head",
    );
    fails(parity::digest(&SPEC), "pycandle sync");
    let options = SPEC.options;
    let manifest = std::fs::read(folder().join("tagger_manifest.json")).unwrap();
    let digest = pycandle_runtime::manifest::digest(options, &manifest).leak();
    parity::digest(&parity::Spec { digest, ..SPEC }).unwrap();
}

/// An empty folder, and the model as recorded there.
fn elsewhere() -> (tempfile::TempDir, parity::Spec) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap().to_string().leak();
    let spec = parity::Spec {
        root,
        manifest: "tagger_manifest.json",
        ..SPEC
    };
    (folder, spec)
}

#[test]
fn missing_and_foreign_files_are_named() {
    let (elsewhere, spec) = elsewhere();
    let run = || parity::isolated(&spec, Tagger::load);
    fails(run(), "`pycandle record`");
    let bring =
        |name: &str| std::fs::copy(folder().join(name), elsewhere.path().join(name)).unwrap();
    bring("tagger_manifest.json");
    fails(run(), "tagger_trace.safetensors cannot be read");
    bring("tagger_trace.safetensors");
    fails(run(), "set PYCANDLE_WEIGHTS_TAGGER");
    bring("tagger.safetensors");
    run().unwrap();
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(elsewhere.path().join(name), bytes).unwrap();
    let trace = std::fs::read(folder().join("tagger_trace.safetensors")).unwrap();
    write("tagger_trace.safetensors", &trace[..trace.len() - 1]);
    fails(run(), "is cut short");
    write("tagger_trace.safetensors", &[9; 20]);
    fails(run(), "no safetensors file");
    write("tagger_trace.safetensors", &trace);
    let manifest = std::fs::read_to_string(folder().join("tagger_manifest.json")).unwrap();
    write("tagger_manifest.json", format!("{manifest} ").as_bytes());
    fails(run(), "their hashes differ");
    write(
        "tagger_manifest.json",
        manifest
            .replace("\"format\": 1", "\"format\": 2")
            .as_bytes(),
    );
    fails(run(), "its format is 2");
    write("tagger_manifest.json", b"{");
    fails(run(), "is not a manifest");
}

#[test]
fn a_trace_with_other_tensors_is_refused() {
    let (elsewhere, spec) = elsewhere();
    for name in ["tagger_manifest.json", "tagger.safetensors"] {
        std::fs::copy(folder().join(name), elsewhere.path().join(name)).unwrap();
    }
    let bytes = std::fs::read(folder().join("tagger_trace.safetensors")).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let run = |change: fn(&mut BTreeMap<String, TensorView>)| {
        let trace = SafeTensors::deserialize(&bytes).unwrap();
        let mut tensors: BTreeMap<_, _> = trace.tensors().into_iter().collect();
        change(&mut tensors);
        let file = elsewhere.path().join("tagger_trace.safetensors");
        serialize_to_file(&tensors, metadata.metadata().clone(), &file).unwrap();
        [
            parity::isolated(&spec, Tagger::load),
            parity::cumulative(&spec, Tagger::load, forward),
        ]
    };
    let refused = |change, words| run(change).map(|result| fails(result, words));
    for result in run(|tensors| {
        let view = TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
        tensors.insert("recorded:nowhere#0.0".into(), view);
    }) {
        result.unwrap();
    }
    refused(
        |tensors| drop(tensors.remove("recorded:head#0.0")),
        "recorded:head#0.0",
    );
    refused(
        |tensors| drop(tensors.remove("recorded:#0.ids")),
        "recorded:#0.ids",
    );
    refused(
        |tensors| {
            let (shape, data) = (tensors["recorded:head#0.0"].shape(), &[0; 4096]);
            let count: usize = shape.iter().product();
            let view = TensorView::new(Dtype::F64, shape.to_vec(), &data[..8 * count]).unwrap();
            tensors.insert("recorded:head#0.0".into(), view);
        },
        "f64",
    );
}

fn checker() -> PyChecker {
    PyChecker::load("tagger", folder(), &Device::Cpu).unwrap()
}

fn model(checker: Option<PyChecker>) -> Tagger {
    let weights = candle_core::safetensors::load(folder().join("tagger.safetensors"), &Device::Cpu);
    let vb = VarBuilder::from_tensors(weights.unwrap(), DType::F32, &Device::Cpu);
    Tagger::load(vb, checker).unwrap()
}

#[test]
fn a_checker_stops_at_the_first_difference() -> Result<()> {
    for case in ["recorded", "smallest", "larger"] {
        let checker = checker().case(case)?;
        let ids = checker.input("ids")?;
        assert_eq!(ids.dims(), [checker.size("batch")?, checker.size("seq")?]);
        let mut model = model(Some(checker));
        // Calls are counted anew after each forward pass, even one that stopped half-way.
        model.forward(&ids)?;
        model.forward(&ids)?;
        model.blocks[0].fc.bias = None;
        fails(model.forward(&ids), "blocks.0.fc (Linear");
        fails(model.forward(&ids), "blocks.0.fc (Linear");
    }
    fails(checker().case("huge"), "it has recorded, smallest, larger");
    fails(checker().input("attention_mask"), "without an input tensor");
    Ok(())
}

#[test]
fn verify_gives_numbers() -> Result<()> {
    let checker = checker();
    let ids = checker.input("ids")?;
    let embedded = model(None).embed.forward(&ids)?;
    let verdict = checker.verify("embed", &embedded)?;
    assert!(verdict.passed() && verdict.mse == 0.0 && verdict.error <= verdict.limit);
    fails(
        checker.verify("embed", &embedded),
        "more often than recorded (1)",
    );
    checker.restart();
    let verdict = checker.pp("embed").verify("", &(embedded + 1.0)?)?;
    assert!(verdict.failed() && (verdict.mse - 1.0).abs() < 1e-6 && verdict.max_abs > 0.9);
    fails(
        checker.verify("nowhere", &ids),
        "without a module \"nowhere\"",
    );
    Ok(())
}

#[test]
fn a_collecting_checker_goes_on() -> Result<()> {
    let checker = checker().collecting();
    let ids = checker.input("ids")?;
    let mut model = model(Some(checker.clone()));
    model.blocks[1].fc.bias = None;
    model.forward(&ids)?;
    let report = checker.report();
    assert_eq!(report.rows.len(), 11);
    assert_eq!(report.culprit().unwrap().path, "blocks.1.fc");
    assert!(report.verdict().is_err());
    Ok(())
}

#[test]
fn no_checker_costs_nothing() -> Result<()> {
    let none: Option<PyChecker> = None;
    let never = |what: &str| -> Tensor { panic!("{what} was evaluated without a checker") };
    py_check!(none, "", &never("an output"));
    assert!(none.pp("layer").is_none());
    let some = Some(checker());
    assert_eq!(
        some.pp("blocks")
            .pp(format!("{}", 0))
            .pp("fc")
            .unwrap()
            .path(),
        "blocks.0.fc"
    );
    // A plain checker does too, as does a reference.
    let checker = checker();
    let embedded = model(None).embed.forward(&checker.input("ids")?)?;
    py_check!(checker, "embed", &embedded);
    checker.restart();
    py_check!(&checker, "embed", &embedded,);
    Ok(())
}

/// The lines that a run of a model with one broken block wrote.
fn results(mode: &str, run: impl Fn(&parity::Spec) -> Result<()>) -> Vec<serde_json::Value> {
    let (elsewhere, spec) = elsewhere();
    for file in ["_manifest.json", "_trace.safetensors", ".safetensors"] {
        let name = format!("tagger{file}");
        std::fs::copy(folder().join(&name), elsewhere.path().join(&name)).unwrap();
    }
    std::fs::create_dir(elsewhere.path().join(".pycandle")).unwrap();
    run(&spec).unwrap_err();
    let file = format!(".pycandle/results/tagger.{mode}.jsonl");
    let text = std::fs::read_to_string(elsewhere.path().join(file)).unwrap();
    let read = |line| serde_json::from_str(line).unwrap();
    text.lines().map(read).collect()
}

#[test]
fn results_are_written_as_the_run_goes() {
    let broken = |vb: VarBuilder, checker| {
        let mut model = Tagger::load(vb, checker)?;
        model.blocks[1].act.function = std::sync::Arc::new(ops::gelu_tanh);
        Ok(model)
    };
    let isolated = results("isolated", |spec| parity::isolated(spec, broken));
    let cumulative = results("cumulative", |spec| {
        parity::cumulative(spec, broken, forward)
    });
    for (mode, lines) in [("isolated", isolated), ("cumulative", cumulative)] {
        let [run, calls @ .., end] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert_eq!(
            (&run["schema_version"], &run["mode"]),
            (&1.into(), &mode.into())
        );
        assert_eq!((&run["calls"], calls.len()), (&39.into(), 39));
        assert_eq!(
            end["culprit"],
            serde_json::json!(["blocks.1.act", 0, "recorded"])
        );
        let act = |line: &&serde_json::Value| line["path"] == "blocks.1.act";
        let act = calls.iter().find(act).unwrap();
        assert_eq!(act["outcome"], "failed");
        let output = &act["outputs"][0];
        assert!(output["error"].as_f64() > output["limit"].as_f64());
        assert!(
            output["statistics"]["ulp"][3].as_f64() > Some(100.0),
            "{output}"
        );
    }
}
