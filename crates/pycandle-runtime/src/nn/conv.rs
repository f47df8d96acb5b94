use candle_core::{Result, Tensor};
use candle_nn::{Conv1dConfig, Conv2dConfig, VarBuilder};

use super::then;
use crate::kernels::Epilogue;
use crate::kernels::conv::PackedConv;
use crate::ops::{Axes, Convolution};
use crate::{PyChecker, kernels, py_check};

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
            packed: PackedConv,
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
                packed: PackedConv::default(),
            })
        }

        impl $name {
            /// `(batch, in_channels, spatial…)`, or without batch, to as many axes.
            pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
                let y = self.convolution().of(x, self.bias.as_ref())?;
                py_check!(self.checker, "", &y);
                Ok(y)
            }

            /// The layer and an epilogue by one kernel; `None` if there is none for this tensor.
            pub(super) fn fused(
                &self,
                x: &Tensor,
                epilogue: &then::Epilogue,
            ) -> Result<Option<Tensor>> {
                if !kernels::takes(x)? {
                    return Ok(None);
                }
                let bias = self.bias.as_ref().map(Tensor::to_vec1::<f32>);
                let mut bias = bias.transpose()?;
                if let (Some(bias), Some((scale, shift))) = (&mut bias, epilogue.factors) {
                    for ((bias, scale), shift) in bias.iter_mut().zip(scale).zip(shift) {
                        *bias = *bias * scale + shift;
                    }
                }
                let shift = epilogue.factors.map(|(_, shift)| shift);
                let numbers = Epilogue {
                    scale: epilogue.factors.map(|(scale, _)| scale),
                    shift: bias.as_deref().or(shift),
                    residual: None,
                    activation: epilogue.activation,
                };
                self.convolution().fused(x, epilogue.residual, &numbers)
            }

            fn convolution(&self) -> Convolution<'_, $n> {
                let ConvConfig {
                    padding,
                    stride,
                    dilation,
                    groups,
                } = self.config;
                Convolution {
                    name: stringify!($function),
                    weight: &self.weight,
                    packed: Some(&self.packed),
                    stride,
                    padding,
                    dilation,
                    groups,
                }
            }
        }
    };
}

convolution!(1, Conv1d, conv1d, conv1d_no_bias);
convolution!(2, Conv2d, conv2d, conv2d_no_bias);
convolution!(3, Conv3d, conv3d, conv3d_no_bias);
