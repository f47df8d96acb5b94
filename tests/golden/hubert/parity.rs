use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for HubertModel {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("feature_extractor", rest) => self.feature_extractor.call(rest, inputs),
            ("feature_projection", rest) => self.feature_projection.call(rest, inputs),
            ("encoder", rest) => self.encoder.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertEncoder {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.size("seq")?)?]),
            ("pos_conv_embed", rest) => self.pos_conv_embed.call(rest, inputs),
            ("layer_norm", rest) => self.layer_norm.call(rest, inputs),
            ("layers", rest) => self.layers.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertPositionalConvEmbedding {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.size("seq")?)?]),
            ("conv", rest) => self.conv.call(rest, inputs),
            ("padding", rest) => self.padding.call(rest, inputs),
            ("activation", rest) => self.activation.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertEncoderLayer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.size("seq")?)?]),
            ("attention", rest) => self.attention.call(rest, inputs),
            ("layer_norm", rest) => self.layer_norm.call(rest, inputs),
            ("feed_forward", rest) => self.feed_forward.call(rest, inputs),
            ("final_layer_norm", rest) => self.final_layer_norm.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for ParametrizedConv1d {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("parametrizations", rest) => match parity::step(rest) {
                ("weight", rest) => self.parametrizations_weight.call(rest, inputs),
                _ => parity::unknown(path),
            },
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertFeatureEncoder {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("conv_layers", rest) => match parity::step(rest) {
                ("0", rest) => self.conv_layers_0.call(rest, inputs),
                ("1", rest) => self.conv_layers_1.call(rest, inputs),
                _ => parity::unknown(path),
            },
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertFeedForward {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("intermediate_dense", rest) => self.intermediate_dense.call(rest, inputs),
            ("intermediate_act_fn", rest) => self.intermediate_act_fn.call(rest, inputs),
            ("output_dense", rest) => self.output_dense.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertAttention {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.size("seq")?)?]),
            ("q_proj", rest) => self.q_proj.call(rest, inputs),
            ("k_proj", rest) => self.k_proj.call(rest, inputs),
            ("v_proj", rest) => self.v_proj.call(rest, inputs),
            ("out_proj", rest) => self.out_proj.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for ParametrizationList {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward()?]),
            ("0", rest) => self.weight_norm_0.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertFeatureProjection {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("layer_norm", rest) => self.layer_norm.call(rest, inputs),
            ("projection", rest) => self.projection.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertNoLayerNormConvLayer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("conv", rest) => self.conv.call(rest, inputs),
            ("activation", rest) => self.activation.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertGroupNormConvLayer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("conv", rest) => self.conv.call(rest, inputs),
            ("layer_norm", rest) => self.layer_norm.call(rest, inputs),
            ("activation", rest) => self.activation.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for HubertSamePadLayer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.size("seq")?)?]),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for WeightNorm {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?, inputs.tensor(1)?)?]),
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.input_values"], elided: false },
    parity::Region { path: "feature_extractor", call: 0, inputs: &["#0.input_values"], elided: false },
    parity::Region { path: "feature_extractor.conv_layers.0", call: 0, inputs: &["feature_extractor.conv_layers.0#0.hidden_states"], elided: false },
    parity::Region { path: "feature_extractor.conv_layers.0.conv", call: 0, inputs: &["feature_extractor.conv_layers.0#0.hidden_states"], elided: false },
    parity::Region { path: "feature_extractor.conv_layers.0.layer_norm", call: 0, inputs: &["feature_extractor.conv_layers.0.conv#0.0"], elided: false },
    parity::Region { path: "feature_extractor.conv_layers.0.activation", call: 0, inputs: &["feature_extractor.conv_layers.0.layer_norm#0.0"], elided: false },
    parity::Region { path: "feature_extractor.conv_layers.1", call: 0, inputs: &["feature_extractor.conv_layers.0#0.0"], elided: false },
    parity::Region { path: "feature_extractor.conv_layers.1.conv", call: 0, inputs: &["feature_extractor.conv_layers.0#0.0"], elided: false },
    parity::Region { path: "feature_extractor.conv_layers.1.activation", call: 0, inputs: &["feature_extractor.conv_layers.1.conv#0.0"], elided: false },
    parity::Region { path: "feature_projection", call: 0, inputs: &["feature_projection#0.hidden_states"], elided: false },
    parity::Region { path: "feature_projection.layer_norm", call: 0, inputs: &["feature_projection#0.hidden_states"], elided: false },
    parity::Region { path: "feature_projection.projection", call: 0, inputs: &["feature_projection.layer_norm#0.0"], elided: false },
    parity::Region { path: "feature_projection.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder", call: 0, inputs: &["feature_projection#0.0"], elided: false },
    parity::Region { path: "encoder.pos_conv_embed", call: 0, inputs: &["feature_projection#0.0"], elided: false },
    parity::Region { path: "encoder.pos_conv_embed.conv", call: 0, inputs: &["encoder.pos_conv_embed.conv#0.input"], elided: false },
    parity::Region { path: "encoder.pos_conv_embed.conv.parametrizations.weight", call: 0, inputs: &[], elided: false },
    parity::Region { path: "encoder.pos_conv_embed.conv.parametrizations.weight.0", call: 0, inputs: &["encoder.pos_conv_embed.conv.parametrizations.weight.0#0.weight_g", "encoder.pos_conv_embed.conv.parametrizations.weight.0#0.weight_v"], elided: false },
    parity::Region { path: "encoder.pos_conv_embed.padding", call: 0, inputs: &["encoder.pos_conv_embed.conv#0.0"], elided: false },
    parity::Region { path: "encoder.pos_conv_embed.activation", call: 0, inputs: &["encoder.pos_conv_embed.padding#0.0"], elided: false },
    parity::Region { path: "encoder.layer_norm", call: 0, inputs: &["encoder.layer_norm#0.input"], elided: false },
    parity::Region { path: "encoder.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layers.0", call: 0, inputs: &["encoder.dropout#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.attention", call: 0, inputs: &["encoder.dropout#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.attention.q_proj", call: 0, inputs: &["encoder.dropout#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.attention.k_proj", call: 0, inputs: &["encoder.dropout#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.attention.v_proj", call: 0, inputs: &["encoder.dropout#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.attention.out_proj", call: 0, inputs: &["encoder.layers.0.attention.out_proj#0.input"], elided: false },
    parity::Region { path: "encoder.layers.0.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layers.0.layer_norm", call: 0, inputs: &["encoder.layers.0.layer_norm#0.input"], elided: false },
    parity::Region { path: "encoder.layers.0.feed_forward", call: 0, inputs: &["encoder.layers.0.layer_norm#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.feed_forward.intermediate_dense", call: 0, inputs: &["encoder.layers.0.layer_norm#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.feed_forward.intermediate_act_fn", call: 0, inputs: &["encoder.layers.0.feed_forward.intermediate_dense#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.feed_forward.intermediate_dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layers.0.feed_forward.output_dense", call: 0, inputs: &["encoder.layers.0.feed_forward.intermediate_dropout#0.0"], elided: false },
    parity::Region { path: "encoder.layers.0.feed_forward.output_dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layers.0.final_layer_norm", call: 0, inputs: &["encoder.layers.0.final_layer_norm#0.input"], elided: false },
    parity::Region { path: "encoder.layers.1", call: 0, inputs: &["encoder.layers.0#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.attention", call: 0, inputs: &["encoder.layers.0#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.attention.q_proj", call: 0, inputs: &["encoder.layers.0#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.attention.k_proj", call: 0, inputs: &["encoder.layers.0#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.attention.v_proj", call: 0, inputs: &["encoder.layers.0#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.attention.out_proj", call: 0, inputs: &["encoder.layers.1.attention.out_proj#0.input"], elided: false },
    parity::Region { path: "encoder.layers.1.dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layers.1.layer_norm", call: 0, inputs: &["encoder.layers.1.layer_norm#0.input"], elided: false },
    parity::Region { path: "encoder.layers.1.feed_forward", call: 0, inputs: &["encoder.layers.1.layer_norm#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.feed_forward.intermediate_dense", call: 0, inputs: &["encoder.layers.1.layer_norm#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.feed_forward.intermediate_act_fn", call: 0, inputs: &["encoder.layers.1.feed_forward.intermediate_dense#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.feed_forward.intermediate_dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layers.1.feed_forward.output_dense", call: 0, inputs: &["encoder.layers.1.feed_forward.intermediate_dropout#0.0"], elided: false },
    parity::Region { path: "encoder.layers.1.feed_forward.output_dropout", call: 0, inputs: &[], elided: true },
    parity::Region { path: "encoder.layers.1.final_layer_norm", call: 0, inputs: &["encoder.layers.1.final_layer_norm#0.input"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "hubert",
    manifest: "hubert_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=hubert_manifest.json\u{a}model=\u{a}module=hubert\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, HubertModel::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, HubertModel::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
