//! A layer and what is done to its result, as one computation.
//!
//! `self.conv2.then(&self.bn2).add(&identity).then(&self.relu).forward(&out)?` is what these layers
//! compute one after another, and does so where there is no kernel for them together. Where there
//! is, the result is written once, and each module is still compared with its own golden tensors.

use std::fmt;

use candle_core::{Result, Tensor};

use super::{BatchNorm, Conv1d, Conv2d, Conv3d, Func, Function, Linear};
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
    /// The scale and the shift of each channel, which is axis 1.
    pub(crate) factors: Option<(&'a [f32], &'a [f32])>,
    /// Of the result's shape, in any layout.
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
    /// A function that is no module.
    Op(Box<dyn Function>),
    Add(&'a Tensor),
}

impl<'a> Then<'a> {
    /// One step more.
    pub fn then(mut self, step: impl Step<'a>) -> Self {
        self.steps.extend(step.kind());
        self
    }

    /// Adds a tensor of the result's shape.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is a step like the others"
    )]
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
        let (epilogue, count) = self.epilogue(x)?;
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

    /// The steps that a kernel can do with its sums of `x`, and how many of all they are.
    fn epilogue(&self, x: &Tensor) -> Result<(Epilogue<'a>, usize)> {
        let mut epilogue = Epilogue::default();
        for (count, step) in self.steps.iter().enumerate() {
            let Epilogue {
                factors,
                residual,
                activation,
            } = epilogue;
            let (added, active) = (residual.is_some(), activation.is_some());
            match (step, step.activation()) {
                (Kind::Norm(norm), _)
                    if factors.is_none() && !added && !active && self.layer.has_channels(x) =>
                {
                    let Some(factors) = norm.factors()? else {
                        return Ok((epilogue, count));
                    };
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
            Self::Op(function) => function(x),
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
            Self::Func(func) => func.function.activation(),
            Self::Op(function) => function.as_ref().activation(),
            Self::Norm(_) | Self::Add(_) => None,
        }
    }
}

impl fmt::Debug for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Norm(norm) => norm.fmt(f),
            Self::Func(func) => func.fmt(f),
            Self::Op(function) => function.as_ref().activation().fmt(f),
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
    F: Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
{
    fn kind(self) -> Option<Kind<'a>> {
        Some(Kind::Op(Box::new(self)))
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
    /// Whether what the layer has for its channels is what a batch norm has: axis 1 of the result.
    fn has_channels(self, x: &Tensor) -> bool {
        x.rank()
            == match self {
                Self::Linear(_) => 2,
                Self::Conv1d(_) => 3,
                Self::Conv2d(_) => 4,
                Self::Conv3d(_) => 5,
            }
    }

    /// The layer and an epilogue by one kernel; `None` if there is none for it, for this tensor.
    fn fused(self, x: &Tensor, epilogue: &Epilogue) -> Result<Option<Tensor>> {
        match self {
            Self::Linear(linear) if epilogue.factors.is_none() => {
                let residual = epilogue.residual.map(Tensor::contiguous).transpose()?;
                linear.fused(x, residual.as_ref(), epilogue.activation)
            }
            Self::Linear(_) => Ok(None),
            Self::Conv1d(conv) => conv.fused(x, epilogue),
            Self::Conv2d(conv) => conv.fused(x, epilogue),
            Self::Conv3d(conv) => conv.fused(x, epilogue),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use candle_nn::VarBuilder;

    use super::super::{Conv2dConfig, func};
    use super::*;
    use crate::PyChecker;
    use crate::kernels::{Kernels, with_kernels};

    fn numbers(shape: &[usize], step: f32) -> Result<Tensor> {
        let count = shape.iter().product::<usize>();
        let values = (0..count).map(|k| (k as f32 * step).sin()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu)
    }

    fn conv() -> Result<Conv2d> {
        let vb = VarBuilder::zeros(DType::F32, &Device::Cpu);
        let mut conv = super::super::conv2d(2, 3, 3, Conv2dConfig::default(), vb, None)?;
        conv.weight = numbers(&[3, 2, 3, 3], 0.7)?;
        conv.bias = Some(numbers(&[3], 0.3)?);
        Ok(conv)
    }

    fn norm(channels: usize) -> Result<BatchNorm> {
        let vb = VarBuilder::zeros(DType::F32, &Device::Cpu);
        let mut norm = super::super::batch_norm(channels, 1e-5, vb, None)?;
        norm.weight = Some(numbers(&[channels], 1.1)?);
        norm.bias = Some(numbers(&[channels], 1.7)?);
        norm.running_mean = numbers(&[channels], 0.9)?;
        norm.running_var = numbers(&[channels], 0.5)?.abs()?;
        Ok(norm)
    }

    /// To the last digit, by the path that does one step after another.
    #[test]
    fn steps_are_what_the_layers_compute_one_after_another() -> Result<()> {
        with_kernels(Kernels::Reference, one_after_another)?
    }

    fn one_after_another() -> Result<()> {
        let (conv, norm, relu) = (conv()?, norm(3)?, func(ops::relu, None));
        let (x, other) = (numbers(&[2, 2, 5, 4], 0.2)?, numbers(&[2, 3, 3, 2], 0.4)?);
        let lacking: Option<Func> = None;
        let plain = norm.forward(&conv.forward(&x)?)?;
        let plain = ops::relu(&(plain + &other)?)?.to_vec3_of_first()?;
        let call = conv.then(&norm).add(&other);
        assert_eq!(call.then(&relu).forward(&x)?.to_vec3_of_first()?, plain);
        let call = conv.then(&norm).then(&lacking).add(&other);
        let call = call.then(ops::relu).then(&lacking);
        assert_eq!(call.forward(&x)?.to_vec3_of_first()?, plain);
        let narrow = numbers(&[1, 3, 1, 1], 0.4)?;
        assert!(
            conv.add(&narrow).forward(&x).is_err(),
            "a sum has one shape"
        );
        Ok(())
    }

    trait First {
        fn to_vec3_of_first(&self) -> Result<Vec<Vec<Vec<f32>>>>;
    }

    impl First for Tensor {
        fn to_vec3_of_first(&self) -> Result<Vec<Vec<Vec<f32>>>> {
            self.get(0)?.to_vec3()
        }
    }

    #[test]
    fn a_kernel_is_given_the_steps_that_it_can_do() -> Result<()> {
        let (conv, norm, x) = (conv()?, norm(3)?, numbers(&[2, 2, 5, 4], 0.2)?);
        let other = numbers(&[2, 3, 3, 2], 0.4)?;
        // What a kernel is asked for, as whether each part is there; it multiplies by ten.
        let asked = |call: Then, x: &Tensor| -> Result<_> {
            let mut parts = (false, false, None);
            let y = call.forward_by(x, |layer, x, epilogue| {
                let Epilogue {
                    factors,
                    residual,
                    activation,
                } = *epilogue;
                parts = (factors.is_some(), residual.is_some(), activation);
                Ok(Some((layer.forward(x)? * 10.0)?))
            })?;
            Ok((parts, y.flatten_all()?.to_vec1::<f32>()?))
        };
        let ten = (conv.forward(&x)? * 10.0)?;
        let plain = |y: Tensor| y.flatten_all()?.to_vec1::<f32>();
        let (parts, y) = asked(conv.then(&norm).add(&other).then(ops::silu), &x)?;
        assert_eq!(parts, (true, true, Some(Activation::Silu)));
        assert_eq!(y, plain(ten.clone())?);
        let (parts, y) = asked(conv.then(ops::relu).then(&norm).then(ops::relu), &x)?;
        assert_eq!(parts, (false, false, Some(Activation::Relu)));
        assert_eq!(
            y,
            plain(ops::relu(&norm.forward(&ten)?)?)?,
            "the rest follows"
        );
        let (parts, y) = asked(conv.then(|x: &Tensor| ops::leaky_relu(x, 0.5)), &x)?;
        assert_eq!(parts, (false, false, None));
        assert_eq!(
            y,
            plain(ops::leaky_relu(&conv.forward(&x)?, 0.5)?)?,
            "no kernel is asked"
        );
        let vb = VarBuilder::zeros(DType::F32, &Device::Cpu);
        let linear = super::super::linear_no_bias(4, 3, vb, None)?;
        let (parts, _) = asked(linear.then(&norm), &numbers(&[2, 3, 4], 0.2)?)?;
        assert_eq!(
            parts,
            (false, false, None),
            "its channels are not the norm's"
        );
        let (parts, _) = asked(linear.then(&norm), &numbers(&[2, 4], 0.2)?)?;
        assert_eq!(parts, (true, false, None));
        Ok(())
    }

    #[test]
    fn functions_are_known_by_their_types() {
        let known = |func: Func| func.function.activation();
        let tanh = known(func(ops::gelu_tanh, None));
        assert_eq!(tanh, Some(Activation::GeluTanh));
        let swish = known(func(ops::hardswish, None));
        assert_eq!(swish, Some(Activation::Hardswish));
        assert_eq!(
            known(func(|x: &Tensor| ops::leaky_relu(x, 0.1), None)),
            None
        );
        assert_eq!(known(func(ops::mish, None)), None);
    }

    #[test]
    fn what_a_kernel_gave_is_what_is_proved() -> Result<()> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity");
        let device = Device::Cpu;
        let weights =
            candle_core::safetensors::load(format!("{folder}/tagger.safetensors"), &device)?;
        let vb = VarBuilder::from_tensors(weights, DType::F32, &device).pp("blocks.0");
        let recorded = PyChecker::load("tagger", folder, &device)?;
        for (factor, passing) in [(1.0, [true, true]), (1.5, [true, false])] {
            let checker = recorded.collecting();
            let inputs = checker.inputs(&["norm#0.0"])?;
            let own = checker.pp("blocks.0");
            let fc = super::super::linear(6, 6, vb.pp("fc"), Some(own.pp("fc")))?;
            let mut alone = fc.clone();
            alone.checker = None;
            let act = func(ops::gelu, Some(own.pp("act")));
            let x = inputs.tensor(0)?;
            let y = fc.then(&act).forward_by(x, |_, x, _| {
                Ok(Some((ops::gelu(&alone.forward(x)?)? * factor)?))
            })?;
            let expected = (ops::gelu(&alone.forward(x)?)? * factor)?;
            assert_eq!(
                y.to_vec3::<f32>()?,
                expected.to_vec3::<f32>()?,
                "it is handed on"
            );
            let rows = checker.report().rows;
            let paths: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
            assert_eq!(paths, ["blocks.0.fc", "blocks.0.act"]);
            assert_eq!([!rows[0].failed(), !rows[1].failed()], passing);
        }
        Ok(())
    }

    #[test]
    fn factors_are_those_of_the_norm() -> Result<()> {
        let (mut norm, x) = (norm(3)?, numbers(&[2, 3, 2, 2], 0.4)?);
        let Some(factors) = norm.factors()? else {
            candle_core::bail!("the first parameters have factors")
        };
        let plane = |numbers: &[f32]| Tensor::new(numbers, &Device::Cpu)?.reshape((1, 3, 1, 1));
        let scaled = x.broadcast_mul(&plane(&factors.scale)?)?;
        let y = scaled.broadcast_add(&plane(&factors.shift)?)?;
        let apart = (y - norm.forward(&x)?)?.abs()?.flatten_all()?.max(0)?;
        assert!(apart.to_scalar::<f32>()? < 1e-6);
        norm.eps *= 2.0;
        assert!(norm.factors()?.is_none(), "eps is another one");
        norm.eps /= 2.0;
        norm.running_mean = numbers(&[3], 0.9)?;
        assert!(norm.factors()?.is_none(), "the mean is another one");
        Ok(())
    }
}
