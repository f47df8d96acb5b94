use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

pub const WIDTH: usize = 16;

/// __main__.Decoder (model.py:50)
#[derive(Debug, Clone)]
pub struct Decoder {
    pub tokens: nn::Embedding,
    pub positions: nn::Embedding,
    pub blocks: Vec<Block>,
    pub norm: nn::LayerNorm,
    pub head: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl Decoder {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        let vb = nn::tie(vb, &[&["tokens.weight", "head.weight"]])?;
        Ok(Self {
            tokens: nn::embedding(50, WIDTH, vb.pp("tokens"), checker.pp("tokens"))?,
            positions: nn::embedding(64, WIDTH, vb.pp("positions"), checker.pp("positions"))?,
            blocks: (0..3)
                .map(|i| {
                    Block::load(
                        vb.pp(format!("blocks.{i}")),
                        checker.pp(format!("blocks.{i}")),
                    )
                })
                .collect::<Result<Vec<_>>>()?,
            norm: nn::layer_norm(WIDTH, 1e-5, vb.pp("norm"), checker.pp("norm"))?,
            head: nn::linear_no_bias(WIDTH, 50, vb.pp("head"), checker.pp("head"))?,
            checker,
        })
    }

    pub fn forward(&self, tokens: &Tensor, padding: &Tensor) -> Result<Tensor> {
        let (batch, seq) = tokens.dims2()?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_size("seq", seq, 1, Some(64))?;
        ops::expect_shape("padding", padding, &[batch, seq])?;
        let place = Tensor::arange(0i64, seq as i64, tokens.device())?;
        let mask = ops::logical_and(
            &ops::causal_mask(seq, seq, tokens.device())?,
            &ops::to_bool(&padding.unsqueeze(1)?.unsqueeze(2)?)?,
        )?;
        let mut hidden = self
            .tokens
            .forward(tokens)?
            .broadcast_add(&self.positions.forward(&place)?)?;
        for block in &self.blocks {
            hidden = block.forward(&hidden, &mask)?;
        }
        let norm = self.norm.forward(&hidden)?;
        let output = self.head.forward(&norm)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Block (model.py:34)
#[derive(Debug, Clone)]
pub struct Block {
    pub norm: nn::LayerNorm,
    pub attention: Attention,
    pub mlp: Mlp,
    pub checker: Option<PyChecker>,
}

impl Block {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            norm: nn::layer_norm(WIDTH, 1e-5, vb.pp("norm"), checker.pp("norm"))?,
            attention: Attention::load(vb.pp("attention"), checker.pp("attention"))?,
            mlp: Mlp::load(vb.pp("mlp"), checker.pp("mlp"))?,
            checker,
        })
    }

    pub fn forward(&self, hidden: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let norm = self.norm.forward(hidden)?;
        let hidden = (hidden + self.attention.forward(&norm, mask)?)?;
        let output = (&hidden + self.mlp.forward(&hidden)?)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Attention (model.py:19)
#[derive(Debug, Clone)]
pub struct Attention {
    pub qkv: nn::Linear,
    pub out: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl Attention {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            qkv: nn::linear(WIDTH, 48, vb.pp("qkv"), checker.pp("qkv"))?,
            out: nn::linear(WIDTH, WIDTH, vb.pp("out"), checker.pp("out"))?,
            checker,
        })
    }

    pub fn forward(&self, hidden: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (batch, seq, _) = hidden.dims3()?;
        let heads = self.qkv.forward(hidden)?.reshape((batch, seq, 3, 4, 4))?;
        let permute = heads.permute((2, 0, 3, 1, 4))?;
        let query = permute.get_on_dim(0, 0)?;
        let key = permute.get_on_dim(0, 1)?;
        let value = permute.get_on_dim(0, 2)?;
        let attended =
            ops::scaled_dot_product_attention(&query, &key, &value, Some(mask), false, None)?;
        let output = self
            .out
            .forward(&attended.transpose(1, 2)?.reshape((batch, seq, 16))?)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// torch.nn.modules.container.Sequential (torch/nn/modules/container.py:254)
#[derive(Debug, Clone)]
pub struct Mlp {
    pub layer_norm_0: nn::LayerNorm,
    pub linear_1: nn::Linear,
    pub silu_2: nn::Func,
    pub linear_3: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl Mlp {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            layer_norm_0: nn::layer_norm(WIDTH, 1e-5, vb.pp("0"), checker.pp("0"))?,
            linear_1: nn::linear(WIDTH, 32, vb.pp("1"), checker.pp("1"))?,
            silu_2: nn::func(ops::silu, checker.pp("2")),
            linear_3: nn::linear(32, WIDTH, vb.pp("3"), checker.pp("3"))?,
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let input = self.layer_norm_0.forward(input)?;
        let input = self.linear_1.then(&self.silu_2).forward(&input)?;
        let input = self.linear_3.forward(&input)?;
        py_check!(self.checker, "", &input);
        Ok(input)
    }
}
