use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

/// __main__.Tables (model.py:31)
#[derive(Debug, Clone)]
pub struct Tables {
    pub wave: Tensor,
    pub blocks: Vec<Block>,
    pub checker: Option<PyChecker>,
}

impl Tables {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        let constants = include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/constants_constants.safetensors"
        ));
        let vb = nn::constants(
            vb,
            constants,
            "de8672f0d8531fcac8d2d749c27afca46ba501d6fbaa6d83e9d38ba2ab81a288",
        )?;
        Ok(Self {
            wave: vb.get_with_hints_dtype((9, 9), "wave", Default::default(), DType::F64)?,
            blocks: (0..2)
                .map(|i| {
                    Block::load(
                        vb.pp(format!("blocks.{i}")),
                        checker.pp(format!("blocks.{i}")),
                    )
                })
                .collect::<Result<Vec<_>>>()?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let batch = x.dim(0)?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_shape("x", x, &[batch, 9])?;
        let mut blocks = x.clone();
        for block in &self.blocks {
            blocks = block.forward(&blocks)?;
        }
        let output = ops::matmul(&blocks.to_dtype(DType::F64)?, &self.wave)?;
        let mul = blocks.broadcast_mul(&Tensor::new(
            &[
                0.1f32, 0.1f32, 0.1f32, 0.1f32, 0.2f32, 0.2f32, 0.2f32, 0.2f32, 0.2f32,
            ],
            x.device(),
        )?)?;
        py_check!(self.checker, "", &output, &mul);
        Ok((output, mul))
    }
}

/// __main__.Block (model.py:20)
#[derive(Debug, Clone)]
pub struct Block {
    pub scores: Tensor,
    pub checker: Option<PyChecker>,
}

impl Block {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        let bias = vb.get(17, "bias")?;
        let places = vb.get_with_hints_dtype((9, 9), "places", Default::default(), DType::I64)?;
        let arange = Tensor::arange(0i64, 9i64, vb.device())?;
        let view = arange.reshape((9, 1))?;
        let view = ops::logical_and(
            &ops::ge(&arange, &ops::add(&view, -1)?)?,
            &ops::le(&arange, &ops::add(&view, 2)?)?,
        )?
        .reshape((1, 9, 9))?;
        let scores = ops::masked_fill(
            &ops::index(&bias, &[Some(&places)])?,
            &ops::logical_not(&view)?,
            -1.0,
        )?;
        Ok(Self { scores, checker })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let output = (x + ops::matmul(x, &self.scores.get_on_dim(0, 0)?)?)?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}
