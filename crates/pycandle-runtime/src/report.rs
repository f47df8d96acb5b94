//! What a parity run found, as a value that prints.

use std::fmt;

use candle_core::{Error, Result};

use crate::check::Mode;
use crate::compare::{Status, Verdict};
use crate::manifest::label;
use crate::results::Output;
use serde::Serialize;

/// Every module call of a run, in the order in which it was judged.
#[derive(Debug, Clone)]
pub struct Report {
    pub name: String,
    pub mode: Mode,
    pub rows: Vec<Row>,
    /// What is wrong with the weights of what to look at first.
    pub weights: Vec<String>,
}

/// One module call.
#[derive(Debug, Clone)]
pub struct Row {
    pub case: String,
    pub path: String,
    pub call: usize,
    pub class: String,
    /// Python file and line of the class's `forward`; empty if unknown.
    pub source: String,
    /// Python file and line of the call; empty for the root.
    pub site: String,
    /// Rust file and line of its `forward`, or of where a layer is loaded; empty if unknown.
    pub rust: String,
    pub outcome: Outcome,
    /// What was compared, output by output; empty where nothing was.
    pub outputs: Vec<Output>,
}

/// What became of a module call.
#[derive(Debug, Clone)]
pub enum Outcome {
    Compared(Verdict),
    /// It computes nothing, so the generated code has no such module.
    Elided,
    /// It was recorded, and the run did not compare it.
    Missing,
}

/// How many module calls came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub uninformative: usize,
    pub elided: usize,
    pub missing: usize,
}

impl Counts {
    /// Module calls that were compared.
    pub fn compared(&self) -> usize {
        self.passed + self.failed + self.uninformative
    }

    /// Module calls that had to be compared.
    pub fn expected(&self) -> usize {
        self.compared() + self.missing
    }
}

impl Report {
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            *match &row.outcome {
                Outcome::Elided => &mut counts.elided,
                Outcome::Missing => &mut counts.missing,
                Outcome::Compared(verdict) => match verdict.status {
                    Status::Passed => &mut counts.passed,
                    Status::Failed => &mut counts.failed,
                    Status::Uninformative => &mut counts.uninformative,
                },
            } += 1;
        }
        counts
    }

    /// The module call to look at first: the first that differs although all its parts agree.
    pub fn culprit(&self) -> Option<&Row> {
        let failed = || self.rows.iter().filter(|row| row.failed());
        failed().find(|row| !failed().any(|part| part.is_inside(row)))
    }

    /// # Errors
    /// In one line, if a module call differs or was not compared, or if nothing was compared well.
    pub fn verdict(&self) -> Result<()> {
        let counts = self.counts();
        let title = format!("{}, {}", self.name, self.mode);
        if let Some(culprit) = self.culprit() {
            let (failed, expected) = (counts.failed, counts.expected());
            let mut what = format!("{failed} of {expected} module calls differ, first {culprit}");
            if let Some(line) = self.weights.first() {
                what.push_str(&format!(". Is it another checkpoint? {line}"));
            }
            return Err(Error::Msg(format!("{title}: {what}")));
        }
        let missing = self
            .rows
            .iter()
            .find(|row| matches!(row.outcome, Outcome::Missing));
        if let Some(row) = missing {
            let what = format!(
                "{} module calls were not compared, first {row}",
                counts.missing
            );
            return Err(Error::Msg(format!("{title}: {what}")));
        }
        if counts.passed == 0 {
            return Err(Error::Msg(format!(
                "{title}: nothing was compared, so nothing is proved"
            )));
        }
        Ok(())
    }
}

impl Row {
    /// Whether the module call differs from PyTorch's.
    pub fn failed(&self) -> bool {
        matches!(&self.outcome, Outcome::Compared(verdict) if verdict.failed())
    }

    /// Whether this is a call of a submodule of `other`, in the same case.
    fn is_inside(&self, other: &Self) -> bool {
        let inside = match self.path.strip_prefix(&other.path) {
            Some(rest) if other.path.is_empty() => !rest.is_empty(),
            Some(rest) => rest.starts_with('.'),
            None => false,
        };
        inside && self.case == other.case
    }
}

/// The whole report: a line per module call, the failures again, and a summary.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .rows
            .iter()
            .map(|row| label(&row.path, row.call).len())
            .max()
            .unwrap_or(0);
        let class = self
            .rows
            .iter()
            .map(|row| row.class.len())
            .max()
            .unwrap_or(0);
        let mut case = "";
        for row in &self.rows {
            if row.case != case {
                case = &row.case;
                writeln!(f, "{} {}, case {case}", self.name, self.mode)?;
            }
            let place = label(&row.path, row.call);
            write!(
                f,
                "  {:<4}  {place:<width$}  {:<class$}",
                row.outcome.word(),
                row.class
            )?;
            match &row.outcome {
                Outcome::Compared(verdict) if verdict.limit > 0.0 => writeln!(
                    f,
                    "  error {:.1e}  torch {:.1e}  limit {:.1e}",
                    verdict.error, verdict.torch_error, verdict.limit
                )?,
                Outcome::Compared(verdict) if verdict.passed() => writeln!(f, "  exact")?,
                _ => writeln!(f)?,
            }
        }
        for row in &self.rows {
            if !row.outcome.is_fine() {
                writeln!(f, "{row}")?;
            }
        }
        if let Some(culprit) = self.culprit() {
            writeln!(f, "first culprit: {culprit}")?;
        }
        for line in &self.weights {
            writeln!(f, "  another checkpoint? {line}")?;
        }
        let counts = self.counts();
        writeln!(
            f,
            "{} {}: {} of {} module calls compared; {} passed, {} failed, {} uninformative, {} elided",
            self.name,
            self.mode,
            counts.compared(),
            counts.expected(),
            counts.passed,
            counts.failed,
            counts.uninformative,
            counts.elided
        )
    }
}

/// One line: which module, where it is from, and what is wrong with it.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", label(&self.path, self.call), self.class)?;
        if !self.source.is_empty() {
            write!(f, ", {}", self.source)?;
        }
        if !self.site.is_empty() {
            write!(f, ", called at {}", self.site)?;
        }
        if let Some(name) = self
            .rust
            .rsplit(['/', '\\'])
            .next()
            .filter(|n| !n.is_empty())
        {
            write!(f, ", in Rust {name}")?;
        }
        write!(f, ") in case {}: ", self.case)?;
        match &self.outcome {
            Outcome::Elided => write!(f, "elided"),
            Outcome::Missing => write!(f, "was recorded, but not compared"),
            Outcome::Compared(verdict) => match verdict.status {
                Status::Passed => write!(f, "matches PyTorch"),
                Status::Failed => write!(f, "differs from PyTorch: {}", verdict.reason),
                Status::Uninformative => write!(f, "says nothing: {}", verdict.reason),
            },
        }
    }
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Elided => "none",
            Self::Missing => "MISS",
            Self::Compared(verdict) => match verdict.status {
                Status::Passed => "ok",
                Status::Failed => "FAIL",
                Status::Uninformative => "????",
            },
        }
    }

    fn is_fine(&self) -> bool {
        match self {
            Self::Elided => true,
            Self::Missing => false,
            Self::Compared(verdict) => verdict.passed(),
        }
    }
}
