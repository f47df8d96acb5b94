//! Layers under PyTorch's names, with Candle's interface, which check their own output.
//!
//! A layer computes through [`crate::ops`], so it does exactly what its PyTorch namesake does in
//! eval mode; its fields carry the names of PyTorch's parameters.

mod activation;
mod conv;
mod embedding;
mod layer_norm;
mod linear;
mod tie;

pub use activation::Activation;
pub use candle_nn::Conv1dConfig;
pub use conv::{Conv1d, conv1d, conv1d_no_bias};
pub use embedding::{Embedding, embedding};
pub use layer_norm::{LayerNorm, layer_norm, layer_norm_no_affine, layer_norm_no_bias};
pub use linear::{Linear, linear, linear_no_bias};
pub use tie::tie;

/// Makes layers of one input Candle modules, and callable in isolation.
macro_rules! layer {
    ($($name:ident),+) => {$(
        impl candle_core::Module for $name {
            fn forward(&self, x: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> {
                Self::forward(self, x)
            }
        }

        impl crate::parity::Isolated for $name {
            fn call(
                &self,
                path: &str,
                inputs: &crate::parity::Inputs,
            ) -> candle_core::Result<Vec<candle_core::Tensor>> {
                match path {
                    "" => Ok(vec![Self::forward(self, inputs.tensor(0)?)?]),
                    _ => crate::parity::unknown(path),
                }
            }
        }
    )+};
}

layer!(Activation, Conv1d, Embedding, LayerNorm, Linear);
