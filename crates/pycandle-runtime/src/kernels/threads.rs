//! Work split over the threads that Candle computes with.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::utils::{barrier_pool, get_num_threads};

/// Work under so many nanoseconds is done where it is: handing it over would take longer.
const LEAST_WORK: f64 = 30_000.0;

/// Calls `f` with ranges that cover `0..count`, on several threads where that pays.
///
/// A thread begins with the same part of the whole in every call, since what it reads there may
/// still be in its cache, and what it finishes early it takes from the others' parts.
///
/// `nanoseconds` is about what all of the work takes on one thread. `f` must not call this function.
pub fn parallel(count: usize, nanoseconds: f64, f: impl Fn(Range<usize>) + Sync) {
    share(count, nanoseconds, true, f);
}

/// [`parallel`], in which each thread has one range, the part that it would begin with.
pub fn parallel_fixed(count: usize, nanoseconds: f64, f: impl Fn(Range<usize>) + Sync) {
    share(count, nanoseconds, false, f);
}

fn share(count: usize, nanoseconds: f64, taking: bool, f: impl Fn(Range<usize>) + Sync) {
    if count < 2 || nanoseconds < LEAST_WORK || get_num_threads() < 2 {
        if count > 0 {
            f(0..count);
        }
        return;
    }
    let threads = barrier_pool().n_workers() + 1;
    let parts: Vec<Part> = (0..threads)
        .map(|thread| Part {
            range: thread * count / threads..(thread + 1) * count / threads,
            taken: AtomicUsize::new(0),
        })
        .collect();
    barrier_pool().execute(|thread| {
        if !taking {
            let range = parts[thread].range.clone();
            if !range.is_empty() {
                f(range);
            }
            return;
        }
        for part in parts[thread..].iter().chain(&parts[..thread]) {
            while let Some(range) = part.take() {
                f(range);
            }
        }
    });
}

/// What a thread begins with, and how much of it threads have taken; parts have cache lines of their
/// own.
#[repr(align(64))]
struct Part {
    range: Range<usize>,
    taken: AtomicUsize,
}

impl Part {
    /// A range that nobody has taken: half of the part, then a quarter and a quarter, so that whoever
    /// is done first has something to take and few ranges are short.
    fn take(&self) -> Option<Range<usize>> {
        let all = self.range.len();
        let end = |taken: usize| taken + (all - taken).div_ceil(2).max(all.div_ceil(4));
        let relaxed = Ordering::Relaxed;
        let taken = self.taken.fetch_update(relaxed, relaxed, |taken| {
            (taken < all).then(|| end(taken).min(all))
        });
        let taken = taken.ok()?;
        Some(self.range.start + taken..self.range.start + end(taken).min(all))
    }
}

/// Where a slice starts that threads write to, each in places of its own.
pub struct Shared<T>(*mut T);

// SAFETY: elements may be written from other threads, since they may be sent there; that no two
// threads write to one place is for those to see to that write through the pointers.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub fn new(slice: &mut [T]) -> Self {
        Self(slice.as_mut_ptr())
    }

    pub fn at(&self, place: usize) -> *mut T {
        self.0.wrapping_add(place)
    }
}

/// Calls `f` with parts of `rows`, each a whole number of rows of `width` elements, and the number of
/// the first row, on several threads where that pays.
///
/// As for [`parallel`], `f` must not call these functions, and `nanoseconds` is for all of the work.
pub fn parallel_rows<T: Send>(
    rows: &mut [T],
    width: usize,
    nanoseconds: f64,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    let count = rows.len() / width.max(1);
    let start = Shared::new(rows);
    parallel(count, nanoseconds, |part| {
        // SAFETY: the parts of a range lie within it and do not overlap, and `rows` is borrowed
        // until all of them are done.
        let rows = unsafe {
            std::slice::from_raw_parts_mut(start.at(part.start * width), part.len() * width)
        };
        f(part.start, rows);
    });
}
