use std::fmt;

use candle_core::{Result, Tensor};

use crate::{PyChecker, py_check};

/// A module without parameters that is a function of one tensor, as `torch.nn.GELU`.
#[derive(Clone)]
pub struct Activation {
    pub function: fn(&Tensor) -> Result<Tensor>,
    pub checker: Option<PyChecker>,
}

impl Activation {
    /// Wraps a function of [`crate::ops`]: `Activation::new(ops::gelu, checker.pp("act"))`.
    pub fn new(function: fn(&Tensor) -> Result<Tensor>, checker: Option<PyChecker>) -> Self {
        Self { function, checker }
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = (self.function)(x)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activation")
            .field("checker", &self.checker)
            .finish_non_exhaustive()
    }
}
