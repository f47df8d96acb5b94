use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

/// __main__.Stack (model.py:31)
#[derive(Debug, Clone)]
pub struct Stack {
    pub scan: Scan,
    pub layers: Vec<nn::Linear>,
    pub checker: Option<PyChecker>,
}

impl Stack {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            scan: Scan::load(vb.pp("scan"), checker.pp("scan"))?,
            layers: vec![
                nn::linear(4, 8, vb.pp("layers.0"), checker.pp("layers.0"))?,
                nn::linear(8, 16, vb.pp("layers.1"), checker.pp("layers.1"))?,
                nn::linear(16, 32, vb.pp("layers.2"), checker.pp("layers.2"))?,
                nn::linear(32, 64, vb.pp("layers.3"), checker.pp("layers.3"))?,
                nn::linear(64, 128, vb.pp("layers.4"), checker.pp("layers.4"))?,
            ],
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, seq, _) = x.dims3()?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_size("seq", seq, 1, None)?;
        ops::expect_shape("x", x, &[batch, seq, 4])?;
        let mut x = self.scan.forward(x)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        py_check!(self.checker, "", &x);
        Ok(x)
    }
}

/// __main__.Scan (model.py:16)
#[derive(Debug, Clone)]
pub struct Scan {
    pub decay: Tensor,
    pub checker: Option<PyChecker>,
}

impl Scan {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            decay: vb.get(4, "decay")?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, seq, _) = x.dims3()?;
        let movedim = x.permute((1, 0, 2))?;
        let mut rows = Tensor::zeros((batch, 4), DType::F32, x.device())?;
        let mut rows_2 = Vec::with_capacity(seq);
        for i in 0..seq {
            let row = movedim.get(i)?;
            let add = ops::fused((&rows, &self.decay, &row), |(rows, decay, row)| {
                rows * decay + row
            })?;
            rows_2.push(ops::tanh(&add)?);
            rows = add;
        }
        let rows_2 = Tensor::stack(&rows_2, 0)?;
        let output = rows_2.permute((1, 0, 2))?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}
