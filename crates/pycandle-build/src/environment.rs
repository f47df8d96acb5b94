//! What a build script is told through environment variables, as a value.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Blocked, Error};
use crate::python::Search;

/// The variables whose change runs the build script again.
///
/// `PATH` and `VIRTUAL_ENV` are not among them: which interpreter runs does not change what is
/// generated, and an editor with another `PATH` than the shell would rebuild everything.
pub const WATCHED: [&str; 3] = ["PYCANDLE_PYTHON", "PYCANDLE_OFFLINE", "DOCS_RS"];

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
}

impl Environment {
    /// Reads the variables through `variable`; an empty one counts as not set.
    ///
    /// # Errors
    /// If cargo's own variables are missing: this is no build script.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
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
            docs_rs: get("DOCS_RS").is_some(),
            virtual_env: get("VIRTUAL_ENV").map(PathBuf::from),
            conda_prefix: get("CONDA_PREFIX").map(PathBuf::from),
        })
    }

    /// The folder that `include_model!` reads.
    pub fn generated_dir(&self) -> PathBuf {
        self.out_dir.join("pycandle")
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
