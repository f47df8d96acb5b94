use candle_core::{Result, Tensor};
use candle_nn::{Conv1dConfig, VarBuilder};
use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

pub const OUT_CONV_DIM: usize = 8;
pub const IN_CONV_DIM: usize = 8;
pub const LAYER_NORM_EPS: f64 = 1e-5;
pub const HIDDEN_SIZE: usize = 16;
pub const NUM_HIDDEN_LAYERS: usize = 2;
pub const EMBED_DIM: usize = 16;
pub const HEAD_DIM: usize = 8;
pub const INTERMEDIATE_SIZE: usize = 24;

/// transformers.models.hubert.modeling_hubert.HubertModel (transformers/models/hubert/modeling_hubert.py:825)
#[derive(Debug, Clone)]
pub struct HubertModel {
    pub feature_extractor: HubertFeatureEncoder,
    pub feature_projection: HubertFeatureProjection,
    pub encoder: HubertEncoder,
    pub checker: Option<PyChecker>,
}

impl HubertModel {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            feature_extractor: HubertFeatureEncoder::load(
                vb.pp("feature_extractor"),
                checker.pp("feature_extractor"),
            )?,
            feature_projection: HubertFeatureProjection::load(
                vb.pp("feature_projection"),
                checker.pp("feature_projection"),
            )?,
            encoder: HubertEncoder::load(vb.pp("encoder"), checker.pp("encoder"))?,
            checker,
        })
    }

    pub fn forward(&self, input_values: &Tensor) -> Result<Tensor> {
        let (batch, seq) = input_values.dims2()?;
        ops::expect_size("batch", batch, 1, None)?;
        ops::expect_size("seq", seq, 30, None)?;
        ops::expect_relation(
            "(seq//5)*batch - batch != 1",
            (seq / 5) * batch != batch + 1,
        )?;
        ops::expect_relation("(seq//10)*batch - batch >= 0", (seq / 10) * batch >= batch)?;
        ops::expect_relation(
            "16*(seq//10)*batch - 16*batch != 0",
            (seq / 10) * batch * 16 != batch * 16,
        )?;
        let extract_features = self.feature_extractor.forward(input_values)?;
        let extract_features = extract_features.transpose(1, 2)?;
        let hidden_states = self.feature_projection.forward(&extract_features)?;
        let encoder_outputs = self.encoder.forward(&hidden_states, seq)?;
        py_check!(self.checker, "", &encoder_outputs);
        Ok(encoder_outputs)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertFeatureEncoder (transformers/models/hubert/modeling_hubert.py:206)
#[derive(Debug, Clone)]
pub struct HubertFeatureEncoder {
    pub conv_layers_0: HubertGroupNormConvLayer,
    pub conv_layers_1: HubertNoLayerNormConvLayer,
    pub checker: Option<PyChecker>,
}

impl HubertFeatureEncoder {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            conv_layers_0: HubertGroupNormConvLayer::load(
                vb.pp("conv_layers.0"),
                checker.pp("conv_layers.0"),
            )?,
            conv_layers_1: HubertNoLayerNormConvLayer::load(
                vb.pp("conv_layers.1"),
                checker.pp("conv_layers.1"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, input_values: &Tensor) -> Result<Tensor> {
        let hidden_states = input_values.unsqueeze(1)?;
        let hidden_states = self.conv_layers_0.forward(&hidden_states)?;
        let hidden_states = self.conv_layers_1.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertGroupNormConvLayer (transformers/models/hubert/modeling_hubert.py:174)
#[derive(Debug, Clone)]
pub struct HubertGroupNormConvLayer {
    pub conv: nn::Conv1d,
    pub layer_norm: nn::GroupNorm,
    pub activation: nn::Func,
    pub checker: Option<PyChecker>,
}

impl HubertGroupNormConvLayer {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            conv: nn::conv1d_no_bias(
                1,
                OUT_CONV_DIM,
                10,
                Conv1dConfig {
                    stride: 5,
                    ..Default::default()
                },
                vb.pp("conv"),
                checker.pp("conv"),
            )?,
            layer_norm: nn::group_norm(
                OUT_CONV_DIM,
                OUT_CONV_DIM,
                1e-5,
                vb.pp("layer_norm"),
                checker.pp("layer_norm"),
            )?,
            activation: nn::func(ops::gelu, checker.pp("activation")),
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<Tensor> {
        let hidden_states = self.conv.forward(hidden_states)?;
        let hidden_states = self.layer_norm.forward(&hidden_states)?;
        let hidden_states = self.activation.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertNoLayerNormConvLayer (transformers/models/hubert/modeling_hubert.py:124)
#[derive(Debug, Clone)]
pub struct HubertNoLayerNormConvLayer {
    pub conv: nn::Conv1d,
    pub activation: nn::Func,
    pub checker: Option<PyChecker>,
}

impl HubertNoLayerNormConvLayer {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            conv: nn::conv1d_no_bias(
                IN_CONV_DIM,
                OUT_CONV_DIM,
                3,
                Conv1dConfig {
                    stride: 2,
                    ..Default::default()
                },
                vb.pp("conv"),
                checker.pp("conv"),
            )?,
            activation: nn::func(ops::gelu, checker.pp("activation")),
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<Tensor> {
        let hidden_states = self.conv.then(&self.activation).forward(hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertFeatureProjection (transformers/models/hubert/modeling_hubert.py:228)
#[derive(Debug, Clone)]
pub struct HubertFeatureProjection {
    pub layer_norm: nn::LayerNorm,
    pub projection: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl HubertFeatureProjection {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            layer_norm: nn::layer_norm(
                8,
                LAYER_NORM_EPS,
                vb.pp("layer_norm"),
                checker.pp("layer_norm"),
            )?,
            projection: nn::linear(
                8,
                HIDDEN_SIZE,
                vb.pp("projection"),
                checker.pp("projection"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<Tensor> {
        let hidden_states = self.layer_norm.forward(hidden_states)?;
        let hidden_states = self.projection.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertEncoder (transformers/models/hubert/modeling_hubert.py:418)
#[derive(Debug, Clone)]
pub struct HubertEncoder {
    pub pos_conv_embed: HubertPositionalConvEmbedding,
    pub layer_norm: nn::LayerNorm,
    pub layers: Vec<HubertEncoderLayer>,
    pub checker: Option<PyChecker>,
}

impl HubertEncoder {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            pos_conv_embed: HubertPositionalConvEmbedding::load(
                vb.pp("pos_conv_embed"),
                checker.pp("pos_conv_embed"),
            )?,
            layer_norm: nn::layer_norm(
                HIDDEN_SIZE,
                LAYER_NORM_EPS,
                vb.pp("layer_norm"),
                checker.pp("layer_norm"),
            )?,
            layers: (0..NUM_HIDDEN_LAYERS)
                .map(|i| {
                    HubertEncoderLayer::load(
                        vb.pp(format!("layers.{i}")),
                        checker.pp(format!("layers.{i}")),
                    )
                })
                .collect::<Result<Vec<_>>>()?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, seq: usize) -> Result<Tensor> {
        let position_embeddings = self.pos_conv_embed.forward(hidden_states, seq)?;
        let hidden_states = (hidden_states + &position_embeddings)?;
        let mut hidden_states = self.layer_norm.forward(&hidden_states)?;
        for layer in &self.layers {
            hidden_states = layer.forward(&hidden_states, seq)?;
        }
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertPositionalConvEmbedding (transformers/models/hubert/modeling_hubert.py:86)
#[derive(Debug, Clone)]
pub struct HubertPositionalConvEmbedding {
    pub conv: ParametrizedConv1d,
    pub padding: HubertSamePadLayer,
    pub activation: nn::Func,
    pub checker: Option<PyChecker>,
}

impl HubertPositionalConvEmbedding {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            conv: ParametrizedConv1d::load(vb.pp("conv"), checker.pp("conv"))?,
            padding: HubertSamePadLayer::load(checker.pp("padding"))?,
            activation: nn::func(ops::gelu, checker.pp("activation")),
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, seq: usize) -> Result<Tensor> {
        let hidden_states = hidden_states.transpose(1, 2)?;
        let hidden_states = self.conv.forward(&hidden_states)?;
        let hidden_states = self.padding.forward(&hidden_states, seq)?;
        let hidden_states = self.activation.forward(&hidden_states)?;
        let hidden_states = hidden_states.transpose(1, 2)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// torch.nn.utils.parametrize.ParametrizedConv1d (torch/nn/modules/conv.py:384)
#[derive(Debug, Clone)]
pub struct ParametrizedConv1d {
    pub bias: Tensor,
    pub parametrizations_weight: ParametrizationList,
    pub checker: Option<PyChecker>,
}

impl ParametrizedConv1d {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            bias: vb.get(16, "bias")?,
            parametrizations_weight: ParametrizationList::load(
                vb.pp("parametrizations.weight"),
                checker.pp("parametrizations.weight"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let output = ops::conv1d(
            input,
            &self.parametrizations_weight.forward()?,
            Some(&self.bias),
            1,
            4,
            1,
            2,
        )?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// torch.nn.utils.parametrize.ParametrizationList (torch/nn/utils/parametrize.py:326)
#[derive(Debug, Clone)]
pub struct ParametrizationList {
    pub original0: Tensor,
    pub original1: Tensor,
    pub weight_norm_0: WeightNorm,
    pub checker: Option<PyChecker>,
}

impl ParametrizationList {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            original0: vb.get((1, 1, 8), "original0")?,
            original1: vb.get((16, 8, 8), "original1")?,
            weight_norm_0: WeightNorm::load(checker.pp("0"))?,
            checker,
        })
    }

    pub fn forward(&self) -> Result<Tensor> {
        let x = self
            .weight_norm_0
            .forward(&self.original0, &self.original1)?;
        py_check!(self.checker, "", &x);
        Ok(x)
    }
}

/// torch.nn.utils.parametrizations._WeightNorm (torch/nn/utils/parametrizations.py:326)
#[derive(Debug, Clone)]
pub struct WeightNorm {
    pub checker: Option<PyChecker>,
}

impl WeightNorm {
    pub fn load(checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self { checker })
    }

    pub fn forward(&self, weight_g: &Tensor, weight_v: &Tensor) -> Result<Tensor> {
        let output = ops::weight_norm(weight_v, weight_g, Some(2))?;
        py_check!(self.checker, "", &output);
        Ok(output)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertSamePadLayer (transformers/models/hubert/modeling_hubert.py:103)
#[derive(Debug, Clone)]
pub struct HubertSamePadLayer {
    pub checker: Option<PyChecker>,
}

impl HubertSamePadLayer {
    pub fn load(checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self { checker })
    }

    pub fn forward(&self, hidden_states: &Tensor, seq: usize) -> Result<Tensor> {
        let hidden_states = hidden_states.narrow(2, 0, (seq / 10) - 1)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertEncoderLayer (transformers/models/hubert/modeling_hubert.py:390)
#[derive(Debug, Clone)]
pub struct HubertEncoderLayer {
    pub attention: HubertAttention,
    pub layer_norm: nn::LayerNorm,
    pub feed_forward: HubertFeedForward,
    pub final_layer_norm: nn::LayerNorm,
    pub checker: Option<PyChecker>,
}

impl HubertEncoderLayer {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            attention: HubertAttention::load(vb.pp("attention"), checker.pp("attention"))?,
            layer_norm: nn::layer_norm(
                HIDDEN_SIZE,
                LAYER_NORM_EPS,
                vb.pp("layer_norm"),
                checker.pp("layer_norm"),
            )?,
            feed_forward: HubertFeedForward::load(
                vb.pp("feed_forward"),
                checker.pp("feed_forward"),
            )?,
            final_layer_norm: nn::layer_norm(
                HIDDEN_SIZE,
                LAYER_NORM_EPS,
                vb.pp("final_layer_norm"),
                checker.pp("final_layer_norm"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, seq: usize) -> Result<Tensor> {
        let attention = self.attention.forward(hidden_states, seq)?;
        let hidden_states = (hidden_states + &attention)?;
        let hidden_states = self.layer_norm.forward(&hidden_states)?;
        let hidden_states = (&hidden_states + self.feed_forward.forward(&hidden_states)?)?;
        let hidden_states = self.final_layer_norm.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertAttention (transformers/models/hubert/modeling_hubert.py:299)
#[derive(Debug, Clone)]
pub struct HubertAttention {
    pub q_proj: nn::Linear,
    pub k_proj: nn::Linear,
    pub v_proj: nn::Linear,
    pub out_proj: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl HubertAttention {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            q_proj: nn::linear(EMBED_DIM, EMBED_DIM, vb.pp("q_proj"), checker.pp("q_proj"))?,
            k_proj: nn::linear(EMBED_DIM, EMBED_DIM, vb.pp("k_proj"), checker.pp("k_proj"))?,
            v_proj: nn::linear(EMBED_DIM, EMBED_DIM, vb.pp("v_proj"), checker.pp("v_proj"))?,
            out_proj: nn::linear(
                EMBED_DIM,
                EMBED_DIM,
                vb.pp("out_proj"),
                checker.pp("out_proj"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor, seq: usize) -> Result<Tensor> {
        let batch = hidden_states.dim(0)?;
        let query_states = self
            .q_proj
            .forward(hidden_states)?
            .reshape((batch, (seq / 10) - 1, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let key_states = self
            .k_proj
            .forward(hidden_states)?
            .reshape((batch, (seq / 10) - 1, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let value_states = self
            .v_proj
            .forward(hidden_states)?
            .reshape((batch, (seq / 10) - 1, (), HEAD_DIM))?
            .transpose(1, 2)?;
        let attn_output = ops::scaled_dot_product_attention(
            &query_states,
            &key_states,
            &value_states,
            None,
            false,
            None,
        )?;
        let attn_output = attn_output.transpose(1, 2)?;
        let attn_output = attn_output.reshape((batch, (seq / 10) - 1, ()))?;
        let attn_output = self.out_proj.forward(&attn_output)?;
        py_check!(self.checker, "", &attn_output);
        Ok(attn_output)
    }
}

/// transformers.models.hubert.modeling_hubert.HubertFeedForward (transformers/models/hubert/modeling_hubert.py:364)
#[derive(Debug, Clone)]
pub struct HubertFeedForward {
    pub intermediate_dense: nn::Linear,
    pub intermediate_act_fn: nn::Func,
    pub output_dense: nn::Linear,
    pub checker: Option<PyChecker>,
}

impl HubertFeedForward {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            intermediate_dense: nn::linear(
                HIDDEN_SIZE,
                INTERMEDIATE_SIZE,
                vb.pp("intermediate_dense"),
                checker.pp("intermediate_dense"),
            )?,
            intermediate_act_fn: nn::func(ops::gelu, checker.pp("intermediate_act_fn")),
            output_dense: nn::linear(
                INTERMEDIATE_SIZE,
                HIDDEN_SIZE,
                vb.pp("output_dense"),
                checker.pp("output_dense"),
            )?,
            checker,
        })
    }

    pub fn forward(&self, hidden_states: &Tensor) -> Result<Tensor> {
        let hidden_states = self
            .intermediate_dense
            .then(&self.intermediate_act_fn)
            .forward(hidden_states)?;
        let hidden_states = self.output_dense.forward(&hidden_states)?;
        py_check!(self.checker, "", &hidden_states);
        Ok(hidden_states)
    }
}
