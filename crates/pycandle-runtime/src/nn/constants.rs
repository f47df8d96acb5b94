use std::collections::HashMap;

use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use safetensors::SafeTensors;

use super::tie::join;
use crate::manifest::sha256;

/// Before the name of a constant that equals another one, in the file's metadata.
const SAME: &str = "same:";

/// Adds the constants that a model needs and no checkpoint holds: tables that PyTorch computes when
/// it makes the model.
///
/// `file` is what `pycandle record` wrote beside the manifest, and `hash` its SHA-256 in
/// hexadecimal, as the manifest has it. A name in it is never asked of the checkpoint.
///
/// # Errors
/// If the file is another one than the code was generated for.
pub fn constants<'a>(vb: VarBuilder<'a>, file: &[u8], hash: &str) -> Result<VarBuilder<'a>> {
    if sha256(file) != hash {
        candle_core::bail!(
            "the constants beside the manifest are not those that this code was generated for. Run \
             `pycandle record` again, then `pycandle sync`"
        )
    }
    let (prefix, dtype, device) = (vb.prefix(), vb.dtype(), vb.device().clone());
    let mut tensors = candle_core::safetensors::load_buffer(file, &device)?;
    let (_, header) = SafeTensors::read_metadata(file).map_err(Error::wrap)?;
    for (key, held) in header.metadata().iter().flatten() {
        if let (Some(name), Some(tensor)) = (key.strip_prefix(SAME), tensors.get(held)) {
            tensors.insert(name.to_string(), tensor.clone());
        }
    }
    let tensors = tensors
        .into_iter()
        .map(|(name, tensor)| (join(&prefix, &name), tensor));
    let known = Known {
        vb: vb.root(),
        tensors: tensors.collect(),
    };
    let vb = VarBuilder::from_backend(Box::new(known), dtype, device);
    Ok(if prefix.is_empty() { vb } else { vb.pp(prefix) })
}

/// A checkpoint, and constants beside it, by their full names.
struct Known<'a> {
    vb: VarBuilder<'a>,
    tensors: HashMap<String, Tensor>,
}

impl SimpleBackend for Known<'_> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        if !self.tensors.contains_key(name) {
            return self
                .vb
                .get_with_hints_dtype(shape, name, init, dtype)?
                .to_device(device);
        }
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            candle_core::bail!(
                "the constant {name:?} has shape {:?}, and the model needs {shape:?}",
                tensor.shape()
            )
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        match self.tensors.get(name) {
            Some(tensor) => tensor.to_dtype(dtype)?.to_device(device),
            None => self.vb.get_unchecked_dtype(name, dtype)?.to_device(device),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name) || self.vb.contains_tensor(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_come_from_their_file_and_weights_from_the_checkpoint() -> Result<()> {
        let device = Device::Cpu;
        let table = Tensor::arange(0i64, 6, &device)?.reshape((2, 3))?;
        let metadata = HashMap::from([("same:b.table".to_string(), "a.table".to_string())]);
        let file =
            safetensors::serialize([("a.table", &table)], Some(metadata)).map_err(Error::wrap)?;
        let weight = Tensor::ones(2, DType::F32, &device)?;
        let held = HashMap::from([
            ("model.a.weight".to_string(), weight.clone()),
            ("model.a.table".to_string(), weight),
        ]);
        let vb = VarBuilder::from_tensors(held, DType::F32, &device).pp("model");

        assert!(constants(vb.clone(), &file, &sha256(b"another file")).is_err());
        let vb = constants(vb, &file, &sha256(&file))?;
        for module in ["a", "b"] {
            let vb = vb.pp(module);
            let loaded = vb.get_with_hints_dtype((2, 3), "table", Init::default(), DType::I64)?;
            assert_eq!(loaded.to_vec2::<i64>()?, [[0, 1, 2], [3, 4, 5]]);
            assert!(vb.get((3, 2), "table").is_err(), "shapes are checked");
            assert!(vb.contains_tensor("table"));
        }
        assert_eq!(vb.get(2, "a.weight")?.to_vec1::<f32>()?, [1.0, 1.0]);
        assert!(!vb.contains_tensor("b.weight") && vb.get(2, "b.weight").is_err());
        Ok(())
    }
}
