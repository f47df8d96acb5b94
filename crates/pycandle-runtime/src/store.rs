//! Reads a safetensors file tensor by tensor.
//!
//! Opening reads the header only, without mapping the file into memory: another process may cut a
//! mapped file short, which safe code cannot survive.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::Init;
use candle_nn::var_builder::SimpleBackend;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

/// A safetensors file starts with the length of its header, a 64-bit number.
const LENGTH_BYTES: u64 = 8;
/// What the safetensors library accepts as a header.
const MAX_HEADER: u64 = 100_000_000;

/// An open safetensors file.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    header: Metadata,
    data_start: u64,
    file: Mutex<File>,
}

impl Store {
    /// Opens a file and reads its header. `bring` says how to get a file that is not there.
    pub fn open(path: &Path, bring: &str) -> Result<Self> {
        let wrong = |why: String| Error::Msg(format!("{} {why}. {bring}", path.display()));
        let mut file =
            File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let file_length = file.metadata()?.len();
        let mut length = [0u8; LENGTH_BYTES as usize];
        file.read_exact(&mut length)
            .map_err(|_| wrong("is not a safetensors file".to_string()))?;
        let header_length = u64::from_le_bytes(length);
        if header_length > MAX_HEADER.min(file_length.saturating_sub(LENGTH_BYTES)) {
            return Err(wrong("is cut short, or no safetensors file".to_string()));
        }
        let mut bytes = vec![0u8; header_length as usize];
        file.read_exact(&mut bytes)?;
        let header: Metadata = serde_json::from_slice(&bytes)
            .map_err(|error| wrong(format!("has a broken header ({error})")))?;
        let data_start = LENGTH_BYTES + header_length;
        if data_start + header.data_len() as u64 != file_length {
            return Err(wrong("is cut short".to_string()));
        }
        Ok(Self {
            path: path.to_path_buf(),
            header,
            data_start,
            file: Mutex::new(file),
        })
    }

    /// An entry of the header's free metadata.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.header
            .metadata()
            .as_ref()?
            .get(key)
            .map(String::as_str)
    }

    /// Whether the file holds this tensor.
    pub fn contains(&self, key: &str) -> bool {
        self.header.info(key).is_some()
    }

    /// Whether this tensor is one of bools, which Candle has not.
    pub fn is_bool(&self, key: &str) -> Result<bool> {
        Ok(self.info(key)?.dtype == Dtype::BOOL)
    }

    /// A tensor in its own dtype; bool comes as u8, zeros and ones, and complex numbers as pairs of
    /// f32 along a last axis.
    pub fn tensor(&self, key: &str, device: &Device) -> Result<Tensor> {
        let info = self.info(key)?;
        let mut shape = info.shape.clone();
        let dtype = match info.dtype {
            Dtype::BOOL => DType::U8,
            Dtype::C64 => {
                shape.push(2);
                DType::F32
            }
            dtype => DType::try_from(dtype)?,
        };
        let bytes = self.bytes(info)?;
        Tensor::from_raw_buffer(&bytes, dtype, &shape, device)
    }

    fn info(&self, key: &str) -> Result<&TensorInfo> {
        self.header
            .info(key)
            .ok_or_else(|| Error::Msg(format!("{} has no {key:?}", self.path.display())))
    }

    fn bytes(&self, info: &TensorInfo) -> Result<Vec<u8>> {
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0u8; end.saturating_sub(start)];
        // The seek and the read belong together; a poisoned lock leaves no half-done state behind.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.data_start + start as u64))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// A checkpoint to load a model from, in the dtype that the model asks for.
impl SimpleBackend for Store {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            let turned = tensor.dims().iter().rev().eq(shape.dims());
            candle_core::bail!(
                "{} has {name:?} of shape {:?}, and the model needs {shape:?}{}",
                self.path.display(),
                tensor.shape(),
                if turned { ", so it is transposed" } else { "" }
            )
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        self.tensor(name, device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.contains(name)
    }
}
