//! PyTorch's type promotion, and the dtype in which it computes.

use std::array::from_fn;

use candle_core::{DType, Device, Error, Result, Tensor};

use super::each::map;

/// What an operator takes: a tensor, or a Python number, which gives way to tensors of its kind.
#[derive(Clone, Copy)]
pub enum Operand<'a> {
    Tensor(&'a Tensor),
    Float(f64),
    Integer(i64),
}

impl<'a> From<&'a Tensor> for Operand<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

impl From<f64> for Operand<'_> {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

/// What Rust takes a literal for.
impl From<i32> for Operand<'_> {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i64> for Operand<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// The dtype of an operation between operands (`torch.result_type`).
///
/// Tensors with axes decide. One without axes widens them, and then a number widens those, only if
/// it is a float where they are integers. Candle cannot tell a bool tensor from a u8 one: this is
/// the rule for u8, and the generated code converts bools that meet other dtypes.
pub(crate) fn result_type(operands: &[Operand<'_>]) -> DType {
    let widest = |dtype: fn(&Operand<'_>) -> Option<DType>| {
        operands.iter().filter_map(dtype).reduce(promote_types)
    };
    let with_axes = widest(|operand| match operand {
        Operand::Tensor(x) if x.rank() > 0 => Some(x.dtype()),
        _ => None,
    });
    let without_axes = widest(|operand| match operand {
        Operand::Tensor(x) if x.rank() == 0 => Some(x.dtype()),
        _ => None,
    });
    let numbers = widest(|operand| match operand {
        Operand::Tensor(_) => None,
        Operand::Float(_) => Some(DType::F32),
        Operand::Integer(_) => Some(DType::I64),
    });
    [with_axes, without_axes, numbers]
        .into_iter()
        .flatten()
        .reduce(|strong, weak| match (strong.is_float(), weak.is_float()) {
            (false, true) => weak,
            _ => strong,
        })
        .unwrap_or(DType::F32)
}

/// The smallest dtype that both convert to (`torch.promote_types`).
pub(crate) fn promote_types(a: DType, b: DType) -> DType {
    match (a.is_float(), b.is_float()) {
        (true, false) => a,
        (false, true) => b,
        // Neither of the two halves holds the other.
        (true, true) if a != b && a.size_in_bytes() == b.size_in_bytes() => DType::F32,
        // Candle's u32 holds indices, and PyTorch's indices are i64.
        (false, false) if a != b && (a == DType::U32 || b == DType::U32) => DType::I64,
        _ if a.size_in_bytes() >= b.size_in_bytes() => a,
        _ => b,
    }
}

/// The dtype itself if it is a float, else PyTorch's default, f32.
pub(crate) fn float_type(dtype: DType) -> DType {
    if dtype.is_float() { dtype } else { DType::F32 }
}

/// The dtype in which a result of `dtype` is computed: halves in f32, rounded once at the end.
pub(crate) fn compute_type(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        dtype => dtype,
    }
}

/// All operands as tensors of one dtype, on the device of the first tensor; numbers have no axes.
pub(crate) fn in_dtype<const N: usize>(
    operands: [Operand<'_>; N],
    dtype: DType,
) -> Result<[Tensor; N]> {
    let device = operands.iter().find_map(|operand| match operand {
        Operand::Tensor(x) => Some(x.device()),
        _ => None,
    });
    let device = device.unwrap_or(&Device::Cpu);
    let tensors: Vec<Tensor> = operands
        .iter()
        .map(|operand| match operand {
            Operand::Tensor(x) => x.to_dtype(dtype),
            Operand::Float(number) => on(device, Tensor::new(*number, &Device::Cpu)?, dtype),
            Operand::Integer(number) => on(device, Tensor::new(*number, &Device::Cpu)?, dtype),
        })
        .collect::<Result<_>>()?;
    tensors
        .try_into()
        .map_err(|_| Error::msg("as many tensors as operands"))
}

/// A number of a dtype on a device, converted before it goes there: Metal cannot convert an f64.
fn on(device: &Device, number: Tensor, dtype: DType) -> Result<Tensor> {
    number.to_dtype(dtype)?.to_device(device)
}

/// All operands as tensors in the dtype in which a result of `dtype` is computed.
///
/// As in PyTorch, what is computed is what a tensor is in `dtype`: an integer that no half can hold
/// is infinite, although f32 could hold it.
pub(crate) fn in_compute_type<const N: usize>(
    operands: [Operand<'_>; N],
    dtype: DType,
) -> Result<[Tensor; N]> {
    let wide = compute_type(dtype);
    if wide == dtype {
        return in_dtype(operands, dtype);
    }
    let converted = operands
        .iter()
        .map(|operand| match operand {
            Operand::Tensor(x) => x.to_dtype(dtype).map(Some),
            _ => Ok(None),
        })
        .collect::<Result<Vec<Option<Tensor>>>>()?;
    in_dtype(
        from_fn(|k| converted[k].as_ref().map_or(operands[k], Operand::Tensor)),
        wide,
    )
}

/// `f` of the operands as tensors in the dtype in which a result of `dtype` is computed.
pub(crate) fn computed<const N: usize>(
    operands: [Operand<'_>; N],
    dtype: DType,
    f: impl FnOnce([Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    f(in_compute_type(operands, dtype)?)?.to_dtype(dtype)
}

/// Floats as they are, integers as PyTorch's default dtype, f32.
pub(crate) fn to_float(x: &Tensor) -> Result<Tensor> {
    x.to_dtype(float_type(x.dtype()))
}

/// Computes halves in f32 and rounds once at the end, as PyTorch does; integers become f32.
pub(crate) fn in_float(x: &Tensor, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    computed([x.into()], float_type(x.dtype()), |[x]| f(&x))
}

/// The dtype in which to add up many values of `dtype`: PyTorch adds in blocks or in double, and
/// Candle one by one, which loses digits. Metal has no f64.
pub(crate) fn sum_dtype(dtype: DType, device: &Device) -> DType {
    if device.is_metal() {
        DType::F32
    } else if dtype.is_float() {
        DType::F64
    } else {
        dtype
    }
}

/// `Tensor.to(dtype)` of a float tensor to an integer dtype: towards zero.
///
/// NaN and what the integers do not hold become what they become in PyTorch on x86-64: the lowest
/// of the 32-bit integers (i32, and cut to 16 bits i16) or of the 64-bit ones (i64, cut to 8 bits
/// u8). For bool see [`to_bool`](crate::ops::to_bool).
pub fn to_dtype(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if !x.dtype().is_float() || dtype.is_float() {
        return x.to_dtype(dtype);
    }
    let (lowest, bound) = match dtype {
        DType::I32 | DType::I16 => (i64::from(i32::MIN), 2f64.powi(31)),
        _ => (i64::MIN, 2f64.powi(63)),
    };
    let whole = map([x.to_dtype(DType::F64)?], |[x]: [f64; 1]| {
        let x = x.trunc();
        if (-bound..bound).contains(&x) {
            x as i64
        } else {
            lowest
        }
    })?;
    whole.to_dtype(dtype)
}
