//! Runs a generated model against its recording, module by module; what generated tests call.
//!
//! *Isolated*: each module call is fed its golden inputs, so that blame is exact.
//! *Cumulative*: the whole model runs as in production, and every module is watched.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Error, Result, Tensor};
use candle_nn::VarBuilder;

use crate::bench;
use crate::check::{Mode, PyChecker};
use crate::checkpoint;
use crate::compare::Verdict;
use crate::drill;
use crate::manifest::{self, Manifest, label};
use crate::report::{Outcome, Report, Row};
use crate::results::{Results, Run};

/// A generated model, and what its parity run must compare.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    pub name: &'static str,
    /// The manifest's path, relative to `root`; the trace lies beside it.
    pub manifest: &'static str,
    /// The crate's folder, `env!("CARGO_MANIFEST_DIR")`.
    pub root: &'static str,
    /// What the generated files carry in their header.
    pub digest: &'static str,
    /// The code generator's options, as they enter the digest.
    pub options: &'static str,
    /// Every module call of the recording, in call order.
    pub regions: &'static [Region],
}

/// A module call that the run must compare.
#[derive(Debug, Clone, Copy)]
pub struct Region {
    pub path: &'static str,
    pub call: usize,
    /// Golden keys of the tensors that the generated `forward` takes, in its order.
    pub inputs: &'static [&'static str],
    /// It computes nothing, so the generated code has no such module.
    pub elided: bool,
}

/// The golden inputs of one module call, and the sizes of its case.
#[derive(Debug, Clone)]
pub struct Inputs {
    tensors: Vec<Tensor>,
    sizes: BTreeMap<String, usize>,
    call: usize,
}

impl Inputs {
    pub fn new(tensors: Vec<Tensor>, sizes: BTreeMap<String, usize>) -> Self {
        Self {
            tensors,
            sizes,
            call: 0,
        }
    }

    /// The same as the inputs of another call of the module than its first.
    pub fn of_call(self, call: usize) -> Self {
        Self { call, ..self }
    }

    /// Which call of the module they are the inputs of, from 0; it may decide what is computed.
    pub fn call(&self) -> usize {
        self.call
    }

    /// An input tensor by its place.
    pub fn tensor(&self, index: usize) -> Result<&Tensor> {
        self.tensors.get(index).ok_or_else(|| {
            Error::Msg(format!(
                "input {index} is missing; {} are recorded",
                self.tensors.len()
            ))
        })
    }

    /// The input tensors from a place on, but for so many at the end.
    pub fn tensors(&self, first: usize, after: usize) -> Result<&[Tensor]> {
        let end = self.tensors.len().saturating_sub(after);
        self.tensors.get(first..end).ok_or_else(|| {
            Error::Msg(format!(
                "inputs {first}.. are missing; {} are recorded",
                self.tensors.len()
            ))
        })
    }

    /// An input tensor by its place from the end, where the last is 1.
    pub fn from_end(&self, place: usize) -> Result<&Tensor> {
        self.tensor(self.tensors.len().wrapping_sub(place))
    }

    /// The size of a symbolic axis.
    pub fn size(&self, symbol: &str) -> Result<usize> {
        let size = self.sizes.get(symbol).copied();
        size.ok_or_else(|| Error::Msg(format!("the recording has no size {symbol:?}")))
    }
}

/// A module whose parts can be called by path, each with inputs of its own.
pub trait Isolated {
    /// Calls the module at `path` below this one (`""` is this one), and gives its outputs.
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>>;
}

impl<T: Isolated> Isolated for Vec<T> {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        let (index, rest) = step(path);
        match index.parse().ok().and_then(|index: usize| self.get(index)) {
            Some(module) => module.call(rest, inputs),
            None => unknown(path),
        }
    }
}

/// The first component of a path, and the rest; `("", "")` at its end.
pub fn step(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

/// The error of a path that leads nowhere.
pub fn unknown<T>(path: &str) -> Result<T> {
    Err(Error::Msg(format!(
        "the generated model has no module at {path:?}"
    )))
}

/// Tests each module call alone. Prints a report; an error names the first culprit.
pub fn isolated<M: Isolated>(
    spec: &Spec,
    load: impl FnMut(VarBuilder<'static>, Option<PyChecker>) -> Result<M>,
) -> Result<()> {
    conclude(&run_isolated(spec, load)?)
}

/// Tests the whole model with every module watched. Prints a report; an error names the culprit.
///
/// Where [`bench::VARIABLE`] is set it is measured instead, and nothing is compared.
pub fn cumulative<M>(
    spec: &Spec,
    load: impl FnMut(VarBuilder<'static>, Option<PyChecker>) -> Result<M>,
    forward: impl FnMut(&M, &Inputs) -> Result<Vec<Tensor>>,
) -> Result<()> {
    if let Some(folder) = bench::folder() {
        return bench::run(spec, &folder, load, forward);
    }
    conclude(&run_cumulative(spec, load, forward)?)
}

/// Tests that the generated Rust belongs to the manifest on disk, which Cargo can miss when a
/// file's time did not change.
pub fn digest(spec: &Spec) -> Result<()> {
    let path = spec.manifest_path();
    let found = manifest::digest(spec.options, &manifest::read_bytes(&path)?);
    if found != spec.digest {
        candle_core::bail!(
            "the Rust of {} was generated from another {}, by another version or with other \
             options. Run `pycandle sync`, then `cargo clean -p` this crate if it persists",
            spec.name,
            path.display()
        )
    }
    Ok(())
}

fn conclude(report: &Report) -> Result<()> {
    print!("{report}");
    report.verdict()
}

/// Feeds each module call its golden inputs, in all cases.
pub fn run_isolated<M: Isolated>(
    spec: &Spec,
    mut load: impl FnMut(VarBuilder<'static>, Option<PyChecker>) -> Result<M>,
) -> Result<Report> {
    let checker = spec.checker()?.isolated();
    let model = load(spec.weights(checker.manifest())?, Some(checker.silent()))?;
    if let Some(folder) = drill::folder()
        && drill::run(spec, &folder, &model, &checker)?
    {
        return Ok(checker.report());
    }
    let results = spec.results(&checker, Mode::Isolated)?;
    let checker = checker.telling(results.clone());
    let mut report = checker.report();
    for case in &checker.manifest().cases {
        let checker = checker.case(&case.name)?;
        for (region, recorded) in spec.regions.iter().zip(&checker.manifest().regions) {
            let outputs = || {
                let inputs = checker.inputs(region.inputs)?;
                model.call(region.path, &inputs.of_call(region.call))
            };
            let outputs = (!region.elided).then(outputs).transpose();
            let given: Vec<_> = outputs.iter().flatten().flatten().collect();
            let row = match &outputs {
                Ok(None) => checker.row(recorded, Outcome::Elided),
                Ok(Some(_)) => checker.compare(recorded, &given)?,
                Err(error) => checker.row(recorded, failed_to_run(error)),
            };
            tell(&results, &row, &given)?;
            report.rows.push(row);
        }
    }
    blame(&mut report, spec, &checker)?;
    end(&results, &report)?;
    Ok(report)
}

/// Runs the whole model with a collecting checker, in all cases.
pub fn run_cumulative<M>(
    spec: &Spec,
    mut load: impl FnMut(VarBuilder<'static>, Option<PyChecker>) -> Result<M>,
    mut forward: impl FnMut(&M, &Inputs) -> Result<Vec<Tensor>>,
) -> Result<Report> {
    let checker = spec.checker()?.collecting();
    let weights = spec.weights(checker.manifest())?;
    let results = spec.results(&checker, Mode::Cumulative)?;
    let checker = checker.telling(results.clone());
    let mut report = checker.report();
    for case in &checker.manifest().cases {
        let checker = checker.case(&case.name)?;
        let model = load(weights.clone(), Some(checker.clone()))?;
        let root = spec.regions.first().map_or(&[][..], |region| region.inputs);
        let result = checker
            .inputs(root)
            .and_then(|inputs| forward(&model, &inputs));
        let rows = checker.report().rows;
        let compared: HashSet<_> = rows
            .iter()
            .map(|row| (row.path.clone(), row.call))
            .collect();
        report.rows.extend(rows);
        for (region, recorded) in spec.regions.iter().zip(&checker.manifest().regions) {
            let outcome = match &result {
                _ if region.elided => Outcome::Elided,
                _ if compared.contains(&(recorded.path.clone(), recorded.call)) => continue,
                Err(error) if recorded.path.is_empty() => failed_to_run(error),
                _ => Outcome::Missing,
            };
            let row = checker.row(recorded, outcome);
            tell(&results, &row, &[])?;
            report.rows.push(row);
        }
    }
    blame(&mut report, spec, &checker)?;
    end(&results, &report)?;
    Ok(report)
}

fn tell(results: &Option<Arc<Results>>, row: &Row, outputs: &[&Tensor]) -> Result<()> {
    let results = results.as_ref();
    results.map_or(Ok(()), |results| results.tell(row, outputs))
}

/// Looks whether the checkpoint is to blame for what differs.
fn blame(report: &mut Report, spec: &Spec, checker: &PyChecker) -> Result<()> {
    if let Some(culprit) = report.culprit() {
        report.weights =
            checker.weights(&checkpoint::open(spec.name, &spec.folder())?, &culprit.path)?;
    }
    Ok(())
}

fn end(results: &Option<Arc<Results>>, report: &Report) -> Result<()> {
    let results = results.as_ref();
    results.map_or(Ok(()), |results| results.end(report))
}

fn failed_to_run(error: &Error) -> Outcome {
    let mut error = error;
    // A report has a line for each module; of a backtrace it would have hundreds.
    while let Error::WithBacktrace { inner, .. } = error {
        error = inner;
    }
    Outcome::Compared(Verdict::failure(format!("it did not run: {error}")))
}

impl Spec {
    fn manifest_path(&self) -> PathBuf {
        Path::new(self.root).join(self.manifest)
    }

    fn folder(&self) -> PathBuf {
        self.manifest_path()
            .parent()
            .unwrap_or(Path::new(""))
            .to_path_buf()
    }

    /// Where the run tells what it finds, if it is to.
    fn results(&self, checker: &PyChecker, mode: Mode) -> Result<Option<Arc<Results>>> {
        let cases = &checker.manifest().cases;
        let run = Run {
            name: self.name,
            mode,
            manifest: self.manifest_path().display().to_string(),
            digest: self.digest,
            device: std::env::var("PYCANDLE_DEVICE").unwrap_or_else(|_| "cpu".to_string()),
            cases: cases.iter().map(|case| case.name.as_str()).collect(),
            calls: cases.len() * self.regions.len(),
        };
        Ok(Results::begin(Path::new(self.root), &run)?.map(Arc::new))
    }

    /// The recording, after making sure that this spec lists all its module calls.
    pub fn checker(&self) -> Result<PyChecker> {
        let checker = PyChecker::load(self.name, self.folder(), &checkpoint::device()?)?;
        let recorded = &checker.manifest().regions;
        let same = recorded.len() == self.regions.len()
            && recorded
                .iter()
                .zip(self.regions)
                .all(|(a, b)| a.path == b.path && a.call == b.call);
        if !same {
            let listed: HashSet<_> = self.regions.iter().map(|r| (r.path, r.call)).collect();
            let first = recorded
                .iter()
                .find(|r| !listed.contains(&(r.path.as_str(), r.call)));
            let first = first.map(|r| format!(", first {}", label(&r.path, r.call)));
            candle_core::bail!(
                "{}: the parity test lists {} module calls and the manifest {}{}. Run `pycandle sync`",
                self.name,
                self.regions.len(),
                recorded.len(),
                first.unwrap_or_default()
            )
        }
        Ok(checker)
    }

    /// The model's weights, as [`checkpoint::weights`] finds them.
    pub fn weights(&self, manifest: &Manifest) -> Result<VarBuilder<'static>> {
        checkpoint::weights(self.name, &self.folder(), manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_run_is_told_without_a_backtrace() {
        let error = Error::WithBacktrace {
            inner: Box::new(Error::Msg("no axis 3".to_string())),
            backtrace: Box::new(std::backtrace::Backtrace::force_capture()),
        };
        let Outcome::Compared(verdict) = failed_to_run(&error) else {
            unreachable!("it was compared")
        };
        assert_eq!(verdict.reason, "it did not run: no axis 3");
    }
}
