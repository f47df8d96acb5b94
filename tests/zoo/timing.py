"""The time of one forward on one thread: the fastest of several, in PyTorch and in Rust."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pycandle.output import write_if_changed
from tests.parity.crate import Crate

_SECONDS = 2.0

# `run_cumulative` feeds each recorded case; the first one is timed, with no module watched.
SUPPORT = f"""
#[cfg(test)]
pub fn timed<M>(
    spec: &pycandle_runtime::parity::Spec,
    mut load: impl FnMut(candle_nn::VarBuilder<'static>) -> candle_core::Result<M>,
    mut forward: impl FnMut(
        &M,
        &pycandle_runtime::parity::Inputs,
    ) -> candle_core::Result<Vec<candle_core::Tensor>>,
) -> candle_core::Result<()> {{
    let mut fastest: Option<f64> = None;
    pycandle_runtime::parity::run_cumulative(
        spec,
        |vb, _| load(vb),
        |model, inputs| {{
            let start = std::time::Instant::now();
            let mut least: Option<f64> = None;
            while fastest.is_none()
                && (least.is_none() || start.elapsed().as_secs_f64() < {_SECONDS})
            {{
                let before = std::time::Instant::now();
                forward(model, inputs)?;
                let taken = before.elapsed().as_secs_f64();
                least = Some(least.map_or(taken, |least| least.min(taken)));
            }}
            fastest = fastest.or(least);
            Ok(Vec::new())
        }},
    )?;
    println!("forward: {{:?}}", fastest.unwrap_or_default());
    Ok(())
}}
"""


@torch.inference_mode()
def pytorch(model: nn.Module, inputs: Mapping[str, Any]) -> float:
    """Seconds of the fastest forward in PyTorch."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _fastest(lambda: model(**inputs))
    finally:
        torch.set_num_threads(before)


def rust(crate: Crate, module: str) -> float | None:
    """Seconds of the fastest forward in Rust."""
    found = crate.run(module, "timed", os.environ | {"RAYON_NUM_THREADS": "1"})
    seconds = re.search(r"^forward: (\S+)$", found.output, re.MULTILINE)
    return float(seconds[1]) if seconds else None


def add_test(path: Path) -> None:
    """Append to a model's parity tests one that times the forward of its cumulative test."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r"parity::cumulative\(\s*&SPEC,\s*(\w+)::load,(.*?)\n\}\n", text, re.DOTALL)
    assert found, f"{path} has no cumulative test"
    call = f"crate::timed(&SPEC, |vb| {found[1]}::load(vb, None),{found[2]}"
    test = f"#[test]\nfn timed() -> Result<()> {{\n    {call}\n}}\n"
    write_if_changed(path, (text + "\n" + test).encode())


def _fastest(call: Any) -> float:
    start, fastest = time.perf_counter(), float("inf")
    while fastest == float("inf") or time.perf_counter() - start < _SECONDS:
        before = time.perf_counter()
        call()
        fastest = min(fastest, time.perf_counter() - before)
    return fastest
