use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};

/// Tensors that do not come from the checkpoint under their own names.
pub(super) trait Served: Send + Sync {
    /// Whether the tensor of this full name is one of them.
    fn serves(&self, name: &str) -> bool;

    /// One of them; `vb` is the root of the checkpoint.
    fn tensor(&self, vb: &VarBuilder, name: &str, dtype: DType, device: &Device) -> Result<Tensor>;

    /// In words, that a name has this shape, which is not the one asked for.
    fn said(&self, name: &str, found: &Shape) -> String;
}

/// The checkpoint, with these tensors over it.
pub(super) fn over<'a>(vb: VarBuilder<'a>, served: impl Served + 'a) -> VarBuilder<'a> {
    let (prefix, dtype, device) = (vb.prefix(), vb.dtype(), vb.device().clone());
    let backend = Over {
        vb: vb.root(),
        served,
    };
    let vb = VarBuilder::from_backend(Box::new(backend), dtype, device);
    if prefix.is_empty() { vb } else { vb.pp(prefix) }
}

/// The full name of a tensor.
pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_string()
    } else {
        format!("{prefix}.{name}")
    }
}

struct Over<'a, S> {
    vb: VarBuilder<'a>,
    served: S,
}

impl<S: Served> SimpleBackend for Over<'_, S> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        if !self.served.serves(name) {
            return self
                .vb
                .get_with_hints_dtype(shape, name, init, dtype)?
                .to_device(device);
        }
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            candle_core::bail!(
                "{}, and the model needs {shape:?}",
                self.served.said(name, tensor.shape())
            )
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        if !self.served.serves(name) {
            return self.vb.get_unchecked_dtype(name, dtype)?.to_device(device);
        }
        self.served.tensor(&self.vb, name, dtype, device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.served.serves(name) || self.vb.contains_tensor(name)
    }
}
