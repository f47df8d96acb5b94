//! Functions of each element and arithmetic by kernels, beside the reference path in f64.

use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::kernels::{Isa, Kernels, with_kernels};
use pycandle_runtime::ops;

const SPECIAL: [f32; 16] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    0.0,
    -0.0,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE / 4.0,
    1e-45,
    f32::MAX,
    f32::MIN,
    1.0,
    -1.0,
    88.5,
    -88.5,
    -103.5,
    3.0,
];

/// Numbers of many magnitudes, and between them those that are special.
fn tensor(shape: &[usize], seed: usize) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    let value = |k: usize| {
        let k = k * 7919 + seed * 104_729;
        let part = (k % 2003) as f32 / 1001.0 - 1.0;
        match k % 7 {
            0 => SPECIAL[k / 7 % SPECIAL.len()],
            1 => part * 2f32.powi((k / 7 % 250) as i32 - 125),
            _ => part * 12.0,
        }
    };
    Tensor::from_vec((0..count).map(value).collect(), shape, &Device::Cpu)
}

fn numbers(x: &Tensor) -> Result<Vec<f64>> {
    x.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

/// What `f` gives of f32 tensors with each instruction set is what it gives of the same in f64,
/// rounded, up to these errors: of the number itself, and of the first input's. Where f32 overflow on
/// the way, it is what the reference path gives in f32.
fn check(
    name: &str,
    inputs: &[Tensor],
    (relative, absolute): (f64, f64),
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
) -> Result<()> {
    let wide: Vec<Tensor> = inputs
        .iter()
        .map(|x| x.to_dtype(DType::F64))
        .collect::<Result<_>>()?;
    let wide = with_kernels(Kernels::Reference, || f(&wide))??;
    let expected = numbers(&wide)?;
    let narrow = numbers(&with_kernels(Kernels::Reference, || f(inputs))??)?;
    let size = match inputs[0].broadcast_as(wide.shape()) {
        Ok(x) => numbers(&x)?,
        Err(_) => vec![1.0; expected.len()],
    };
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_here()) {
        let found = with_kernels(Kernels::Fast(isa), || f(inputs))??;
        assert_eq!(found.dims(), wide.dims(), "{name} with {}", isa.name());
        for (place, found) in numbers(&found)?.into_iter().enumerate() {
            let expected = expected[place];
            let limit = relative * expected.abs() + absolute * size[place].abs().min(1e30) + 1e-44;
            let same = found == f64::from(expected as f32)
                || found == narrow[place]
                || found.is_nan() && expected.is_nan();
            assert!(
                same || (found - expected).abs() <= limit,
                "{name} with {} of {:e}: {found:e} for {expected:e} at {place}",
                isa.name(),
                size[place],
            );
        }
    }
    Ok(())
}

type Function = fn(&Tensor) -> Result<Tensor>;

/// With the errors that they may have of what they give, and of what they take.
const FUNCTIONS: [(&str, Function, (f64, f64)); 17] = [
    ("relu", ops::relu, (0.0, 0.0)),
    ("relu6", ops::relu6, (0.0, 0.0)),
    ("hardsigmoid", ops::hardsigmoid, (2e-7, 6e-8)),
    ("hardswish", ops::hardswish, (2e-7, 2e-7)),
    ("sigmoid", ops::sigmoid, (2.5e-7, 0.0)),
    ("silu", ops::silu, (3e-7, 1e-38)),
    ("tanh", ops::tanh, (2.5e-7, 0.0)),
    ("gelu", ops::gelu, (2e-7, 2e-8)),
    ("gelu_tanh", ops::gelu_tanh, (3e-7, 2e-7)),
    ("exp", ops::exp, (1e-7, 0.0)),
    ("erf", ops::erf, (1.2e-7, 0.0)),
    ("sqrt", ops::sqrt, (6e-8, 0.0)),
    ("rsqrt", ops::rsqrt, (1.2e-7, 0.0)),
    ("reciprocal", ops::reciprocal, (6e-8, 0.0)),
    ("leaky_relu", |x| ops::leaky_relu(x, 0.25), (0.0, 0.0)),
    ("clamp", |x| ops::clamp(x, -0.5, 2), (0.0, 0.0)),
    ("clamp from above", |x| ops::minimum(x, 2.5), (0.0, 0.0)),
];

#[test]
fn functions_of_any_length() -> Result<()> {
    for length in [0, 1, 15, 16, 17, 1_000_003] {
        let x = tensor(&[length], 1)?;
        for (name, function, errors) in FUNCTIONS {
            let name = format!("{name} of {length}");
            check(&name, std::slice::from_ref(&x), errors, |x| function(&x[0]))?;
        }
    }
    Ok(())
}

/// One tensor in many layouts.
fn layouts(seed: usize) -> Result<Vec<(&'static str, Tensor)>> {
    let x = tensor(&[3, 5, 18, 7], seed)?;
    Ok(vec![
        ("in order", x.clone()),
        (
            "channels last",
            tensor(&[3, 18, 7, 5], seed)?.permute((0, 3, 1, 2))?,
        ),
        (
            "columns",
            tensor(&[7, 18, 5, 3], seed)?.permute((3, 2, 1, 0))?,
        ),
        ("part", tensor(&[3, 9, 18, 7], seed)?.narrow(1, 2, 5)?),
        (
            "inner part",
            tensor(&[3, 5, 18, 12], seed)?.narrow(3, 3, 7)?,
        ),
        (
            "part of columns",
            tensor(&[7, 20, 5, 3], seed)?
                .narrow(1, 1, 18)?
                .permute((3, 2, 1, 0))?,
        ),
        (
            "repeated",
            tensor(&[3, 1, 18, 1], seed)?.broadcast_as((3, 5, 18, 7))?,
        ),
    ])
}

#[test]
fn functions_of_any_layout() -> Result<()> {
    for (layout, x) in layouts(2)? {
        for (name, function, errors) in FUNCTIONS {
            let name = format!("{name} of {layout}");
            check(&name, std::slice::from_ref(&x), errors, |x| function(&x[0]))?;
        }
    }
    Ok(())
}

type Operator = fn(&Tensor, &Tensor) -> Result<Tensor>;

const OPERATORS: [(&str, Operator); 6] = [
    ("add", |a, b| ops::add(a, b)),
    ("sub", |a, b| ops::sub(a, b)),
    ("mul", |a, b| ops::mul(a, b)),
    ("div", |a, b| ops::div(a, b)),
    ("maximum", |a, b| ops::maximum(a, b)),
    ("minimum", |a, b| ops::minimum(a, b)),
];

#[test]
fn arithmetic_of_any_layouts() -> Result<()> {
    for (left, a) in layouts(3)? {
        for (right, b) in layouts(4)? {
            for (name, operator) in OPERATORS {
                let name = format!("{name} of {left} and {right}");
                check(&name, &[a.clone(), b.clone()], (6e-8, 0.0), |x| {
                    operator(&x[0], &x[1])
                })?;
            }
        }
    }
    Ok(())
}

#[test]
fn arithmetic_of_shapes_that_broadcast() -> Result<()> {
    let shapes: [(&[usize], &[usize]); 14] = [
        (&[], &[]),
        (&[0], &[1]),
        (&[3, 0], &[3, 1]),
        (&[1_000_003], &[1]),
        (&[128, 77], &[77]),
        (&[128, 77], &[128, 1]),
        (&[1, 77], &[128, 1]),
        (&[2, 5, 18, 7], &[1, 5, 1, 1]),
        (&[2, 5, 18, 7], &[5, 1, 1]),
        (&[2, 5, 18, 7], &[2, 1, 18, 1]),
        (&[2, 5, 1, 7], &[5, 18, 1]),
        (&[2, 5, 18, 7], &[1, 1, 1, 1]),
        (&[4, 1, 33], &[1, 6, 33]),
        (&[17], &[16, 1]),
    ];
    for (first, second) in shapes {
        let (a, b) = (tensor(first, 5)?, tensor(second, 6)?);
        for (name, operator) in OPERATORS {
            for (a, b) in [(&a, &b), (&b, &a)] {
                let name = format!("{name} of {:?} and {:?}", a.dims(), b.dims());
                check(&name, &[a.clone(), b.clone()], (6e-8, 0.0), |x| {
                    operator(&x[0], &x[1])
                })?;
            }
        }
    }
    for (layout, x) in layouts(7)? {
        let scale = tensor(&[1, 5, 1, 1], 8)?;
        for (name, operator) in OPERATORS {
            let name = format!("{name} of {layout} and channels");
            check(&name, &[x.clone(), scale.clone()], (6e-8, 0.0), |x| {
                operator(&x[0], &x[1])
            })?;
        }
        check(&format!("{layout} and numbers"), &[x], (2e-7, 0.0), |x| {
            ops::div(1.5, &ops::mul(&ops::maximum(&x[0], 1)?, 3)?)
        })?;
    }
    Ok(())
}

/// What comes after a convolution keeps its layout.
#[test]
fn layouts_travel_on() -> Result<()> {
    let x = tensor(&[3, 18, 7, 5], 9)?.permute((0, 3, 1, 2))?;
    let scale = tensor(&[1, 5, 1, 1], 10)?;
    let other = tensor(&[3, 5, 18, 7], 11)?;
    for (name, y) in [
        ("relu", ops::relu(&x)?),
        ("mul", ops::mul(&x, &scale)?),
        ("mul from the left", ops::mul(&scale, &x)?),
        ("add", ops::add(&x, &other)?),
        ("div", ops::div(&x, 6.0)?),
    ] {
        assert_eq!(y.stride(), x.stride(), "{name}");
    }
    Ok(())
}

#[test]
fn copies_in_any_order() -> Result<()> {
    let x = tensor(&[3, 17, 33, 20], 12)?;
    let mut orders = Vec::new();
    for k in 0..256 {
        let order = [k & 3, k >> 2 & 3, k >> 4 & 3, k >> 6];
        if (0..4).all(|axis| order.contains(&axis)) {
            orders.push(order);
        }
    }
    assert_eq!(orders.len(), 24);
    let bits = |x: &Tensor| -> Result<Vec<u32>> {
        let numbers = x.flatten_all()?.to_vec1::<f32>()?;
        Ok(numbers.into_iter().map(f32::to_bits).collect())
    };
    for order in orders {
        let turned = x.permute(order)?;
        let part = turned.narrow(2, 1, turned.dim(2)? - 2)?;
        for (name, x) in [("all", &turned), ("part", &part)] {
            let expected = bits(&x.contiguous()?)?;
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_here()) {
                let found = with_kernels(Kernels::Fast(isa), || ops::contiguous(x))??;
                assert!(found.is_contiguous());
                assert_eq!(found.dims(), x.dims());
                assert!(
                    bits(&found)? == expected,
                    "{name} of {order:?} with {}",
                    isa.name()
                );
            }
        }
    }
    Ok(())
}

#[test]
fn tensors_of_any_layouts_are_joined() -> Result<()> {
    let other = layouts(14)?;
    for (layout, x) in layouts(13)? {
        for (other, y) in &other {
            for dim in 0..4 {
                let y = y.narrow(dim, 1, y.dim(dim)? - 1)?;
                let nothing = x.narrow(dim, 0, 0)?;
                let parts = [x.clone(), nothing, y, x.clone()];
                let name = format!("{layout} and {other} along {dim}");
                check(&name, &parts, (0.0, 0.0), |parts| ops::cat(parts, dim))?;
            }
        }
    }
    let x = tensor(&[2, 9, 9, 5], 15)?.permute((0, 3, 1, 2))?;
    let joined = ops::cat(&[&x, &x], 1)?;
    assert_eq!(
        joined.stride(),
        [9 * 9 * 10, 1, 90, 10],
        "the layout travels on"
    );
    Ok(())
}
