//! Memory that comes back: an allocator that keeps the blocks of tensors for the next ones.
//!
//! Every operator makes a tensor and drops others. The system's allocator gives large blocks back to
//! the system, and pages that come anew take longer than the operator itself; it also puts blocks
//! where vectors cross the lines of the cache. This one keeps blocks, of sizes in steps of an eighth,
//! and lets each begin with a line.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

/// Smaller blocks are the system allocator's, which is good at them.
const LEAST: usize = 1 << 12;
/// So are larger ones, as those that a checkpoint is read into: they are not needed again.
const MOST: usize = 1 << 26;
/// So many bytes are kept at most.
const KEPT: usize = 1 << 28;
/// A cache line, and the widest vector.
const LINE: usize = 64;
/// How many sizes of blocks there are for each power of two.
const STEPS: usize = 8;
/// How many sizes there are from [`LEAST`] to [`MOST`].
const CLASSES: usize = (MOST.ilog2() - LEAST.ilog2()) as usize * STEPS + 1;

/// The allocator; `static ALLOCATOR: Caching = Caching::new()` with `#[global_allocator]`, which the
/// feature `caching-allocator` does.
pub struct Caching(Mutex<Free>);

/// Lists of free blocks of each size, each of which begins with the address of the next.
struct Free {
    first: [*mut u8; CLASSES],
    bytes: usize,
}

// SAFETY: free blocks belong to nobody else.
unsafe impl Send for Free {}

impl Caching {
    pub const fn new() -> Self {
        Self(Mutex::new(Free {
            first: [null_mut(); CLASSES],
            bytes: 0,
        }))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Free) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Caching {
    fn default() -> Self {
        Self::new()
    }
}

/// The number of the size that a layout is rounded up to, and a layout of that size; `None` for what
/// is the system allocator's.
fn class(layout: Layout) -> Option<(usize, Layout)> {
    let size = layout.size();
    if !(LEAST..=MOST).contains(&size) || layout.align() > LINE {
        return None;
    }
    // The power of two that the size is not below.
    let power = size.ilog2();
    let step = (1 << power) / STEPS;
    let steps = (size - (1 << power)).div_ceil(step);
    let class = (power - LEAST.ilog2()) as usize * STEPS + steps;
    let rounded = Layout::from_size_align((1 << power) + steps * step, LINE);
    Some((class, rounded.ok()?))
}

// SAFETY: blocks come from the system's allocator with a size and an alignment that are enough, are
// given back to it with the same, and are in a list only while nobody else has them.
unsafe impl GlobalAlloc for Caching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((class, rounded)) = class(layout) else {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        };
        let kept = self.with(|free| {
            let block = free.first[class];
            if !block.is_null() {
                // SAFETY: free blocks begin with the address of the next.
                free.first[class] = unsafe { *block.cast::<*mut u8>() };
                free.bytes -= rounded.size();
            }
            block
        });
        if kept.is_null() {
            // SAFETY: the size is not zero.
            return unsafe { System.alloc(rounded) };
        }
        kept
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some((class, rounded)) = class(layout) else {
            // SAFETY: the caller's promise.
            return unsafe { System.dealloc(block, layout) };
        };
        let kept = self.with(|free| {
            let keep = free.bytes + rounded.size() <= KEPT;
            if keep {
                // SAFETY: the block is the caller's no more, and large enough for an address.
                unsafe { *block.cast::<*mut u8>() = free.first[class] };
                free.first[class] = block;
                free.bytes += rounded.size();
            }
            keep
        });
        if !kept {
            // SAFETY: it was allocated with this layout.
            unsafe { System.dealloc(block, rounded) };
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(layout), class(wanted)) {
            // SAFETY: the caller's promise.
            (None, None) => return unsafe { System.realloc(block, layout, size) },
            (Some((old, _)), Some((new, _))) if old == new => return block,
            _ => {}
        }
        // SAFETY: the caller's promise; both blocks have the elements that are copied.
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                block.copy_to_nonoverlapping(moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(feature = "caching-allocator")]
#[global_allocator]
static ALLOCATOR: Caching = Caching::new();

/// Has glibc keep the memory of freed tensors, in a program without the allocator above.
///
/// It gives blocks above a threshold back to the system, and so the end of its heap; the pages of
/// the next tensor then come anew, one fault after another. The threshold is raised to the size of
/// each such block that is freed, up to 32 MiB, as mallopt(3) says under `M_MMAP_THRESHOLD`; this
/// frees one that was never touched. Other allocators lose nothing by it.
pub fn keep_freed() {
    const LARGEST: usize = (32 << 20) - (1 << 16);
    if cfg!(all(
        target_os = "linux",
        target_env = "gnu",
        not(feature = "caching-allocator")
    )) {
        black_box(Vec::<u8>::with_capacity(LARGEST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks are as large and as aligned as asked, keep what is in them, and come back.
    #[test]
    fn blocks_of_any_size() -> Result<(), Box<dyn std::error::Error>> {
        let allocator = Caching::new();
        let sizes = [
            1,
            4095,
            4096,
            4097,
            4608,
            5000,
            8191,
            65_536,
            1 << 20,
            (1 << 26) + 1,
        ];
        for align in [4, 64, 128] {
            let mut blocks = Vec::new();
            for (k, size) in sizes.into_iter().enumerate() {
                let layout = Layout::from_size_align(size, align)?;
                // SAFETY: the layout is not empty, and all of the block is written.
                unsafe {
                    let block = allocator.alloc(layout);
                    assert!(!block.is_null() && (block as usize).is_multiple_of(align));
                    block.write_bytes(k as u8, size);
                    blocks.push((block, layout));
                }
            }
            for (k, (block, layout)) in blocks.into_iter().enumerate() {
                for grown in [layout.size() + 1, layout.size() * 3, layout.size() / 2 + 1] {
                    // SAFETY: as above; the first half stays.
                    unsafe {
                        let copy = allocator.alloc(layout);
                        block.copy_to_nonoverlapping(copy, layout.size());
                        let moved = allocator.realloc(copy, layout, grown);
                        for place in [0, layout.size() / 2] {
                            assert_eq!(*moved.add(place), k as u8);
                        }
                        allocator.dealloc(moved, Layout::from_size_align(grown, align)?);
                    }
                }
                // SAFETY: it was allocated with this layout.
                unsafe { allocator.dealloc(block, layout) };
            }
        }
        let layout = Layout::from_size_align(100_000, 4)?;
        // SAFETY: the layout is not empty.
        unsafe {
            let block = allocator.alloc(layout);
            assert_eq!(block as usize % LINE, 0);
            allocator.dealloc(block, layout);
            assert_eq!(allocator.alloc(layout), block, "it comes back");
            allocator.dealloc(block, layout);
        }
        Ok(())
    }

    /// Sizes are rounded up to a size of the class that they are in, and no class is too high.
    #[test]
    fn classes_have_one_size() -> Result<(), Box<dyn std::error::Error>> {
        let mut sizes = [0; CLASSES];
        for size in (LEAST..1 << 18).step_by(37).chain([MOST - 1, MOST]) {
            let (class, rounded) = class(Layout::from_size_align(size, 4)?).ok_or("none")?;
            assert!(rounded.size() >= size && rounded.size() <= size + size / STEPS);
            assert!(sizes[class] == 0 || sizes[class] == rounded.size());
            sizes[class] = rounded.size();
        }
        Ok(())
    }

    /// Pages that were touched stay, so that touching as many again faults no more.
    #[cfg(all(
        target_os = "linux",
        target_env = "gnu",
        not(feature = "caching-allocator")
    ))]
    #[test]
    fn glibc_keeps_what_is_freed() -> Result<(), Box<dyn std::error::Error>> {
        let faults = || -> Result<u64, Box<dyn std::error::Error>> {
            let text = std::fs::read_to_string("/proc/thread-self/stat")?;
            let after = text.rsplit(')').next().ok_or("no name")?;
            Ok(after
                .split_whitespace()
                .nth(7)
                .ok_or("too short")?
                .parse()?)
        };
        const BYTES: usize = 2 << 20;
        let tensors = || black_box([(); 8].map(|()| vec![1u8; BYTES]));
        keep_freed();
        drop(tensors());
        let before = faults()?;
        for _ in 0..20 {
            drop(tensors());
        }
        let pages = (8 * BYTES / 4096) as u64;
        assert!(
            faults()? - before < pages,
            "{} of {pages}",
            faults()? - before
        );
        Ok(())
    }

    /// More than [`KEPT`] is given back.
    #[test]
    fn not_everything_is_kept() -> Result<(), Box<dyn std::error::Error>> {
        let allocator = Caching::new();
        let layout = Layout::from_size_align(MOST, 64)?;
        // SAFETY: the layout is not empty, and blocks are given back as they came.
        unsafe {
            let blocks: Vec<*mut u8> = (0..6).map(|_| allocator.alloc(layout)).collect();
            for block in blocks {
                allocator.dealloc(block, layout);
            }
        }
        assert_eq!(allocator.with(|free| free.bytes), KEPT);
        Ok(())
    }
}
