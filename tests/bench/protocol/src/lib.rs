//! How a runner speaks with the bench, over its standard streams; Rust's standard library only.
//!
//! It loads, runs once and says `first`; writes what came out to a file and says `ready`.
//! Then for each line, a number of milliseconds, it runs for so long and at least once, and prints
//! for every run, on one line, the nanoseconds that it took and those that processors worked for it,
//! as `1200/1150`. It ends with its input, and waits idle in between.
//!
//! It must not know what runs.

use std::ffi::{c_int, c_long};
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// A tensor that came out: its shape, and its elements in row-major order.
pub type Output = (Vec<usize>, Vec<f32>);

/// Runs until the input ends; `read` is asked once, for what the first run gave.
///
/// # Errors
/// In words, if a run fails or the file cannot be written.
pub fn serve<R>(
    output: &Path,
    mut run: impl FnMut() -> Result<R, String>,
    read: impl FnOnce(R) -> Result<Vec<Output>, String>,
) -> Result<(), String> {
    let first = run()?;
    say("first")?;
    std::fs::write(output, safetensors(&read(first)?)).map_err(in_words)?;
    say("ready")?;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(in_words)?;
        let milliseconds = line.trim().parse().map_err(in_words)?;
        let times = times(Duration::from_millis(milliseconds), &mut run)?;
        say(&times.join(" "))?;
    }
    Ok(())
}

fn times<R>(
    limit: Duration,
    run: &mut impl FnMut() -> Result<R, String>,
) -> Result<Vec<String>, String> {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || start.elapsed() < limit {
        let (before, worked) = (Instant::now(), processor_time()?);
        let result = black_box(run()?);
        let (taken, work) = (before.elapsed(), processor_time()? - worked);
        times.push(format!("{}/{}", taken.as_nanos(), work.as_nanos()));
        drop(result);
    }
    Ok(times)
}

/// What processors have worked for this process, in all its threads.
fn processor_time() -> Result<Duration, String> {
    #[repr(C)]
    struct Time {
        seconds: c_long,
        nanoseconds: c_long,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: c_int, time: *mut Time) -> c_int;
    }
    let clock = if cfg!(target_os = "macos") { 12 } else { 2 };
    let mut time = Time {
        seconds: 0,
        nanoseconds: 0,
    };
    // SAFETY: POSIX's function writes a time of this layout, which lives as long as the call.
    if unsafe { clock_gettime(clock, &mut time) } != 0 {
        return Err("there is no clock of the process".into());
    }
    Ok(Duration::new(time.seconds as u64, time.nanoseconds as u32))
}

fn say(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(in_words)
}

/// A safetensors file of f32 tensors, named by their number.
fn safetensors(outputs: &[Output]) -> Vec<u8> {
    let mut data = Vec::new();
    let entries = outputs.iter().enumerate().map(|(number, (shape, values))| {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let end = data.len();
        format!("\"{number}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}")
    });
    let header = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &data].concat()
}

/// An error as text.
pub fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What a runner's `main` ends with: its error is the last thing that it says.
pub fn ended(result: Result<(), String>) -> std::process::ExitCode {
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}
