//! `cargo xtask test`: every check there is, on a machine with nothing but Cargo and Python.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{bootstrap, minilm, step};

/// Prepares the environment and the recording, then runs every nox session inside the environment.
pub fn run(root: &Path) -> Result<()> {
    bootstrap::component("clippy", "clippy")?;
    other_target();
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

/// A second target, for the test of cross-compilation. Only where the toolchain is a CI machine's own.
fn other_target() {
    if env::var_os("CI").is_none() {
        return;
    }
    let target = "aarch64-apple-darwin";
    let added = Command::new("rustup")
        .args(["target", "add", target])
        .output();
    if !added.is_ok_and(|output| output.status.success()) {
        println!("cross-compilation is not run: `rustup target add {target}` fails");
    }
}
