//! Whisper's encoder in plain Candle, as candle-transformers writes it; that one is never loaded
//! without the decoder, and has GELU by its approximation.

use candle_core::{Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::{
    Conv1d, Conv1dConfig, LayerNorm, Linear, Module, VarBuilder, conv1d, layer_norm, linear,
    linear_no_bias,
};

const MELS: usize = 80;
const WIDTH: usize = 384;
const HEADS: usize = 6;
const LAYERS: usize = 4;
const LENGTH: usize = 1500;
const EPSILON: f64 = 1e-5;

pub struct Encoder {
    convolutions: [Conv1d; 2],
    positions: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
}

/// Loads the encoder of whisper-tiny.
pub fn tiny(vb: VarBuilder) -> Result<Encoder> {
    let conv = |from, stride, vb| {
        let config = Conv1dConfig {
            padding: 1,
            stride,
            ..Default::default()
        };
        conv1d(from, WIDTH, 3, config, vb)
    };
    Ok(Encoder {
        convolutions: [
            conv(MELS, 1, vb.pp("conv1"))?,
            conv(WIDTH, 2, vb.pp("conv2"))?,
        ],
        positions: vb.get((LENGTH, WIDTH), "embed_positions.weight")?,
        layers: (0..LAYERS)
            .map(|number| Layer::load(vb.pp("layers").pp(number)))
            .collect::<Result<_>>()?,
        norm: layer_norm(WIDTH, EPSILON, vb.pp("layer_norm"))?,
    })
}

impl Module for Encoder {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self
            .convolutions
            .iter()
            .try_fold(x.clone(), |x, conv| conv.forward(&x)?.gelu_erf())?;
        let x = x.transpose(1, 2)?.broadcast_add(&self.positions)?;
        let x = self
            .layers
            .iter()
            .try_fold(x, |x, layer| layer.forward(&x))?;
        self.norm.forward(&x)
    }
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    attention_norm: LayerNorm,
    inner: [Linear; 2],
    norm: LayerNorm,
}

impl Layer {
    fn load(vb: VarBuilder) -> Result<Self> {
        let attention = vb.pp("self_attn");
        Ok(Self {
            query: linear(WIDTH, WIDTH, attention.pp("q_proj"))?,
            key: linear_no_bias(WIDTH, WIDTH, attention.pp("k_proj"))?,
            value: linear(WIDTH, WIDTH, attention.pp("v_proj"))?,
            out: linear(WIDTH, WIDTH, attention.pp("out_proj"))?,
            attention_norm: layer_norm(WIDTH, EPSILON, vb.pp("self_attn_layer_norm"))?,
            inner: [
                linear(WIDTH, 4 * WIDTH, vb.pp("fc1"))?,
                linear(4 * WIDTH, WIDTH, vb.pp("fc2"))?,
            ],
            norm: layer_norm(WIDTH, EPSILON, vb.pp("final_layer_norm"))?,
        })
    }

    fn attend(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, length, width) = x.dims3()?;
        let heads = |x: Tensor| {
            x.reshape((batch, length, HEADS, width / HEADS))?
                .transpose(1, 2)?
                .contiguous()
        };
        let scale = ((width / HEADS) as f64).powf(-0.5);
        let query = heads((self.query.forward(x)? * scale)?)?;
        let key = heads(self.key.forward(x)?)?;
        let value = heads(self.value.forward(x)?)?;
        let weights = softmax_last_dim(&query.matmul(&key.t()?)?)?;
        let x = weights.matmul(&value)?.transpose(1, 2)?.flatten_from(2)?;
        self.out.forward(&x)
    }
}

impl Module for Layer {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = (x + self.attend(&self.attention_norm.forward(x)?)?)?;
        let [wide, narrow] = &self.inner;
        let y = self.norm.forward(&x)?.apply(wide)?.gelu_erf()?;
        x + y.apply(narrow)?
    }
}
