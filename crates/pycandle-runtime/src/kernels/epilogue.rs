//! What a product or a convolution does with its sums before it stores them.

use super::simd::Simd;

/// A function of each element that kernels can apply to what they have just computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    Relu,
    Relu6,
    Hardsigmoid,
    Hardswish,
    Sigmoid,
    Silu,
    Tanh,
    /// With the error function.
    Gelu,
    GeluTanh,
}

/// `$body` for an [`Activation`] that is the constant `$name` there: it is chosen once, before the
/// loops of `$body` and not within them.
macro_rules! with_activation {
    ($activation:expr, $name:ident => $body:expr) => {
        with_activation!($activation, $name => $body;
            Relu, Relu6, Hardsigmoid, Hardswish, Sigmoid, Silu, Tanh, Gelu, GeluTanh)
    };
    ($activation:expr, $name:ident => $body:expr; $($each:ident),+) => {
        match $activation {
            $($crate::kernels::Activation::$each => {
                const $name: $crate::kernels::Activation = $crate::kernels::Activation::$each;
                $body
            })+
        }
    };
}
pub(crate) use with_activation;

/// `activation(sum * scale + shift + residual)`, each part where there is one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// A number for each output channel.
    pub scale: Option<&'a [f32]>,
    /// A number for each output channel.
    pub shift: Option<&'a [f32]>,
    /// Elements that lie as the output's do.
    pub residual: Option<&'a [f32]>,
    pub activation: Option<Activation>,
}

impl Epilogue<'_> {
    /// Whether its numbers are those of so many channels.
    pub fn fits(&self, channels: usize) -> bool {
        let fits = |numbers: Option<&[f32]>| numbers.is_none_or(|all| all.len() == channels);
        fits(self.scale) && fits(self.shift)
    }

    /// What becomes of sums, but for the activation, of `count` neighbouring channels from `channel` on, whose place in the
    /// output is `place`.
    ///
    /// # Safety
    /// Scale and shift must have these channels, and the residual `count` elements at `place`.
    #[inline(always)]
    pub unsafe fn apply<S: Simd>(&self, sum: S, channel: usize, place: usize, count: usize) -> S {
        // SAFETY: the caller's promise.
        let numbers =
            |values: &[f32], from: usize| unsafe { S::load_some(values.as_ptr().add(from), count) };
        let mut y = sum;
        match (self.scale, self.shift) {
            (Some(scale), Some(shift)) => {
                y = y.mul_add(numbers(scale, channel), numbers(shift, channel));
            }
            (Some(scale), None) => y = y * numbers(scale, channel),
            (None, Some(shift)) => y = y + numbers(shift, channel),
            (None, None) => {}
        }
        if let Some(residual) = self.residual {
            y = y + numbers(residual, place);
        }
        y
    }
}
