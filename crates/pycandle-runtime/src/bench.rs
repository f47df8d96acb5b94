//! How long a model's forward takes on what was recorded of it, and on inputs of other sizes.
//!
//! The benchmarks that `pycandle gen-bench` writes read their [`Recorded`] model here, and
//! `pycandle bench` has a crate's own tests measure in place of comparing. It must not know any
//! model, nor what the figures are held against.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use candle_core::{Error, Result, Tensor};
use candle_nn::VarBuilder;
use serde::Serialize;

use crate::check::PyChecker;
use crate::checkpoint;
use crate::parity::{Inputs, Spec};
use crate::profile::{self, Row};

/// Names the folder that [`run`] writes to; what is set by `pycandle bench`.
pub const VARIABLE: &str = "PYCANDLE_BENCH";

/// As many runs as fit into the time, between these numbers.
const FEWEST_RUNS: usize = 5;
const MOST_RUNS: usize = 1000;
const TIME: Duration = Duration::from_secs(3);

/// A recorded model: its weights, and the inputs that it was recorded with.
pub struct Recorded {
    name: &'static str,
    folder: PathBuf,
    checker: PyChecker,
}

impl Recorded {
    /// Opens the recording whose manifest is at `root`/`manifest`, with its trace.
    ///
    /// # Errors
    /// If a file is missing or belongs to another recording.
    pub fn open(name: &'static str, root: &str, manifest: &str) -> Result<Self> {
        let path = Path::new(root).join(manifest);
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let checker = PyChecker::load(name, &folder, &checkpoint::device()?)?;
        Ok(Self {
            name,
            folder,
            checker,
        })
    }

    /// The weights that the parity tests compare.
    ///
    /// # Errors
    /// As [`checkpoint::weights`].
    pub fn weights(&self) -> Result<VarBuilder<'static>> {
        checkpoint::weights(self.name, &self.folder, self.checker.manifest())
    }

    /// The recorded inputs under these golden keys, each [`resized`] to its shape, and the sizes.
    ///
    /// # Errors
    /// If one was not recorded, or cannot have such a shape.
    pub fn inputs(
        &self,
        keys: &[&str],
        shapes: &[&[usize]],
        sizes: &[(&str, usize)],
    ) -> Result<Inputs> {
        let recorded = self.checker.inputs(keys)?;
        let tensors = recorded.tensors(0, 0)?.iter().zip(shapes);
        let tensors = tensors.map(|(tensor, shape)| resized(tensor, shape));
        let sizes = sizes.iter().map(|&(name, size)| (name.to_string(), size));
        let all: BTreeMap<_, _> = self.checker.sizes().into_iter().chain(sizes).collect();
        Ok(Inputs::new(tensors.collect::<Result<_>>()?, all))
    }
}

/// A tensor of another shape with the same values: cut, or repeated from the start, along each axis,
/// so that ids stay ids and masks stay masks. The recorder makes its other cases in the same way.
///
/// # Errors
/// If the number of axes differs, or there is nothing to repeat.
pub fn resized(tensor: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let cannot = |why: &str| {
        let from = tensor.dims();
        Err(Error::Msg(format!(
            "an input {from:?} cannot be made {shape:?}: {why}"
        )))
    };
    if tensor.rank() != shape.len() {
        return cannot("the number of axes differs");
    }
    let mut made = tensor.clone();
    for (axis, &wanted) in shape.iter().enumerate() {
        let size = made.dim(axis)?;
        if wanted > size {
            if size == 0 {
                return cannot("it is empty");
            }
            made = Tensor::cat(&vec![&made; wanted.div_ceil(size)], axis)?;
        }
        made = made.narrow(axis, 0, wanted)?;
    }
    made.contiguous()
}

/// What [`run`] measured, in seconds.
#[derive(Debug, Serialize)]
struct Measured<'a> {
    name: &'a str,
    case: &'a str,
    sizes: BTreeMap<String, usize>,
    runs: usize,
    minimum: f64,
    median: f64,
    /// Of the fastest run; empty unless the code was built and run to be measured so.
    profile: Vec<Row>,
}

/// Runs the model on its recorded inputs, and writes how long that takes to `{name}.json`.
///
/// # Errors
/// If the model cannot be loaded or run, or the file not be written.
pub(crate) fn run<M>(
    spec: &Spec,
    folder: &Path,
    mut load: impl FnMut(VarBuilder<'static>, Option<PyChecker>) -> Result<M>,
    mut forward: impl FnMut(&M, &Inputs) -> Result<Vec<Tensor>>,
) -> Result<()> {
    let checker = spec.checker()?;
    let model = load(spec.weights(checker.manifest())?, None)?;
    let inputs = checker.inputs(spec.regions.first().map_or(&[][..], |root| root.inputs))?;
    // The first one warms up and is not counted.
    forward(&model, &inputs)?;
    let mut times: Vec<Duration> = Vec::new();
    let mut fastest = (Duration::MAX, Vec::new());
    let began = Instant::now();
    while times.len() < FEWEST_RUNS || (times.len() < MOST_RUNS && began.elapsed() < TIME) {
        profile::take();
        let start = Instant::now();
        black_box(forward(&model, black_box(&inputs))?);
        let took = start.elapsed();
        let rows = profile::take().rows;
        times.push(took);
        if took < fastest.0 {
            fastest = (took, rows);
        }
    }
    times.sort();
    let measured = Measured {
        name: spec.name,
        case: checker.case_name(),
        sizes: checker.sizes(),
        runs: times.len(),
        minimum: fastest.0.as_secs_f64(),
        median: times[times.len() / 2].as_secs_f64(),
        profile: fastest.1,
    };
    let text = serde_json::to_vec(&measured).map_err(Error::wrap)?;
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{}.json", spec.name)), text)?;
    Ok(())
}

/// The folder that [`VARIABLE`] names, if models are to be measured.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE)?;
    (!folder.is_empty()).then(|| PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn inputs_are_cut_or_repeated_along_each_axis() -> Result<()> {
        let check = |shape: &[usize], expected: &[&[i64]]| -> Result<()> {
            let tensor = Tensor::new(&[[1i64, 2, 3], [4, 5, 6]], &Device::Cpu)?;
            for tensor in [tensor.clone(), tensor.t()?.contiguous()?.t()?] {
                let made = resized(&tensor, shape)?;
                assert!(made.is_contiguous());
                let rows: Vec<Vec<i64>> = made.to_vec2()?;
                assert_eq!(rows, expected);
            }
            Ok(())
        };
        check(&[2, 3], &[&[1, 2, 3], &[4, 5, 6]])?;
        check(&[1, 7], &[&[1, 2, 3, 1, 2, 3, 1]])?;
        check(&[5, 2], &[&[1, 2], &[4, 5], &[1, 2], &[4, 5], &[1, 2]])?;
        check(&[0, 3], &[])
    }

    #[test]
    fn what_cannot_be_resized_is_refused() -> Result<()> {
        for dtype in [DType::F32, DType::BF16, DType::U8] {
            let empty = Tensor::zeros((0, 2), dtype, &Device::Cpu)?;
            assert_eq!(resized(&empty, &[0, 3])?.dims(), [0, 3]);
            let error = resized(&empty, &[1, 2]).unwrap_err().to_string();
            assert_eq!(error, "an input [0, 2] cannot be made [1, 2]: it is empty");
            let error = resized(&empty, &[2]).unwrap_err().to_string();
            assert!(error.ends_with("the number of axes differs"), "{error}");
        }
        Ok(())
    }
}
