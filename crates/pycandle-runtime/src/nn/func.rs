use std::fmt;
use std::sync::Arc;

use candle_core::{Result, Tensor};

use crate::{PyChecker, py_check};

type Function = dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync;

/// A module without parameters that is a function of one tensor, as `torch.nn.MaxPool2d`:
/// `candle_nn::Func`, which checks its output.
#[derive(Clone)]
pub struct Func {
    pub function: Arc<Function>,
    pub checker: Option<PyChecker>,
}

/// Wraps a function of [`crate::ops`], `func(ops::relu, checker.pp("relu"))`, or a closure.
pub fn func<F>(function: F, checker: Option<PyChecker>) -> Func
where
    F: Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
{
    Func {
        function: Arc::new(function),
        checker,
    }
}

impl Func {
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = (self.function)(x)?;
        py_check!(self.checker, "", &y);
        Ok(y)
    }
}

impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Func")
            .field("checker", &self.checker)
            .finish_non_exhaustive()
    }
}
