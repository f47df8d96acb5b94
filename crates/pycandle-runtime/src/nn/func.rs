use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use candle_core::{Result, Tensor};

use crate::kernels::Activation;
use crate::{PyChecker, ops, py_check};

/// A function of one tensor, which tells whether it is one that kernels can apply.
pub trait Function: Fn(&Tensor) -> Result<Tensor> + Send + Sync {
    /// Which activation it is; every function of [`crate::ops`] has a type of its own.
    fn activation(&self) -> Option<Activation>;
}

/// A module without parameters that is a function of one tensor, as `torch.nn.MaxPool2d`:
/// `candle_nn::Func`, which checks its output.
#[derive(Clone)]
pub struct Func {
    pub function: Arc<dyn Function>,
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

impl<F> Function for F
where
    F: Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
{
    fn activation(&self) -> Option<Activation> {
        fn is<F: 'static, G: 'static>(_: G) -> bool {
            TypeId::of::<F>() == TypeId::of::<G>()
        }
        let known = [
            (is::<F, _>(ops::relu), Activation::Relu),
            (is::<F, _>(ops::relu6), Activation::Relu6),
            (is::<F, _>(ops::hardsigmoid), Activation::Hardsigmoid),
            (is::<F, _>(ops::hardswish), Activation::Hardswish),
            (is::<F, _>(ops::sigmoid), Activation::Sigmoid),
            (is::<F, _>(ops::silu), Activation::Silu),
            (is::<F, _>(ops::tanh), Activation::Tanh),
            (is::<F, _>(ops::gelu), Activation::Gelu),
            (is::<F, _>(ops::gelu_tanh), Activation::GeluTanh),
        ];
        let found = known.into_iter().find(|(same, _)| *same);
        found.map(|(_, activation)| activation)
    }
}

impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Func")
            .field("activation", &self.function.activation())
            .field("checker", &self.checker)
            .finish_non_exhaustive()
    }
}
