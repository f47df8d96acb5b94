//! Which kernels run: those of an instruction set, or none, so that the reference path does.

use std::cell::Cell;
use std::sync::OnceLock;

use candle_core::Result;

use super::memory::keep_freed;
use super::simd::{Portable, Simd};

/// What the environment variable `PYCANDLE_KERNELS` names.
const VARIABLE: &str = "PYCANDLE_KERNELS";

/// An instruction set that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// What every processor has of the target that the crate is compiled for.
    Portable,
    /// AVX2 and FMA of x86-64.
    Avx2,
    /// AVX-512 F, BW, DQ and VL of x86-64.
    Avx512,
    /// Advanced SIMD of AArch64.
    Neon,
}

/// Which path computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// No kernel at all.
    Reference,
    /// The kernels of an instruction set.
    Fast(Isa),
}

impl Isa {
    pub const ALL: [Self; 4] = [Self::Portable, Self::Avx2, Self::Avx512, Self::Neon];

    /// As `PYCANDLE_KERNELS` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// Whether this processor has it.
    pub fn is_here(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_here()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[allow(
                unreachable_patterns,
                reason = "each target has its own instruction sets"
            )]
            _ => false,
        }
    }

    /// The widest that this processor has.
    fn best() -> Self {
        let order = [Self::Avx512, Self::Avx2, Self::Neon];
        order
            .into_iter()
            .find(|isa| isa.is_here())
            .unwrap_or(Self::Portable)
    }
}

thread_local! {
    static CHOSEN: Cell<Option<Kernels>> = const { Cell::new(None) };
}

/// Runs `f` with these kernels in place of what the environment and the processor say.
///
/// It holds for what `f` calls on this thread.
///
/// # Errors
/// If the processor lacks the instruction set.
pub fn with_kernels<T>(kernels: Kernels, f: impl FnOnce() -> T) -> Result<T> {
    if let Kernels::Fast(isa) = kernels
        && !isa.is_here()
    {
        candle_core::bail!("this processor has no {}", isa.name())
    }
    let before = CHOSEN.replace(Some(kernels));
    /// Puts back what held before, after a panic too.
    struct Restored(Option<Kernels>);
    impl Drop for Restored {
        fn drop(&mut self) {
            CHOSEN.set(self.0);
        }
    }
    let _restored = Restored(before);
    Ok(f())
}

/// The instruction set to compute with, or none for the reference path.
///
/// # Errors
/// If `PYCANDLE_KERNELS` names what is unknown, or what the processor lacks.
pub fn isa() -> Result<Option<Isa>> {
    static FOUND: OnceLock<std::result::Result<Kernels, String>> = OnceLock::new();
    let kernels = match CHOSEN.get() {
        Some(kernels) => kernels,
        None => match FOUND.get_or_init(|| {
            keep_freed();
            named(std::env::var_os(VARIABLE))
        }) {
            Ok(kernels) => *kernels,
            Err(message) => candle_core::bail!("{message}"),
        },
    };
    Ok(match kernels {
        Kernels::Reference => None,
        Kernels::Fast(isa) => Some(isa),
    })
}

fn named(value: Option<std::ffi::OsString>) -> std::result::Result<Kernels, String> {
    let value = value.unwrap_or_default();
    if value.is_empty() {
        return Ok(Kernels::Fast(Isa::best()));
    }
    if value == "reference" {
        return Ok(Kernels::Reference);
    }
    let here: Vec<Isa> = Isa::ALL.into_iter().filter(|isa| isa.is_here()).collect();
    match here.iter().find(|isa| value == isa.name()) {
        Some(isa) => Ok(Kernels::Fast(*isa)),
        None => {
            let names: Vec<&str> = here.iter().map(|isa| isa.name()).collect();
            Err(format!(
                "{VARIABLE}={value:?} is none of reference, {}, which this processor has; \
                 unset it for the fastest",
                names.join(", ")
            ))
        }
    }
}

/// A computation that is written once over vectors, and compiled for each instruction set.
///
/// `run` and all that it calls must be `#[inline(always)]`, since only what is inlined into the
/// function of an instruction set is compiled for it. Closures that run on other threads are not:
/// split the work first, and [`dispatch`] on each thread.
pub trait Kernel {
    type Output;

    fn run<S: Simd>(self) -> Self::Output;
}

/// Runs a kernel with the vectors of an instruction set that the processor has.
pub fn dispatch<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
    match isa {
        // SAFETY: an `Isa` that kernels run with was found on this processor by `is_here`.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { super::simd::x86::run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { super::simd::x86::run_avx2(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { super::simd::neon::run_neon(kernel) },
        #[allow(
            unreachable_patterns,
            reason = "each target has its own instruction sets"
        )]
        _ => kernel.run::<Portable>(),
    }
}
