//! Reads the inputs of a workload.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use bench_protocol::in_words;

/// A tensor that goes in.
pub enum Input {
    Floats(Vec<usize>, Vec<f32>),
    Integers(Vec<usize>, Vec<i64>),
}

/// The tensors of a file, which are named by their number, in that order.
///
/// # Errors
/// If the file cannot be read, or holds something other than f32 and i64.
pub fn inputs(path: &Path) -> Result<Vec<Input>, String> {
    let bytes = std::fs::read(path).map_err(in_words)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(in_words)?;
    (0..tensors.len())
        .map(|number| {
            let view = tensors.tensor(&number.to_string()).map_err(in_words)?;
            let shape = view.shape().to_vec();
            match view.dtype() {
                Dtype::F32 => Ok(Input::Floats(
                    shape,
                    numbers(view.data(), f32::from_le_bytes),
                )),
                Dtype::I64 => Ok(Input::Integers(
                    shape,
                    numbers(view.data(), i64::from_le_bytes),
                )),
                other => Err(format!("an input of {other:?}")),
            }
        })
        .collect()
}

fn numbers<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|chunk| read(*chunk))
        .collect()
}
