//! Runs one module call alone, on the tensors that `pycandle verify` saved of one that differed.
//!
//! The file holds the call's inputs as `input.NAME`, the module's weights as `weights.NAME` under
//! the checkpoint's names, and of each output what PyTorch gave, `golden.K`, and float64,
//! `reference.K`. It knows no model.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};

use crate::checkpoint::device;
use crate::compare::{Verdict, judge};
use crate::store::Store;
use crate::values::Values;

const BRING: &str = "`pycandle repro` writes it";

/// What was saved of a module call.
#[derive(Debug)]
pub struct Snippet {
    path: PathBuf,
    saved: Store,
    device: Device,
}

impl Snippet {
    /// Opens the file. Tensors go where parity runs: to the CPU, or to `PYCANDLE_DEVICE`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let saved = Store::open(&path, BRING)?;
        let device = device()?;
        Ok(Self {
            path,
            saved,
            device,
        })
    }

    /// An input of the call.
    pub fn input(&self, name: &str) -> Result<Tensor> {
        self.saved.tensor(&format!("input.{name}"), &self.device)
    }

    /// The weights of the module. Those of others, which the struct that holds it loads as well,
    /// are zeros.
    pub fn weights(&self, dtype: DType) -> Result<VarBuilder<'static>> {
        let saved = Weights(Store::open(&self.path, BRING)?);
        let vb = VarBuilder::from_backend(Box::new(saved), dtype, self.device.clone());
        Ok(vb)
    }

    /// The verdict over the worst of the outputs, by the rule of the parity tests.
    pub fn judge(&self, outputs: &[Tensor]) -> Result<Verdict> {
        let expected = (0..).take_while(|k| self.saved.contains(&format!("golden.{k}")));
        let (got, expected) = (outputs.len(), expected.count());
        if got != expected || got == 0 {
            let what = format!("it gave {got} outputs, PyTorch {expected}");
            return Ok(Verdict::failure(what));
        }
        let first = self.judge_output(0, &outputs[0])?;
        let others = outputs.iter().enumerate().skip(1);
        others
            .map(|(k, output)| self.judge_output(k, output))
            .try_fold(first, |worst, found| {
                let found = found?;
                Ok(if found.is_worse_than(&worst) {
                    found
                } else {
                    worst
                })
            })
    }

    fn judge_output(&self, k: usize, output: &Tensor) -> Result<Verdict> {
        let golden = self.values(&format!("golden.{k}"))?;
        let reference = format!("reference.{k}");
        let reference = self
            .saved
            .contains(&reference)
            .then(|| self.values(&reference));
        let reference = reference.transpose()?;
        Ok(judge(&Values::of(output)?, &golden, reference.as_ref()))
    }

    fn values(&self, key: &str) -> Result<Values> {
        Values::of(&self.saved.tensor(key, &Device::Cpu)?)
    }
}

/// The saved weights, and zeros for all others.
struct Weights(Store);

impl SimpleBackend for Weights {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let key = key(name);
        if self.0.contains(&key) {
            self.0.get(shape, &key, init, dtype, device)
        } else {
            Tensor::zeros(shape, dtype, device)
        }
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        self.0.get_unchecked(&key(name), dtype, device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.contains(&key(name))
    }
}

fn key(name: &str) -> String {
    format!("weights.{name}")
}
