use candle_core::{Result, Tensor};
use candle_nn::{Conv2dConfig, VarBuilder};
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

pub const INPLANES: usize = 64;
pub const NUM_CLASSES: usize = 10;

/// torchvision.models.resnet.ResNet (torchvision/models/resnet.py:284)
#[derive(Debug, Clone)]
pub struct ResNet {
    pub conv1: nn::Conv2d,
    pub bn1: nn::BatchNorm,
    pub relu: nn::Func,
    pub maxpool: nn::Func,
    pub layers: Vec<Layer>,
    pub avgpool: nn::Func,
    pub fc: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl ResNet {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            conv1: nn::conv2d_no_bias(
                3,
                INPLANES,
                7,
                Conv2dConfig {
                    padding: 3,
                    stride: 2,
                    ..Default::default()
                },
                vb.pp("conv1"),
                checker.pp("conv1"),
            )?,
            bn1: nn::batch_norm(INPLANES, 1e-5, vb.pp("bn1"), checker.pp("bn1"))?,
            relu: nn::func(ops::relu, checker.pp("relu")),
            maxpool: nn::func(
                |x| ops::max_pool2d(x, 3, 2, 1, 1, false),
                checker.pp("maxpool"),
            ),
            layers: vec![
                Layer::load(64, 64, 1, false, vb.pp("layer1"), checker.pp("layer1"))?,
                Layer::load(64, 128, 2, true, vb.pp("layer2"), checker.pp("layer2"))?,
                Layer::load(128, 256, 2, true, vb.pp("layer3"), checker.pp("layer3"))?,
                Layer::load(256, 512, 2, true, vb.pp("layer4"), checker.pp("layer4"))?,
            ],
            avgpool: nn::func(|x| ops::adaptive_avg_pool2d(x, 1), checker.pp("avgpool")),
            fc: nn::linear(512, NUM_CLASSES, vb.pp("fc"), checker.pp("fc"))?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let batch = x.dim(0)?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_shape("x", x, &[batch, 3, 32, 32])?;
        let x = self.conv1.then(&self.bn1).then(&self.relu).forward(x)?;
        let mut x = self.maxpool.forward(&x)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        let x = self.avgpool.forward(&x)?;
        let x = x.flatten_from(1)?;
        let x = self.fc.forward(&x)?;
        py_check!(self.checker, "", &x);
        Ok(x)
    }
}

/// torch.nn.modules.container.Sequential (torch/nn/modules/container.py:254)
#[derive(Debug, Clone)]
pub struct Layer {
    pub basic_blocks: Vec<BasicBlock>,
    pub checker: Option<PyChecker>,
}

impl Layer {
    pub fn load(
        inplanes: usize,
        planes: usize,
        stride: usize,
        has_downsample: bool,
        vb: VarBuilder,
        checker: Option<PyChecker>,
    ) -> Result<Self> {
        Ok(Self {
            basic_blocks: vec![
                BasicBlock::load(
                    inplanes,
                    planes,
                    stride,
                    has_downsample,
                    vb.pp("0"),
                    checker.pp("0"),
                )?,
                BasicBlock::load(planes, planes, 1, false, vb.pp("1"), checker.pp("1"))?,
            ],
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut input = input.clone();
        for basic_block in &self.basic_blocks {
            input = basic_block.forward(&input)?;
        }
        py_check!(self.checker, "", &input);
        Ok(input)
    }
}

/// torchvision.models.resnet.BasicBlock (torchvision/models/resnet.py:89)
#[derive(Debug, Clone)]
pub struct BasicBlock {
    pub conv1: nn::Conv2d,
    pub bn1: nn::BatchNorm,
    pub relu: nn::Func,
    pub conv2: nn::Conv2d,
    pub bn2: nn::BatchNorm,
    pub downsample: Option<Downsample>,
    pub checker: Option<PyChecker>,
}

impl BasicBlock {
    pub fn load(
        inplanes: usize,
        planes: usize,
        stride: usize,
        has_downsample: bool,
        vb: VarBuilder,
        checker: Option<PyChecker>,
    ) -> Result<Self> {
        Ok(Self {
            conv1: nn::conv2d_no_bias(
                inplanes,
                planes,
                3,
                Conv2dConfig {
                    padding: 1,
                    stride,
                    ..Default::default()
                },
                vb.pp("conv1"),
                checker.pp("conv1"),
            )?,
            bn1: nn::batch_norm(planes, 1e-5, vb.pp("bn1"), checker.pp("bn1"))?,
            relu: nn::func(ops::relu, checker.pp("relu")),
            conv2: nn::conv2d_no_bias(
                planes,
                planes,
                3,
                Conv2dConfig {
                    padding: 1,
                    ..Default::default()
                },
                vb.pp("conv2"),
                checker.pp("conv2"),
            )?,
            bn2: nn::batch_norm(planes, 1e-5, vb.pp("bn2"), checker.pp("bn2"))?,
            downsample: if has_downsample {
                Some(Downsample::load(
                    inplanes,
                    vb.pp("downsample"),
                    checker.pp("downsample"),
                )?)
            } else {
                None
            },
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let out = self.conv1.then(&self.bn1).then(&self.relu).forward(x)?;
        let identity = if let Some(downsample) = &self.downsample {
            downsample.forward(x)?
        } else {
            x.clone()
        };
        let out = self
            .conv2
            .then(&self.bn2)
            .add(&identity)
            .then(&self.relu)
            .forward(&out)?;
        py_check!(self.checker, "", &out);
        Ok(out)
    }
}

/// torch.nn.modules.container.Sequential (torch/nn/modules/container.py:254)
#[derive(Debug, Clone)]
pub struct Downsample {
    pub conv2d_0: nn::Conv2d,
    pub batch_norm_1: nn::BatchNorm,
    pub checker: Option<PyChecker>,
}

impl Downsample {
    pub fn load(in_channels: usize, vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            conv2d_0: nn::conv2d_no_bias(
                in_channels,
                in_channels * 2,
                1,
                Conv2dConfig {
                    stride: 2,
                    ..Default::default()
                },
                vb.pp("0"),
                checker.pp("0"),
            )?,
            batch_norm_1: nn::batch_norm(in_channels * 2, 1e-5, vb.pp("1"), checker.pp("1"))?,
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let input = self.conv2d_0.then(&self.batch_norm_1).forward(input)?;
        py_check!(self.checker, "", &input);
        Ok(input)
    }
}
