//! What a build script is told through environment variables, as a value.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Blocked, Error};
use crate::metadata::Model;
use crate::profile::instrumented;
use crate::python::Search;

/// The variables whose change runs the build script again, beside those that override a model's own
/// settings.
///
/// `PATH` and `VIRTUAL_ENV` are not among them: which interpreter runs does not change what is
/// generated, and an editor with another `PATH` than the shell would rebuild everything.
pub const WATCHED: [&str; 6] = [
    "PYCANDLE_PYTHON",
    "PYCANDLE_OFFLINE",
    "DOCS_RS",
    "PYCANDLE_MANIFESTS",
    "PYCANDLE_GENERATED",
    "PYCANDLE_PROFILE",
];

/// The surroundings of one run of a build script.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `CARGO_MANIFEST_DIR`: the crate that is built.
    pub crate_dir: PathBuf,
    /// `OUT_DIR`: the only place that may be written to.
    pub out_dir: PathBuf,
    /// `PYCANDLE_PYTHON`: the interpreter to use, and no other.
    pub python: Option<OsString>,
    /// `PYCANDLE_OFFLINE` is set to something else than `0`: never start a process.
    pub offline: bool,
    /// `DOCS_RS` is set.
    pub docs_rs: bool,
    /// `VIRTUAL_ENV`.
    pub virtual_env: Option<PathBuf>,
    /// `CONDA_PREFIX`.
    pub conda_prefix: Option<PathBuf>,
    /// `PYCANDLE_PROFILE` is set to something else than `0`: hand out code that is timed.
    pub profile: bool,
    /// Every other `PYCANDLE_…`, some of which override what `Cargo.toml` says.
    pub overrides: BTreeMap<String, String>,
    /// The `…` of every `CARGO_FEATURE_…`.
    pub features: BTreeSet<String>,
}

impl Environment {
    /// Takes what is needed from all variables; an empty one counts as not set.
    ///
    /// # Errors
    /// If cargo's own variables are missing: this is no build script.
    pub fn new(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Self, Error> {
        let variables: BTreeMap<String, OsString> = variables
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .collect();
        let get = |name: &str| variables.get(name).cloned();
        let required = |name: &'static str| {
            get(name)
                .map(PathBuf::from)
                .ok_or(Error::OutsideBuildScript { variable: name })
        };
        Ok(Self {
            crate_dir: required("CARGO_MANIFEST_DIR")?,
            out_dir: required("OUT_DIR")?,
            python: get("PYCANDLE_PYTHON"),
            offline: get("PYCANDLE_OFFLINE").is_some_and(|value| value != "0"),
            profile: get("PYCANDLE_PROFILE").is_some_and(|value| value != "0"),
            docs_rs: get("DOCS_RS").is_some(),
            virtual_env: get("VIRTUAL_ENV").map(PathBuf::from),
            conda_prefix: get("CONDA_PREFIX").map(PathBuf::from),
            overrides: variables
                .iter()
                .filter(|(name, _)| name.starts_with("PYCANDLE_"))
                .map(|(name, value)| (name.clone(), value.to_string_lossy().into_owned()))
                .collect(),
            features: variables
                .keys()
                .filter_map(|name| name.strip_prefix("CARGO_FEATURE_"))
                .map(str::to_owned)
                .collect(),
        })
    }

    /// The folder that `include_model!` reads.
    pub fn generated_dir(&self) -> PathBuf {
        self.out_dir.join("pycandle")
    }

    /// A generated file as it is compiled.
    pub fn handed_out(&self, content: Vec<u8>) -> Vec<u8> {
        match String::from_utf8(content) {
            Ok(code) if self.profile => instrumented(&code).into_bytes(),
            Ok(code) => code.into_bytes(),
            // What is no text says rustc best.
            Err(error) => error.into_bytes(),
        }
    }

    /// Why Python must not run here, if so.
    pub fn blocked(&self) -> Option<Blocked> {
        if self.offline {
            Some(Blocked::Offline)
        } else if self.docs_rs {
            Some(Blocked::DocsRs)
        } else if self.crate_dir.join(".cargo_vcs_info.json").exists() {
            Some(Blocked::Published)
        } else {
            None
        }
    }

    /// Whether all features are on that the model is for.
    pub fn wants(&self, model: &Model) -> bool {
        let variable = |feature: &String| feature.to_uppercase().replace('-', "_");
        let mut variables = model.features.iter().map(variable);
        variables.all(|variable| self.features.contains(&variable))
    }

    /// Where to look for an interpreter; `metadata_python` is what `Cargo.toml` names.
    pub fn search<'a>(&'a self, metadata_python: Option<&'a Path>) -> Search<'a> {
        Search {
            variable: self.python.as_deref().map(Path::new),
            metadata: metadata_python,
            directory: &self.crate_dir,
            virtual_env: self.virtual_env.as_deref(),
            conda_prefix: self.conda_prefix.as_deref(),
        }
    }
}
