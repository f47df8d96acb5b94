//! `cargo xtask`: the commands of this repository that must work on a machine with nothing but Cargo and Python.
//!
//! It must know nothing of the compiler beyond its command line.

mod bootstrap;
mod demo;
mod minilm;
mod step;
mod test;
mod tidy;
mod vet;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
Usage: cargo xtask <command>

Commands:
  demo [SENTENCE]...  port a sentence encoder to Rust, run it beside PyTorch and show the difference
  test                every check of the project, as the continuous integration runs it
  tidy                the rules of the tree: file sizes, code map, versions, names
  vet                 whether Rust on standard input holds only what the emitter writes

demo and test need CPython 3.11 or later; they make .venv and fetch what is pinned in requirements/.
PYCANDLE_PYTHON names another interpreter than the first one on PATH.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let root = root()?;
    match arguments.split_first() {
        None => println!("{HELP}"),
        Some((command, rest)) => match (command.as_str(), rest) {
            ("help" | "--help" | "-h", _) => println!("{HELP}"),
            ("demo", [option]) if option == "--help" || option == "-h" => println!("{HELP}"),
            ("demo", sentences) => demo::run(&root, sentences)?,
            ("test", []) => test::run(&root)?,
            ("tidy", []) => tidy::run(&root)?,
            ("vet", []) => vet::run()?,
            ("test" | "tidy" | "vet", _) => bail!("`cargo xtask {command}` takes no arguments"),
            _ => bail!("no command `{command}`; `cargo xtask help` lists them"),
        },
    }
    Ok(())
}

/// The repository: the folder above this crate's.
fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root =
        root.context("xtask must lie inside the repository; run it there with `cargo xtask`")?;
    Ok(root.to_path_buf())
}
