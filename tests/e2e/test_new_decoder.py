"""`pycandle new --model GPT2`: the crate of a decoder, whose README says how to continue a text."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
SMALL = "GPT2Config(n_layer=3, n_head=2, n_embd=16, vocab_size=40, n_positions=32)"
TEST = """\
//! The README's lines, run: one token after the other is what all of them at once are.

use std::path::Path;

use candle_core::{{Device, Result, Tensor}};

#[test]
fn a_text_is_continued() -> Result<()> {{
    let device = Device::Cpu;
    let weights = Path::new(".pycandle/traces/my_llm.safetensors");
    let all = Tensor::new(&[[3i64, 14, 15, 9]], &device)?;
    let (ids, token) = (all.narrow(1, 0, 3)?, all.narrow(1, 3, 1)?);
    {lines}
    assert_eq!(prompt.dims(), &[1, 3, 16]);
    let model = my_llm::load(weights, &device)?;
    let mut model = my_llm::my_llm::StatefulMyLlm::empty(model, 1, &device)?;
    let whole = model.step(&all)?.narrow(1, 3, 1)?;
    let error = (next - whole)?.abs()?.max_all()?.to_scalar::<f32>()?;
    assert!(error < 1e-5, "{{error}}");
    Ok(())
}}
"""


def test_a_decoder_reads_a_prompt_and_continues_it(
    tmp_path: Path, cargo_environment: dict[str, str]
):
    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=crate if crate.exists() else tmp_path, env=cargo_environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    crate, pycandle = tmp_path / "my_llm", (sys.executable, "-m", "pycandle")
    run(*pycandle, "new", "my_llm", "--model", "GPT2", "--no-record")
    recorder = crate / ".pycandle/scripts/recorder.py"
    script = recorder.read_text(encoding="utf-8")
    assert "GPT2Model(GPT2Config())" in script
    recorder.write_text(script.replace("GPT2Config()", SMALL), encoding="utf-8")
    run(*pycandle, "record")
    run(*pycandle, "sync")
    (lines,) = re.findall(r"```rust\n(.*?)```", (crate / "README.md").read_text(), re.DOTALL)
    (crate / "tests/text.rs").write_text(TEST.format(lines=lines.replace("\n", "\n    ").strip()))
    shutil.copy(ROOT / "Cargo.lock", crate / "Cargo.lock")
    said = run("cargo", "test", "--", "--nocapture")

    # Three of parity, that the weights load, and the README's.
    assert said.count("... ok") == 5, said
    assert re.search(r"(\d+) of \1 module calls compared", said)
    tell = json.loads(run(*pycandle, "verify", "--json", "--junit", "tests.xml"))
    assert {r["mode"]: (r["passed"], r["cases"]) for r in tell["runs"]} == dict.fromkeys(
        ("cumulative", "isolated"), (True, ["recorded", "smallest", "larger", "empty"])
    )
    manifest = ".pycandle/traces/my_llm_manifest.json"
    run(*pycandle, "codegen", "--manifest", manifest, "--out", "plain/my_llm.rs", "--stateful")
    assert "pub struct StatefulGPT2Model {" in (crate / "plain/my_llm.rs").read_text()

    # Another checkpoint: the first layer that reads it is named, with its Python lines.
    weights = load_file(crate / ".pycandle/traces/my_llm.safetensors")
    weights["h.1.mlp.c_fc.weight"] = weights["h.1.mlp.c_fc.weight"].flip(0).contiguous()
    save_file(weights, tmp_path / "other.safetensors")
    other = cargo_environment | {"PYCANDLE_WEIGHTS_MY_LLM": str(tmp_path / "other.safetensors")}
    done = subprocess.run(
        [*pycandle, "verify"], cwd=crate, env=other, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "look first at h.1.mlp.c_fc (Conv1D, transformers/pytorch_utils.py:" in done.stderr

    # A wrong line: the drill names it.
    generated = crate / "src/generated/my_llm.rs"
    code = generated.read_text(encoding="utf-8")
    line = "let hidden_states = (&attn_output + hidden_states)?;"
    generated.write_text(code.replace(line, line.replace("+", "-")), encoding="utf-8")
    number = code[: code.index(line)].count("\n") + 1
    done = subprocess.run(
        [*pycandle, "verify", "--drill"], cwd=crate, env=cargo_environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    place = f"look first at src/generated/my_llm.rs:{number}, which is to compute aten.add.Tensor"
    assert "src/generated/my_llm.rs was changed since it was generated" in done.stderr
    assert f"{place}\n  as transformers/models/gpt2/modeling_gpt2.py:" in done.stderr, done.stderr
