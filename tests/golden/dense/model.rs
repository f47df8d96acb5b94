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
    pub layer1: Layer,
    pub layer2: Layer2,
    pub layer3: Layer2,
    pub checker: Option<PyChecker>,
}

impl Block {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            layer1: Layer::load(6, vb.pp("layer1"), checker.pp("layer1"))?,
            layer2: Layer2::load(10, vb.pp("layer2"), checker.pp("layer2"))?,
            layer3: Layer2::load(14, vb.pp("layer3"), checker.pp("layer3"))?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let layer1 = self.layer1.forward(x, scale)?;
        let layer2 = self.layer2.forward(&[x, &layer1], scale)?;
        let layer3 = self.layer3.forward(&[x, &layer1, &layer2], scale)?;
        let output = ops::cat(&[x, &layer1, &layer2, &layer3], 1)?;
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
    pub fn load(in_dim: usize, vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            join: Join::load(checker.pp("join"))?,
            fc: nn::linear(in_dim, 4, vb.pp("fc"), checker.pp("fc"))?,
            checker,
        })
    }

    pub fn forward(&self, features_0: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let join = self.join.forward(features_0, scale)?;
        let output = ops::tanh(&self.fc.forward(&join)?)?;
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

    pub fn forward(&self, features_0: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let output = features_0.broadcast_mul(scale)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Layer (model.py:22)
#[derive(Debug, Clone)]
pub struct Layer2 {
    pub join: Join2,
    pub fc: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl Layer2 {
    pub fn load(in_dim: usize, vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            join: Join2::load(checker.pp("join"))?,
            fc: nn::linear(in_dim, 4, vb.pp("fc"), checker.pp("fc"))?,
            checker,
        })
    }

    pub fn forward(&self, features: &[impl AsRef<Tensor>], scale: &Tensor) -> Result<Tensor> {
        let join = self.join.forward(features, scale)?;
        let output = ops::tanh(&self.fc.forward(&join)?)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Join (model.py:12)
#[derive(Debug, Clone)]
pub struct Join2 {
    pub checker: Option<PyChecker>,
}

impl Join2 {
    pub fn load(checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self { checker })
    }

    pub fn forward(&self, features: &[impl AsRef<Tensor>], scale: &Tensor) -> Result<Tensor> {
        let output = ops::cat(features, 1)?.broadcast_mul(scale)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Block (model.py:32)
#[derive(Debug, Clone)]
pub struct Block2 {
    pub layer1: Layer,
    pub layers: Vec<Layer2>,
    pub checker: Option<PyChecker>,
}

impl Block2 {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            layer1: Layer::load(18, vb.pp("layer1"), checker.pp("layer1"))?,
            layers: vec![
                Layer2::load(22, vb.pp("layer2"), checker.pp("layer2"))?,
                Layer2::load(26, vb.pp("layer3"), checker.pp("layer3"))?,
                Layer2::load(30, vb.pp("layer4"), checker.pp("layer4"))?,
            ],
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let layer1 = self.layer1.forward(x, scale)?;
        let mut layers = vec![x.clone(), layer1.clone()];
        for layer in &self.layers {
            layers.push(layer.forward(&layers, scale)?);
        }
        let output = ops::cat(&layers, 1)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}
