//! `candle WORKLOAD WEIGHTS INPUTS OUTPUT`: the same checkpoint in Candle as people write it by hand,
//! from candle-transformers where it has the model.

mod mobilenet;
mod whisper;

use std::path::Path;
use std::process::ExitCode;

use candle_core::{DType, Device, Module, Result, Tensor};
use candle_nn::{RNN, VarBuilder, rnn};
use candle_transformers::models::{bert, debertav2, resnet, vit};
use serde_json::{Value, json};

use bench_protocol::{Output, ended, in_words, serve};

type Forward = Box<dyn Fn(&[Tensor]) -> Result<Tensor>>;

fn main() -> ExitCode {
    ended(run())
}

fn run() -> std::result::Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [workload, weights, inputs, output] = &arguments[..] else {
        return Err("WORKLOAD WEIGHTS INPUTS OUTPUT".into());
    };
    // SAFETY: nobody changes the file while it is mapped.
    let vb = unsafe {
        VarBuilder::from_mmaped_safetensors(&[weights], DType::F32, &Device::Cpu)
            .map_err(in_words)?
    };
    let forward = load(workload, vb).map_err(in_words)?;
    let named = candle_core::safetensors::load(inputs, &Device::Cpu).map_err(in_words)?;
    let inputs: Vec<Tensor> = (0..named.len())
        .filter_map(|number| named.get(&number.to_string()).cloned())
        .collect();
    serve(
        Path::new(output),
        || forward(&inputs).map_err(in_words),
        |tensor| Ok(vec![plain(&tensor)?]),
    )
}

fn load(workload: &str, vb: VarBuilder<'static>) -> Result<Forward> {
    Ok(match workload {
        "resnet18" => of_one(resnet::resnet18(1000, vb)?),
        "resnet50" => of_one(resnet::resnet50(1000, vb)?),
        "mobilenet_v2" => of_one(mobilenet::v2(1000, vb)?),
        "bert_base" => of_bert(vb, 768, 12, 3072)?,
        "minilm" => of_bert(vb, 384, 6, 1536)?,
        "vit_b_16" => {
            let model = vit::Model::new(
                &vit::Config::vit_base_patch16_224(),
                1000,
                vb.rename_f(vit_name),
            )?;
            Box::new(move |inputs| model.forward(&inputs[0]))
        }
        "lstm" => of_lstm(vb.pp("rnn"))?,
        "whisper_tiny_encoder" => of_one(whisper::tiny(vb)?),
        "deberta_v3_small" => of_deberta(vb)?,
        other => candle_core::bail!("nobody has written {other} by hand"),
    })
}

fn of_one(model: impl Module + 'static) -> Forward {
    Box::new(move |inputs| model.forward(&inputs[0]))
}

fn of_bert(vb: VarBuilder, width: usize, layers: usize, inner: usize) -> Result<Forward> {
    let config = bert::Config {
        hidden_size: width,
        num_hidden_layers: layers,
        intermediate_size: inner,
        ..bert::Config::default()
    };
    let model = bert::BertModel::load(vb, &config)?;
    Ok(Box::new(move |inputs| {
        model.forward(&inputs[0], &inputs[2], Some(&inputs[1]))
    }))
}

fn of_lstm(vb: VarBuilder) -> Result<Forward> {
    let layer = |layer_idx| {
        let config = rnn::LSTMConfig {
            layer_idx,
            ..Default::default()
        };
        candle_nn::lstm(512, 512, config, vb.clone())
    };
    let layers = [layer(0)?, layer(1)?];
    Ok(Box::new(move |inputs| {
        layers.iter().try_fold(inputs[0].clone(), |x, layer| {
            layer.states_to_tensor(&layer.seq(&x)?)
        })
    }))
}

fn of_deberta(vb: VarBuilder) -> Result<Forward> {
    let config: Value = json!({
        "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "hidden_size": 768, "initializer_range": 0.02, "intermediate_size": 3072,
        "layer_norm_eps": 1e-7, "max_position_embeddings": 512, "max_relative_positions": -1,
        "norm_rel_ebd": "layer_norm", "num_attention_heads": 12, "num_hidden_layers": 6,
        "pad_token_id": 0, "pos_att_type": ["p2c", "c2p"], "position_biased_input": false,
        "position_buckets": 256, "relative_attention": true, "share_att_key": true,
        "type_vocab_size": 0, "vocab_size": 128100,
    });
    let config = serde_json::from_value(config).map_err(candle_core::Error::wrap)?;
    let model = debertav2::DebertaV2Model::load(vb, &config)?;
    Ok(Box::new(move |inputs| {
        model.forward(&inputs[0], None, Some(inputs[1].clone()))
    }))
}

/// What transformers calls a parameter today, by the name that candle-transformers knows.
fn vit_name(name: &str) -> String {
    let renamed = [
        ("encoder.layer.", "layers."),
        ("attention.attention.query", "attention.q_proj"),
        ("attention.attention.key", "attention.k_proj"),
        ("attention.attention.value", "attention.v_proj"),
        ("attention.output.dense", "attention.o_proj"),
        ("intermediate.dense", "mlp.fc1"),
        ("output.dense", "mlp.fc2"),
    ];
    renamed
        .iter()
        .fold(name.to_string(), |name, (old, new)| name.replace(old, new))
}

fn plain(tensor: &Tensor) -> std::result::Result<Output, String> {
    let values = tensor.flatten_all().and_then(|x| x.to_vec1());
    Ok((tensor.dims().to_vec(), values.map_err(in_words)?))
}
