//! Matrix products and attention by kernels, beside the reference path in f64.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::VarBuilder;
use pycandle_runtime::kernels::{Isa, Kernels, with_kernels};
use pycandle_runtime::nn::{self, Linear};
use pycandle_runtime::ops;

/// Numbers that no two places share, between -1 and 1.
fn tensor(shape: &[usize], seed: usize) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    let value = |k: usize| ((k * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
    Tensor::from_vec(
        (0..count).map(value).collect::<Vec<_>>(),
        shape,
        &Device::Cpu,
    )
}

/// What `f` gives of f32 tensors with each instruction set is what it gives of the same in f64, up
/// to rounding.
fn check(name: &str, inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) -> Result<()> {
    let wide: Vec<Tensor> = inputs
        .iter()
        .map(|x| {
            if x.dtype() == DType::F32 {
                x.to_dtype(DType::F64)
            } else {
                Ok(x.clone())
            }
        })
        .collect::<Result<_>>()?;
    let expected = with_kernels(Kernels::Reference, || f(&wide))??;
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_here()) {
        let found = with_kernels(Kernels::Fast(isa), || f(inputs))??;
        assert_eq!(found.dims(), expected.dims(), "{name} with {}", isa.name());
        let pairs = found
            .to_dtype(DType::F64)?
            .flatten_all()?
            .to_vec1::<f64>()?;
        let pairs = pairs
            .into_iter()
            .zip(expected.flatten_all()?.to_vec1::<f64>()?);
        for (place, (found, expected)) in pairs.enumerate() {
            let near = (found - expected).abs() <= 2e-6 * (1.0 + expected.abs()) * 8.0;
            let same = found == expected || (found.is_nan() && expected.is_nan());
            assert!(
                near || same,
                "{name} with {}: {found} for {expected} at {place}",
                isa.name()
            );
        }
    }
    Ok(())
}

/// Rows and sizes around those of tiles and panels.
#[test]
fn linear_maps_of_any_size() -> Result<()> {
    for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 27, 29, 127, 128, 380] {
        for (depth, out) in [(1, 1), (7, 5), (64, 16), (33, 17), (48, 129), (800, 31)] {
            let inputs = [
                tensor(&[rows, depth], 1)?,
                tensor(&[out, depth], 2)?,
                tensor(&[out], 3)?,
            ];
            check(&format!("{rows} x {depth} x {out}"), &inputs, |x| {
                let vb = candle_nn::VarBuilder::from_tensors(
                    [
                        ("weight".to_string(), x[1].clone()),
                        ("bias".to_string(), x[2].clone()),
                    ]
                    .into(),
                    x[0].dtype(),
                    &Device::Cpu,
                );
                let layer: Linear = pycandle_runtime::nn::linear(depth, out, vb, None)?;
                let once = layer.forward(&x[0])?;
                // The packed weight is used again.
                assert_eq!(
                    once.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?,
                    layer
                        .forward(&x[0])?
                        .flatten_all()?
                        .to_dtype(DType::F64)?
                        .to_vec1::<f64>()?
                );
                Ok(once)
            })?;
            check(&format!("op of {rows} x {depth} x {out}"), &inputs, |x| {
                ops::linear(&x[0], &x[1], Some(&x[2]))
            })?;
        }
    }
    Ok(())
}

/// A sum and an activation after a linear map, as the layers compute them and as one call; the
/// tensor to add lies in any order.
#[test]
fn what_follows_a_linear_map() -> Result<()> {
    type Function = fn(&Tensor) -> Result<Tensor>;
    let functions: [(&str, Function); 4] = [
        ("relu", ops::relu),
        ("silu", ops::silu),
        ("gelu", ops::gelu),
        ("hardswish", ops::hardswish),
    ];
    for (rows, depth, out) in [(1, 7, 5), (9, 33, 17), (29, 48, 129)] {
        let (x, weight) = (tensor(&[2, rows, depth], 1)?, tensor(&[out, depth], 2)?);
        let turned = tensor(&[out, rows, 2], 4)?.transpose(0, 2)?;
        let inputs = [x, weight, tensor(&[out], 3)?, turned];
        for (place, (name, plain)) in functions.into_iter().enumerate() {
            let called = |x: &[Tensor], fused: bool| {
                let tensors = HashMap::from([
                    ("weight".to_string(), x[1].clone()),
                    ("bias".to_string(), x[2].clone()),
                ]);
                let vb = VarBuilder::from_tensors(tensors, x[0].dtype(), &Device::Cpu);
                let layer = nn::linear(depth, out, vb, None)?;
                let sum = layer.add(&x[3]);
                match (fused, place) {
                    (false, _) => plain(&(layer.forward(&x[0])? + &x[3])?),
                    (true, 0) => sum.then(ops::relu).forward(&x[0]),
                    (true, 1) => sum.then(ops::silu).forward(&x[0]),
                    (true, 2) => sum.then(ops::gelu).forward(&x[0]),
                    (true, _) => sum.then(ops::hardswish).forward(&x[0]),
                }
            };
            for fused in [true, false] {
                check(
                    &format!("{name} after {rows} x {depth} x {out}"),
                    &inputs,
                    |x| called(x, fused),
                )?;
            }
        }
    }
    Ok(())
}

/// A parameter is packed for each way in which it is read, and its clones share that.
#[test]
fn a_parameter_serves_linear_maps_and_products() -> Result<()> {
    for rows in [1, 9] {
        let inputs = [
            tensor(&[rows, 20], 1)?,
            tensor(&[20, 20], 2)?,
            tensor(&[20], 3)?,
        ];
        check("parameter", &inputs, |x| {
            let weight = nn::parameter(x[1].clone());
            let y = ops::linear(&x[0], &weight, Some(&x[2]))?;
            let y = ops::matmul(&y, &weight.clone())?;
            ops::addmm(&x[2], &y, &weight)
        })?;
    }
    Ok(())
}

#[test]
fn matrix_products_of_any_layout() -> Result<()> {
    for rows in [1, 8, 15, 130] {
        let (a, b) = (tensor(&[2, 3, rows, 21], 1)?, tensor(&[2, 3, 21, 35], 2)?);
        check("batches", &[a.clone(), b.clone()], |x| {
            ops::matmul(&x[0], &x[1])
        })?;
        let turned = b.t()?.contiguous()?;
        check("transposed", &[a.clone(), turned], |x| {
            ops::matmul(&x[0], &x[1].t()?)
        })?;
        let heads = tensor(&[2, rows, 3, 21], 3)?;
        check("heads", &[heads, b.clone()], |x| {
            ops::matmul(&x[0].transpose(1, 2)?, &x[1])
        })?;
        let one = tensor(&[21, 35], 4)?;
        check("one right side", &[a.clone(), one], |x| {
            ops::matmul(&x[0], &x[1])
        })?;
        let columns = tensor(&[2, 3, 21, rows], 5)?;
        check("columns", &[columns, b], |x| ops::matmul(&x[0].t()?, &x[1]))?;
    }
    Ok(())
}

#[test]
fn attention_of_any_shape() -> Result<()> {
    for (queries, keys) in [
        (1, 1),
        (1, 37),
        (3, 130),
        (5, 5),
        (16, 16),
        (37, 21),
        (128, 128),
        (90, 200),
    ] {
        for (heads, shared, width, out) in
            [(3, 3, 8, 8), (4, 2, 17, 5), (4, 1, 64, 64), (2, 1, 100, 70)]
        {
            let q = tensor(&[2, queries, heads, width], 1)?.affine(4.0, 0.0)?;
            let k = tensor(&[2, keys, shared, width], 2)?;
            let v = tensor(&[2, keys, shared, out], 3)?;
            let inputs = [q, k, v, tensor(&[2, 1, queries, keys], 4)?];
            let of = |x: &[Tensor], mask: Option<&Tensor>, causal: bool, scale: Option<f64>| {
                let (q, k, v) = (
                    x[0].transpose(1, 2)?,
                    x[1].transpose(1, 2)?,
                    x[2].transpose(1, 2)?,
                );
                ops::scaled_dot_product_attention(&q, &k, &v, mask, causal, scale)
            };
            let name = format!("{queries} of {keys}, {heads} heads with {shared}");
            check(&name, &inputs, |x| of(x, None, false, None))?;
            check(&format!("causal {name}"), &inputs, |x| {
                of(x, None, true, Some(0.3))
            })?;
            check(&format!("masked {name}"), &inputs, |x| {
                of(x, Some(&x[3]), false, None)
            })?;
            let bools = inputs[3].gt(0.1)?;
            check(&format!("bool {name}"), &inputs, |x| {
                of(x, Some(&bools), false, None)
            })?;
            let padding = tensor(&[2, 1, 1, keys], 5)?.gt(2.0)?;
            check(&format!("nothing of {name}"), &inputs, |x| {
                of(x, Some(&padding), false, None)
            })?;
        }
    }
    Ok(())
}

#[test]
fn attention_keeps_what_is_no_number() -> Result<()> {
    let (q, k) = (tensor(&[1, 2, 9, 8], 1)?, tensor(&[1, 2, 9, 8], 2)?);
    let v = tensor(&[1, 2, 9, 8], 3)?;
    let spoil = |x: &Tensor, with: f64, place: usize| {
        let mut values = x.flatten_all()?.to_vec1::<f32>()?;
        values[place] = with as f32;
        Tensor::from_vec(values, x.shape(), x.device())
    };
    for with in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let inputs = [spoil(&q, with, 3)?, k.clone(), v.clone()];
        check("queries", &inputs, |x| {
            ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], None, false, None)
        })?;
        let mask = spoil(&tensor(&[1, 1, 9, 9], 4)?, with, 3)?;
        let inputs = [q.clone(), k.clone(), v.clone(), mask];
        check("masks", &inputs, |x| {
            ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], Some(&x[3]), false, None)
        })?;
    }
    Ok(())
}

/// What was packed of a layer's weight is not used for the one that takes its place, nor for what a
/// variable has become.
#[test]
fn a_weight_can_be_replaced() -> Result<()> {
    let vb = VarBuilder::zeros(DType::F32, &Device::Cpu);
    let mut layer = nn::linear_no_bias(40, 24, vb, None)?;
    let x = tensor(&[9, 40], 1)?;
    let variable = Var::from_tensor(&tensor(&[24, 40], 4)?)?;
    let given = [
        variable.as_tensor().clone(),
        tensor(&[24, 40], 2)?,
        tensor(&[24, 40], 3)?,
    ];
    for seed in [5, 6] {
        for weight in &given {
            layer.weight = weight.clone();
            variable.set(&tensor(&[24, 40], seed)?)?;
            check(
                "a replaced weight",
                &[x.clone(), weight.copy()?],
                |inputs| match inputs[0].dtype() {
                    DType::F32 => layer.forward(&inputs[0]),
                    _ => ops::linear(&inputs[0], &inputs[1], None),
                },
            )?;
        }
    }
    Ok(())
}
