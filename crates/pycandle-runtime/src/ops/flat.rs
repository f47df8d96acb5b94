//! Loops over the elements of a contiguous tensor, written once for every dtype.
//!
//! They run where Candle's CPU tensors lie, without a copy; tensors of another device go through
//! the CPU.

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, WithDType};

/// A computation on the elements of a contiguous tensor.
pub(crate) trait Flat: Send + Sync {
    /// The shape of the result.
    fn shape(&self) -> Shape;

    /// The elements of the result, as many as its shape has.
    fn run<T: WithDType>(&self, values: &[T]) -> Vec<T>;
}

/// For what moves elements: every dtype.
pub(crate) fn moved(x: &Tensor, f: &impl Flat) -> Result<Tensor> {
    x.to_device(&Device::Cpu)?
        .contiguous()?
        .apply_op1_no_bwd(&Elements(f))?
        .to_device(x.device())
}

/// For what computes with floats: halves in f32, rounded once, as PyTorch does.
///
/// # Errors
/// For integers, which PyTorch has no such kernels for.
pub(crate) fn computed(x: &Tensor, name: &str, f: &impl Flat) -> Result<Tensor> {
    match x.dtype() {
        DType::F32 | DType::F64 => moved(x, f),
        dtype @ (DType::F16 | DType::BF16) => moved(&x.to_dtype(DType::F32)?, f)?.to_dtype(dtype),
        dtype => candle_core::bail!("{name} takes floats, not {dtype:?}"),
    }
}

/// Rounds what is computed in f64 to f32, unless the dtype is f64.
///
/// One sum, difference, product or quotient of two f32, computed in f64 and rounded, is the one of
/// f32 arithmetic to the bit; so coordinates come out as PyTorch's do.
pub(crate) fn rounding(dtype: DType) -> fn(f64) -> f64 {
    match dtype {
        DType::F64 => |x| x,
        _ => |x| f64::from(x as f32),
    }
}

struct Elements<'a, F>(&'a F);

impl<F: Flat> CustomOp1 for Elements<'_, F> {
    fn name(&self) -> &'static str {
        "elements"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("a loop over elements takes contiguous tensors")
        };
        macro_rules! each {
            ($($variant:ident),+) => {
                match storage {
                    $(CpuStorage::$variant(values) => {
                        CpuStorage::$variant(self.0.run(&values[start..end]))
                    })+
                    other => candle_core::bail!("no loop over elements of {:?}", other.dtype()),
                }
            };
        }
        use candle_core::backend::BackendStorage;
        let result = each!(U8, U32, I16, I32, I64, BF16, F16, F32, F64);
        Ok((result, self.0.shape()))
    }
}
