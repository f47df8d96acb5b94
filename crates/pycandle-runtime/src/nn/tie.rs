use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::VarBuilder;

use super::over::{Served, join, over};

/// Loads parameters that share one tensor in PyTorch under whichever name the checkpoint has.
///
/// Each group lists the names of one tensor. All of them resolve to the same tensor in memory.
/// Of several names that the checkpoint holds, the first listed wins.
///
/// # Errors
/// If the checkpoint holds no name of a group.
pub fn tie<'a>(vb: VarBuilder<'a>, groups: &[&[&str]]) -> Result<VarBuilder<'a>> {
    let mut present = HashMap::new();
    for group in groups {
        let Some(held) = group.iter().find(|name| vb.contains_tensor(name)) else {
            candle_core::bail!(
                "the checkpoint has none of the tied parameters {}",
                group.join(", ")
            )
        };
        present.extend(
            group
                .iter()
                .map(|name| (join(&vb.prefix(), name), join(&vb.prefix(), held))),
        );
    }
    let tied = Tied {
        present,
        loaded: Mutex::default(),
    };
    Ok(over(vb, tied))
}

/// Several names that mean one tensor.
struct Tied {
    /// From every tied name to the one that the checkpoint holds.
    present: HashMap<String, String>,
    /// Tied tensors that were asked for, by the name that the checkpoint holds.
    loaded: Mutex<HashMap<(String, DType), Tensor>>,
}

impl Served for Tied {
    fn serves(&self, name: &str) -> bool {
        self.present.contains_key(name)
    }

    fn tensor(&self, vb: &VarBuilder, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let held = self.present.get(name).map_or(name, String::as_str);
        // Complete after each insertion, so a poisoned lock is no harm.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (held.to_string(), dtype);
        if let Some(tensor) = loaded.get(&key) {
            return tensor.to_device(device);
        }
        let tensor = vb.get_unchecked_dtype(held, dtype)?.to_device(device)?;
        loaded.insert(key, tensor.clone());
        Ok(tensor)
    }

    fn said(&self, name: &str, found: &Shape) -> String {
        format!("{name:?} has shape {found:?} in the checkpoint")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whichever_name_the_checkpoint_holds_serves_all() -> Result<()> {
        let device = Device::Cpu;
        for held in ["lm_head.weight", "wte.weight"] {
            let tensor = Tensor::arange(0f32, 6.0, &device)?.reshape((2, 3))?;
            let other = Tensor::zeros(2, DType::F32, &device)?;
            let tensors = HashMap::from([(held.to_string(), tensor), ("other".to_string(), other)]);
            let vb = VarBuilder::from_tensors(tensors, DType::F32, &device);
            let vb = tie(vb, &[&["lm_head.weight", "wte.weight"]])?;
            let head = vb.pp("lm_head").get((2, 3), "weight")?;
            let table = vb.pp("wte").get((2, 3), "weight")?;
            assert_eq!(head.id(), table.id(), "one tensor in memory");
            assert_eq!(vb.get(2, "other")?.dims(), [2]);
            assert!(vb.contains_tensor("wte.weight") && !vb.contains_tensor("nothing"));
            assert!(vb.get((3, 2), "wte.weight").is_err(), "shapes are checked");
            assert!(tie(vb.clone(), &[&["a", "b"]]).is_err(), "nothing to tie");
        }
        Ok(())
    }
}
