//! Weights as ops take them: tensors, or parameters that keep what is made of them.

use std::fmt;
use std::ops::Deref;

use candle_core::Tensor;

use crate::kernels::product::{self, Packed};

/// A parameter that only matrix products read: a tensor, with its packed forms once they are made.
///
/// Clones share them.
#[derive(Clone)]
pub struct Parameter {
    tensor: Tensor,
    by_rows: Packed,
    by_columns: Packed,
}

/// A parameter, `nn::parameter(vb.get((out, in), "weight")?)`.
pub fn parameter(tensor: Tensor) -> Parameter {
    Parameter {
        tensor,
        by_rows: Packed::default(),
        by_columns: Packed::default(),
    }
}

impl Deref for Parameter {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.tensor
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tensor.fmt(f)
    }
}

/// A weight that an op is given: one that is computed anew for each call, or one that stays.
#[derive(Debug, Clone, Copy)]
pub enum Weight<'a> {
    Tensor(&'a Tensor),
    Parameter(&'a Parameter),
}

impl<'a> Weight<'a> {
    pub fn tensor(self) -> &'a Tensor {
        match self {
            Self::Tensor(tensor) => tensor,
            Self::Parameter(parameter) => parameter,
        }
    }

    /// As kernels take the weight of a linear map, which has a row for each output.
    pub(crate) fn by_rows(self) -> product::Weight<'a> {
        self.packed(true)
    }

    /// As kernels take the right side of a product, which has a column for each output.
    pub(crate) fn by_columns(self) -> product::Weight<'a> {
        self.packed(false)
    }

    fn packed(self, by_rows: bool) -> product::Weight<'a> {
        let packed = match self {
            Self::Tensor(_) => None,
            Self::Parameter(parameter) if by_rows => Some(&parameter.by_rows),
            Self::Parameter(parameter) => Some(&parameter.by_columns),
        };
        product::Weight {
            tensor: self.tensor(),
            packed,
            by_rows,
        }
    }
}

impl<'a> From<&'a Tensor> for Weight<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

impl<'a> From<&'a Parameter> for Weight<'a> {
    fn from(parameter: &'a Parameter) -> Self {
        Self::Parameter(parameter)
    }
}
