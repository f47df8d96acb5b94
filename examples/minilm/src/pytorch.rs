//! The same sentences through PyTorch, by reference.py.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::field;

/// What PyTorch computed, and in how many seconds on one thread.
pub struct Reference {
    pub version: String,
    pub similarity: Vec<Vec<f32>>,
    pub seconds: f64,
}

/// Runs reference.py; the error says in one line why PyTorch could not be asked.
pub fn run(sentences: &[String]) -> Result<Reference, String> {
    let python = python()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference.py");
    let output = Command::new(&python).arg(script).args(sentences).output();
    let output = output.map_err(|error| format!("{}: {error}", python.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said
            .trim()
            .lines()
            .last()
            .unwrap_or("reference.py failed")
            .to_owned());
    }
    let printed = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    read(&printed).map_err(|error| error.to_string())
}

fn read(printed: &Value) -> candle_core::Result<Reference> {
    Ok(Reference {
        version: field(printed, "torch")?,
        similarity: field(printed, "similarity")?,
        seconds: field(printed, "seconds")?,
    })
}

/// PYCANDLE_PYTHON, else the interpreter of the nearest `.venv` above this crate.
fn python() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("PYCANDLE_PYTHON") {
        return Ok(named.into());
    }
    let inside = if cfg!(windows) {
        ".venv/Scripts/python.exe"
    } else {
        ".venv/bin/python"
    };
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut candidates = folders.map(|folder| folder.join(inside));
    let found = candidates.find(|candidate| candidate.exists());
    found.ok_or_else(|| "there is no .venv here; `cargo xtask demo` makes it".to_owned())
}
