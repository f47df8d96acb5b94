//! Softmax, normalisation and picked elements by kernels, beside the reference path in f64.

use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::kernels::{Isa, Kernels, with_kernels};
use pycandle_runtime::ops;

/// Numbers that no two places share, between -3 and 3.
fn tensor(shape: &[usize], seed: usize) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    let value = |k: usize| ((k * 7919 + seed * 104_729) % 2003) as f32 / 333.8 - 3.0;
    Tensor::from_vec((0..count).map(value).collect(), shape, &Device::Cpu)
}

fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

/// What `f` gives of f32 tensors with each instruction set is what it gives of the same in f64, up
/// to an error.
fn check(
    name: &str,
    inputs: &[Tensor],
    error: f64,
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
) -> Result<()> {
    let wide: Vec<Tensor> = inputs
        .iter()
        .map(|x| x.to_dtype(DType::F64))
        .collect::<Result<_>>()?;
    let wide = with_kernels(Kernels::Reference, || f(&wide))??;
    let expected = numbers(&wide)?;
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_here()) {
        let found = with_kernels(Kernels::Fast(isa), || f(inputs))??;
        assert_eq!(found.dims(), wide.dims(), "{name} with {}", isa.name());
        for (place, (found, &expected)) in numbers(&found)?.iter().zip(&expected).enumerate() {
            let same = *found == expected || found.is_nan() && expected.is_nan();
            assert!(
                same || (found - expected).abs() <= error * (expected.abs() + 1e-30),
                "{name} with {}: {found:e} for {expected:e} at {place}",
                isa.name()
            );
        }
    }
    Ok(())
}

type Along = fn(&Tensor, usize) -> Result<Tensor>;

/// With the error that they may have of what they give.
const SOFTMAXES: [(&str, Along, f64); 3] = [
    ("softmax", ops::softmax, 6e-7),
    ("safe_softmax", ops::safe_softmax, 6e-7),
    // What cancels is of the size of the elements, not of their difference.
    (
        "log_softmax",
        |x, dim| ops::log_softmax(x, dim)? - 1.0,
        6e-7,
    ),
];

#[test]
fn softmax_along_any_axis() -> Result<()> {
    for shape in [[1, 1, 1], [2, 17, 3], [3, 16, 40], [5, 33, 129], [2, 0, 4]] {
        let x = tensor(&shape, 1)?;
        let turned = tensor(&[shape[2], shape[0], shape[1]], 2)?.permute((1, 2, 0))?;
        let part = tensor(&[shape[0], shape[1] + 3, shape[2]], 3)?.narrow(1, 2, shape[1])?;
        for (name, softmax, error) in SOFTMAXES {
            for dim in 0..3 {
                for (layout, x) in [("in order", &x), ("turned", &turned), ("part", &part)] {
                    let name = format!("{name} of {shape:?} {layout} along {dim}");
                    check(&name, std::slice::from_ref(x), error, |x| {
                        softmax(&x[0], dim)
                    })?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn softmax_of_lines_with_what_is_no_number() -> Result<()> {
    let (least, most, nan) = (f32::NEG_INFINITY, f32::INFINITY, f32::NAN);
    for width in [1, 4, 16, 19, 70] {
        let mut rows = Vec::new();
        for line in [[least; 4], [least, 1.0, least, 2.0], [nan, least, 0.0, 1.0]] {
            rows.extend(line.into_iter().cycle().take(width));
        }
        for line in [
            [most, 0.0, 1.0, least],
            [nan, least, least, least],
            [200.0, -200.0, 0.0, 1.0],
        ] {
            rows.extend(line.into_iter().cycle().take(width));
        }
        let x = Tensor::from_vec(rows, (6, width), &Device::Cpu)?;
        for (name, softmax, error) in SOFTMAXES {
            let name = format!("{name} of {width}");
            check(&name, std::slice::from_ref(&x), error, |x| {
                softmax(&x[0], 1)
            })?;
            check(&name, &[x.t()?], error, |x| softmax(&x[0], 0))?;
            check(&name, &[x.t()?.contiguous()?], error, |x| softmax(&x[0], 0))?;
        }
    }
    Ok(())
}

#[test]
fn rows_are_normalised() -> Result<()> {
    for (rows, width) in [(1, 1), (3, 15), (2, 16), (5, 17), (4, 768), (2, 20_011)] {
        // What is far from zero, too, whose mean takes most of the digits.
        for far in [0.0, 100.0] {
            let x = (tensor(&[rows, width], 1)? + far)?;
            let turned = (tensor(&[width, rows], 4)? + far)?.t()?;
            let (weight, bias) = (tensor(&[width], 2)?, tensor(&[width], 3)?);
            for x in [x, turned] {
                let name = format!("{rows} rows of {width} around {far}");
                for (with_weight, with_bias) in
                    [(true, true), (true, false), (false, true), (false, false)]
                {
                    let inputs = [x.clone(), weight.clone(), bias.clone()];
                    // What cancels is of the size of the summands, not of the sum.
                    check(&format!("layer_norm of {name}"), &inputs, 3e-6, |x| {
                        let weight = with_weight.then_some(&x[1]);
                        let bias = with_bias.then_some(&x[2]);
                        ops::layer_norm(&x[0], 1, weight, bias, 1e-5)? + 20.0
                    })?;
                    check(&format!("rms_norm of {name}"), &inputs, 1e-6, |x| {
                        ops::rms_norm(&x[0], 1, with_weight.then_some(&x[1]), 1e-6)
                    })?;
                }
            }
        }
    }
    let x = tensor(&[2, 3, 4, 5], 5)?;
    let weight = tensor(&[4, 5], 6)?;
    check("layer_norm over two axes", &[x, weight], 3e-6, |x| {
        ops::layer_norm(&x[0], 2, Some(&x[1]), None, 1e-5)? + 20.0
    })
}

#[test]
fn rows_with_what_is_no_number() -> Result<()> {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for width in [3, 16, 40] {
            let mut values = vec![1.5; width * 2];
            values[width - 2] = bad;
            values[width] = 2.0;
            let x = Tensor::from_vec(values, (2, width), &Device::Cpu)?;
            check(&format!("layer_norm of {bad}"), &[x], 3e-6, |x| {
                ops::layer_norm(&x[0], 1, None, None, 1e-5)
            })?;
        }
    }
    Ok(())
}

/// The layouts that a batch of channels comes in.
fn layouts(shape: &[usize; 4], seed: usize) -> Result<Vec<(&'static str, Tensor)>> {
    let &[batch, channels, rows, columns] = shape;
    let last = tensor(&[batch, rows, columns, channels], seed)?;
    Ok(vec![
        ("planes", tensor(shape, seed)?),
        ("channels last", last.permute((0, 3, 1, 2))?),
        (
            "part",
            tensor(&[batch, channels, rows + 1, columns], seed)?.narrow(2, 1, rows)?,
        ),
        (
            "turned",
            tensor(&[columns, channels, rows, batch], seed)?.permute((3, 1, 2, 0))?,
        ),
    ])
}

#[test]
fn channels_are_normalised() -> Result<()> {
    for shape in [[1, 6, 1, 1], [2, 6, 3, 5], [3, 36, 9, 8], [2, 48, 33, 40]] {
        let channels = shape[1];
        let (weight, bias) = (tensor(&[channels], 2)?, tensor(&[channels], 3)?);
        let (mean, variance) = (tensor(&[channels], 4)?, tensor(&[channels], 5)?.abs()?);
        for (layout, x) in layouts(&shape, 1)? {
            // What is far from zero, too, whose mean takes most of the digits.
            for far in [0.0, 100.0] {
                let name = format!("{shape:?} {layout} around {far}");
                let x = (&x + far)?;
                let inputs = [x.clone(), weight.clone(), bias.clone()];
                for groups in [1, 2, channels] {
                    // What cancels is of the size of the summands, not of the sum.
                    check(&format!("{groups} groups of {name}"), &inputs, 3e-6, |x| {
                        ops::group_norm(&x[0], groups, Some(&x[1]), Some(&x[2]), 1e-5)? + 20.0
                    })?;
                }
                let inputs = [
                    x,
                    weight.clone(),
                    bias.clone(),
                    mean.clone(),
                    variance.clone(),
                ];
                check(&format!("batch norm of {name}"), &inputs, 3e-6, |x| {
                    let (mean, variance) = (Some(&x[3]), Some(&x[4]));
                    let y = ops::batch_norm(
                        &x[0],
                        Some(&x[1]),
                        Some(&x[2]),
                        mean,
                        variance,
                        false,
                        0.1,
                    )?;
                    y + 2000.0
                })?;
            }
        }
    }
    let x = tensor(&[2, 3, 4, 5], 1)?.permute((0, 3, 1, 2))?;
    let y = ops::group_norm(&x, 5, None, None, 1e-5)?;
    assert_eq!(y.stride(), x.stride(), "the layout travels on");
    Ok(())
}

#[test]
fn channels_with_what_is_no_number() -> Result<()> {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = vec![1.5; 2 * 4 * 20];
        values[87] = bad;
        values[1] = 2.0;
        let x = Tensor::from_vec(values, (2, 4, 20), &Device::Cpu)?;
        check(&format!("group_norm of {bad}"), &[x], 3e-6, |x| {
            ops::group_norm(&x[0], 2, None, None, 1e-5)
        })?;
    }
    Ok(())
}

/// Indices below a bound, in some order.
fn indices(shape: &[usize], bound: usize) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    let index = |k: usize| (k * 7919 % bound) as i64;
    Tensor::from_vec((0..count).map(index).collect(), shape, &Device::Cpu)
}

#[test]
fn elements_are_picked_along_any_axis() -> Result<()> {
    let shape = [3, 5, 7, 2];
    for (name, x) in layouts(&shape, 1)? {
        for dim in 0..4 {
            // Fewer places than there are along other axes, and more along this one.
            let mut part = shape.map(|size| size - size / 3);
            part[dim] = 9;
            let own = indices(&part, shape[dim])?;
            let turned = own.transpose(1, 2)?.contiguous()?.transpose(1, 2)?;
            let shared = own.narrow(0, 0, 1)?.broadcast_as(&part)?;
            for index in [&own, &turned, &shared, &own.to_dtype(DType::U32)?] {
                check(
                    &format!("gather of {name} along {dim}"),
                    std::slice::from_ref(&x),
                    0.0,
                    |x| ops::gather(&x[0], dim, index),
                )?;
            }
        }
    }
    Ok(())
}

#[test]
fn indices_out_of_range_are_refused() -> Result<()> {
    let x = tensor(&[2, 3], 1)?;
    for bad in [3, -1, i64::MAX] {
        let index = Tensor::new(&[[0, bad], [1, 2]], &Device::Cpu)?;
        let error = ops::gather(&x, 1, &index).expect_err("there is no such element");
        let error = error.to_string();
        assert!(
            error.contains(&format!("index {bad} is out of range")),
            "{error}"
        );
    }
    Ok(())
}
