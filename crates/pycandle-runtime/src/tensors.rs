//! Keeps what a parity run computed, so that a difference can be looked at after it.
//!
//! A file for each module call, beside the run's results: its outputs by their places, "0", "1", …
//! What PyTorch gave lies in the trace, and is not kept again.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Error, Result, Tensor};

/// Says of which module calls outputs are kept: `failing` (the default), `all` or `none`.
pub const VARIABLE: &str = "PYCANDLE_TENSORS";
/// Of failing calls no more than this is kept: what comes after the first ones often only inherits.
const MOST_BYTES: usize = 256 << 20;

/// The folder of a run's tensors, and what goes there.
#[derive(Debug)]
pub(crate) struct Tensors {
    folder: PathBuf,
    kept: Kept,
    bytes: usize,
    files: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Failing,
    All,
    Nothing,
}

impl Tensors {
    /// An empty folder, named after the run. What an earlier run kept there is removed.
    ///
    /// # Errors
    /// Names the folder that cannot be emptied, or a value of [`VARIABLE`] that means nothing.
    pub fn begin(folder: PathBuf) -> Result<Self> {
        let kept = match std::env::var(VARIABLE).as_deref() {
            Err(_) | Ok("" | "failing") => Kept::Failing,
            Ok("all") => Kept::All,
            Ok("none") => Kept::Nothing,
            Ok(other) => {
                candle_core::bail!("{VARIABLE} is {other:?}; it can be failing, all or none")
            }
        };
        if folder.is_dir() {
            fs::remove_dir_all(&folder).map_err(|error| unwritten(&folder, &error))?;
        }
        Ok(Self {
            folder,
            kept,
            bytes: 0,
            files: 0,
        })
    }

    /// Keeps the outputs of a call; the file's path below the folder of results, if there is one.
    pub fn keep(&mut self, failed: bool, outputs: &[&Tensor]) -> Result<Option<String>> {
        let size = |tensor: &&Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
        let bytes = self.bytes + outputs.iter().map(size).sum::<usize>();
        let wanted = match self.kept {
            Kept::Failing => failed && bytes <= MOST_BYTES,
            Kept::All => true,
            Kept::Nothing => false,
        };
        if !wanted || outputs.is_empty() {
            return Ok(None);
        }
        fs::create_dir_all(&self.folder).map_err(|error| unwritten(&self.folder, &error))?;
        let path = self.folder.join(format!("{}.safetensors", self.files));
        let named = outputs.iter().enumerate();
        let named = named
            .map(|(k, tensor)| Ok((k.to_string(), tensor.to_device(&Device::Cpu)?.contiguous()?)));
        candle_core::safetensors::save(&named.collect::<Result<HashMap<_, _>>>()?, &path)?;
        (self.bytes, self.files) = (bytes, self.files + 1);
        let names = [self.folder.file_name(), path.file_name()];
        let names = names.map(|name| name.unwrap_or_default().to_string_lossy());
        Ok(Some(names.join("/")))
    }
}

fn unwritten(folder: &Path, error: &std::io::Error) -> Error {
    Error::Msg(format!(
        "{} cannot be written: {error}. Set {VARIABLE} to none, and no tensors are kept",
        folder.display()
    ))
}
