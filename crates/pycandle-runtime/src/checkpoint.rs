//! Where a recorded model's weights are looked for, and on which device it runs.
//!
//! Parity tests and benchmarks go by it. It must not know what is done with either.

use std::path::{Path, PathBuf};

use candle_core::{Device, Error, Result};
use candle_nn::VarBuilder;

use crate::manifest::Manifest;
use crate::store::Store;

/// The weights of the model `name`, in the dtype in which they were recorded: the file that
/// `PYCANDLE_WEIGHTS_{NAME}` names, else `{name}.safetensors` in `folder`, beside the manifest.
///
/// # Errors
/// If the file cannot be read; the error tells how to bring it.
pub fn weights(name: &str, folder: &Path, manifest: &Manifest) -> Result<VarBuilder<'static>> {
    let store = open(name, folder)?;
    let dtype = manifest.weight_dtype();
    Ok(VarBuilder::from_backend(Box::new(store), dtype, device()?))
}

/// The file that [`weights`] reads.
///
/// # Errors
/// As there.
pub(crate) fn open(name: &str, folder: &Path) -> Result<Store> {
    let variable = weights_variable(name);
    let path = match std::env::var_os(&variable) {
        Some(path) => PathBuf::from(path),
        None => folder.join(format!("{name}.safetensors")),
    };
    let bring = format!(
        "Put the checkpoint of {name} there, record it with save(..., weights=True), or set \
         {variable} to a .safetensors file"
    );
    Store::open(&path, &bring)
}

/// `PYCANDLE_WEIGHTS_MY_MODEL` for `my-model`.
fn weights_variable(name: &str) -> String {
    let name = name.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    format!("PYCANDLE_WEIGHTS_{}", name.collect::<String>())
}

/// The CPU, unless `PYCANDLE_DEVICE` says `cuda` or `metal`.
///
/// # Errors
/// If there is no such device.
pub fn device() -> Result<Device> {
    match std::env::var("PYCANDLE_DEVICE").as_deref() {
        Err(_) | Ok("" | "cpu") => Ok(Device::Cpu),
        Ok("cuda") => Device::new_cuda(0),
        Ok("metal") => Device::new_metal(0),
        Ok(other) => Err(Error::Msg(format!(
            "PYCANDLE_DEVICE is {other:?}; it can be cpu, cuda or metal"
        ))),
    }
}
