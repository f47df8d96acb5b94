//! Results of layers that no input of the model changes.

use std::ptr;
use std::sync::Arc;

use candle_core::{Layout, Result, Tensor};

use crate::kernels::isa::{Isa, isa};
use crate::kernels::kept::Kept;

/// What a layer gave for a tensor, which it gives again for the same tensor.
///
/// `S` is what else the result depends on but the tensor and the layer's parameters. The tensor is
/// kept with the result, so that its memory is no other one's.
#[derive(Debug, Clone)]
pub(super) struct Once<S = ()>(Arc<Kept<(Tensor, Tensor), Asked<S>>>);

impl<S> Default for Once<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S: Clone + PartialEq> Once<S> {
    /// What `forward` gives for `x`, computed anew if what it gave first was for another tensor, other
    /// parameters, settings or kernels, or if one of them can change in place.
    ///
    /// A view of the same elements is the same tensor.
    ///
    /// # Errors
    /// Those of `forward`.
    pub(super) fn of(
        &self,
        x: &Tensor,
        parameters: &[Option<&Tensor>],
        settings: S,
        forward: impl Fn() -> Result<Tensor>,
    ) -> Result<Tensor> {
        if x.track_op() {
            return forward();
        }
        let parameters: Vec<&Tensor> = parameters.iter().copied().flatten().collect();
        let make = || Ok(Some((x.clone(), forward()?)));
        match self.0.of(&parameters, &Asked::new(x, settings)?, make)? {
            Some((_, y)) => Ok(y.clone()),
            None => forward(),
        }
    }
}

/// What decides the result, but the parameters: where the elements of a tensor lie in memory, for as
/// long as it lives, the layer's settings, and the kernels.
#[derive(Debug, Clone, PartialEq)]
struct Asked<S> {
    storage: usize,
    layout: Layout,
    settings: S,
    kernels: Option<Isa>,
}

impl<S> Asked<S> {
    fn new(x: &Tensor, settings: S) -> Result<Self> {
        let (storage, layout) = x.storage_and_layout();
        Ok(Self {
            storage: ptr::from_ref(&*storage).addr(),
            layout: layout.clone(),
            settings,
            kernels: isa()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use candle_core::{DType, Device, Var};
    use candle_nn::VarBuilder;

    use super::*;
    use crate::nn;

    #[test]
    fn the_same_tensor_is_computed_once() -> Result<()> {
        let x = Tensor::arange(0f32, 6.0, &Device::Cpu)?.reshape((2, 3))?;
        let weight = x.ones_like()?;
        let (once, calls) = (Once::default(), Cell::new(0));
        let call = |x: &Tensor, weight: &Tensor, eps: f64| {
            once.of(x, &[Some(weight), None], eps, || {
                calls.set(calls.get() + 1);
                x.affine(2.0, eps)
            })
        };
        let count = |times: u32, x: &Tensor, weight: &Tensor, eps: f64| -> Result<()> {
            let before = calls.get();
            let (found, expected) = (call(x, weight, eps)?, x.affine(2.0, eps)?);
            assert_eq!(found.to_vec2::<f32>()?, expected.to_vec2::<f32>()?);
            assert_eq!(calls.get() - before, times);
            Ok(())
        };
        count(1, &x, &weight, 0.5)?;
        count(0, &x, &weight, 0.5)?;
        count(0, &x.unsqueeze(0)?.squeeze(0)?, &weight, 0.5)?;
        count(1, &x.copy()?, &weight, 0.5)?;
        count(1, &x.narrow(0, 0, 1)?, &weight, 0.5)?;
        count(1, &x, &weight.copy()?, 0.5)?;
        count(1, &x, &weight, 0.25)?;
        count(0, &x, &weight, 0.5)?;
        Ok(())
    }

    /// What decides a layer's result is what its kept result is asked for by.
    #[test]
    fn layers_notice_other_fields() -> Result<()> {
        let vb = VarBuilder::zeros(DType::F32, &Device::Cpu);
        let numbers = |shape: &[usize], step: f64| {
            let count = shape.iter().product::<usize>() as f64;
            let numbers = Tensor::arange_step(0.1, step * (count - 0.5) + 0.1, step, &Device::Cpu)?;
            numbers.to_dtype(DType::F32)?.sin()?.reshape(shape)
        };
        let x = numbers(&[4, 3], 0.7)?;
        let mut linear = nn::linear(3, 3, vb.clone(), None)?;
        let mut norm = nn::layer_norm(3, 1e-5, vb, None)?;
        let flat = |y: Tensor| y.flatten_all()?.to_vec1::<f32>();
        // What both give by now, which must be what they give when they compute it.
        let check = |linear: &nn::Linear, norm: &nn::LayerNorm| -> Result<[Vec<f32>; 2]> {
            let kept = [
                flat(linear.forward_once(&x)?)?,
                flat(norm.forward_once(&x)?)?,
            ];
            assert_eq!(kept, [flat(linear.forward(&x)?)?, flat(norm.forward(&x)?)?]);
            Ok(kept)
        };
        let first = check(&linear, &norm)?;
        (linear.weight, norm.weight) = (numbers(&[3, 3], 0.3)?, Some(numbers(&[3], 0.4)?));
        let [product, scaled] = check(&linear, &norm)?;
        assert!(product != first[0] && scaled != first[1]);
        (linear.bias, norm.bias) = (Some(numbers(&[3], 0.5)?), Some(numbers(&[3], 0.6)?));
        let [sum, shifted] = check(&linear, &norm)?;
        assert!(sum != product && shifted != scaled);
        norm.eps = 0.5;
        assert_ne!(check(&linear, &norm)?[1], shifted);
        Ok(())
    }

    #[test]
    fn nothing_is_kept_of_a_variable() -> Result<()> {
        let variable = Var::zeros(3, DType::F32, &Device::Cpu)?;
        let x = Tensor::ones(3, DType::F32, &Device::Cpu)?;
        let sum = || &x + variable.as_tensor();
        for (x, parameter) in [(variable.as_tensor(), &x), (&x, variable.as_tensor())] {
            let once = Once::default();
            for value in [1.0, 2.0] {
                variable.set(&x.ones_like()?.affine(value, 0.0)?)?;
                let y = once.of(x, &[Some(parameter)], (), sum)?;
                assert_eq!(y.to_vec1::<f32>()?, [value as f32 + 1.0; 3]);
            }
        }
        Ok(())
    }
}
