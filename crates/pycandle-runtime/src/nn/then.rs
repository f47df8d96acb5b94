//! A layer and what is done to its result, as one computation.
//!
//! `self.conv2.then(&self.bn2).add(&identity).then(&self.relu).forward(&out)?` is what these layers
//! compute one after another, and does so where there is no kernel for them together. Where there
//! is, the result is written once, and each module is still compared with its own golden tensors.

use std::fmt;

use candle_core::{Result, Tensor};

use super::func::activation_of;
use super::{BatchNorm, Conv1d, Conv2d, Conv3d, Func, Linear};
use crate::kernels::Activation;
use crate::{ops, py_check};

/// A layer and the steps after it; made by a layer's `then` and `add`.
#[derive(Debug)]
#[must_use = "it computes nothing before its `forward`"]
pub struct Then<'a> {
    layer: Layer<'a>,
    steps: Vec<Kind<'a>>,
}

/// Whose result it is that steps change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Layer<'a> {
    Conv1d(&'a Conv1d),
    Conv2d(&'a Conv2d),
    Conv3d(&'a Conv3d),
    Linear(&'a Linear),
}

/// What a kernel does with its sums: `activation(sum * scale + shift + residual)`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Epilogue<'a> {
    /// The scale and the shift of each channel, which is axis 1, or the last of a linear layer.
    pub(crate) factors: Option<(&'a [f32], &'a [f32])>,
    /// Of the result's shape, and any layout.
    pub(crate) residual: Option<&'a Tensor>,
    pub(crate) activation: Option<Activation>,
}

/// What can follow a layer: a batch norm, a function that is a module, one of [`crate::ops`] that
/// takes one tensor, or one of the first two that a module may lack.
pub trait Step<'a> {
    /// The step; `None` if there is nothing to do.
    fn kind(self) -> Option<Kind<'a>>;
}

/// One of the steps after a layer.
pub enum Kind<'a> {
    Norm(&'a BatchNorm),
    Func(&'a Func),
    Op(Op<'a>),
    Add(&'a Tensor),
}

/// A function of one tensor that is no module.
pub struct Op<'a> {
    function: Box<dyn Fn(&Tensor) -> Result<Tensor> + 'a>,
    activation: Option<Activation>,
}

impl<'a> Then<'a> {
    /// One step more.
    pub fn then(mut self, step: impl Step<'a>) -> Self {
        self.steps.extend(step.kind());
        self
    }

    /// Adds a tensor of the result's shape.
    #[expect(clippy::should_implement_trait, reason = "it is a step like the others")]
    pub fn add(mut self, tensor: &'a Tensor) -> Self {
        self.steps.push(Kind::Add(tensor));
        self
    }

    /// The layer of `x`, and then every step of what the one before gives.
    ///
    /// # Errors
    /// What one of them fails with, and where the tensor to add has another shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_by(x, Layer::fused)
    }

    /// [`Then::forward`] where `kernel` computes the layer with an epilogue, if it can.
    fn forward_by<K>(&self, x: &Tensor, kernel: K) -> Result<Tensor>
    where
        K: FnOnce(Layer<'a>, &Tensor, &Epilogue) -> Result<Option<Tensor>>,
    {
        let (epilogue, count) = self.epilogue()?;
        let fused = match count {
            0 => None,
            _ => kernel(self.layer, x, &epilogue)?,
        };
        let (inner, rest) = self.steps.split_at(count);
        let y = match fused {
            Some(y) => self.checked(x, inner, y)?,
            None => in_turn(self.layer.forward(x)?, inner)?,
        };
        in_turn(y, rest)
    }

    /// The steps that a kernel can do with its sums, and how many of all they are.
    fn epilogue(&self) -> Result<(Epilogue<'a>, usize)> {
        let mut epilogue = Epilogue::default();
        for (count, step) in self.steps.iter().enumerate() {
            let Epilogue {
                factors,
                residual,
                activation,
            } = epilogue;
            let (added, active) = (residual.is_some(), activation.is_some());
            match (step, step.activation()) {
                (Kind::Norm(norm), _) if factors.is_none() && !added && !active => {
                    let factors = norm.factors()?;
                    epilogue.factors = Some((&factors.scale, &factors.shift));
                }
                (Kind::Add(tensor), _) if !added && !active => epilogue.residual = Some(tensor),
                (_, Some(function)) if !active => epilogue.activation = Some(function),
                _ => return Ok((epilogue, count)),
            }
        }
        Ok((epilogue, self.steps.len()))
    }

    /// What a kernel gave for the layer and these steps, once every module has been compared.
    ///
    /// All but the last step run one by one for that, so that blame is as exact as without a
    /// kernel; the last is shown what the kernel gave, so that it is this which is proved.
    fn checked(&self, x: &Tensor, steps: &[Kind<'a>], fused: Tensor) -> Result<Tensor> {
        if !self.layer.is_checked() && !steps.iter().any(Kind::is_checked) {
            return Ok(fused);
        }
        if let Some((last, before)) = steps.split_last() {
            in_turn(self.layer.forward(x)?, before)?;
            last.check(&fused)?;
        }
        Ok(fused)
    }
}

fn in_turn(x: Tensor, steps: &[Kind]) -> Result<Tensor> {
    steps.iter().try_fold(x, |y, step| step.forward(&y))
}

impl Kind<'_> {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Norm(norm) => norm.forward(x),
            Self::Func(func) => func.forward(x),
            Self::Op(op) => (op.function)(x),
            Self::Add(tensor) if tensor.dims() == x.dims() => ops::add(x, *tensor),
            Self::Add(tensor) => candle_core::bail!(
                "a tensor of {:?} is added to one of {:?}",
                tensor.shape(),
                x.shape()
            ),
        }
    }

    /// Compares what the step gave, if it is a module.
    fn check(&self, y: &Tensor) -> Result<()> {
        match self {
            Self::Norm(norm) => py_check!(norm.checker, "", y),
            Self::Func(func) => py_check!(func.checker, "", y),
            Self::Op(_) | Self::Add(_) => {}
        }
        Ok(())
    }

    fn is_checked(&self) -> bool {
        match self {
            Self::Norm(norm) => norm.checker.is_some(),
            Self::Func(func) => func.checker.is_some(),
            Self::Op(_) | Self::Add(_) => false,
        }
    }

    fn activation(&self) -> Option<Activation> {
        match self {
            Self::Func(func) => func.activation,
            Self::Op(op) => op.activation,
            Self::Norm(_) | Self::Add(_) => None,
        }
    }
}

impl fmt::Debug for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Norm(norm) => norm.fmt(f),
            Self::Func(func) => func.fmt(f),
            Self::Op(op) => op.activation.fmt(f),
            Self::Add(tensor) => tensor.fmt(f),
        }
    }
}

impl<'a> Step<'a> for &'a BatchNorm {
    fn kind(self) -> Option<Kind<'a>> {
        Some(Kind::Norm(self))
    }
}

impl<'a> Step<'a> for &'a Func {
    fn kind(self) -> Option<Kind<'a>> {
        Some(Kind::Func(self))
    }
}

impl<'a, T> Step<'a> for &'a Option<T>
where
    &'a T: Step<'a>,
{
    fn kind(self) -> Option<Kind<'a>> {
        self.as_ref().and_then(Step::kind)
    }
}

impl<'a, F> Step<'a> for F
where
    F: Fn(&Tensor) -> Result<Tensor> + 'static,
{
    fn kind(self) -> Option<Kind<'a>> {
        Some(Kind::Op(Op {
            activation: activation_of(&self),
            function: Box::new(self),
        }))
    }
}

macro_rules! layers {
    ($($name:ident),+) => {
        impl Layer<'_> {
            fn forward(self, x: &Tensor) -> Result<Tensor> {
                match self {
                    $(Self::$name(layer) => layer.forward(x),)+
                }
            }

            fn is_checked(self) -> bool {
                match self {
                    $(Self::$name(layer) => layer.checker.is_some(),)+
                }
            }
        }

        $(impl $name {
            /// The layer, and then what changes its result.
            pub fn then<'a>(&'a self, step: impl Step<'a>) -> Then<'a> {
                Then { layer: Layer::$name(self), steps: Vec::new() }.then(step)
            }

            /// The layer, and then the sum with a tensor of its result's shape.
            pub fn add<'a>(&'a self, tensor: &'a Tensor) -> Then<'a> {
                Then { layer: Layer::$name(self), steps: Vec::new() }.add(tensor)
            }
        })+
    };
}

layers!(Conv1d, Conv2d, Conv3d, Linear);

impl Layer<'_> {
    /// The layer and an epilogue by one kernel; `None` if there is none for it, for this tensor.
    fn fused(self, _x: &Tensor, _epilogue: &Epilogue) -> Result<Option<Tensor>> {
        Ok(None)
    }
}
