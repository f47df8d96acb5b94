//! Convolutions, pools and batch norms by kernels, beside the reference path in f64.

mod check;
mod pools;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::nn::{self, BatchNorm, Conv2d, Conv2dConfig, ConvConfig};
use pycandle_runtime::ops;

use check::{check, tensor};

/// Input, weight, stride, padding, dilation, groups.
type Case<'a> = (
    &'a [usize],
    &'a [usize],
    [usize; 2],
    [(usize, usize); 2],
    [usize; 2],
    usize,
);

const NONE: [(usize, usize); 2] = [(0, 0); 2];
const ONE: [(usize, usize); 2] = [(1, 1); 2];

const CONVOLUTIONS: &[Case] = &[
    // Pixels alone, of few and of many channels, and more than a line of them.
    (&[1, 5, 3, 4], &[7, 5, 1, 1], [1, 1], NONE, [1, 1], 1),
    (&[2, 33, 9, 15], &[50, 33, 1, 1], [1, 1], NONE, [1, 1], 1),
    (&[3, 16, 12, 13], &[32, 16, 1, 1], [1, 1], NONE, [1, 1], 1),
    (&[1, 8, 5, 5], &[16, 8, 1, 1], [2, 3], NONE, [1, 1], 1),
    (&[2, 8, 5, 5], &[3, 8, 1, 1], [2, 2], ONE, [1, 1], 1),
    (&[2, 8, 5, 6], &[3, 8, 1, 1], [1, 1], ONE, [1, 1], 1),
    // Channels so many that pixels lie on each other in the cache.
    (&[1, 1024, 3, 3], &[17, 1024, 1, 1], [1, 1], NONE, [1, 1], 1),
    (&[2, 512, 5, 4], &[18, 512, 1, 1], [2, 2], NONE, [1, 1], 1),
    (&[1, 1024, 3, 4], &[17, 1024, 3, 3], [1, 1], ONE, [1, 1], 1),
    // Windows, with every kind of padding.
    (&[1, 3, 7, 7], &[20, 3, 3, 3], [1, 1], ONE, [1, 1], 1),
    (&[2, 2, 6, 7], &[5, 2, 3, 3], [1, 1], ONE, [1, 1], 1),
    (&[2, 16, 7, 7], &[40, 16, 3, 3], [1, 1], ONE, [1, 1], 1),
    (&[1, 16, 5, 6], &[8, 16, 3, 3], [1, 1], ONE, [1, 1], 1),
    (&[1, 6, 9, 30], &[33, 6, 3, 3], [1, 1], NONE, [1, 1], 1),
    (
        &[1, 6, 9, 10],
        &[33, 6, 2, 3],
        [1, 1],
        [(0, 1), (2, 1)],
        [1, 1],
        1,
    ),
    (
        &[1, 6, 4, 4],
        &[5, 6, 3, 3],
        [1, 1],
        [(3, 4), (5, 3)],
        [1, 1],
        1,
    ),
    (
        &[1, 3, 23, 29],
        &[16, 3, 7, 7],
        [2, 2],
        [(3, 3); 2],
        [1, 1],
        1,
    ),
    (&[1, 3, 32, 48], &[24, 3, 16, 16], [16, 16], NONE, [1, 1], 1),
    (&[1, 4, 9, 11], &[6, 4, 3, 3], [3, 2], ONE, [2, 3], 1),
    (
        &[1, 4, 11, 12],
        &[6, 4, 3, 2],
        [1, 2],
        [(2, 1), (0, 3)],
        [2, 1],
        1,
    ),
    // More than a band of rows.
    (&[1, 64, 40, 41], &[16, 64, 3, 3], [1, 1], ONE, [1, 1], 1),
    (&[1, 48, 50, 40], &[8, 48, 3, 3], [2, 2], ONE, [1, 1], 1),
    // One pixel, one row, one column.
    (&[1, 8, 1, 1], &[8, 8, 3, 3], [1, 1], ONE, [1, 1], 1),
    (&[1, 8, 3, 3], &[40, 8, 3, 3], [1, 1], NONE, [1, 1], 1),
    (
        &[1, 8, 1, 40],
        &[8, 8, 1, 5],
        [1, 1],
        [(0, 0), (2, 2)],
        [1, 1],
        1,
    ),
    (
        &[1, 8, 40, 1],
        &[8, 8, 5, 1],
        [1, 1],
        [(2, 2), (0, 0)],
        [1, 1],
        1,
    ),
    (&[1, 1, 6, 6], &[1, 1, 3, 3], [1, 1], ONE, [1, 1], 1),
    // Groups.
    (&[2, 12, 6, 5], &[8, 3, 3, 3], [1, 1], ONE, [1, 1], 4),
    (&[1, 64, 7, 7], &[96, 32, 1, 1], [1, 1], NONE, [1, 1], 2),
    (&[1, 40, 9, 9], &[60, 20, 3, 3], [2, 2], ONE, [1, 1], 2),
    (&[1, 5, 6, 6], &[10, 1, 3, 3], [1, 1], ONE, [1, 1], 5),
    // Depthwise, of every size that has a loop of its own, and others.
    (&[2, 5, 6, 7], &[5, 1, 3, 3], [1, 1], ONE, [1, 1], 5),
    (&[1, 33, 9, 23], &[33, 1, 3, 3], [1, 1], ONE, [1, 1], 33),
    (&[1, 18, 12, 31], &[18, 1, 3, 3], [2, 2], ONE, [1, 1], 18),
    (
        &[1, 18, 7, 6],
        &[18, 1, 3, 3],
        [2, 2],
        [(0, 1); 2],
        [1, 1],
        18,
    ),
    (
        &[1, 16, 9, 15],
        &[16, 1, 5, 5],
        [1, 1],
        [(2, 2); 2],
        [1, 1],
        16,
    ),
    (
        &[1, 20, 9, 14],
        &[20, 1, 5, 5],
        [2, 2],
        [(2, 2); 2],
        [1, 1],
        20,
    ),
    (
        &[1, 20, 8, 9],
        &[20, 1, 7, 7],
        [1, 1],
        [(3, 3); 2],
        [1, 1],
        20,
    ),
    (
        &[1, 17, 2, 2],
        &[17, 1, 7, 7],
        [1, 1],
        [(3, 3); 2],
        [1, 1],
        17,
    ),
    (&[1, 6, 9, 9], &[6, 1, 3, 3], [1, 1], [(2, 2); 2], [2, 2], 6),
    (
        &[1, 6, 9, 9],
        &[6, 1, 2, 4],
        [1, 3],
        [(0, 2), (4, 1)],
        [1, 1],
        6,
    ),
    (
        &[1, 6, 4, 4],
        &[6, 1, 3, 3],
        [1, 1],
        [(5, 4), (4, 6)],
        [1, 1],
        6,
    ),
    // Without a batch.
    (&[3, 8, 8], &[5, 3, 3, 3], [1, 1], ONE, [1, 1], 1),
    (&[4, 8, 8], &[4, 1, 3, 3], [1, 1], ONE, [1, 1], 4),
    // Nothing.
    (&[0, 3, 8, 8], &[5, 3, 3, 3], [1, 1], ONE, [1, 1], 1),
    (&[1, 0, 4, 4], &[0, 0, 3, 3], [1, 1], ONE, [1, 1], 1),
];

fn of(case: &Case, inputs: &[Tensor]) -> Result<Tensor> {
    let &(_, _, stride, padding, dilation, groups) = case;
    let (x, weight, bias) = (&inputs[0], &inputs[1], inputs.get(2));
    ops::conv2d(x, weight, bias, stride, padding, dilation, groups)
}

#[test]
fn convolutions_of_any_size() -> Result<()> {
    for case in CONVOLUTIONS {
        let (input, weight) = (case.0, case.1);
        let inputs = [
            tensor(input, 1)?,
            tensor(weight, 2)?,
            tensor(&weight[..1], 3)?,
        ];
        let products = weight[1..].iter().product();
        let biased = weight[0] > 0;
        let inputs = &inputs[..if biased { 3 } else { 2 }];
        let f = |inputs: &[Tensor]| of(case, inputs);
        check(&format!("{case:?}"), inputs, products, f, f)?;
        check(
            &format!("{case:?} without bias"),
            &inputs[..2],
            products,
            f,
            f,
        )?;
    }
    Ok(())
}

#[test]
fn convolutions_over_one_axis() -> Result<()> {
    for (input, weight, stride, padding, dilation, groups) in [
        (&[2usize, 8, 31][..], [20usize, 8, 3], 1, (1, 1), 1, 1),
        (&[1, 80, 60], [48, 80, 3], 2, (1, 1), 1, 1),
        (&[1, 1, 100], [16, 1, 10], 5, (0, 0), 1, 1),
        (&[1, 24, 40], [24, 1, 31], 1, (15, 15), 1, 24),
        (&[1, 24, 40], [24, 1, 5], 1, (4, 0), 1, 24),
        (&[6, 17], [8, 3, 4], 1, (2, 5), 3, 2),
    ] {
        let inputs = [tensor(input, 1)?, tensor(&weight, 2)?];
        let products = weight[1] * weight[2];
        let f = |x: &[Tensor]| ops::conv1d(&x[0], &x[1], None, stride, [padding], dilation, groups);
        check(&format!("{input:?} by {weight:?}"), &inputs, products, f, f)?;
    }
    Ok(())
}

/// A NaN or an infinity reaches the elements whose window sees it, and no others.
#[test]
fn what_is_not_finite_stays_where_it_is() -> Result<()> {
    let not_finite = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    for case in CONVOLUTIONS
        .iter()
        .filter(|case| case.0.len() == 4 && case.0[0] == 1)
    {
        let mut values = tensor(case.0, 1)?.flatten_all()?.to_vec1::<f32>()?;
        let count = values.len();
        for (k, value) in not_finite.into_iter().enumerate() {
            if count > 0 {
                values[(k * 37 + 11) % count] = value;
            }
        }
        let inputs = [
            Tensor::from_vec(values, case.0, &Device::Cpu)?,
            tensor(case.1, 2)?,
        ];
        let products = case.1[1..].iter().product();
        let f = |inputs: &[Tensor]| of(case, inputs);
        check(&format!("{case:?}"), &inputs, products, f, f)?;
    }
    Ok(())
}

/// Layers too, which may take fewer products for a window of 3×3; those of numbers so large that
/// sums of some are infinite are as good as of others.
#[test]
fn layers_keep_what_is_not_finite_where_it_is() -> Result<()> {
    for (first, second) in [
        (f32::NAN, 1.0),
        (f32::NEG_INFINITY, f32::INFINITY),
        (2e38, -2e38),
    ] {
        let mut values = tensor(&[1, 32, 12, 13], 1)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        (values[700], values[3000]) = (first, second);
        let inputs = [
            Tensor::from_vec(values, (1, 32, 12, 13), &Device::Cpu)?,
            tensor(&[32, 32, 3, 3], 2)?,
        ];
        let f = |x: &[Tensor]| {
            let named = [("weight".to_string(), x[1].clone())].into();
            let vb = VarBuilder::from_tensors(named, x[0].dtype(), &Device::Cpu);
            let config = Conv2dConfig {
                padding: 1,
                ..Conv2dConfig::default()
            };
            nn::conv2d_no_bias(32, 32, 3, config, vb, None)?.forward(&x[0])
        };
        check(&format!("{first} and {second}"), &inputs, 2 * 32 * 9, f, f)?;
    }
    Ok(())
}

/// A convolution and what follows it in one call, beside the same in turn.
#[test]
fn what_follows_a_convolution() -> Result<()> {
    for (input, weight, groups) in [
        (&[2usize, 6, 9, 8][..], [21usize, 6, 3, 3], 1),
        (&[1, 40, 7, 7], [34, 40, 1, 1], 1),
        (&[2, 40, 11, 12], [34, 40, 3, 3], 1),
        (&[1, 21, 9, 17], [21, 1, 3, 3], 21),
        (&[1, 8, 6, 6], [12, 4, 3, 3], 2),
    ] {
        let padding = weight[2] / 2;
        let out = weight[0];
        let shape = [&[input[0], out], &input[2..]].concat();
        let numbers = |seed| tensor(&[out], seed);
        let inputs = [
            tensor(input, 1)?,
            tensor(&weight, 2)?,
            numbers(3)?,
            numbers(4)?,
            numbers(5)?,
            numbers(6)?,
            numbers(7)?.abs()?,
            tensor(&shape, 8)?,
        ];
        let layer = |x: &[Tensor]| -> Result<(Conv2d, BatchNorm)> {
            let vb = |names: &[&str], first: usize| {
                let named = names.iter().zip(&x[first..]);
                let named = named
                    .map(|(name, x)| (name.to_string(), x.clone()))
                    .collect();
                VarBuilder::from_tensors(named, x[0].dtype(), &Device::Cpu)
            };
            let config = ConvConfig::<2> {
                padding: [(padding, padding); 2],
                groups,
                ..ConvConfig::default()
            };
            let kernel = (weight[2], weight[3]);
            let weights = vb(&["weight", "bias"], 1);
            let conv = nn::conv2d(input[1], out, kernel, config, weights, None)?;
            let names = ["weight", "bias", "running_mean", "running_var"];
            Ok((conv, nn::batch_norm(out, 0.1, vb(&names, 3), None)?))
        };
        let sizes = |x: &[Tensor]| -> Result<Tensor> {
            let (conv, mut norm) = layer(x)?;
            norm.running_mean = norm.running_mean.neg()?;
            let y = conv.forward(&x[0])?;
            // Of the activations here, none has a derivative above 1.5.
            ((norm.forward(&y)? + y)? + &x[7])? * 1.5
        };
        let operations = 2 * weight[1..].iter().product::<usize>() + 16;
        let relu = nn::func(ops::relu, None);
        let name = format!("{input:?} by {weight:?}");
        let f = |x: &[Tensor]| {
            let (conv, norm) = layer(x)?;
            conv.then(&norm).add(&x[7]).then(&relu).forward(&x[0])
        };
        check(&format!("{name}, relu"), &inputs, operations, f, sizes)?;
        let f = |x: &[Tensor]| layer(x)?.0.then(ops::relu6).forward(&x[0]);
        check(&format!("{name}, relu6"), &inputs, operations, f, sizes)?;
        let f = |x: &[Tensor]| {
            let (conv, norm) = layer(x)?;
            conv.then(&norm).then(ops::hardswish).forward(&x[0])
        };
        check(&format!("{name}, hardswish"), &inputs, operations, f, sizes)?;
        let f = |x: &[Tensor]| layer(x)?.0.add(&x[7]).then(ops::silu).forward(&x[0]);
        check(&format!("{name}, silu"), &inputs, operations, f, sizes)?;
    }
    Ok(())
}
