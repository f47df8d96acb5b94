//! Layers under PyTorch's names, with Candle's interface, which check their own output.
//!
//! A layer computes through [`crate::ops`], so it does exactly what its PyTorch namesake does in
//! eval mode; its fields carry the names of PyTorch's parameters.

mod batch_norm;
mod constants;
mod conv;
mod conv_transpose;
mod embedding;
mod func;
mod group_norm;
mod layer_norm;
mod linear;
mod once;
mod over;
mod rms_norm;
mod then;
mod tie;

pub use crate::ops::weight::{Parameter, parameter};
pub use batch_norm::{BatchNorm, batch_norm, batch_norm_no_affine};
pub use candle_nn::{Conv1dConfig, Conv2dConfig, ConvTranspose1dConfig, ConvTranspose2dConfig};
pub use constants::constants;
pub use conv::{
    Conv1d, Conv2d, Conv3d, ConvConfig, conv1d, conv1d_no_bias, conv2d, conv2d_no_bias, conv3d,
    conv3d_no_bias,
};
pub use conv_transpose::{
    ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, ConvTransposeConfig, conv_transpose1d,
    conv_transpose1d_no_bias, conv_transpose2d, conv_transpose2d_no_bias, conv_transpose3d,
    conv_transpose3d_no_bias,
};
pub use embedding::{Embedding, embedding};
pub use func::{Func, Function, func};
pub use group_norm::{GroupNorm, InstanceNorm, group_norm, instance_norm};
pub use layer_norm::{LayerNorm, layer_norm, layer_norm_no_affine, layer_norm_no_bias};
pub use linear::{Linear, linear, linear_no_bias};
pub use rms_norm::{RMSNorm, rms_norm};
pub use then::{Kind, Step, Then};
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

layer!(Embedding, Func, Linear);
layer!(Conv1d, Conv2d, Conv3d);
layer!(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d);
layer!(BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm);
