//! The checker and the parity runs on a model recorded from PyTorch, broken in ways that must be
//! noticed.

#![allow(clippy::unwrap_used)]

mod tagger;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::bench::Recorded;
use pycandle_runtime::parity;
use pycandle_runtime::{PyChecker, Scope, ops, py_check};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize_to_file};
use tagger::{REGIONS, SPEC, Tagger, elsewhere, folder, forward};

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
fn a_recorded_model_runs_at_other_sizes() -> Result<()> {
    let recorded = Recorded::open(SPEC.name, SPEC.root, SPEC.manifest)?;
    let model = Tagger::load(recorded.weights()?, None)?;
    let inputs = recorded.inputs(&["#0.ids"], &[&[3, 9]], &[("seq", 9)])?;
    assert_eq!(inputs.size("seq")?, 9);
    let outputs = forward(&model, &inputs)?;
    assert_eq!(outputs[0].dims(), [3, 9, 11]);
    let ids = recorded.inputs(&["#0.ids"], &[&[3]], &[]);
    assert!(ids.unwrap_err().to_string().contains("the number of axes"));
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
