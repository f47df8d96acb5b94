//! The golden tensors of a recorded model, `{name}_trace.safetensors`.

use std::path::Path;

use candle_core::{Device, Result, Tensor};

use crate::manifest::Manifest;
use crate::store::Store;
use crate::values::{Data, Values};

const BRING: &str = "Bring the goldens with `pycandle record`";

/// A trace that belongs to a given manifest.
#[derive(Debug)]
pub struct Trace(Store);

impl Trace {
    /// Opens a trace, and refuses one that was not recorded together with `manifest`.
    pub fn open(path: &Path, manifest: &Manifest) -> Result<Self> {
        let store = Store::open(path, BRING)?;
        if store.metadata("pycandle.format") != Some("2") {
            candle_core::bail!("{} is not a trace of format 2. {BRING}", path.display())
        }
        if store.metadata("pycandle.manifest") != Some(manifest.hash.as_str()) {
            candle_core::bail!(
                "{} was not recorded with the manifest beside it: their hashes differ. {BRING}",
                path.display()
            )
        }
        Ok(Self(store))
    }

    /// Opens the goldens of the lines of one module, which no manifest knows.
    pub(crate) fn of_steps(path: &Path) -> Result<Self> {
        Ok(Self(Store::open(
            path,
            "`pycandle verify --drill` writes it",
        )?))
    }

    /// Whether the trace holds this key.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    /// A tensor in its recorded dtype; bool comes as u8, as Candle's comparisons give it.
    pub fn tensor(&self, key: &str, device: &Device) -> Result<Tensor> {
        self.0.tensor(key, device)
    }

    /// A tensor as values to compare with.
    pub fn values(&self, key: &str) -> Result<Values> {
        let values = Values::of(&self.tensor(key, &Device::Cpu)?)?;
        let dtype = if self.0.is_bool(key)? {
            "bool"
        } else {
            values.dtype
        };
        Ok(Values { dtype, ..values })
    }

    /// A float tensor as float64 gives it; `run` says of which run: `float64` or `isolated`.
    ///
    /// The trace holds how far that is from the tensor itself, `golden`.
    pub fn reference(&self, key: &str, run: &str, golden: &Values) -> Result<Option<Values>> {
        let key = format!("{key}:{run}");
        if !self.contains(&key) {
            return Ok(None);
        }
        let distance = self.values(&key)?;
        let (Data::Float(from), Data::Float(by)) = (&golden.data, &distance.data) else {
            return Ok(None);
        };
        Ok((golden.shape == distance.shape).then(|| Values {
            dtype: "f64",
            shape: distance.shape,
            data: Data::Float(from.iter().zip(by).map(|(from, by)| from + by).collect()),
        }))
    }
}
