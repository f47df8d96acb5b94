//! The command `pycandle`, for those who have cargo at hand: `cargo run -- codegen ...`.
//!
//! It finds a Python that has PyCandle and becomes `python -m pycandle` with the same arguments.
//! It must not know any subcommand.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use pycandle_build::digest::VERSION;
use pycandle_build::python::{self, NotFound, Search};

/// The status for an environment that lacks something, here Python.
const ENVIRONMENT: u8 = 4;

fn main() -> ExitCode {
    match command() {
        Ok(command) => forward(command),
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(ENVIRONMENT)
        }
    }
}

/// `python -P -m pycandle`, where `-P` keeps modules of the working directory from being imported
/// in place of real ones.
fn command() -> Result<Command, String> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let named = variable("PYCANDLE_PYTHON");
    let (virtual_env, conda_prefix) = (variable("VIRTUAL_ENV"), variable("CONDA_PREFIX"));
    let directory = std::env::current_dir()
        .map_err(|error| format!("the working directory cannot be read: {error}"))?;
    let interpreter = python::find(&Search {
        variable: named.as_deref(),
        metadata: None,
        directory: &directory,
        virtual_env: virtual_env.as_deref(),
        conda_prefix: conda_prefix.as_deref(),
    })
    .map_err(|not_found| explain(&not_found))?;
    let mut command = Command::new(interpreter.program);
    command
        .args(["-P", "-m", "pycandle"])
        .args(std::env::args_os().skip(1));
    Ok(command)
}

fn explain(not_found: &NotFound) -> String {
    let mut lines = vec!["no Python with pycandle was found".to_owned()];
    lines.extend(
        not_found
            .tried
            .iter()
            .map(|tried| format!("  where: {tried}")),
    );
    lines.push(format!(
        "  fix:   `pip install pycandle-rs=={VERSION}` and name that Python in PYCANDLE_PYTHON"
    ));
    lines.join("\n")
}

/// Becomes the command, so that signals and the exit status are its own.
#[cfg(unix)]
fn forward(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt;

    failed(&command.exec())
}

/// Runs the command and returns its exit status; the console sends its signals to both.
#[cfg(not(unix))]
fn forward(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => failed(&error),
    }
}

fn failed(error: &std::io::Error) -> ExitCode {
    eprintln!("error: Python cannot be run: {error}");
    ExitCode::from(ENVIRONMENT)
}
