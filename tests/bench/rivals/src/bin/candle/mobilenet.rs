//! MobileNetV2 in plain Candle, by torchvision's names.

use candle_core::{D, Result, Tensor};
use candle_nn::{
    BatchNorm, Conv2d, Conv2dConfig, Linear, Module, ModuleT, VarBuilder, batch_norm,
    conv2d_no_bias, linear,
};

/// How much wider a block is inside, its channels, how often, and the first one's stride.
const BLOCKS: [[usize; 4]; 7] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
];
const STEM: usize = 32;
const LAST: usize = 1280;

pub struct MobileNet {
    features: Vec<Box<dyn Module>>,
    classifier: Linear,
}

/// Loads the model.
pub fn v2(classes: usize, vb: VarBuilder) -> Result<MobileNet> {
    let names = vb.pp("features");
    let mut features: Vec<Box<dyn Module>> =
        vec![Box::new(Unit::load(3, STEM, 3, 2, 1, true, names.pp(0))?)];
    let mut width = STEM;
    for [wider, channels, count, stride] in BLOCKS {
        for number in 0..count {
            let stride = if number == 0 { stride } else { 1 };
            let vb = names.pp(features.len()).pp("conv");
            features.push(Box::new(Block::load(width, wider, channels, stride, vb)?));
            width = channels;
        }
    }
    let vb_last = names.pp(features.len());
    features.push(Box::new(Unit::load(width, LAST, 1, 1, 1, true, vb_last)?));
    Ok(MobileNet {
        features,
        classifier: linear(LAST, classes, vb.pp("classifier.1"))?,
    })
}

impl Module for MobileNet {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self
            .features
            .iter()
            .try_fold(x.clone(), |x, part| part.forward(&x))?;
        x.mean(D::Minus1)?.mean(D::Minus1)?.apply(&self.classifier)
    }
}

/// A convolution, its batch norm, and relu6.
struct Unit {
    conv: Conv2d,
    norm: BatchNorm,
    active: bool,
}

impl Unit {
    fn load(
        from: usize,
        to: usize,
        kernel: usize,
        stride: usize,
        groups: usize,
        active: bool,
        vb: VarBuilder,
    ) -> Result<Self> {
        Self::named(from, to, kernel, stride, groups, active, vb.pp(0), vb.pp(1))
    }

    #[expect(clippy::too_many_arguments, reason = "a convolution has so many")]
    fn named(
        from: usize,
        to: usize,
        kernel: usize,
        stride: usize,
        groups: usize,
        active: bool,
        conv: VarBuilder,
        norm: VarBuilder,
    ) -> Result<Self> {
        let config = Conv2dConfig {
            padding: kernel / 2,
            stride,
            groups,
            ..Default::default()
        };
        Ok(Self {
            conv: conv2d_no_bias(from, to, kernel, config, conv)?,
            norm: batch_norm(to, 1e-5, norm)?,
            active,
        })
    }
}

impl Module for Unit {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.norm.forward_t(&self.conv.forward(x)?, false)?;
        if self.active {
            x.clamp(0f32, 6f32)
        } else {
            Ok(x)
        }
    }
}

struct Block {
    units: Vec<Unit>,
    residual: bool,
}

impl Block {
    fn load(from: usize, wider: usize, to: usize, stride: usize, vb: VarBuilder) -> Result<Self> {
        let inside = from * wider;
        let mut units = Vec::new();
        if wider > 1 {
            units.push(Unit::load(from, inside, 1, 1, 1, true, vb.pp(0))?);
        }
        let depthwise = vb.pp(units.len());
        units.push(Unit::load(
            inside, inside, 3, stride, inside, true, depthwise,
        )?);
        let (conv, norm) = (vb.pp(units.len()), vb.pp(units.len() + 1));
        units.push(Unit::named(inside, to, 1, 1, 1, false, conv, norm)?);
        Ok(Self {
            units,
            residual: stride == 1 && from == to,
        })
    }
}

impl Module for Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self
            .units
            .iter()
            .try_fold(x.clone(), |x, unit| unit.forward(&x))?;
        if self.residual { x + y } else { Ok(y) }
    }
}
