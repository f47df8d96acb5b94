//! A tensor's elements as a plain slice, for loops that Candle has no operator for.
//!
//! On the CPU nothing is copied if the tensor is contiguous; other devices go through the host.

use candle_core::{Device, Result, Storage, Tensor, WithDType};

use crate::kernels::copy::contiguous;

/// Calls `f` with the elements in order. The tensor must be of dtype `T`.
pub(crate) fn with_slice<T: WithDType, R>(
    x: &Tensor,
    f: impl FnOnce(&[T]) -> Result<R>,
) -> Result<R> {
    let x = contiguous(&x.to_device(&Device::Cpu)?)?;
    let (storage, layout) = x.storage_and_layout();
    let (Storage::Cpu(values), Some((start, end))) = (&*storage, layout.contiguous_offsets())
    else {
        candle_core::bail!("a contiguous tensor on the CPU has a slice")
    };
    f(&T::cpu_storage_as_slice(values)?[start..end])
}

/// A number that loops multiply and add, integers modulo a power of two, as PyTorch's do.
pub(crate) trait Number: WithDType {
    /// What no element is below.
    const LEAST: Self;
    const ZERO: Self;

    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
}

macro_rules! floats {
    ($($float:ty),+) => {$(
        impl Number for $float {
            const LEAST: Self = <$float>::NEG_INFINITY;
            const ZERO: Self = 0.0;

            fn plus(self, other: Self) -> Self {
                self + other
            }

            fn times(self, other: Self) -> Self {
                self * other
            }
        }
    )+};
}

floats!(f32, f64);

impl Number for i64 {
    const LEAST: Self = Self::MIN;
    const ZERO: Self = 0;

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn times(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }
}
