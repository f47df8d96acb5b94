use candle_core::{Result, Tensor};
use candle_nn::{Conv1dConfig, Conv2dConfig, VarBuilder};

use crate::ops::Axes;
use crate::{PyChecker, ops, py_check};

/// How a convolution over `N` axes slides; Candle's own configurations convert to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvConfig<const N: usize> {
    /// Zeros before and after each axis.
    pub padding: [(usize, usize); N],
    pub stride: [usize; N],
    pub dilation: [usize; N],
    pub groups: usize,
}

impl<const N: usize> Default for ConvConfig<N> {
    fn default() -> Self {
        Self {
            padding: [(0, 0); N],
            stride: [1; N],
            dilation: [1; N],
            groups: 1,
        }
    }
}

impl From<Conv1dConfig> for ConvConfig<1> {
    fn from(config: Conv1dConfig) -> Self {
        Self {
            padding: [(config.padding, config.padding)],
            stride: [config.stride],
            dilation: [config.dilation],
            groups: config.groups,
        }
    }
}

impl From<Conv2dConfig> for ConvConfig<2> {
    fn from(config: Conv2dConfig) -> Self {
        Self {
            padding: [(config.padding, config.padding); 2],
            stride: [config.stride; 2],
            dilation: [config.dilation; 2],
            groups: config.groups,
        }
    }
}

macro_rules! convolution {
    ($n:literal, $name:ident, $function:ident, $no_bias:ident) => {
        #[doc = concat!("`torch.nn.", stringify!($name), "` with zero padding.")]
        #[derive(Debug, Clone)]
        pub struct $name {
            /// `(out_channels, in_channels / groups, kernel_size…)`
            pub weight: Tensor,
            /// `(out_channels,)`
            pub bias: Option<Tensor>,
            pub config: ConvConfig<$n>,
            pub checker: Option<PyChecker>,
        }

        /// Loads `weight` and `bias`.
        pub fn $function(
            in_channels: usize,
            out_channels: usize,
            kernel_size: impl Into<Axes<$n>>,
            config: impl Into<ConvConfig<$n>>,
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
            config: impl Into<ConvConfig<$n>>,
            vb: VarBuilder,
            checker: Option<PyChecker>,
        ) -> Result<$name> {
            let (config, Axes(kernel)) = (config.into(), kernel_size.into());
            let channels = [out_channels, in_channels / config.groups.max(1)];
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
                let ConvConfig {
                    padding,
                    stride,
                    dilation,
                    groups,
                } = self.config;
                let bias = self.bias.as_ref();
                let y = ops::$function(x, &self.weight, bias, stride, padding, dilation, groups)?;
                py_check!(self.checker, "", &y);
                Ok(y)
            }
        }
    };
}

convolution!(1, Conv1d, conv1d, conv1d_no_bias);
convolution!(2, Conv2d, conv2d, conv2d_no_bias);
convolution!(3, Conv3d, conv3d, conv3d_no_bias);
