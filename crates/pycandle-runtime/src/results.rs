//! Writes what a parity run finds as it goes, one JSON document a line, so that a crash loses
//! nothing and a reader can follow.
//!
//! The first line tells of the run, each line after it of a module call, and the last one sums up;
//! a file without that was cut short. `pycandle verify` reads them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use candle_core::{Error, Result, Tensor};
use serde::Serialize;

use crate::check::Mode;
use crate::compare::{Status, Verdict};
use crate::report::{Counts, Outcome, Report, Row};
use crate::statistics::Statistics;
use crate::tensors::Tensors;

/// The version of the lines' form.
const SCHEMA_VERSION: u32 = 3;
/// Names the folder that results go to; empty for none.
pub const VARIABLE: &str = "PYCANDLE_RESULTS";

/// An open file of results.
#[derive(Debug)]
pub struct Results {
    file: Mutex<File>,
    tensors: Mutex<Tensors>,
    path: PathBuf,
    start: Instant,
}

/// One output of a module call beside PyTorch's.
#[derive(Debug, Clone, Serialize)]
pub struct Output {
    /// Where it is in what the module returns; empty for the only tensor.
    pub name: String,
    /// What PyTorch gave, by its key in the trace; empty if it gave no tensor.
    pub golden: String,
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// None where shapes differ.
    pub statistics: Option<Statistics>,
}

/// What is told of a run before its first module call.
#[derive(Debug, Clone, Serialize)]
pub struct Run<'a> {
    pub name: &'a str,
    pub mode: Mode,
    pub manifest: String,
    pub digest: &'a str,
    pub device: String,
    pub cases: Vec<&'a str>,
    /// Module calls that are expected, those of all cases, elided ones included.
    pub calls: usize,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Run {
        schema_version: u32,
        version: &'a str,
        #[serde(flatten)]
        run: &'a Run<'a>,
    },
    Call {
        case: &'a str,
        path: &'a str,
        call: usize,
        class: &'a str,
        source: &'a str,
        site: &'a str,
        rust: &'a str,
        outcome: &'a str,
        reason: &'a str,
        outputs: &'a [Output],
        /// The file of its outputs as Rust gave them, below the folder of results; perhaps none.
        tensors: Option<String>,
        seconds: f64,
    },
    End {
        #[serde(flatten)]
        counts: Counts,
        /// The path and call of what to look at first, and its case.
        culprit: Option<(&'a str, usize, &'a str)>,
        /// What is wrong with its weights, a line each.
        weights: &'a [String],
        seconds: f64,
    },
}

impl Results {
    /// Begins the results of a run in the folder that [`VARIABLE`] names, else in
    /// `.pycandle/results` of the crate in `root`, if it has a `.pycandle`; else there are none.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn begin(root: &Path, run: &Run) -> Result<Option<Self>> {
        let managed = root.join(".pycandle");
        let folder = match std::env::var_os(VARIABLE) {
            Some(folder) if folder.is_empty() => return Ok(None),
            Some(folder) => PathBuf::from(folder),
            None if managed.is_dir() => managed.join("results"),
            None => return Ok(None),
        };
        let name = format!("{}.{}", run.name, run.mode);
        let path = folder.join(format!("{name}.jsonl"));
        let file = fs::create_dir_all(&folder).and_then(|()| File::create(&path));
        let results = Self {
            file: Mutex::new(file.map_err(|error| unwritten(&path, &error))?),
            tensors: Mutex::new(Tensors::begin(folder.join(name))?),
            path,
            start: Instant::now(),
        };
        results.write(&Line::Run {
            schema_version: SCHEMA_VERSION,
            version: crate::VERSION,
            run,
        })?;
        Ok(Some(results))
    }

    /// Tells of a module call, and keeps what it gave if that is asked for.
    pub fn tell(&self, row: &Row, outputs: &[&Tensor]) -> Result<()> {
        let mut tensors = self.tensors.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, reason) = match &row.outcome {
            Outcome::Elided => ("elided", ""),
            Outcome::Missing => ("missing", ""),
            Outcome::Compared(verdict) => (
                match verdict.status {
                    Status::Passed => "passed",
                    Status::Failed => "failed",
                    Status::Uninformative => "uninformative",
                },
                verdict.reason.as_str(),
            ),
        };
        self.write(&Line::Call {
            case: &row.case,
            path: &row.path,
            call: row.call,
            class: &row.class,
            source: &row.source,
            site: &row.site,
            rust: &row.rust,
            outcome,
            reason,
            outputs: &row.outputs,
            tensors: tensors.keep(row.failed(), outputs)?,
            seconds: self.start.elapsed().as_secs_f64(),
        })
    }

    /// Sums up a run that came to its end.
    pub fn end(&self, report: &Report) -> Result<()> {
        let culprit = report.culprit();
        self.write(&Line::End {
            counts: report.counts(),
            culprit: culprit.map(|row| (row.path.as_str(), row.call, row.case.as_str())),
            weights: &report.weights,
            seconds: self.start.elapsed().as_secs_f64(),
        })
    }

    fn write(&self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line).map_err(Error::wrap)?;
        text.push('\n');
        // One write a line: a reader sees it whole or not at all.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes())
            .map_err(|error| unwritten(&self.path, &error))
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Error {
    Error::Msg(format!(
        "{} cannot be written: {error}. Set {VARIABLE} to a folder for results, or to nothing",
        path.display()
    ))
}
