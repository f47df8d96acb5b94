//! Recurrent networks by kernels, beside the reference path in f64.

use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::kernels::{Isa, Kernels, with_kernels};
use pycandle_runtime::{nn, ops};

/// Numbers that no two places share, between -0.5 and 0.5.
fn tensor(shape: &[usize], seed: usize) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    let value = |k: usize| ((k * 7919 + seed * 104_729) % 2003) as f32 / 2002.0 - 0.5;
    Tensor::from_vec((0..count).map(value).collect(), shape, &Device::Cpu)
}

fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

/// What `f` gives of f32 tensors with each instruction set is what it gives of the same in f64.
fn check(
    name: &str,
    inputs: &[Tensor],
    f: impl Fn(&[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<()> {
    let wide: Vec<Tensor> = inputs
        .iter()
        .map(|x| x.to_dtype(DType::F64))
        .collect::<Result<_>>()?;
    let expected = with_kernels(Kernels::Reference, || f(&wide))??;
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_here()) {
        let found = with_kernels(Kernels::Fast(isa), || f(inputs))??;
        for (output, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.dims(), expected.dims(), "{name} with {}", isa.name());
            let pairs = numbers(found)?.into_iter().zip(numbers(expected)?);
            for (place, (found, expected)) in pairs.enumerate() {
                assert!(
                    (found - expected).abs() <= 2e-6,
                    "{name} with {}: {found} for {expected} at {place} of output {output}",
                    isa.name()
                );
            }
        }
    }
    Ok(())
}

type Network = fn(&Tensor, &[Tensor], &[&Tensor], (usize, bool)) -> Result<Vec<Tensor>>;

/// With the number of their gates.
const NETWORKS: [(&str, usize, Network); 4] = [
    ("lstm", 4, |x, states, params, (layers, both)| {
        let hx = [&states[0], &states[1]];
        let (y, h, c) = ops::lstm(x, &hx, params, layers, both, false)?;
        Ok(vec![y, h, c])
    }),
    ("gru", 3, |x, states, params, (layers, both)| {
        let (y, h) = ops::gru(x, &states[0], params, layers, both, false)?;
        Ok(vec![y, h])
    }),
    ("rnn_tanh", 1, |x, states, params, (layers, both)| {
        let (y, h) = ops::rnn_tanh(x, &states[0], params, layers, both, false)?;
        Ok(vec![y, h])
    }),
    ("rnn_relu", 1, |x, states, params, (layers, both)| {
        let (y, h) = ops::rnn_relu(x, &states[0], params, layers, both, false)?;
        Ok(vec![y, h])
    }),
];

/// The parameters of two layers in both directions, of which the first takes nine inputs.
fn params(gates: usize, width: usize, biases: bool) -> Result<Vec<Tensor>> {
    let mut params = Vec::new();
    for run in 0..4 {
        let inputs = if run < 2 { 9 } else { 2 * width };
        let scale = 2.0 / (width as f64).sqrt();
        params.push((tensor(&[gates * width, inputs], 10 + run)? * scale)?);
        params.push((tensor(&[gates * width, width], 20 + run)? * scale)?);
        if biases {
            params.push(tensor(&[gates * width], 30 + run)?);
            params.push(tensor(&[gates * width], 40 + run)?);
        }
    }
    Ok(params)
}

#[test]
fn networks_of_any_size() -> Result<()> {
    for (name, gates, network) in NETWORKS {
        for (steps, batch, width) in [(1, 1, 3), (5, 1, 16), (7, 3, 17), (9, 4, 48), (6, 19, 33)] {
            for biases in [true, false] {
                let mut inputs = vec![
                    tensor(&[steps, batch, 9], 1)?,
                    tensor(&[4, batch, width], 2)?,
                    tensor(&[4, batch, width], 3)?,
                ];
                inputs.extend(params(gates, width, biases)?);
                let name = format!("{name} of {steps} steps, {batch} rows, {width} units");
                check(&name, &inputs, |x| {
                    let params: Vec<&Tensor> = x[3..].iter().collect();
                    network(&x[0], &x[1..3], &params, (2, true))
                })?;
            }
        }
    }
    Ok(())
}

#[test]
fn sequences_of_different_lengths() -> Result<()> {
    for sizes in [&[5i64, 5, 3, 3, 3, 1, 1][..], &[2, 1, 1, 1, 1], &[3, 2]] {
        let (rows, batch) = (sizes.iter().sum::<i64>() as usize, sizes[0] as usize);
        let mut inputs = vec![
            tensor(&[rows, 9], 1)?,
            tensor(&[4, batch, 32], 2)?,
            tensor(&[4, batch, 32], 3)?,
        ];
        inputs.extend(params(4, 32, true)?);
        let lengths = Tensor::new(sizes, &Device::Cpu)?;
        check(&format!("lstm of {sizes:?}"), &inputs, |x| {
            let (params, hx): (Vec<&Tensor>, _) = (x[3..].iter().collect(), [&x[1], &x[2]]);
            let (y, h, c) = ops::lstm_data(&x[0], &lengths, &hx, &params, 2, true)?;
            Ok(vec![y, h, c])
        })?;
    }
    Ok(())
}

/// Parameters keep their packed form, for cells of single steps too.
#[test]
fn cells_with_packed_weights() -> Result<()> {
    for width in [16, 31, 64] {
        let inputs = [
            tensor(&[2, 9], 1)?,
            tensor(&[2, width], 2)?,
            tensor(&[2, width], 3)?,
            tensor(&[4 * width, 9], 4)?,
            tensor(&[4 * width, width], 5)?,
            tensor(&[4 * width], 6)?,
        ];
        check(&format!("cell of {width}"), &inputs, |x| {
            let (w_ih, w_hh) = (nn::parameter(x[3].clone()), nn::parameter(x[4].clone()));
            let mut states = (x[1].clone(), x[2].clone());
            for _ in 0..3 {
                let hx = [&states.0, &states.1];
                states = ops::lstm_cell(&x[0], &hx, &w_ih, &w_hh, Some(&x[5]), None)?;
            }
            Ok(vec![states.0, states.1])
        })?;
    }
    Ok(())
}
