//! Every operator against PyTorch's own values, which ops.py wrote.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashSet;
use std::path::Path;

use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::compare::{Data, Status, Values, judge};
use pycandle_runtime::ops;
use pycandle_runtime::store::Store;
use serde_json::Value;

/// The operator of a case: its name's words, the first of which is the function.
fn run(words: &[&str], x: &[Tensor]) -> Result<Tensor> {
    let x: Vec<&Tensor> = x.iter().collect();
    let f = |i: usize| words[i].parse::<f64>().unwrap();
    let i = |i: usize| words[i].parse::<i64>().unwrap();
    let u = |i: usize| words[i].parse::<usize>().unwrap();
    let flag = |i: usize| words[i] == "True";
    let dims = || {
        words[1]
            .split(',')
            .filter_map(|dim| dim.parse().ok())
            .collect::<Vec<usize>>()
    };
    let cpu = &Device::Cpu;
    match words[0] {
        "add" => ops::add(x[0], x[1]),
        "sub" => ops::sub(x[0], x[1]),
        "mul" => ops::mul(x[0], x[1]),
        "div" => ops::div(x[0], x[1]),
        "pow" => ops::pow(x[0], x[1]),
        "add_scalar" => ops::add(x[0], f(1)),
        "sub_scalar" => ops::sub(x[0], f(1)),
        "rsub_scalar" => ops::sub(f(1), x[0]),
        "mul_scalar" => ops::mul(x[0], f(1)),
        "div_scalar" => ops::div(x[0], f(1)),
        "pow_scalar" => ops::pow(x[0], f(1)),
        "add_scalar_i64" => ops::add(x[0], i(1)),
        "sub_scalar_i64" => ops::sub(x[0], i(1)),
        "rsub_scalar_i64" => ops::sub(i(1), x[0]),
        "mul_scalar_i64" => ops::mul(x[0], i(1)),
        "pow_scalar_i64" => ops::pow(x[0], i(1)),
        "abs" => ops::abs(x[0]),
        "exp" => ops::exp(x[0]),
        "log" => ops::log(x[0]),
        "sqrt" => ops::sqrt(x[0]),
        "rsqrt" => ops::rsqrt(x[0]),
        "sin" => ops::sin(x[0]),
        "cos" => ops::cos(x[0]),
        "tanh" => ops::tanh(x[0]),
        "sigmoid" => ops::sigmoid(x[0]),
        "erf" => ops::erf(x[0]),
        "relu" => ops::relu(x[0]),
        "neg" => ops::neg(x[0]),
        "silu" => ops::silu(x[0]),
        "gelu" => ops::gelu(x[0]),
        "gelu_tanh" => ops::gelu_tanh(x[0]),
        "reciprocal" => ops::reciprocal(x[0]),
        "floor" => ops::floor(x[0]),
        "ceil" => ops::ceil(x[0]),
        "round" => ops::round(x[0]),
        "to_bool" => ops::to_bool(x[0]),
        "to_dtype" => ops::to_dtype(x[0], dtype(words[1])),
        "eq" => ops::eq(x[0], x[1]),
        "ne" => ops::ne(x[0], x[1]),
        "lt" => ops::lt(x[0], x[1]),
        "le" => ops::le(x[0], x[1]),
        "gt" => ops::gt(x[0], x[1]),
        "ge" => ops::ge(x[0], x[1]),
        "eq_scalar" => ops::eq(x[0], f(1)),
        "ne_scalar" => ops::ne(x[0], f(1)),
        "lt_scalar" => ops::lt(x[0], f(1)),
        "le_scalar" => ops::le(x[0], f(1)),
        "gt_scalar" => ops::gt(x[0], f(1)),
        "ge_scalar" => ops::ge(x[0], f(1)),
        "logical_and" => ops::logical_and(x[0], x[1]),
        "logical_or" => ops::logical_or(x[0], x[1]),
        "logical_xor" => ops::logical_xor(x[0], x[1]),
        "logical_not" => ops::logical_not(x[0]),
        "bitwise_and" => ops::bitwise_and(x[0], x[1]),
        "bitwise_or" => ops::bitwise_or(x[0], x[1]),
        "bitwise_xor" => ops::bitwise_xor(x[0], x[1]),
        // Of bools, as the cases are.
        "bitwise_not" => ops::logical_not(x[0]),
        "where" => ops::where_(x[0], x[1], x[2]),
        "masked_fill" => ops::masked_fill(x[0], x[1], f(1)),
        "maximum" => ops::maximum(x[0], x[1]),
        "minimum" => ops::minimum(x[0], x[1]),
        "clamp" => ops::clamp(x[0], f(1), f(2)),
        "clamp_i64" => ops::clamp(x[0], i(1), i(2)),
        "sum" => ops::sum(x[0], &dims(), flag(2)),
        "mean" => ops::mean(x[0], &dims(), flag(2)),
        "amax" => ops::amax(x[0], &dims(), flag(2)),
        "amin" => ops::amin(x[0], &dims(), flag(2)),
        "cumsum" => ops::cumsum(x[0], u(1)),
        "softmax" => ops::softmax(x[0], u(1)),
        "log_softmax" => ops::log_softmax(x[0], u(1)),
        "layer_norm" => ops::layer_norm(x[0], u(1), x.get(1).copied(), x.get(2).copied(), 1e-5),
        "rms_norm" => ops::rms_norm(x[0], u(1), x.get(1).copied(), 1e-6),
        "linear" => ops::linear(x[0], x[1], x.get(2).copied()),
        "addmm" => ops::addmm(x[0], x[1], x[2]),
        "matmul" => ops::matmul(x[0], x[1]),
        "sdpa" => {
            let (mask, causal) = (x.get(3).copied(), words[1] == "causal");
            let scale = (words[1] == "scale").then_some(0.3);
            ops::scaled_dot_product_attention(x[0], x[1], x[2], mask, causal, scale)
        }
        "conv1d" => ops::conv1d(x[0], x[1], x.get(2).copied(), u(1), u(2), u(3), u(4)),
        "max_pool1d" => ops::max_pool1d(x[0], u(1), u(2), u(3), u(4), flag(5)),
        "avg_pool1d" => ops::avg_pool1d(x[0], u(1), u(2), u(3), flag(4), flag(5)),
        "adaptive_avg_pool1d" => ops::adaptive_avg_pool1d(x[0], u(1)),
        "embedding" => ops::embedding(x[0], x[1]),
        "cat" => ops::cat(&x, u(1)),
        "stack" => ops::stack(&x, u(1)),
        "slice" => {
            let bounds: Vec<i64> = words[1]
                .split(':')
                .map(|word| word.parse().unwrap())
                .collect();
            ops::slice(x[0], 1, bounds[0], bounds[1], bounds[2] as usize)
        }
        "select" => ops::select(x[0], 1, i(1)),
        "index" => {
            let mut given = x[1..].iter().copied();
            let places: Vec<_> = words[1]
                .chars()
                .map(|c| if c == '_' { None } else { given.next() })
                .collect();
            ops::index(x[0], &places)
        }
        "tril" => ops::tril(x[0], i(1)),
        "triu" => ops::triu(x[0], i(1)),
        "arange" => ops::arange(f(1), f(2), f(3), DType::F32, cpu),
        "arange_i64" => ops::arange_i64(i(1), i(2), i(3), cpu),
        "full" if words[1] == "7" => ops::full(&[2, 0, 3], 7.0, DType::I64, cpu),
        "full" => ops::full(&[2, 3], f(1), DType::F32, cpu),
        op => panic!("ops.py has {op}, and this table has not"),
    }
}

fn dtype(name: &str) -> DType {
    match name {
        "float64" => DType::F64,
        "float32" => DType::F32,
        "float16" => DType::F16,
        "bfloat16" => DType::BF16,
        "int64" => DType::I64,
        "int32" => DType::I32,
        name => panic!("no dtype {name}"),
    }
}

/// A stored tensor, or the view of one.
fn input(store: &Store, input: &Value) -> Result<Tensor> {
    let Some([key, narrow, permute]) = input.as_array().map(Vec::as_slice) else {
        return store.tensor(input.as_str().unwrap(), &Device::Cpu);
    };
    let numbers = |list: &Value| -> Vec<usize> { serde_json::from_value(list.clone()).unwrap() };
    let (narrow, permute) = (numbers(narrow), numbers(permute));
    let base = store.tensor(key.as_str().unwrap(), &Device::Cpu)?;
    base.narrow(narrow[0], narrow[1], narrow[2])?
        .permute(permute)
}

/// Says what is wrong with a case. Without a float64 output it must agree to the bit.
fn check(store: &Store, number: usize, case: &Value) -> Option<String> {
    let name = case[0].as_str().unwrap();
    let words: Vec<&str> = name.split('/').next().unwrap().split(' ').collect();
    let inputs: Result<Vec<_>> = case[1]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| input(store, x))
        .collect();
    let output = match inputs.and_then(|inputs| run(&words, &inputs)) {
        Ok(output) => Values::of(&output).unwrap(),
        Err(error) => return Some(format!("{name}: {error}")),
    };
    let read = |key: String| {
        let values = Values::of(&store.tensor(&key, &Device::Cpu).unwrap()).unwrap();
        let dtype = if store.is_bool(&key).unwrap() {
            "bool"
        } else {
            values.dtype
        };
        Values { dtype, ..values }
    };
    let golden = read(format!("o{number}"));
    let error = format!("e{number}");
    let exact = !store.contains(&error);
    let reference = match (&golden.data, exact) {
        (Data::Float(torch), false) => {
            let Data::Float(error) = read(error).data else {
                panic!("errors are floats")
            };
            let data = torch
                .iter()
                .zip(error)
                .map(|(torch, error)| torch + error)
                .collect();
            Values {
                data: Data::Float(data),
                ..golden.clone()
            }
        }
        _ => golden.clone(),
    };
    let verdict = judge(&output, &golden, Some(&reference));
    // The error of halves is over a thousandth of the signal, which is what their format gives.
    let half = matches!(golden.dtype, "f16" | "bf16");
    let same = match verdict.status {
        Status::Passed => !exact || verdict.max_abs == 0.0,
        Status::Uninformative => half,
        Status::Failed => false,
    };
    (!same).then(|| {
        let few = |values: &Values| match &values.data {
            Data::Float(data) => format!("{:?}", &data[..data.len().min(8)]),
            Data::Integer(data) => format!("{:?}", &data[..data.len().min(8)]),
        };
        format!(
            "{name}: {verdict:?}\n  rust  {}\n  torch {}",
            few(&output),
            few(&golden)
        )
    })
}

#[test]
fn operators_match_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ops.safetensors");
    let store = Store::open(&path, "Make it with tests/ops.py").unwrap();
    let cases: Vec<Value> = serde_json::from_str(store.metadata("cases").unwrap()).unwrap();
    let names: HashSet<_> = cases.iter().map(|case| case[0].as_str().unwrap()).collect();
    assert_eq!(names.len(), cases.len());
    let wrong: Vec<_> = cases
        .iter()
        .enumerate()
        .filter_map(|(number, case)| check(&store, number, case))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    assert!(cases.len() > 500, "the fixture has lost its cases");
}

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
    fails(
        ops::index(&x, &[Some(&x.to_dtype(DType::U8)?)]),
        "takes integer tensors",
    );
    fails(ops::select(&x, 1, 3), "index 3 is out of range for axis 1");
    fails(ops::mean(&ids(1)?, &[0], false), "mean takes floats");
    fails(
        ops::amax(&Tensor::zeros((0, 3), DType::F32, cpu)?, &[0], false),
        "axis 0 is empty",
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
    fails(ops::cat(&[], 0), "nothing to join");
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
    Ok(())
}
