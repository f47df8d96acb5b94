//! `machine arithmetic FLOPS THREADS` and `machine memory BYTES THREADS`: what nobody can undercut.
//!
//! A run of the first does so many floating-point operations as multiply-adds in registers; a run of
//! the second reads so many bytes that lie where runs before left them, as a model's weights do.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use bench_protocol::{ended, in_words, serve};

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, amount, threads] = &arguments[..] else {
        return Err("arithmetic FLOPS THREADS, or memory BYTES THREADS".into());
    };
    let amount: usize = amount.parse().map_err(in_words)?;
    let threads: usize = threads.parse().map_err(in_words)?;
    let nowhere = PathBuf::from("/dev/null");
    match what.as_str() {
        "arithmetic" => serve(
            &nowhere,
            || Ok(shared(threads, |_| arithmetic(amount / threads))),
            |_| Ok(Vec::new()),
        ),
        "memory" => {
            let data = vec![1.0f32; amount / size_of::<f32>()];
            let part = data.len().div_ceil(threads).max(1);
            let parts: Vec<&[f32]> = data.chunks(part).collect();
            serve(
                &nowhere,
                || {
                    Ok(shared(parts.len(), |number| {
                        black_box(read(parts[number]));
                    }))
                },
                |_| Ok(Vec::new()),
            )
        }
        other => Err(format!("{other} is neither arithmetic nor memory")),
    }
}

/// The last share is the caller's own.
fn shared(threads: usize, work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 1..threads {
            let work = &work;
            scope.spawn(move || work(number));
        }
        work(0);
    });
}

/// Independent sums: as many as hide the latency of two units.
const SUMS: usize = 24;

fn arithmetic(flops: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the feature was just detected.
            return unsafe { arithmetic_avx512(flops) };
        }
        if is_x86_feature_detected!("fma") {
            // SAFETY: the feature was just detected.
            return unsafe { arithmetic_fma(flops) };
        }
    }
    arithmetic_in_lanes::<4, SUMS>(flops);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn arithmetic_avx512(flops: usize) {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};

    let (factor, more) = (
        _mm512_set1_ps(black_box(0.5)),
        _mm512_set1_ps(black_box(1.0)),
    );
    let mut sums = [_mm512_set1_ps(1.0); SUMS];
    for _ in 0..flops.div_ceil(2 * 16 * SUMS) {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, more);
        }
    }
    for sum in sums {
        black_box(_mm512_reduce_add_ps(sum));
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn arithmetic_fma(flops: usize) {
    arithmetic_in_lanes::<8, 12>(flops);
}

/// Sums of lanes, which the compiler holds in registers.
#[inline(always)]
fn arithmetic_in_lanes<const LANES: usize, const COUNT: usize>(flops: usize) {
    let (factor, more) = (black_box(0.5f32), black_box(1.0f32));
    let mut sums = [[1.0f32; LANES]; COUNT];
    for _ in 0..flops.div_ceil(2 * LANES * COUNT) {
        for sum in sums.iter_mut().flatten() {
            *sum = sum.mul_add(factor, more);
        }
    }
    black_box(sums);
}

fn read(data: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the feature was just detected.
            return unsafe { read_avx512(data) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the feature was just detected.
            return unsafe { read_avx2(data) };
        }
    }
    read_in_lanes(data)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn read_avx512(data: &[f32]) -> f32 {
    read_in_lanes(data)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn read_avx2(data: &[f32]) -> f32 {
    read_in_lanes(data)
}

#[inline(always)]
fn read_in_lanes(data: &[f32]) -> f32 {
    let mut sums = [0.0f32; 128];
    let (chunks, rest) = data.as_chunks::<128>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}
