//! Pools and batch norms, which take and give the layout of convolutions.

use candle_core::{Device, Result, Tensor};
use pycandle_runtime::ops;

use crate::check::{check, tensor};

/// Input, kernel, stride, padding, and whether the last window may end outside.
type PoolCase<'a> = (&'a [usize], [usize; 2], [usize; 2], [usize; 2], bool);

const POOLS: &[PoolCase] = &[
    (&[2, 5, 9, 11], [3, 3], [2, 2], [1, 1], false),
    (&[1, 33, 8, 8], [2, 2], [2, 2], [0, 0], false),
    (&[1, 16, 7, 10], [3, 2], [1, 3], [1, 0], true),
    (&[1, 64, 7, 7], [7, 7], [7, 7], [0, 0], false),
    (&[20, 6, 5], [2, 3], [2, 2], [1, 1], true),
    (&[1, 1, 6, 6], [3, 3], [1, 1], [1, 1], false),
];

#[test]
fn pools_of_any_size() -> Result<()> {
    for &(input, kernel, stride, padding, ceil) in POOLS {
        let mut values = tensor(input, 1)?.flatten_all()?.to_vec1::<f32>()?;
        values[7] = f32::NAN;
        values[29] = f32::NEG_INFINITY;
        let input = [Tensor::from_vec(values, input, &Device::Cpu)?];
        let name = format!("{input:?} {kernel:?} {stride:?} {padding:?} {ceil}");
        for dilation in [1, 2] {
            let padding = padding.map(|side| side.min(kernel[0] / 2));
            if ops::max_pool2d(&input[0], kernel, stride, padding, dilation, ceil).is_err() {
                continue;
            }
            let f = |x: &[Tensor]| ops::max_pool2d(&x[0], kernel, stride, padding, dilation, ceil);
            check(&format!("max_pool2d {name}"), &input, 0, f, |x| {
                f(x)?.zeros_like()
            })?;
        }
        for (counts, divisor) in [(true, None), (false, None), (true, Some(5))] {
            let f = |x: &[Tensor]| {
                ops::avg_pool2d(&x[0], kernel, stride, padding, ceil, counts, divisor)
            };
            check(
                &format!("avg_pool2d {name}"),
                &input,
                kernel[0] + kernel[1],
                f,
                f,
            )?;
        }
    }
    Ok(())
}

#[test]
fn means_of_planes() -> Result<()> {
    for input in [
        &[1usize, 40, 7, 7][..],
        &[3, 17, 5, 9],
        &[20, 8, 6],
        &[1, 5, 1, 1],
    ] {
        let x = [tensor(input, 1)?];
        for size in [[1, 1], [2, 3], [7, 7]] {
            let f = |x: &[Tensor]| ops::adaptive_avg_pool2d(&x[0], size);
            check(
                &format!("{input:?} to {size:?}"),
                &x,
                input.iter().sum(),
                f,
                f,
            )?;
        }
        if input.len() == 4 {
            for keep in [true, false] {
                let f = |x: &[Tensor]| ops::mean(&x[0], &[3, 2], keep);
                check(&format!("mean of {input:?}"), &x, input.iter().sum(), f, f)?;
            }
        }
    }
    Ok(())
}

#[test]
fn batch_norms_of_any_layout() -> Result<()> {
    for input in [
        &[2usize, 5, 3, 7][..],
        &[3, 40, 1, 1],
        &[1, 24, 9, 9],
        &[4, 18],
        &[2, 20, 7],
    ] {
        let channels = [input[1]];
        let inputs = [
            tensor(input, 1)?,
            tensor(&channels, 2)?,
            tensor(&channels, 3)?,
            tensor(&channels, 4)?,
            tensor(&channels, 5)?.abs()?,
        ];
        let f = |x: &[Tensor]| {
            let [weight, bias, mean, variance] = [1, 2, 3, 4].map(|k| Some(&x[k]));
            ops::batch_norm(&x[0], weight, bias, mean, variance, false, 1e-3)
        };
        let size = |x: &[Tensor]| {
            let mean = x[3].neg()?;
            let [weight, bias, variance] = [1, 2, 4].map(|k| Some(&x[k]));
            ops::batch_norm(&x[0], weight, bias, Some(&mean), variance, false, 1e-3)
        };
        check(&format!("{input:?}"), &inputs, 4, f, size)?;
    }
    Ok(())
}
