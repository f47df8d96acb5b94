//! What a parity run writes as it goes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod tagger;

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{ops, parity};
use tagger::{Tagger, elsewhere, folder, forward};

/// File and line of the only line of the model that has these words.
fn line_of(words: &str) -> String {
    let file = "crates/pycandle-runtime/tests/tagger/mod.rs";
    let code = include_str!("tagger/mod.rs");
    let number = code.lines().position(|line| line.contains(words)).unwrap();
    format!("{file}:{}", number + 1)
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
    let lines: Vec<serde_json::Value> = text.lines().map(read).collect();
    for line in lines.iter().filter(|line| line["kind"] == "call") {
        // What failed is kept, and nothing else.
        let kept = line["tensors"].as_str();
        assert_eq!(kept.is_some(), line["outcome"] == "failed", "{line}");
        let Some(kept) = kept else { continue };
        let path = elsewhere.path().join(".pycandle/results").join(kept);
        let kept = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
        let shape = serde_json::to_value(kept["0"].dims()).unwrap();
        assert_eq!(shape, line["outputs"][0]["shape"]);
    }
    lines
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
            (&3.into(), &mode.into())
        );
        assert_eq!((&run["calls"], calls.len()), (&39.into(), 39));
        assert_eq!(
            end["culprit"],
            serde_json::json!(["blocks.1.act", 0, "recorded"])
        );
        assert_eq!(end["weights"], serde_json::json!([]));
        let act = |line: &&serde_json::Value| line["path"] == "blocks.1.act";
        let act = calls.iter().find(act).unwrap();
        assert_eq!(act["outcome"], "failed");
        // A layer is where it is loaded, any other module where its forward ends.
        assert_eq!(act["rust"], line_of("checker.pp(\"act\")"));
        let block = calls
            .iter()
            .find(|line| line["path"] == "blocks.1")
            .unwrap();
        assert_eq!(block["rust"], line_of("py_check!(self.checker, \"\", &y)"));
        let output = &act["outputs"][0];
        assert!(output["error"].as_f64() > output["limit"].as_f64());
        assert!(output["needs"].as_f64() > Some(4.0), "{output}");
        assert!(output["over"].as_f64() > Some(0.0), "{output}");
        assert_eq!(output["golden"], "recorded:blocks.1.act#0.0");
        assert!(
            output["statistics"]["ulp"][3].as_f64() > Some(100.0),
            "{output}"
        );
    }
}

/// The model faithfully, with a checkpoint that is changed: the report must say these words.
fn blames(change: impl Fn(&mut HashMap<String, Tensor>), words: &str) {
    let (elsewhere, spec) = elsewhere();
    for file in ["_manifest.json", "_trace.safetensors"] {
        let name = format!("tagger{file}");
        std::fs::copy(folder().join(&name), elsewhere.path().join(&name)).unwrap();
    }
    let held = folder().join("tagger.safetensors");
    let mut weights = candle_core::safetensors::load(held, &Device::Cpu).unwrap();
    change(&mut weights);
    let path = elsewhere.path().join("tagger.safetensors");
    candle_core::safetensors::save(&weights, path).unwrap();
    let report = parity::run_isolated(&spec, Tagger::load).unwrap();
    assert_eq!(report.weights, [words].map(str::to_string));
}

#[test]
fn another_checkpoint_is_told_from_a_wrong_op() {
    const FC: &str = "blocks.1.fc.weight";
    blames(
        |weights| {
            let turned = weights[FC].t().unwrap().contiguous().unwrap();
            weights.insert(FC.to_string(), turned);
        },
        "blocks.1.fc.weight holds the recorded numbers in other places, as if it was transposed",
    );
    blames(
        |weights| {
            let other = weights["blocks.0.fc.weight"].clone();
            weights.insert(FC.to_string(), other);
        },
        "blocks.1.fc.weight holds what was recorded as blocks.0.fc.weight",
    );
    blames(
        |weights| {
            let trained = (&weights[FC] * 1.01).unwrap();
            weights.insert(FC.to_string(), trained);
        },
        "blocks.1.fc.weight holds other numbers than were recorded",
    );
}
