//! Looks inside one module call, line by line: what `pycandle verify --drill` runs.
//!
//! It gives a copy of the generated code in which [`step`] follows each `let`. Every line then starts
//! from PyTorch's numbers, so that one that differs is wrong itself. Without [`VARIABLE`] nothing
//! here is ever called.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::check::PyChecker;
use crate::compare::judge;
use crate::parity::{Isolated, Spec};
use crate::results::Output;
use crate::statistics::Statistics;
use crate::trace::Trace;
use crate::values::Values;

/// Names the folder with what to look at, `drill.json` and `drill.safetensors`; what is found goes
/// there, too.
pub const VARIABLE: &str = "PYCANDLE_DRILL";

/// Which module call to look inside of.
#[derive(Debug, Clone, Deserialize)]
struct Target {
    name: String,
    case: String,
    path: String,
    call: usize,
}

/// What one line gave beside PyTorch.
#[derive(Debug, Serialize)]
struct Step {
    step: usize,
    #[serde(flatten)]
    output: Output,
}

/// What came of the whole call.
#[derive(Debug, Serialize)]
struct Found {
    steps: Vec<Step>,
    /// Why the module did not come to its end; empty if it did.
    error: String,
}

struct Running {
    path: String,
    goldens: Trace,
    device: Device,
    steps: Vec<Step>,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// A value that a line of generated code binds.
pub trait Value: Sized {
    fn tensor(&self) -> &Tensor;
    /// The same with PyTorch's numbers, if it owns its own.
    fn with(self, golden: Tensor) -> Self;
}

impl Value for Tensor {
    fn tensor(&self) -> &Tensor {
        self
    }

    fn with(self, golden: Tensor) -> Self {
        golden
    }
}

impl Value for &Tensor {
    fn tensor(&self) -> &Tensor {
        self
    }

    fn with(self, _: Tensor) -> Self {
        self
    }
}

/// Compares what a line gave with PyTorch's, and goes on with that.
///
/// # Errors
/// If the goldens cannot be read.
pub fn step<T: Value>(checker: &Option<PyChecker>, number: usize, value: T) -> Result<T> {
    RUNNING.with_borrow_mut(|running| {
        let path = checker.as_ref().map(PyChecker::path);
        let Some(running) = running.as_mut().filter(|r| path == Some(r.path.as_str())) else {
            return Ok(value);
        };
        let key = number.to_string();
        let rust = Values::of(value.tensor())?;
        let golden = running.goldens.values(&key)?;
        let reference = running.goldens.reference(&key, "isolated", &golden)?;
        running.steps.push(Step {
            step: number,
            output: Output {
                name: String::new(),
                golden: key.clone(),
                dtype: rust.dtype,
                shape: rust.shape.clone(),
                verdict: judge(&rust, &golden, reference.as_ref()),
                statistics: Statistics::of(&rust, &golden),
            },
        });
        Ok(value.with(running.goldens.tensor(&key, &running.device)?))
    })
}

/// Runs the module call that a folder names; false if it is another model's.
pub(crate) fn run<M: Isolated>(
    spec: &Spec,
    folder: &Path,
    model: &M,
    checker: &PyChecker,
) -> Result<bool> {
    let target = read_target(folder)?;
    if target.name != spec.name {
        return Ok(false);
    }
    let checker = checker.case(&target.case)?;
    let mut regions = spec.regions.iter();
    let region = regions
        .find(|region| region.path == target.path && region.call == target.call)
        .ok_or_else(|| {
            Error::Msg(format!(
                "there is no call {} of {}",
                target.call, target.path
            ))
        })?;
    let inputs = checker.inputs(region.inputs)?.of_call(region.call);
    RUNNING.set(Some(Running {
        path: target.path.clone(),
        goldens: Trace::of_steps(&folder.join("drill.safetensors"))?,
        device: checker.device().clone(),
        steps: Vec::new(),
    }));
    let error = model.call(region.path, &inputs).err();
    let steps = RUNNING.take().map_or(Vec::new(), |running| running.steps);
    let error = error.map_or(String::new(), |error| error.to_string());
    let found = serde_json::to_vec(&Found { steps, error }).map_err(Error::wrap)?;
    fs::write(folder.join("found.json"), found)?;
    Ok(true)
}

/// The folder that [`VARIABLE`] names, if this is a run for one.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE)?;
    (!folder.is_empty()).then(|| PathBuf::from(folder))
}

fn read_target(folder: &Path) -> Result<Target> {
    let path = folder.join("drill.json");
    let wrong = |why: String| Error::Msg(format!("{} cannot be read: {why}", path.display()));
    let bytes = fs::read(&path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}
