//! `cargo xtask demo`: from nothing to a PyTorch model that runs in Rust, with the proof beside it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{bootstrap, minilm, step};

/// Ports all-MiniLM-L6-v2 and runs it on `sentences`, or on the example's own when there are none.
pub fn run(root: &Path, sentences: &[String]) -> Result<()> {
    let python = bootstrap::run(root)?;
    minilm::prepare(root, &python)?;

    let mut sync = Command::new(&python);
    sync.args(["-m", "pycandle", "sync", "--crate", minilm::CRATE])
        .current_dir(root);
    step::quiet(
        root,
        "Rust from the recording",
        sync,
        "read the lines above",
    )?;

    let folder = root.join(minilm::CRATE);
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(bootstrap::cargo());
        command.args(arguments).current_dir(&folder);
        command
    };
    step::shown(
        "cargo build --release",
        cargo(&["build", "--release"]),
        "read the lines above",
    )?;
    let mut example = cargo(&["run", "--release", "--quiet", "--"]);
    example.args(sentences);
    step::shown(
        "all-MiniLM-L6-v2 in Rust and in PyTorch",
        example,
        "read the lines above",
    )
}
