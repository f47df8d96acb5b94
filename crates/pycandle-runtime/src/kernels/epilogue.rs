//! What a product or a convolution does with its sums before it stores them.

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
