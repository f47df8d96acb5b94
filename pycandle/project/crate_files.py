"""The Rust and the words of a new crate, which the user goes on with.

Only checked names reach them: Rust identifiers, and what a library calls a model.
"""

from __future__ import annotations

BUILD = """\
fn main() {
    pycandle_build::compile()
}
"""

_MODULE = """\
pub mod {module} {{
    pycandle_runtime::include_model!("{module}");
}}
"""

_LIB = """\
//! {title}, generated from a recording of the PyTorch model; `cargo test` compares both.

use std::path::Path;

use candle_core::{{DType, Device, Error, Result}};
use candle_nn::VarBuilder;

use {module}::{struct};

{include}
/// Loads the model from a checkpoint with PyTorch's own names, in safetensors.
pub fn load(weights: &Path, device: &Device) -> Result<{struct}> {{
    let bytes = std::fs::read(weights)
        .map_err(|error| Error::Msg(format!("cannot read {{}}: {{error}}", weights.display())))?;
    let vb = VarBuilder::from_buffered_safetensors(bytes, DType::F32, device)?;
    {struct}::load(vb, None)
}}
"""

_TEST = """\
//! The crate from outside; that the model computes what PyTorch does is tested beside its code.

use std::path::Path;

use candle_core::{{Device, Result}};

#[test]
fn the_recorded_weights_load() -> Result<()> {{
    let weights = Path::new(".pycandle/traces/{module}.safetensors");
    {crate}::load(weights, &Device::Cpu)?;
    Ok(())
}}
"""

_README = """\
# {name}
{title} in Rust, generated from PyTorch by PyCandle.

```sh
cargo build    # compiles src/generated, and generates it anew where the recording changed
cargo test     # compares every module with PyTorch
cargo package  # makes the crate as others get it, which needs no Python
```

- `.pycandle/scripts/recorder.py` makes the model and its inputs; `pycandle record` runs it.
  That writes the graph, `.pycandle/traces/{module}_manifest.json`; what every module took and gave,
  `{module}_trace.safetensors`; and the weights, `{module}.safetensors`.
- `pycandle sync` writes `src/generated` after the recording changed.
- Commit both, the trace too if it is small; weights and `.cargo/config.toml`, which names this
  machine's Python, stay out of git.
- `cargo package` wants everything committed; a crate must not exceed 10 MB to be published, so
  the trace is not packaged.
- `pycandle init` makes `.pycandle/venv`, a Python with all that recording needs.
"""

_STATE = """
The model keeps what it has read:

```rust
let model = {crate}::load(weights, &device)?;
let mut model = {crate}::{module}::Stateful{struct}::empty(model, 1, &device)?;
let prompt = model.step(&ids)?; // reads all of the prompt
let next = model.step(&token)?; // and then one token after the other
```
"""

IGNORED = (
    "/target",
    "/.cargo/config.toml",
    "/.pycandle/venv",
    "/.pycandle/bench",
    "/.pycandle/drill",
    "/.pycandle/report.html",
    "/.pycandle/repro",
    "/.pycandle/results",
    "/.pycandle/traces/*.safetensors",
    "!/.pycandle/traces/*_trace.safetensors",
    "!/.pycandle/traces/*_constants.safetensors",
    "/.pycandle/traces/*_times.json",
)


def include(module: str) -> str:
    """The lines that bring the generated code into a library."""
    return _MODULE.format(module=module)


def library(module: str, struct: str, title: str) -> str:
    """`src/lib.rs`; `struct` is the model's own."""
    names = {"module": module, "struct": struct, "title": title}
    return _LIB.format(include=include(module), **names)


def test(module: str, crate: str) -> str:
    """`tests/load.rs`; `crate` is the library's name in Rust."""
    return _TEST.format(module=module, crate=crate)


def readme(name: str, module: str, title: str, stateful: str) -> str:
    """`README.md`; `stateful` is the model's own struct if one call continues another."""
    text = _README.format(name=name, module=module, title=title)
    if not stateful:
        return text
    return text + _STATE.format(crate=name.replace("-", "_"), module=module, struct=stateful)
