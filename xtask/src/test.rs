//! `cargo xtask test`: every check there is, on a machine with nothing but Cargo and Python.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{bootstrap, minilm, step};

/// Prepares the environment and the recording, then runs every nox session inside the environment.
pub fn run(root: &Path) -> Result<()> {
    bootstrap::component("clippy", "clippy")?;
    let python = bootstrap::run(root)?;
    minilm::prepare(root, &python)?;

    let mut nox = Command::new(&python);
    nox.args([
        "-m",
        "nox",
        "--no-venv",
        "--sessions",
        "lint",
        "tests",
        "rust",
        "parity",
    ]);
    nox.current_dir(root);
    step::shown(
        "a check",
        nox,
        "the session's own lines above say what to change",
    )
}
