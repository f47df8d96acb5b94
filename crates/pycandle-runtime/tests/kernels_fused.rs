//! `ops::fused`: one loop beside the functions one after another, bit by bit.

use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::kernels::{Isa, Kernels, with_kernels};
use pycandle_runtime::ops::{self, fused};

/// Numbers that no two places share, between -3 and 3.
fn tensor(shape: &[usize], seed: usize) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    let value = |k: usize| ((k * 7919 + seed * 104_729) % 2003) as f32 / 333.8 - 3.0;
    Tensor::from_vec((0..count).map(value).collect(), shape, &Device::Cpu)
}

/// What both give is the same with every path, NaN included, and lies in the same order.
fn check(
    name: &str,
    together: impl Fn() -> Result<Tensor>,
    apart: impl Fn() -> Result<Tensor>,
) -> Result<()> {
    let fast = Isa::ALL.into_iter().filter(|isa| isa.is_here());
    for kernels in fast.map(Kernels::Fast).chain([Kernels::Reference]) {
        let found = with_kernels(kernels, &together)??;
        let expected = with_kernels(kernels, &apart)??;
        assert_eq!(found.shape(), expected.shape(), "{name} with {kernels:?}");
        assert_eq!(found.dtype(), expected.dtype(), "{name} with {kernels:?}");
        let bits = |x: &Tensor| -> Result<Vec<u64>> {
            let all = x.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
            Ok(all.into_iter().map(bits).collect())
        };
        assert_eq!(bits(&found)?, bits(&expected)?, "{name} with {kernels:?}");
    }
    Ok(())
}

/// Any NaN is one.
fn bits(x: f64) -> u64 {
    if x.is_nan() { u64::MAX } else { x.to_bits() }
}

/// Each function, beside that of `ops`.
macro_rules! functions {
    ($x:expr; $($name:ident $(($number:expr))?),+) => {
        [$((
            stringify!($name),
            fused((&$x,), |(x,)| 0.0 + x.$name($($number)?)),
            ops::add(&ops::$name(&$x $(, $number)?)?, 0.0),
        )),+]
    };
}

#[test]
fn every_function_is_that_of_its_name() -> Result<()> {
    let special = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
        -0.0,
        1e30,
        -1e30,
        1e-40,
    ];
    let special = Tensor::new(&special, &Device::Cpu)?;
    for x in [special, tensor(&[3, 67], 1)?] {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_here()) {
            let found = with_kernels(Kernels::Fast(isa), || -> Result<_> {
                Ok(functions!(x;
                    abs, erf, exp, gelu, gelu_tanh, hardsigmoid, hardswish, leaky_relu(0.1), neg,
                    reciprocal, relu, relu6, rsqrt, sigmoid, silu, sqrt, tanh
                ))
            })??;
            for (name, one, other) in found {
                let (one, other) = (one?.flatten_all()?, other?.flatten_all()?);
                let all = one
                    .to_vec1::<f32>()?
                    .into_iter()
                    .zip(other.to_vec1::<f32>()?);
                for (a, b) in all {
                    let same = bits(a.into()) == bits(f64::from(b));
                    assert!(same, "{name} with {}: {a:e}, not {b:e}", isa.name());
                }
            }
        }
    }
    let x = tensor(&[2, 5], 3)?;
    check(
        "powers, bounds and signs",
        || fused((&x,), |(x,)| -(x.square() - x.cube().clamp(-1.0, 2.0))),
        || {
            let bounded = ops::clamp(&ops::pow(&x, 3.0)?, -1.0, 2.0)?;
            ops::neg(&ops::sub(&ops::pow(&x, 2.0)?, &bounded)?)
        },
    )
}

#[test]
fn tensors_broadcast_together() -> Result<()> {
    for (batch, heads, rows, width) in [(1, 1, 1, 1), (2, 3, 5, 7), (1, 4, 33, 64), (2, 1, 9, 130)]
    {
        let turned = tensor(&[batch, rows, heads, width], 1)?.transpose(1, 2)?;
        let columns = tensor(&[width, rows], 2)?.t()?;
        let row = tensor(&[width], 3)?;
        let one = tensor(&[1, heads, 1, 1], 4)?;
        let part = tensor(&[batch, heads, rows, width + 3], 5)?.narrow(3, 2, width)?;
        check(
            "all",
            || {
                fused((&turned, &columns, &part, &row, &one), |(a, b, c, d, e)| {
                    (a * b + c * d) / (e - 7.0)
                })
            },
            || {
                let sum = ops::add(&ops::mul(&turned, &columns)?, &ops::mul(&part, &row)?)?;
                ops::div(&sum, &ops::sub(&one, 7.0)?)
            },
        )?;
        // No tensor has the shape of the result.
        check(
            "rows and columns",
            || fused((&row, &one), |(row, one)| 2.0 - row * one),
            || ops::sub(2.0, &ops::mul(&row, &one)?),
        )?;
    }
    let empty = tensor(&[0, 4], 1)?;
    check(
        "nothing",
        || fused((&empty, &empty), |(a, b)| a * b + 1.0),
        || ops::add(&ops::mul(&empty, &empty)?, 1.0),
    )
}

#[test]
fn dtypes_are_promoted() -> Result<()> {
    let (x, y) = (tensor(&[4, 5], 1)?, tensor(&[4, 5], 2)?);
    for (a, b) in [
        (DType::BF16, DType::BF16),
        (DType::F16, DType::F32),
        (DType::F64, DType::F64),
        (DType::I64, DType::F32),
        (DType::U8, DType::BF16),
    ] {
        let (a, b) = (x.abs()?.to_dtype(a)?, y.to_dtype(b)?);
        check(
            "a * b * 0.3 + tanh(b)",
            || fused((&a, &b), |(a, b)| a * b * 0.3 + b.tanh()),
            || ops::add(&ops::mul(&ops::mul(&a, &b)?, 0.3)?, &ops::tanh(&b)?),
        )?;
    }
    Ok(())
}

#[test]
fn other_shapes_are_refused() -> Result<()> {
    let (x, y) = (tensor(&[4, 5], 1)?, tensor(&[4], 2)?);
    assert!(fused((&x, &y), |(x, y)| x * y + 1.0).is_err());
    Ok(())
}

/// A layout travels on, as from one function to the next.
#[test]
fn the_order_of_elements_is_kept() -> Result<()> {
    let image = tensor(&[1, 4, 5, 6], 1)?.permute((0, 3, 1, 2))?;
    let scale = tensor(&[6, 1, 1], 2)?;
    let y = fused((&image, &scale), |(x, scale)| x.silu() * scale)?;
    assert_eq!(y.stride(), image.stride());
    Ok(())
}
