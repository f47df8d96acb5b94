//! Work split over the threads that Candle computes with.

use std::ops::Range;

use candle_core::utils::{barrier_pool, get_num_threads};

/// Work under so many nanoseconds is done where it is: handing it over would take longer.
const LEAST_WORK: f64 = 30_000.0;

/// Calls `f` with ranges that cover `0..count`, on several threads where that pays.
///
/// `nanoseconds` is about what all of the work takes on one thread. `f` must not call this function.
pub fn parallel(count: usize, nanoseconds: f64, f: impl Fn(Range<usize>) + Sync) {
    if count < 2 || nanoseconds < LEAST_WORK || get_num_threads() < 2 {
        if count > 0 {
            f(0..count);
        }
        return;
    }
    barrier_pool().execute_chunked(count, f);
}
