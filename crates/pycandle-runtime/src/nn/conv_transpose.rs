use candle_core::{Result, Tensor};
use candle_nn::{ConvTranspose1dConfig, ConvTranspose2dConfig, VarBuilder};

use crate::ops::Axes;
use crate::{PyChecker, ops, py_check};

/// How a transposed convolution over `N` axes slides; Candle's own configurations convert to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTransposeConfig<const N: usize> {
    /// What is cut from both sides of each axis.
    pub padding: [usize; N],
    /// What is added at the end of each axis.
    pub output_padding: [usize; N],
    pub stride: [usize; N],
    pub dilation: [usize; N],
    pub groups: usize,
}

impl<const N: usize> Default for ConvTransposeConfig<N> {
    fn default() -> Self {
        Self {
            padding: [0; N],
            output_padding: [0; N],
            stride: [1; N],
            dilation: [1; N],
            groups: 1,
        }
    }
}

impl From<ConvTranspose1dConfig> for ConvTransposeConfig<1> {
    fn from(config: ConvTranspose1dConfig) -> Self {
        Self {
            padding: [config.padding],
            output_padding: [config.output_padding],
            stride: [config.stride],
            dilation: [config.dilation],
            groups: config.groups,
        }
    }
}

impl From<ConvTranspose2dConfig> for ConvTransposeConfig<2> {
    fn from(config: ConvTranspose2dConfig) -> Self {
        Self {
            padding: [config.padding; 2],
            output_padding: [config.output_padding; 2],
            stride: [config.stride; 2],
            dilation: [config.dilation; 2],
            groups: 1,
        }
    }
}

macro_rules! transposed_convolution {
    ($n:literal, $name:ident, $function:ident, $no_bias:ident) => {
        #[doc = concat!("`torch.nn.", stringify!($name), "`.")]
        #[derive(Debug, Clone)]
        pub struct $name {
            /// `(in_channels, out_channels / groups, kernel_size…)`
            pub weight: Tensor,
            /// `(out_channels,)`
            pub bias: Option<Tensor>,
            pub config: ConvTransposeConfig<$n>,
            pub checker: Option<PyChecker>,
        }

        /// Loads `weight` and `bias`.
        pub fn $function(
            in_channels: usize,
            out_channels: usize,
            kernel_size: impl Into<Axes<$n>>,
            config: impl Into<ConvTransposeConfig<$n>>,
            vb: VarBuilder,
            checker: Option<PyChecker>,
        ) -> Result<$name> {
            let bias = Some(vb.get(out_channels, "bias")?);
            let conv = $no_bias(in_channels, out_channels, kernel_size, config, vb, checker)?;
            Ok($name { bias, ..conv })
        }

        /// Loads `weight`.
        pub fn $no_bias(
            in_channels: usize,
            out_channels: usize,
            kernel_size: impl Into<Axes<$n>>,
            config: impl Into<ConvTransposeConfig<$n>>,
            vb: VarBuilder,
            checker: Option<PyChecker>,
        ) -> Result<$name> {
            let (config, Axes(kernel)) = (config.into(), kernel_size.into());
            let channels = [in_channels, out_channels / config.groups.max(1)];
            Ok($name {
                weight: vb.get([&channels[..], &kernel[..]].concat(), "weight")?,
                bias: None,
                config,
                checker,
            })
        }

        impl $name {
            /// `(batch, in_channels, spatial…)`, or without batch, to as many axes.
            pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
                let ConvTransposeConfig {
                    padding,
                    output_padding,
                    stride,
                    dilation,
                    groups,
                } = self.config;
                let y = ops::$function(
                    x,
                    &self.weight,
                    self.bias.as_ref(),
                    stride,
                    padding,
                    output_padding,
                    groups,
                    dilation,
                )?;
                py_check!(self.checker, "", &y);
                Ok(y)
            }
        }
    };
}

transposed_convolution!(
    1,
    ConvTranspose1d,
    conv_transpose1d,
    conv_transpose1d_no_bias
);
transposed_convolution!(
    2,
    ConvTranspose2d,
    conv_transpose2d,
    conv_transpose2d_no_bias
);
transposed_convolution!(
    3,
    ConvTranspose3d,
    conv_transpose3d,
    conv_transpose3d_no_bias
);
