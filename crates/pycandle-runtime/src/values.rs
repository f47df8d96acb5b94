//! Tensors as plain numbers, which can be compared in any dtype.

use candle_core::{DType, Result, Tensor};

/// A tensor's values, widened without loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// `f64 f32 f16 bf16 i64 i32 i16 u32 u8 bool`, as manifests spell them.
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub data: Data,
}

/// Floats widen to f64, integers and bools to i64.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Float(Vec<f64>),
    Integer(Vec<i64>),
}

impl Values {
    /// Copies a tensor from any device.
    pub fn of(tensor: &Tensor) -> Result<Self> {
        let flat = tensor.flatten_all()?;
        let (dtype, data) = match tensor.dtype() {
            DType::F64 => ("f64", Data::Float(flat.to_vec1()?)),
            DType::F32 => ("f32", Data::Float(widen(flat.to_vec1::<f32>()?))),
            DType::F16 => (
                "f16",
                Data::Float(widen(flat.to_dtype(DType::F32)?.to_vec1::<f32>()?)),
            ),
            DType::BF16 => (
                "bf16",
                Data::Float(widen(flat.to_dtype(DType::F32)?.to_vec1::<f32>()?)),
            ),
            DType::I64 => ("i64", Data::Integer(flat.to_vec1()?)),
            DType::I32 => ("i32", Data::Integer(widen(flat.to_vec1::<i32>()?))),
            DType::I16 => ("i16", Data::Integer(widen(flat.to_vec1::<i16>()?))),
            DType::U32 => ("u32", Data::Integer(widen(flat.to_vec1::<u32>()?))),
            DType::U8 => ("u8", Data::Integer(widen(flat.to_vec1::<u8>()?))),
            dtype => candle_core::bail!("a {dtype:?} tensor cannot be compared"),
        };
        Ok(Self {
            dtype,
            shape: tensor.dims().to_vec(),
            data,
        })
    }
}

fn widen<T, U: From<T>>(values: Vec<T>) -> Vec<U> {
    values.into_iter().map(U::from).collect()
}
