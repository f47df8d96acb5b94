//! Writing a number over parts of tensors, in new tensors.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::promote::{Operand, compute_type, in_dtype};

/// `x[a:b, c:d] = value`: `x` with one number in a range of every axis.
///
/// # Errors
/// If a range is none of its axis.
pub fn slice_fill<'a>(
    x: &Tensor,
    ranges: &[Range<usize>],
    value: impl Into<Operand<'a>>,
) -> Result<Tensor> {
    // Candle assigns no empty slice.
    if ranges.iter().any(Range::is_empty) {
        return Ok(x.clone());
    }
    // PyTorch rounds a number to a half by way of f32.
    let [value] = in_dtype([value.into()], compute_type(x.dtype()))?;
    let shape: Vec<usize> = ranges.iter().map(|range| range.len()).collect();
    let value = value.to_dtype(x.dtype())?.to_device(x.device())?;
    x.slice_assign(ranges, &value.broadcast_as(shape)?.contiguous()?)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn a_range_of_each_axis_holds_the_number() {
        let zeros = Tensor::zeros((2, 3), DType::I64, &Device::Cpu).unwrap();
        let filled = slice_fill(&zeros, &[0..1, 1..3], 7i64).unwrap();
        assert_eq!(filled.to_vec2::<i64>().unwrap(), [[0, 7, 7], [0, 0, 0]]);
    }

    #[test]
    fn an_empty_range_holds_nothing() {
        let zeros = Tensor::zeros((2, 0, 4), DType::F32, &Device::Cpu).unwrap();
        let filled = slice_fill(&zeros, &[0..1, 0..0, 1..3], 2.0).unwrap();
        assert_eq!(filled.dims(), [2, 0, 4]);
    }

    #[test]
    fn a_range_past_the_end_is_an_error() {
        let zeros = Tensor::zeros((2, 3), DType::F16, &Device::Cpu).unwrap();
        assert!(slice_fill(&zeros, &[0..2, 1..4], 0.5).is_err());
        assert!(slice_fill(&zeros, &[0..2, 1..3], 0.5).is_ok());
    }
}
