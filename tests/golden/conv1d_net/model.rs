use candle_core::{Result, Tensor};
use candle_nn::{Conv1dConfig, VarBuilder};
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

/// __main__.Net (model.py:30)
#[derive(Debug, Clone)]
pub struct Net {
    pub blocks: Vec<Block>,
    pub head: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl Net {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            blocks: vec![
                Block::load(2, 8, 1, vb.pp("blocks.0"), checker.pp("blocks.0"))?,
                Block::load(8, 16, 2, vb.pp("blocks.1"), checker.pp("blocks.1"))?,
            ],
            head: nn::linear(16, 5, vb.pp("head"), checker.pp("head"))?,
            checker,
        })
    }

    pub fn forward(&self, signal: &Tensor) -> Result<Tensor> {
        let (batch, _, length) = signal.dims3()?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_size("length", length, 4, None)?;
        ops::expect_shape("signal", signal, &[batch, 2, length])?;
        let mut x = signal.clone();
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let pooled = ops::mean(&x, &[2], false)?;
        let output = self.head.forward(&pooled)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// __main__.Block (model.py:19)
#[derive(Debug, Clone)]
pub struct Block {
    pub conv1: nn::Conv1d,
    pub conv2: nn::Conv1d,
    pub skip: nn::Conv1d,
    pub checker: Option<PyChecker>,
}

impl Block {
    pub fn load(
        inputs: usize,
        outputs: usize,
        stride: usize,
        vb: VarBuilder,
        checker: Option<PyChecker>,
    ) -> Result<Self> {
        Ok(Self {
            conv1: nn::conv1d(
                inputs,
                outputs,
                3,
                Conv1dConfig {
                    padding: 1,
                    stride,
                    ..Default::default()
                },
                vb.pp("conv1"),
                checker.pp("conv1"),
            )?,
            conv2: nn::conv1d_no_bias(
                outputs,
                outputs,
                3,
                Conv1dConfig {
                    padding: 1,
                    ..Default::default()
                },
                vb.pp("conv2"),
                checker.pp("conv2"),
            )?,
            skip: nn::conv1d(
                inputs,
                outputs,
                1,
                Conv1dConfig {
                    stride,
                    ..Default::default()
                },
                vb.pp("skip"),
                checker.pp("skip"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.conv1.then(ops::gelu).forward(x)?;
        let output = self.conv2.add(&self.skip.forward(x)?).forward(&y)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}
