//! What a kernel gives beside the reference path in f64.

use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::kernels::{Isa, Kernels, with_kernels};

/// Numbers between -1 and 1.
pub fn tensor(shape: &[usize], seed: usize) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    let value = |k: usize| ((k * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
    let values: Vec<f32> = (0..count).map(value).collect();
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// The ways in which a tensor's elements lie that kernels tell apart.
const LAYOUTS: [&str; 4] = [
    "in order",
    "channels last",
    "narrowed",
    "narrowed channels last",
];

/// The same tensor, which lies as it is named.
fn laid(x: &Tensor, layout: &str) -> Result<Tensor> {
    let rank = x.rank();
    let channel = rank.saturating_sub(3).min(1);
    let channels_last = |x: &Tensor| {
        let mut order: Vec<usize> = (0..rank).filter(|&axis| axis != channel).collect();
        order.push(channel);
        let mut back: Vec<usize> = (0..rank - 1).collect();
        back.insert(channel, rank - 1);
        x.permute(order)?.contiguous()?.permute(back)
    };
    let padded = |x: &Tensor| {
        let x = Tensor::cat(&[x, &x.ones_like()?], channel)?;
        Tensor::cat(&[&x.ones_like()?, &x], rank - 1)
    };
    let narrowed = |padded: &Tensor| {
        let (channels, width) = (x.dims()[channel], x.dims()[rank - 1]);
        padded
            .narrow(channel, 0, channels)?
            .narrow(rank - 1, width, width)
    };
    match layout {
        "channels last" => channels_last(x),
        "narrowed" => narrowed(&padded(x)?),
        "narrowed channels last" => narrowed(&channels_last(&padded(x)?)?),
        _ => Ok(x.clone()),
    }
}

fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

/// `f` of `inputs` with each instruction set, the first input in each layout, is what it is in f64,
/// as far as `size`, the sum of the magnitudes that each element is made of, and the number of
/// operations allow.
pub fn check(
    name: &str,
    inputs: &[Tensor],
    operations: usize,
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    size: impl Fn(&[Tensor]) -> Result<Tensor>,
) -> Result<()> {
    let map = |g: fn(&Tensor) -> Result<Tensor>| -> Result<Vec<Tensor>> {
        inputs.iter().map(|x| g(&x.to_dtype(DType::F64)?)).collect()
    };
    let expected = with_kernels(Kernels::Reference, || f(&map(|x| Ok(x.clone()))?))??;
    let sizes = with_kernels(Kernels::Reference, || size(&map(Tensor::abs)?))??;
    let (wanted, sizes) = (numbers(&expected)?, numbers(&sizes)?);
    let rounding = (operations + 4) as f64 * 2f64.powi(-24);
    for layout in LAYOUTS {
        let mut inputs = inputs.to_vec();
        inputs[0] = laid(&inputs[0], layout)?;
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_here()) {
            let found = with_kernels(Kernels::Fast(isa), || f(&inputs))??;
            let name = format!("{name}, {layout}, {}", isa.name());
            assert_eq!(found.dims(), expected.dims(), "{name}");
            assert_eq!(found.dtype(), DType::F32, "{name}");
            for (place, found) in numbers(&found)?.into_iter().enumerate() {
                let wanted = wanted[place];
                let near = (found - wanted).abs() <= rounding * sizes[place] + 1e-37;
                let same = found == wanted || (found.is_nan() && wanted.is_nan());
                assert!(near || same, "{name}: {found} for {wanted} at {place}");
            }
        }
    }
    Ok(())
}
