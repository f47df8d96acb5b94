use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

/// __main__.Dense (model.py:46)
#[derive(Debug, Clone)]
pub struct Dense {
    pub scale: Tensor,
    pub block1: Block,
    pub block2: Block2,
    pub checker: Option<PyChecker>,
}

impl Dense {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            scale: vb.get(1, "scale")?,
            block1: Block::load(vb.pp("block1"), checker.pp("block1"))?,
            block2: Block2::load(vb.pp("block2"), checker.pp("block2"))?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let batch = x.dim(0)?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_shape("x", x, &[batch, 6])?;
        let block1 = self.block1.forward(x, &self.scale)?;
        let output = self.block2.forward(&block1, &self.scale)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Block (model.py:32)
#[derive(Debug, Clone)]
pub struct Block {
    pub layers: Vec<Layer>,
    pub checker: Option<PyChecker>,
}

impl Block {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            layers: vec![
                Layer::load(6, vb.pp("layer1"), checker.pp("layer1"))?,
                Layer::load(10, vb.pp("layer2"), checker.pp("layer2"))?,
                Layer::load(14, vb.pp("layer3"), checker.pp("layer3"))?,
            ],
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let mut layers = vec![x.clone()];
        for layer in &self.layers {
            layers.push(layer.forward(&layers, scale)?);
        }
        let output = ops::cat(&layers, 1)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Layer (model.py:22)
#[derive(Debug, Clone)]
pub struct Layer {
    pub join: Join,
    pub fc: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl Layer {
    pub fn load(width: usize, vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            join: Join::load(checker.pp("join"))?,
            fc: nn::linear(width, 4, vb.pp("fc"), checker.pp("fc"))?,
            checker,
        })
    }

    pub fn forward(&self, features: &[impl AsRef<Tensor>], scale: &Tensor) -> Result<Tensor> {
        let join = self.join.forward(features, scale)?;
        let output = self.fc.then(ops::tanh).forward(&join)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Join (model.py:12)
#[derive(Debug, Clone)]
pub struct Join {
    pub checker: Option<PyChecker>,
}

impl Join {
    pub fn load(checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self { checker })
    }

    pub fn forward(&self, features: &[impl AsRef<Tensor>], scale: &Tensor) -> Result<Tensor> {
        let output = ops::mul(&ops::cat(features, 1)?, scale)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Block (model.py:32)
#[derive(Debug, Clone)]
pub struct Block2 {
    pub layers: Vec<Layer>,
    pub checker: Option<PyChecker>,
}

impl Block2 {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            layers: vec![
                Layer::load(18, vb.pp("layer1"), checker.pp("layer1"))?,
                Layer::load(22, vb.pp("layer2"), checker.pp("layer2"))?,
                Layer::load(26, vb.pp("layer3"), checker.pp("layer3"))?,
                Layer::load(30, vb.pp("layer4"), checker.pp("layer4"))?,
            ],
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let mut layers = vec![x.clone()];
        for layer in &self.layers {
            layers.push(layer.forward(&layers, scale)?);
        }
        let output = ops::cat(&layers, 1)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}
