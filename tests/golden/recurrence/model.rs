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
        let batch = x.dim(0)?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_shape("x", x, &[batch, 6, 4])?;
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
        let batch = x.dim(0)?;
        let mut state = Tensor::zeros((batch, 4), DType::F32, x.device())?;
        let mut stack = Vec::with_capacity(6);
        for i in 0..6 {
            let add = (state.broadcast_mul(&self.decay)? + x.narrow(1, i, 1)?.squeeze(1)?)?;
            stack.push(ops::tanh(&add)?);
            state = add;
        }
        let stack = Tensor::stack(&stack, 1)?;
        py_check!(self.checker, "", &stack);
        Ok(stack)
    }
}
