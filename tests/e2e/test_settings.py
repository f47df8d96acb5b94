"""Crates with other settings: no checks in the code, state that is kept, another runtime's name."""

import json
import shutil
import subprocess
from pathlib import Path

from pycandle.record.script import record_script

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/minilm/models"
CARGO_TOML = """\
[package]
name = "settings"
version = "0.1.0"
edition = "2024"

[dependencies]
candle-core = "0.11"
candle-nn = "0.11"
{runtime}

[build-dependencies]
pycandle-build = {{ path = {build} }}

{metadata}
[profile.dev.package."*"]
opt-level = 3

[workspace]
"""
PLAIN = """\
[package.metadata.pycandle]
manifests = ["models/minilm_manifest.json"]

[package.metadata.pycandle.models.minilm]
module = "encoder"
model = "Encoder"
checker = false
"""
LIB = """\
//! A sentence encoder.

pub mod encoder {
    renamed::include_model!("encoder");
}

/// Loads it as a model that was written by hand.
pub fn load(vb: candle_nn::VarBuilder) -> candle_core::Result<encoder::Encoder> {
    encoder::Encoder::load(vb)
}
"""


STATEFUL = """\
[package.metadata.pycandle]
manifests = ["models/counter_manifest.json", "models/gpt_manifest.json"]

[package.metadata.pycandle.models.counter]
stateful = true
dtype = "f32"
checker = false

[package.metadata.pycandle.models.gpt]
stateful = true
checker = false
"""
STATEFUL_LIB = """\
//! Models that keep state.

pub mod counter {
    pycandle_runtime::include_model!("counter");
}

pub mod gpt {
    pycandle_runtime::include_model!("gpt");
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Result, Tensor};
    use candle_nn::VarBuilder;

    use super::counter::{Counter, StatefulCounter};
    use super::gpt::{GPT2LMHeadModel, StatefulGPT2LMHeadModel};

    #[test]
    fn caches_continue_a_prompt() -> Result<()> {
        let (files, device) = (["models/gpt.safetensors"], Device::Cpu);
        let vb = unsafe { VarBuilder::from_mmaped_safetensors(&files, DType::F32, &device)? };
        let mut stateful = StatefulGPT2LMHeadModel::empty(GPT2LMHeadModel::load(vb)?, 1, &device)?;
        let ids = Tensor::new(&[[3i64, 14, 15, 9, 2, 6, 5]], &device)?;
        let whole = stateful.clone().step(&ids)?;
        // A list that is too short is no shorter model.
        let too_few = stateful.model.forward(&ids, &stateful.past_key_values_key_cache[..1], &[]);
        assert!(too_few.is_err_and(|error| error.to_string().contains("1 tensors instead of 2")));
        stateful.step(&ids.narrow(1, 0, 4)?)?;
        for place in 4..7 {
            let logits = stateful.step(&ids.narrow(1, place, 1)?)?;
            let error = (logits - whole.narrow(1, place, 1)?)?.abs()?.max_all()?;
            assert!(error.to_scalar::<f32>()? < 1e-5, "{error}");
        }
        Ok(())
    }

    #[test]
    fn two_steps_are_two_forwards() -> Result<()> {
        let (files, device) = (["models/counter.safetensors"], Device::Cpu);
        // The model's own dtype holds, whatever is asked for here.
        let vb = unsafe { VarBuilder::from_mmaped_safetensors(&files, DType::F64, &device)? };
        let model = Counter::load(vb)?;
        let x = Tensor::new(&[[1f32, -1.0, 0.5, 2.0]], &device)?;
        let start = Tensor::zeros((1, 8), DType::F32, &device)?;
        let mut stateful = StatefulCounter::new(model.clone(), start.clone());
        stateful.step(&x)?;
        // What fails leaves the state as it was.
        assert!(stateful.step(&start).is_err());
        let second = stateful.step(&x)?.to_vec2::<f32>()?;
        let (first, state) = model.forward(&x, &start)?;
        let (expected, state) = model.forward(&x, &state)?;
        assert_ne!(first.to_vec2::<f32>()?, second);
        assert_eq!(expected.to_vec2::<f32>()?, second);
        assert_eq!(state.to_vec2::<f32>()?, stateful.model_state.to_vec2::<f32>()?);
        Ok(())
    }
}
"""


def test_code_without_checks_is_compared_all_the_same(
    tmp_path: Path, cargo_environment: dict[str, str]
):
    write_crate(tmp_path, "renamed", "pycandle", PLAIN, LIB)
    for name in ("minilm_manifest.json", "minilm_trace.safetensors"):
        (tmp_path / "models" / name).symlink_to(EXAMPLE / name)
    weights = {"PYCANDLE_WEIGHTS_MINILM": str(EXAMPLE / "minilm.safetensors")}
    done = cargo_test(tmp_path, cargo_environment | weights)

    assert done.returncode == 0, done.stdout + done.stderr
    for test in ("isolated", "cumulative", "digest"):
        assert f"encoder::parity::checked::parity::{test} ... ok" in done.stdout
    assert "300 of 300 module calls compared" in done.stdout


def test_state_is_kept_between_calls(tmp_path: Path, cargo_environment: dict[str, str]):
    write_crate(tmp_path, "pycandle-runtime", "pycandle-runtime", STATEFUL, STATEFUL_LIB)
    record_script(Path(__file__).with_name("stateful_models.py"), "", tmp_path / "models")
    # Its caches are as long as each other, and may be empty.
    recorded = json.loads((tmp_path / "models/gpt_manifest.json").read_text())
    found = {symbol["name"]: symbol["min"] for symbol in recorded["symbols"]}
    assert found == {"batch": 1, "seq": 1, "past_key_values_length": 0}
    done = cargo_test(tmp_path, cargo_environment)

    assert done.returncode == 0, done.stdout + done.stderr
    # The whole models are compared through the structs that keep their state.
    for model in ("counter", "gpt"):
        assert f"{model}::parity::checked::parity::cumulative ... ok" in done.stdout
    for test in ("two_steps_are_two_forwards", "caches_continue_a_prompt"):
        assert f"tests::{test} ... ok" in done.stdout


def write_crate(folder: Path, name: str, package: str, metadata: str, lib: str):
    """A crate that has the runtime under a name of its own, from one of PyCandle's packages."""
    path, build = (json.dumps(str(ROOT / "crates" / each)) for each in (package, "pycandle-build"))
    runtime = f'{name} = {{ package = "{package}", path = {path}, default-features = false }}'
    cargo_toml = CARGO_TOML.format(runtime=runtime, build=build, metadata=metadata)
    for inner in ("src", "models"):
        (folder / inner).mkdir()
    (folder / "Cargo.toml").write_text(cargo_toml)
    (folder / "src/lib.rs").write_text(lib)
    (folder / "build.rs").write_text("fn main() {\n    pycandle_build::compile()\n}\n")
    shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")


def cargo_test(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["cargo", "test", "--", "--nocapture"], cwd=folder, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
