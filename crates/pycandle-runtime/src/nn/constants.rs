use std::collections::HashMap;

use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::VarBuilder;
use safetensors::SafeTensors;

use super::over::{Served, join, over};
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
    let mut tensors = candle_core::safetensors::load_buffer(file, vb.device())?;
    let (_, header) = SafeTensors::read_metadata(file).map_err(Error::wrap)?;
    for (key, held) in header.metadata().iter().flatten() {
        if let (Some(name), Some(tensor)) = (key.strip_prefix(SAME), tensors.get(held)) {
            tensors.insert(name.to_string(), tensor.clone());
        }
    }
    let named = |(name, tensor): (String, Tensor)| (join(&vb.prefix(), &name), tensor);
    let known = Known(tensors.into_iter().map(named).collect());
    Ok(over(vb, known))
}

/// Constants by their full names.
struct Known(HashMap<String, Tensor>);

impl Served for Known {
    fn serves(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn tensor(&self, vb: &VarBuilder, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        match self.0.get(name) {
            Some(tensor) => tensor.to_dtype(dtype)?.to_device(device),
            None => vb.get_unchecked_dtype(name, dtype)?.to_device(device),
        }
    }

    fn said(&self, name: &str, found: &Shape) -> String {
        format!("the constant {name:?} has shape {found:?}")
    }
}

#[cfg(test)]
mod tests {
    use candle_nn::Init;

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
