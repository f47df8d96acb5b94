use candle_core::{DType, Result, Tensor};
use candle_nn::{Conv2dConfig, VarBuilder};
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

pub const NUM_FEATURES: usize = 24;
pub const NUM_CLASSES: usize = 5;
pub const WINDOW_SIZE: usize = 4;
pub const DIM: usize = 12;

/// torchvision.models.swin_transformer.SwinTransformer (torchvision/models/swin_transformer.py:607)
#[derive(Debug, Clone)]
pub struct SwinTransformer {
    pub features: Features,
    pub norm: nn::LayerNorm,
    pub permute: nn::Func,
    pub avgpool: nn::Func,
    pub flatten: Flatten,
    pub head: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl SwinTransformer {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            features: Features::load(vb.pp("features"), checker.pp("features"))?,
            norm: nn::layer_norm(NUM_FEATURES, 1e-5, vb.pp("norm"), checker.pp("norm"))?,
            permute: nn::func(|x| x.permute((0, 3, 1, 2)), checker.pp("permute")),
            avgpool: nn::func(|x| ops::adaptive_avg_pool2d(x, 1), checker.pp("avgpool")),
            flatten: Flatten::load(checker.pp("flatten"))?,
            head: nn::linear(NUM_FEATURES, NUM_CLASSES, vb.pp("head"), checker.pp("head"))?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let batch = x.dim(0)?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_shape("x", x, &[batch, 3, 96, 96])?;
        let x = self.features.forward(x)?;
        let x = self.norm.forward(&x)?;
        let x = self.permute.forward(&x)?;
        let x = self.avgpool.forward(&x)?;
        let x = self.flatten.forward(&x)?;
        let x = self.head.forward(&x)?;
        py_check!(self.checker, "", &x);
        Ok(x)
    }
}

/// torch.nn.modules.container.Sequential (torch/nn/modules/container.py:254)
#[derive(Debug, Clone)]
pub struct Features {
    pub features_0: Features0,
    pub swin_transformer_blocks_1: SwinTransformerBlocks,
    pub patch_merging_2: PatchMerging,
    pub swin_transformer_blocks_3: SwinTransformerBlocks,
    pub checker: Option<PyChecker>,
}

impl Features {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            features_0: Features0::load(vb.pp("0"), checker.pp("0"))?,
            swin_transformer_blocks_1: SwinTransformerBlocks::load(
                12,
                6,
                2,
                48,
                vb.pp("1"),
                checker.pp("1"),
            )?,
            patch_merging_2: PatchMerging::load(vb.pp("2"), checker.pp("2"))?,
            swin_transformer_blocks_3: SwinTransformerBlocks::load(
                24,
                3,
                4,
                96,
                vb.pp("3"),
                checker.pp("3"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let input = self.features_0.forward(input)?;
        let input = self.swin_transformer_blocks_1.forward(&input)?;
        let input = self.patch_merging_2.forward(&input)?;
        let input = self.swin_transformer_blocks_3.forward(&input)?;
        py_check!(self.checker, "", &input);
        Ok(input)
    }
}

/// torch.nn.modules.container.Sequential (torch/nn/modules/container.py:254)
#[derive(Debug, Clone)]
pub struct Features0 {
    pub conv2d_0: nn::Conv2d,
    pub permute_1: nn::Func,
    pub layer_norm_2: nn::LayerNorm,
    pub checker: Option<PyChecker>,
}

impl Features0 {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            conv2d_0: nn::conv2d(
                3,
                12,
                4,
                Conv2dConfig {
                    stride: 4,
                    ..Default::default()
                },
                vb.pp("0"),
                checker.pp("0"),
            )?,
            permute_1: nn::func(|x| x.permute((0, 2, 3, 1)), checker.pp("1")),
            layer_norm_2: nn::layer_norm(12, 1e-5, vb.pp("2"), checker.pp("2"))?,
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let input = self.conv2d_0.forward(input)?;
        let input = self.permute_1.forward(&input)?;
        let input = self.layer_norm_2.forward(&input)?;
        py_check!(self.checker, "", &input);
        Ok(input)
    }
}

/// torch.nn.modules.container.Sequential (torch/nn/modules/container.py:254)
#[derive(Debug, Clone)]
pub struct SwinTransformerBlocks {
    pub swin_transformer_blocks: Vec<SwinTransformerBlock>,
    pub checker: Option<PyChecker>,
}

impl SwinTransformerBlocks {
    pub fn load(
        dim: usize,
        size: usize,
        num_heads: usize,
        out_features: usize,
        vb: VarBuilder,
        checker: Option<PyChecker>,
    ) -> Result<Self> {
        Ok(Self {
            swin_transformer_blocks: [false, true]
                .into_iter()
                .enumerate()
                .map(|(i, has_attn_mask)| {
                    SwinTransformerBlock::load(
                        dim,
                        size,
                        num_heads,
                        out_features,
                        has_attn_mask,
                        vb.pp(format!("{i}")),
                        checker.pp(format!("{i}")),
                    )
                })
                .collect::<Result<Vec<_>>>()?,
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut input = input.clone();
        for swin_transformer_block in &self.swin_transformer_blocks {
            input = swin_transformer_block.forward(&input)?;
        }
        py_check!(self.checker, "", &input);
        Ok(input)
    }
}

/// torchvision.models.swin_transformer.SwinTransformerBlock (torchvision/models/swin_transformer.py:452)
#[derive(Debug, Clone)]
pub struct SwinTransformerBlock {
    pub norm1: nn::LayerNorm,
    pub attn: ShiftedWindowAttention,
    pub norm2: nn::LayerNorm,
    pub mlp: MLP,
    pub checker: Option<PyChecker>,
}

impl SwinTransformerBlock {
    pub fn load(
        dim: usize,
        size: usize,
        num_heads: usize,
        out_features: usize,
        has_attn_mask: bool,
        vb: VarBuilder,
        checker: Option<PyChecker>,
    ) -> Result<Self> {
        Ok(Self {
            norm1: nn::layer_norm(dim, 1e-5, vb.pp("norm1"), checker.pp("norm1"))?,
            attn: ShiftedWindowAttention::load(
                size,
                num_heads,
                has_attn_mask,
                vb.pp("attn"),
                checker.pp("attn"),
            )?,
            norm2: nn::layer_norm(dim, 1e-5, vb.pp("norm2"), checker.pp("norm2"))?,
            mlp: MLP::load(dim, out_features, vb.pp("mlp"), checker.pp("mlp"))?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let norm1 = self.norm1.forward(x)?;
        let x = (x + self.attn.forward(&norm1)?)?;
        let norm2 = self.norm2.forward(&x)?;
        let x = (&x + self.mlp.forward(&norm2)?)?;
        py_check!(self.checker, "", &x);
        Ok(x)
    }
}

/// torchvision.models.swin_transformer.ShiftedWindowAttention (torchvision/models/swin_transformer.py:291)
#[derive(Debug, Clone)]
pub struct ShiftedWindowAttention {
    pub qkv_weight: nn::Parameter,
    pub qkv_bias: Tensor,
    pub proj_weight: nn::Parameter,
    pub proj_bias: Tensor,
    pub relative_position_bias: Tensor,
    pub attn_mask: Option<Tensor>,
    size: usize,
    num_heads: usize,
    pub checker: Option<PyChecker>,
}

impl ShiftedWindowAttention {
    pub fn load(
        size: usize,
        num_heads: usize,
        has_attn_mask: bool,
        vb: VarBuilder,
        checker: Option<PyChecker>,
    ) -> Result<Self> {
        let relative_position_bias_table =
            vb.get((49, num_heads), "relative_position_bias_table")?;
        let relative_position_index = vb.get_with_hints_dtype(
            256,
            "relative_position_index",
            Default::default(),
            DType::I64,
        )?;
        let relative_position_bias = ops::index(
            &relative_position_bias_table,
            &[Some(&relative_position_index)],
        )?;
        let relative_position_bias = relative_position_bias.reshape((16, 16, ()))?;
        let relative_position_bias = relative_position_bias.permute((2, 0, 1))?.unsqueeze(0)?;
        let attn_mask = if has_attn_mask {
            let attn_mask = Tensor::zeros((size * 4, size * 4), DType::F32, vb.device())?;
            let attn_mask = ops::slice_fill(&attn_mask, &[0..size * 4 - 4, 0..size * 4 - 4], 0.0)?;
            let attn_mask = ops::slice_fill(
                &attn_mask,
                &[0..size * 4 - 4, size * 4 - 4..size * 4 - 2],
                1.0,
            )?;
            let attn_mask =
                ops::slice_fill(&attn_mask, &[0..size * 4 - 4, size * 4 - 2..size * 4], 2.0)?;
            let attn_mask = ops::slice_fill(
                &attn_mask,
                &[size * 4 - 4..size * 4 - 2, 0..size * 4 - 4],
                3.0,
            )?;
            let attn_mask = ops::slice_fill(
                &attn_mask,
                &[size * 4 - 4..size * 4 - 2, size * 4 - 4..size * 4 - 2],
                4.0,
            )?;
            let attn_mask = ops::slice_fill(
                &attn_mask,
                &[size * 4 - 4..size * 4 - 2, size * 4 - 2..size * 4],
                5.0,
            )?;
            let attn_mask =
                ops::slice_fill(&attn_mask, &[size * 4 - 2..size * 4, 0..size * 4 - 4], 6.0)?;
            let attn_mask = ops::slice_fill(
                &attn_mask,
                &[size * 4 - 2..size * 4, size * 4 - 4..size * 4 - 2],
                7.0,
            )?;
            let attn_mask = ops::slice_fill(
                &attn_mask,
                &[size * 4 - 2..size * 4, size * 4 - 2..size * 4],
                8.0,
            )?;
            let attn_mask = attn_mask
                .reshape((size, 4, size, 4))?
                .permute((0, 2, 1, 3))?
                .reshape((size * size, 16))?;
            let attn_mask = attn_mask
                .unsqueeze(1)?
                .broadcast_sub(&attn_mask.unsqueeze(2)?)?;
            let attn_mask = ops::masked_fill(
                &ops::masked_fill(&attn_mask, &ops::ne(&attn_mask, 0.0)?, -100.0)?,
                &ops::eq(&attn_mask, 0.0)?,
                0.0,
            )?;
            Some(attn_mask)
        } else {
            None
        };
        Ok(Self {
            qkv_weight: nn::parameter(vb.get((num_heads * 18, num_heads * 6), "qkv.weight")?),
            qkv_bias: vb.get(num_heads * 18, "qkv.bias")?,
            proj_weight: nn::parameter(vb.get((num_heads * 6, num_heads * 6), "proj.weight")?),
            proj_bias: vb.get(num_heads * 6, "proj.bias")?,
            relative_position_bias,
            attn_mask,
            size,
            num_heads,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let batch = x.dim(0)?;
        let x = if self.attn_mask.is_some() {
            ops::roll(x, &[-2, -2], &[1, 2])?
        } else {
            x.clone()
        };
        let x = x.reshape((
            batch,
            self.size,
            WINDOW_SIZE,
            self.size,
            WINDOW_SIZE,
            self.num_heads * 6,
        ))?;
        let x = x.permute((0, 1, 3, 2, 4, 5))?.reshape((
            batch * self.size * self.size,
            16,
            self.num_heads * 6,
        ))?;
        let qkv = ops::linear(&x, &self.qkv_weight, Some(&self.qkv_bias))?;
        let qkv = qkv
            .reshape((batch * self.size * self.size, 16, 3, self.num_heads, 6))?
            .permute((2, 0, 3, 1, 4))?;
        let q = qkv.get_on_dim(0, 0)?;
        let k = qkv.get_on_dim(0, 1)?;
        let v = qkv.get_on_dim(0, 2)?;
        let q = ops::mul(&q, 0.408248290463863)?;
        let attn = ops::matmul(&q, &k.transpose(2, 3)?)?;
        let attn = ops::add(&attn, &self.relative_position_bias)?;
        let attn = if let Some(attn_mask) = &self.attn_mask {
            let attn = attn.reshape((batch, self.size * self.size, self.num_heads, 16, 16))?;
            let attn = ops::add(&attn, &attn_mask.unsqueeze(1)?.unsqueeze(0)?)?;
            attn.reshape(((), self.num_heads, 16, 16))?
        } else {
            attn
        };
        let attn = ops::softmax(&attn, 3)?;
        let x = ops::matmul(&attn, &v)?.transpose(1, 2)?.reshape((
            batch * self.size * self.size,
            16,
            self.num_heads * 6,
        ))?;
        let x = ops::linear(&x, &self.proj_weight, Some(&self.proj_bias))?;
        let x = x.reshape((
            batch,
            self.size,
            self.size,
            WINDOW_SIZE,
            WINDOW_SIZE,
            self.num_heads * 6,
        ))?;
        let x = x.permute((0, 1, 3, 2, 4, 5))?.reshape((
            batch,
            self.size * 4,
            self.size * 4,
            self.num_heads * 6,
        ))?;
        let x = if self.attn_mask.is_some() {
            ops::roll(&x, &[2, 2], &[1, 2])?
        } else {
            x
        };
        py_check!(self.checker, "", &x);
        Ok(x)
    }
}

/// torchvision.ops.misc.MLP (torch/nn/modules/container.py:254)
#[derive(Debug, Clone)]
pub struct MLP {
    pub linear_0: nn::Linear,
    pub gelu_1: nn::Func,
    pub linear_3: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl MLP {
    pub fn load(
        in_features: usize,
        out_features: usize,
        vb: VarBuilder,
        checker: Option<PyChecker>,
    ) -> Result<Self> {
        Ok(Self {
            linear_0: nn::linear(in_features, out_features, vb.pp("0"), checker.pp("0"))?,
            gelu_1: nn::func(ops::gelu, checker.pp("1")),
            linear_3: nn::linear(out_features, in_features, vb.pp("3"), checker.pp("3"))?,
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let input = self.linear_0.then(&self.gelu_1).forward(input)?;
        let input = self.linear_3.forward(&input)?;
        py_check!(self.checker, "", &input);
        Ok(input)
    }
}

/// torchvision.models.swin_transformer.PatchMerging (torchvision/models/swin_transformer.py:76)
#[derive(Debug, Clone)]
pub struct PatchMerging {
    pub norm: nn::LayerNorm,
    pub reduction: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl PatchMerging {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            norm: nn::layer_norm(48, 1e-5, vb.pp("norm"), checker.pp("norm"))?,
            reduction: nn::linear_no_bias(
                4 * DIM,
                2 * DIM,
                vb.pp("reduction"),
                checker.pp("reduction"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x0 = ops::slice(&ops::slice(x, 1, 0, 24, 2)?, 2, 0, 24, 2)?;
        let x1 = ops::slice(&ops::slice(x, 1, 1, 24, 2)?, 2, 0, 24, 2)?;
        let x2 = ops::slice(&ops::slice(x, 1, 0, 24, 2)?, 2, 1, 24, 2)?;
        let x3 = ops::slice(&ops::slice(x, 1, 1, 24, 2)?, 2, 1, 24, 2)?;
        let x = ops::cat(&[&x0, &x1, &x2, &x3], 3)?;
        let x = self.norm.forward(&x)?;
        let x = self.reduction.forward(&x)?;
        py_check!(self.checker, "", &x);
        Ok(x)
    }
}

/// torch.nn.modules.flatten.Flatten (torch/nn/modules/flatten.py:51)
#[derive(Debug, Clone)]
pub struct Flatten {
    pub checker: Option<PyChecker>,
}

impl Flatten {
    pub fn load(checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self { checker })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let batch = input.dim(0)?;
        let output = input.reshape((batch, 24))?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}
