//! The build-script bridge of PyCandle: keeps generated Rust in step with its recording.
//!
//! A crate that uses a recorded model has three files. `Cargo.toml`:
//!
//! ```toml
//! [dependencies]
//! candle-core = "0.11"
//! candle-nn = "0.11"
//! pycandle-runtime = "0.1"
//!
//! [build-dependencies]
//! pycandle-build = "0.1"
//!
//! [package.metadata.pycandle]
//! manifests = ["models/minilm_manifest.json"]  # makes the module `minilm`
//! generated = "src/generated"                  # the default: where `pycandle sync` writes
//! python = "../.venv/bin/python"               # optional, relative to the crate
//!
//! [package.metadata.pycandle.models.minilm]    # optional, as is each of its keys
//! model = "MiniLm"                             # the root struct's name, else the class's own
//! module = "minilm"                            # the Rust module, else the manifest's file name
//! features = ["embeddings"]                    # leaves the model out unless all of them are on
//! checker = false                              # code without parity checks; tests still have them
//! stateful = true                              # adds a struct that keeps state between calls
//! dtype = "f32"                                # what weights are loaded in, whatever `vb` says
//! fuse = false                                 # a call of its own for each op
//! ```
//!
//! `build.rs`:
//!
//! ```ignore
//! fn main() {
//!     pycandle_build::compile()
//! }
//! ```
//!
//! `src/lib.rs`:
//!
//! ```ignore
//! pub mod minilm {
//!     pycandle_runtime::include_model!("minilm");
//! }
//! ```
//!
//! If the checked-in files carry the [`digest`] of the manifest, of this version and of the
//! options, they are copied to `OUT_DIR` and no process is started.
//! If not, Python generates them into `OUT_DIR`, and a warning asks for `pycandle sync`.
//! Without Python, or where it must not run (`PYCANDLE_OFFLINE`, docs.rs, a published crate), the
//! build fails with one error. Stale code is never used, and `src` is never written to.
//!
//! With `PYCANDLE_PROFILE=1` the files in `OUT_DIR` are copies whose modules and ops are timed, as
//! `pycandle_runtime::profile` tells.

pub mod digest;
pub mod environment;
pub mod error;
pub mod metadata;
pub mod output;
pub mod python;

mod generate;
mod names;
mod profile;
mod settings;
mod tokens;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::digest::Freshness;
use crate::environment::Environment;
use crate::error::{Blocked, Error};
use crate::metadata::{Metadata, Model};
use crate::python::Interpreter;

/// Brings every model that `[package.metadata.pycandle]` lists into `OUT_DIR/pycandle`.
///
/// To be called from `build.rs`. A failure is told to cargo, which fails the build; the process
/// exits with 0 even then, since cargo would else print all output of the script around the error.
pub fn compile() {
    match Environment::new(std::env::vars_os()) {
        Ok(environment) => {
            for directive in run(&environment) {
                println!("{directive}");
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}

/// What [`compile`] does, returning the lines for cargo.
pub fn run(environment: &Environment) -> Vec<String> {
    let mut directives = vec!["cargo::rerun-if-changed=Cargo.toml".to_owned()];
    directives.extend(
        environment::WATCHED.map(|variable| format!("cargo::rerun-if-env-changed={variable}")),
    );
    let errors = match Metadata::read(&environment.crate_dir, &environment.overrides) {
        Ok(mut metadata) => {
            directives.extend(watched_variables(&metadata));
            metadata.models.retain(|model| environment.wants(model));
            directives.extend(watched(&environment.crate_dir, &metadata));
            let outcome = build(environment, &metadata);
            directives.extend(outcome.warnings);
            outcome.errors
        }
        Err(error) => match output::keep_only(&environment.generated_dir(), &BTreeSet::new()) {
            Ok(()) => vec![error],
            Err(also) => vec![error, also],
        },
    };
    for error in errors {
        let lines = error.lines();
        directives.extend(lines.iter().map(|line| format!("cargo::error={line}")));
    }
    directives
}

#[derive(Default)]
struct Outcome {
    warnings: Vec<String>,
    errors: Vec<Error>,
}

fn build(environment: &Environment, metadata: &Metadata) -> Outcome {
    let mut outcome = Outcome::default();
    let mut stale = Vec::new();
    for model in &metadata.models {
        let files = model.files();
        match digest::freshness(&environment.crate_dir, metadata, model) {
            Ok(Freshness::Fresh(contents)) => {
                for (file, content) in files.iter().zip(contents) {
                    let path = environment.generated_dir().join(file);
                    let content = environment.handed_out(content);
                    if let Err(error) = output::write_if_changed(&path, &content) {
                        outcome.errors.push(error);
                    }
                }
            }
            Ok(Freshness::Stale { digest, reason }) => stale.push(StaleModel {
                model,
                digest,
                reason,
            }),
            Err(error) => {
                outcome
                    .errors
                    .extend(output::refuse(environment, model, &error));
                outcome.errors.push(error);
            }
        }
    }
    if !stale.is_empty() {
        regenerate(environment, metadata, &stale, &mut outcome);
    }
    let expected: BTreeSet<String> = metadata
        .models
        .iter()
        .flat_map(|model| model.files())
        .collect();
    if let Err(error) = output::keep_only(&environment.generated_dir(), &expected) {
        outcome.errors.push(error);
    }
    outcome
}

struct StaleModel<'a> {
    model: &'a Model,
    digest: String,
    reason: String,
}

fn regenerate(
    environment: &Environment,
    metadata: &Metadata,
    stale: &[StaleModel],
    outcome: &mut Outcome,
) {
    let interpreter = match interpreter(environment, metadata) {
        Ok(interpreter) => interpreter,
        Err(blocked) => {
            let error = Error::Stale {
                models: stale
                    .iter()
                    .map(|stale| (stale.model.manifest.clone(), stale.reason.clone()))
                    .collect(),
                generated: metadata.generated.clone(),
                blocked,
            };
            for stale in stale {
                outcome
                    .errors
                    .extend(output::refuse(environment, stale.model, &error));
            }
            outcome.errors.push(error);
            return;
        }
    };
    for StaleModel {
        model,
        digest,
        reason,
    } in stale
    {
        match generate::generate(environment, &interpreter, model, digest) {
            Ok(()) => outcome.warnings.push(format!(
                "cargo::warning={reason}: built from code generated for this build only; \
                 run `pycandle sync` and commit {}",
                metadata.generated
            )),
            Err(error) => {
                outcome
                    .errors
                    .extend(output::refuse(environment, model, &error));
                outcome.errors.push(error);
            }
        }
    }
}

/// The Python that may run for this build.
fn interpreter(environment: &Environment, metadata: &Metadata) -> Result<Interpreter, Blocked> {
    if let Some(blocked) = environment.blocked() {
        return Err(blocked);
    }
    let search = environment.search(metadata.python.as_deref());
    python::find(&search).map_err(Blocked::NoPython)
}

/// The variables that override what `Cargo.toml` says of a model.
fn watched_variables(metadata: &Metadata) -> Vec<String> {
    let models = metadata.models.iter();
    models
        .flat_map(|model| metadata::model_variables(names::stem(&model.manifest)))
        .map(|variable| format!("cargo::rerun-if-env-changed={variable}"))
        .collect()
}

/// The files whose change must run the build script again, relative to the crate.
///
/// A path that does not exist would run it on every build, so for a checked-in file that is
/// missing the nearest folder that exists is watched; never the crate itself, which holds `target`.
fn watched(crate_dir: &Path, metadata: &Metadata) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for model in &metadata.models {
        if crate_dir.join(&model.manifest).is_file() {
            paths.insert(PathBuf::from(&model.manifest));
        }
        for file in model.files() {
            let file = Path::new(&metadata.generated).join(file);
            let existing = file
                .ancestors()
                .filter(|path| !path.as_os_str().is_empty())
                .find(|path| crate_dir.join(path).exists());
            paths.extend(existing.map(Path::to_owned));
        }
    }
    paths
        .into_iter()
        .map(|path| format!("cargo::rerun-if-changed={}", path.display()))
        .collect()
}

#[cfg(test)]
mod tests;
