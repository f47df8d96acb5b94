use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{nn, ops};

/// __main__.Mlp (model.py:20)
#[derive(Debug, Clone)]
pub struct Mlp {
    pub features: Features,
    pub head: nn::Linear,
}

impl Mlp {
    pub fn load(vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            features: Features::load(vb.pp("features"))?,
            head: nn::linear_no_bias(16, 3, vb.pp("head"), None)?,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let batch = x.dim(0)?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_shape("x", x, &[batch, 8])?;
        let features = self.features.forward(x)?;
        let logits = self.head.forward(&features)?;
        let probabilities = ops::softmax(&logits, 1)?;
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
}

impl Features {
    pub fn load(vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            linear_0: nn::linear(8, 16, vb.pp("0"), None)?,
            relu_1: nn::func(ops::relu, None),
            linear_3: nn::linear(16, 16, vb.pp("3"), None)?,
            tanh_4: nn::func(ops::tanh, None),
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let input = self.linear_0.then(&self.relu_1).forward(input)?;
        let input = self.linear_3.then(&self.tanh_4).forward(&input)?;
        Ok(input)
    }
}
