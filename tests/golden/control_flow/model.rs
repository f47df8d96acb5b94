use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

/// __main__.Router (model.py:26)
#[derive(Debug, Clone)]
pub struct Router {
    pub wide_weight: nn::Parameter,
    pub wide_bias: Tensor,
    pub narrow_weight: nn::Parameter,
    pub narrow_bias: Tensor,
    pub step_weight: nn::Parameter,
    pub step_bias: Tensor,
    pub jitter: Jitter,
    pub checker: Option<PyChecker>,
}

impl Router {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            wide_weight: nn::parameter(vb.get((4, 4), "wide.weight")?),
            wide_bias: vb.get(4, "wide.bias")?,
            narrow_weight: nn::parameter(vb.get((4, 4), "narrow.weight")?),
            narrow_bias: vb.get(4, "narrow.bias")?,
            step_weight: nn::parameter(vb.get((4, 4), "step.weight")?),
            step_bias: vb.get(4, "step.bias")?,
            jitter: Jitter::load(checker.pp("jitter"))?,
            checker,
        })
    }

    /// Takes what the model draws at random in PyTorch:
    /// - `noise`: normal with mean 0.0 and standard deviation 1.0.
    /// - `noise_2`: normal with mean 0.0 and standard deviation 1.0.
    pub fn forward(
        &self,
        x: &Tensor,
        length: &Tensor,
        noise: &Tensor,
        noise_2: &Tensor,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        let batch = x.dim(0)?;
        ops::expect_size("batch", batch, 3, None)?;
        ops::expect_shape("x", x, &[batch, 4])?;
        ops::expect_shape("length", length, &[])?;
        ops::expect_shape("noise", noise, &[batch, 4])?;
        ops::expect_shape("noise_2", noise_2, &[batch, 4])?;
        let count = ops::item_size("count", length, 1, None)?;
        ops::expect_relation("count <= batch", count <= batch)?;
        let jitter = self.jitter.forward(x, noise)?;
        let jitter = self.jitter.forward(&jitter, noise_2)?;
        let mut y = if ops::item_bool(&ops::gt(&ops::mean(&jitter, &[], false)?, 0.0)?)? {
            ops::relu(&ops::linear(
                &jitter,
                &self.wide_weight,
                Some(&self.wide_bias),
            )?)?
        } else {
            ops::linear(&jitter, &self.narrow_weight, Some(&self.narrow_bias))?
        };
        let mut steps = Tensor::zeros((), DType::I64, x.device())?;
        while ops::item_bool(&ops::lt(&steps, &ops::sum(length, &[], false)?)?)? {
            steps = ops::add(&steps, 1)?;
            y = ops::tanh(&ops::linear(&y, &self.step_weight, Some(&self.step_bias))?)?;
        }
        let mut state = Tensor::ones(4, DType::F32, x.device())?;
        let mut rows = Vec::with_capacity(batch);
        for i in 0..batch {
            let row = y.get(i)?;
            rows.push((&state * &row)?);
            state = (&state + &row)?;
        }
        let rows = Tensor::stack(&rows, 0)?;
        let positions = ops::nonzero(&ops::gt(&rows, 0.0)?)?;
        let head = rows.narrow(0, 0, count)?;
        py_check!(self.checker, "", &head, &positions, &state);
        Ok((head, positions, state))
    }
}

/// __main__.Jitter (model.py:13)
#[derive(Debug, Clone)]
pub struct Jitter {
    pub checker: Option<PyChecker>,
}

impl Jitter {
    pub fn load(checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self { checker })
    }

    pub fn forward(&self, x: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let output = ops::fused((x, noise), |(x, noise)| x + noise * 0.1)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}
