//! [`PyChecker`]: compares the outputs of module calls with what PyTorch computed.
//!
//! A checker is a path into a shared recording, so the code of one block serves all its instances:
//! each instance holds a checker of its own path, and calls of a path are counted.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::panic::Location;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{Device, Error, Result, Tensor};
use serde::Serialize;

use crate::compare::{Verdict, judge};
use crate::manifest::{Manifest, Region, label};
use crate::parity::Inputs;
use crate::places::Places;
use crate::report::{Outcome, Report, Row};
use crate::results::{Output, Results};
use crate::statistics::Statistics;
use crate::store::Store;
use crate::trace::Trace;
use crate::values::Values;
use crate::weights;

/// Which float64 reference judges a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The whole model in float64: errors add up from module to module, as in production.
    Cumulative,
    /// The module alone in float64, on its golden inputs: blame is exact.
    Isolated,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cumulative => "cumulative",
            Self::Isolated => "isolated",
        })
    }
}

/// A recording seen from one module. Cloning is cheap.
#[derive(Clone)]
pub struct PyChecker {
    run: Arc<Run>,
    path: Arc<str>,
}

/// One case of a recording under comparison; all clones of a checker share it.
struct Run {
    recording: Arc<Recording>,
    case: usize,
    mode: Mode,
    collecting: bool,
    /// Where what a collecting checker finds is told at once.
    results: Option<Arc<Results>>,
    /// Only takes note of where modules are, and compares nothing.
    silent: bool,
    /// What all checkers of a recording saw.
    places: Arc<Places>,
    progress: Mutex<Progress>,
}

struct Recording {
    manifest: Manifest,
    trace: Trace,
    device: Device,
}

/// How often each path was called since the last restart, and what was found.
#[derive(Default)]
struct Progress {
    calls: HashMap<String, usize>,
    rows: Vec<Row>,
}

impl PyChecker {
    /// Reads `{dir}/{name}_manifest.json` and opens `{dir}/{name}_trace.safetensors`.
    ///
    /// `device` is where golden inputs go. The checker compares with the first recorded case.
    pub fn load(name: &str, dir: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let manifest = Manifest::read(&dir.as_ref().join(format!("{name}_manifest.json")))?;
        let trace = Trace::open(
            &dir.as_ref().join(format!("{name}_trace.safetensors")),
            &manifest,
        )?;
        let recording = Arc::new(Recording {
            manifest,
            trace,
            device: device.clone(),
        });
        Ok(Self::start(Run {
            recording,
            case: 0,
            mode: Mode::Cumulative,
            collecting: false,
            results: None,
            silent: false,
            places: Arc::default(),
            progress: Mutex::default(),
        }))
    }

    /// The same recording, at its start, comparing with another case.
    pub fn case(&self, name: &str) -> Result<Self> {
        let cases = &self.manifest().cases;
        let known = || {
            cases
                .iter()
                .map(|case| case.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let case = cases
            .iter()
            .position(|case| case.name == name)
            .ok_or_else(|| {
                Error::Msg(format!(
                    "{} has no case {name:?}; it has {}",
                    self.manifest().name,
                    known()
                ))
            })?;
        Ok(Self::start(Run {
            case,
            ..self.again()
        }))
    }

    /// The same recording, at its start, judging each module alone.
    pub fn isolated(&self) -> Self {
        Self::start(Run {
            mode: Mode::Isolated,
            ..self.again()
        })
    }

    /// The same recording, at its start, going on after a difference: see [`PyChecker::report`].
    pub fn collecting(&self) -> Self {
        Self::start(Run {
            collecting: true,
            ..self.again()
        })
    }

    /// The same recording, at its start, with statistics of all that it compares.
    pub(crate) fn telling(&self, results: Option<Arc<Results>>) -> Self {
        Self::start(Run {
            results,
            ..self.again()
        })
    }

    /// The same recording, where modules are only seen, and nothing is compared.
    pub(crate) fn silent(&self) -> Self {
        Self::start(Run {
            silent: true,
            ..self.again()
        })
    }

    /// What this checker's run is, before anything was compared.
    fn again(&self) -> Run {
        Run {
            recording: self.run.recording.clone(),
            case: self.run.case,
            mode: self.run.mode,
            collecting: self.run.collecting,
            results: self.run.results.clone(),
            silent: self.run.silent,
            places: self.run.places.clone(),
            progress: Mutex::default(),
        }
    }

    fn start(run: Run) -> Self {
        Self {
            run: Arc::new(run),
            path: Arc::from(""),
        }
    }

    /// The checker of a submodule, which is loaded where this is called.
    #[track_caller]
    pub fn pp(&self, layer: impl AsRef<str>) -> Self {
        let path = self.join(layer.as_ref());
        let within = &self.path;
        self.run.places.loaded(&path, within, Location::caller());
        Self {
            run: self.run.clone(),
            path: Arc::from(path.as_ref()),
        }
    }

    /// The module's path, empty for the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was recorded.
    pub fn manifest(&self) -> &Manifest {
        &self.run.recording.manifest
    }

    /// Where golden inputs go.
    pub(crate) fn device(&self) -> &Device {
        &self.run.recording.device
    }

    /// Which case this is.
    pub fn case_name(&self) -> &str {
        &self.manifest().cases[self.run.case].name
    }

    /// The sizes of all symbolic axes in this case.
    pub fn sizes(&self) -> BTreeMap<String, usize> {
        self.manifest().cases[self.run.case].symbols.clone()
    }

    /// The size that a symbolic axis has in this case.
    pub fn size(&self, symbol: &str) -> Result<usize> {
        self.inputs(&[])?.size(symbol)
    }

    /// An argument of the root module in this case, by its Python name.
    pub fn input(&self, name: &str) -> Result<Tensor> {
        let manifest = self.manifest();
        let key = manifest.regions.first().and_then(|root| {
            root.inputs
                .iter()
                .find(|input| input.name == name)?
                .golden
                .as_deref()
        });
        let key = key.ok_or_else(|| {
            Error::Msg(format!(
                "{} was recorded without an input tensor {name:?}",
                manifest.name
            ))
        })?;
        self.run
            .recording
            .trace
            .tensor(&self.key(key), &self.run.recording.device)
    }

    /// Recorded tensors of this case by their golden keys, and the case's sizes.
    pub fn inputs(&self, keys: &[&str]) -> Result<Inputs> {
        let Recording { trace, device, .. } = &*self.run.recording;
        let tensors = keys.iter().map(|key| trace.tensor(&self.key(key), device));
        Ok(Inputs::new(tensors.collect::<Result<_>>()?, self.sizes()))
    }

    /// Compares one tensor with output 0 of the next call of a module, and tells what it found.
    pub fn verify(&self, layer: &str, tensor: &Tensor) -> Result<Verdict> {
        let path = self.join(layer);
        let region = self
            .next_call(&path)
            .ok_or_else(|| self.not_recorded(&path))?;
        Ok(self.compare_output(region, 0, tensor)?.verdict)
    }

    /// Compares all outputs of the next call of a module; what [`py_check!`](crate::py_check) calls.
    ///
    /// # Errors
    /// At a difference, unless the checker is collecting.
    #[track_caller]
    pub fn check(&self, layer: &str, outputs: &[&Tensor]) -> Result<()> {
        let path = self.join(layer);
        self.run.places.compared(&path, Location::caller());
        if self.run.silent {
            return Ok(());
        }
        let region = self
            .next_call(&path)
            .ok_or_else(|| self.not_recorded(&path))?;
        let row = self.compare(region, outputs)?;
        if self.run.collecting {
            if let Some(results) = &self.run.results {
                results.tell(&row, outputs)?;
            }
            self.progress().rows.push(row);
        } else if row.failed() {
            self.restart();
            return Err(Error::Msg(row.to_string()));
        }
        Ok(())
    }

    /// Compares all outputs of a given module call; the row tells of the worst.
    pub fn compare(&self, region: &Region, outputs: &[&Tensor]) -> Result<Row> {
        let (got, expected) = (outputs.len(), region.outputs.len());
        let mut verdict = Verdict::failure(format!("it gave {got} outputs, PyTorch {expected}"));
        let mut compared = Vec::new();
        if got == expected {
            for (k, output) in outputs.iter().enumerate() {
                let found = self.compare_output(region, k, output)?;
                let mut own = found.verdict.clone();
                if k > 0 && !own.passed() {
                    own.reason = format!("output {k}: {}", own.reason);
                }
                if k == 0 || own.is_worse_than(&verdict) {
                    verdict = own;
                }
                compared.push(found);
            }
        }
        Ok(Row {
            outputs: compared,
            ..self.row(region, Outcome::Compared(verdict))
        })
    }

    /// What is wrong with the weights that a checkpoint holds of the module at `path`.
    pub(crate) fn weights(&self, checkpoint: &Store, path: &str) -> Result<Vec<String>> {
        let recording = &self.run.recording;
        weights::differing(checkpoint, &recording.manifest, &recording.trace, path)
    }

    /// A report's row about a module call of this case.
    pub(crate) fn row(&self, region: &Region, outcome: Outcome) -> Row {
        Row {
            case: self.case_name().to_string(),
            path: region.path.clone(),
            call: region.call,
            class: region.short_class().to_string(),
            source: region.source.clone(),
            site: region.site.clone(),
            rust: self.run.places.of(&region.path),
            outcome,
            outputs: Vec::new(),
        }
    }

    /// What a collecting checker has found, in the order in which modules finished.
    pub fn report(&self) -> Report {
        let rows = self.progress().rows.clone();
        Report {
            name: self.manifest().name.clone(),
            mode: self.run.mode,
            rows,
            weights: Vec::new(),
        }
    }

    /// Counts calls from zero again; checking the root's outputs does so too.
    pub fn restart(&self) {
        self.progress().calls.clear();
    }

    fn compare_output(&self, region: &Region, k: usize, output: &Tensor) -> Result<Output> {
        let expected = region.outputs.get(k);
        let rust = Values::of(output)?;
        let mut found = Output {
            name: expected.map_or(String::new(), |output| output.name.clone()),
            golden: String::new(),
            dtype: rust.dtype,
            shape: rust.shape.clone(),
            verdict: Verdict::failure("PyTorch gave no tensor there"),
            statistics: None,
        };
        let Some(golden) = expected.and_then(|output| output.golden.as_deref()) else {
            return Ok(found);
        };
        let trace = &self.run.recording.trace;
        let run = match self.run.mode {
            Mode::Cumulative => "float64",
            Mode::Isolated => "isolated",
        };
        let key = self.key(golden);
        found.golden.clone_from(&key);
        let golden = trace.values(&key)?;
        let reference = trace.reference(&key, run, &golden)?;
        found.verdict = judge(&rust, &golden, reference.as_ref());
        if self.run.results.is_some() {
            found.statistics = Statistics::of(&rust, &golden);
        }
        Ok(found)
    }

    /// Counts a call, and finds it in the recording.
    fn next_call(&self, path: &str) -> Option<&Region> {
        let mut progress = self.progress();
        let count = progress.calls.entry(path.to_string()).or_insert(0);
        let call = *count;
        *count += 1;
        if path.is_empty() {
            progress.calls.clear();
        }
        self.manifest().region(path, call)
    }

    fn not_recorded(&self, path: &str) -> Error {
        let manifest = self.manifest();
        let calls = manifest
            .regions
            .iter()
            .filter(|region| region.path == path)
            .count();
        let (name, module) = (&manifest.name, label(path, 0));
        self.restart();
        Error::Msg(if calls == 0 {
            format!("{name} was recorded without a module {module:?}")
        } else {
            format!(
                "{module} of {name} was called more often than recorded ({calls}); call \
                 `checker.restart()` before a forward pass that does not check the root"
            )
        })
    }

    fn key(&self, golden: &str) -> String {
        format!("{}:{golden}", self.case_name())
    }

    fn join<'a>(&'a self, layer: &'a str) -> Cow<'a, str> {
        match (&*self.path, layer) {
            ("", layer) => Cow::Borrowed(layer),
            (path, "") => Cow::Borrowed(path),
            (path, layer) => Cow::Owned(format!("{path}.{layer}")),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Each change is complete when the lock is released, even by a panic elsewhere.
        self.run
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PyChecker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PyChecker({} at {:?})", self.manifest().name, self.path)
    }
}

/// Narrows an optional checker to a submodule: `checker.pp("query")`.
pub trait Scope {
    /// The checker of a submodule; `None` stays `None`, and then `layer` is not looked at.
    #[track_caller]
    fn pp(&self, layer: impl AsRef<str>) -> Self;
}

impl Scope for Option<PyChecker> {
    #[expect(clippy::manual_map, reason = "a closure would be the caller")]
    fn pp(&self, layer: impl AsRef<str>) -> Self {
        match self {
            Some(checker) => Some(checker.pp(layer)),
            None => None,
        }
    }
}

/// What [`py_check!`](crate::py_check) accepts: a checker, or perhaps one.
pub trait AsChecker {
    fn as_checker(&self) -> Option<&PyChecker>;
}

impl AsChecker for PyChecker {
    fn as_checker(&self) -> Option<&PyChecker> {
        Some(self)
    }
}

impl AsChecker for Option<PyChecker> {
    fn as_checker(&self) -> Option<&PyChecker> {
        self.as_ref()
    }
}

impl<T: AsChecker> AsChecker for &T {
    fn as_checker(&self) -> Option<&PyChecker> {
        (*self).as_checker()
    }
}
