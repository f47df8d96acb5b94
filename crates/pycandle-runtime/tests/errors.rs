//! What PyTorch refuses is an error that says what is wrong, and never a panic.

#![allow(clippy::unwrap_used)]

use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::ops;

/// Expects an error that says these words.
fn fails<T: std::fmt::Debug>(result: Result<T>, words: &str) {
    let message = result.unwrap_err().to_string();
    assert!(
        message.contains(words),
        "{message:?} does not contain {words:?}"
    );
}

#[test]
fn what_pytorch_refuses_is_an_error() -> Result<()> {
    let cpu = &Device::Cpu;
    let x = Tensor::arange(0f32, 6.0, cpu)?.reshape((2, 3))?;
    let ids = |id: i64| Tensor::new(&[0, id], cpu);
    fails(
        ops::embedding(&x, &ids(2)?),
        "id 2 is out of range, the table has 2 rows",
    );
    fails(ops::embedding(&x, &ids(-1)?), "id -1 is out of range");
    fails(ops::embedding(&x, &ids(i64::MAX)?), "is out of range");
    fails(
        ops::index(&x, &[Some(&ids(-3)?)]),
        "index -3 is out of range for axis 0 of size 2",
    );
    fails(
        ops::index(&x, &[None, Some(&ids(3)?)]),
        "index 3 is out of range for axis 1 of size 3",
    );
    fails(ops::index(&x, &[Some(&x)]), "indices are integers, not F32");
    fails(ops::select(&x, 1, 3), "index 3 is out of range for axis 1");
    fails(ops::mean(&ids(1)?, &[0], false), "mean takes floats");
    fails(
        ops::amax(&Tensor::zeros((0, 3), DType::F32, cpu)?, &[0], false),
        "nothing to choose from along [0] of [0, 3]",
    );
    fails(ops::pow(&ids(2)?, -1), "negative integer powers");
    fails(ops::bitwise_and(&x, &ids(1)?), "takes integers");
    fails(
        ops::matmul(&x, &x),
        "cannot multiply matrices of [2, 3] and [2, 3]",
    );
    fails(
        ops::scaled_dot_product_attention(&x, &x, &x, Some(&x), true, None),
        "not both",
    );
    fails(
        ops::conv1d(&x, &x.unsqueeze(0)?, None, 1, 0, 1, 2),
        "groups do not fit",
    );
    fails(
        ops::max_pool1d(&x, 2, 1, 2, 1, false),
        "at most half the kernel",
    );
    fails(ops::arange_i64(0, 5, -1, cpu), "does not lead from 0 to 5");
    fails(ops::cat::<Tensor>(&[], 0), "nothing to join");
    Ok(())
}

#[test]
fn guards_say_what_was_expected() -> Result<()> {
    ops::expect_size("seq", 512, 1, Some(512))?;
    ops::expect_size("seq", 9999, 1, None)?;
    fails(
        ops::expect_size("seq", 513, 1, Some(512)),
        "seq is 513; the model was exported for 1 to 512",
    );
    fails(ops::expect_size("seq", 0, 1, None), "at least 1");
    fails(ops::expect_size("seq", 3, 4, Some(4)), "exactly 4");
    let mask = Tensor::zeros((2, 7), DType::I64, &Device::Cpu)?;
    ops::expect_shape("mask", &mask, &[2, 7])?;
    fails(
        ops::expect_shape("mask", &mask, &[2, 8]),
        "input \"mask\" has 7 instead of 8 in axis 1",
    );
    fails(
        ops::expect_shape("mask", &mask, &[2]),
        "has 2 axes instead of 1",
    );
    let masks = [mask.clone(), mask];
    ops::expect_shapes("masks", &masks, 2, &[2, 7])?;
    fails(
        ops::expect_shapes("masks", &masks, 3, &[2, 7]),
        "input \"masks\" has 2 tensors instead of 3",
    );
    fails(
        ops::expect_shapes("masks", &masks, 2, &[2, 8]),
        "input \"masks.0\" has 7 instead of 8 in axis 1",
    );
    Ok(())
}
