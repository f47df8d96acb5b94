use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

/// __main__.Mlp (model.py:20)
#[derive(Debug, Clone)]
pub struct Mlp {
    pub features: Features,
    pub head: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl Mlp {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            features: Features::load(vb.pp("features"), checker.pp("features"))?,
            head: nn::linear_no_bias(16, 3, vb.pp("head"), checker.pp("head"))?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let batch = x.dim(0)?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_shape("x", x, &[batch, 8])?;
        let features = self.features.forward(x)?;
        let logits = self.head.forward(&features)?;
        let probabilities = ops::softmax(&logits, 1)?;
        py_check!(self.checker, "", &logits, &probabilities);
        Ok((logits, probabilities))
    }
}

/// torch.nn.modules.container.Sequential (torch/nn/modules/container.py:254)
#[derive(Debug, Clone)]
pub struct Features {
    pub linear_0: nn::Linear,
    pub relu_1: nn::Func,
    pub linear_3: nn::Linear,
    pub tanh_4: nn::Func,
    pub checker: Option<PyChecker>,
}

impl Features {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            linear_0: nn::linear(8, 16, vb.pp("0"), checker.pp("0"))?,
            relu_1: nn::func(ops::relu, checker.pp("1")),
            linear_3: nn::linear(16, 16, vb.pp("3"), checker.pp("3"))?,
            tanh_4: nn::func(ops::tanh, checker.pp("4")),
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let input = self.linear_0.then(&self.relu_1).forward(input)?;
        let input = self.linear_3.then(&self.tanh_4).forward(&input)?;
        py_check!(self.checker, "", &input);
        Ok(input)
    }
}
