//! Attention that never has more of the scores than those of a few queries.
//!
//! For each head the keys and the values are packed once; then strips of queries are multiplied with
//! the keys, turned into weights where they are, and multiplied with the values. The result lies
//! query by query and then head by head, so that joining the heads copies nothing.

mod few;

use std::cell::Cell;

use candle_core::{Result, Tensor};

use super::elements::{elements, written};
use super::gemm::{Left, Target, multiply_here};
use super::isa::{Isa, Kernel, dispatch, isa};
use super::math::exp;
use super::panels::{PANEL, Panels};
use super::simd::Simd;
use super::threads::parallel;
use few::{Dots, Mix};

/// How many queries' scores are there at a time: a multiple of the height of every tile.
const STRIP: usize = 84;
/// So many scores of a strip stay in the cache of a core.
const SCORES: usize = 1 << 17;
/// With fewer queries than this, packing keys and values takes longer than it saves.
const FEW: usize = 4;
/// Nanoseconds of a multiplication and an addition, about.
const NANOSECONDS: f64 = 0.03;

/// Where the elements of `(batch, heads, rows, width)` lie.
#[derive(Clone, Copy)]
struct View<'a> {
    values: &'a [f32],
    dims: [usize; 4],
    strides: [usize; 4],
}

/// Attention of `(batch, heads, L, E)` queries, as
/// [`scaled_dot_product_attention`](crate::ops::scaled_dot_product_attention) has it.
///
/// A `mask` is added to the scores. `None` for other dtypes, devices and ranks, for elements of a
/// query, key or value that do not lie beside each other, and for shapes that do not fit.
pub fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    is_causal: bool,
    scale: f64,
) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else { return Ok(None) };
    let mask = match (mask, q.dims(), k.dims()) {
        (Some(mask), &[b, h, l, _], &[_, _, s, _]) => match mask.broadcast_as((b, h, l, s)) {
            Ok(mask) => Some(mask),
            Err(_) => return Ok(None),
        },
        (Some(_), ..) => return Ok(None),
        (None, ..) => None,
    };
    let (Some(q), Some(k), Some(v)) = (elements(q), elements(k), elements(v)) else {
        return Ok(None);
    };
    let added = mask.as_ref().map(elements);
    let added = match &added {
        Some(None) => return Ok(None),
        Some(Some(added)) => view(added.from_first(), added.dims(), added.strides()),
        None => None,
    };
    if mask.is_some() && added.is_none_or(|mask| mask.strides[3] > 1) {
        return Ok(None);
    }
    let (Some(q), Some(k), Some(v)) = (
        view(q.from_first(), q.dims(), q.strides()),
        view(k.from_first(), k.dims(), k.strides()),
        view(v.from_first(), v.dims(), v.strides()),
    ) else {
        return Ok(None);
    };
    let call = Attention {
        isa,
        q,
        k,
        v,
        mask: added,
        is_causal,
        scale: scale as f32,
    };
    if !call.fits() {
        return Ok(None);
    }
    call.run().map(Some)
}

fn view<'a>(values: &'a [f32], dims: &[usize], strides: &[usize]) -> Option<View<'a>> {
    Some(View {
        values,
        dims: dims.try_into().ok()?,
        strides: strides.try_into().ok()?,
    })
}

impl<'a> View<'a> {
    /// The elements from the first one of a head on.
    fn head(&self, batch: usize, head: usize) -> &'a [f32] {
        &self.values[batch * self.strides[0] + head * self.strides[1]..]
    }
}

struct Attention<'a> {
    isa: Isa,
    q: View<'a>,
    k: View<'a>,
    v: View<'a>,
    mask: Option<View<'a>>,
    is_causal: bool,
    scale: f32,
}

/// What a thread computes with, kept for the next call.
#[derive(Default)]
struct Scratch {
    keys: Panels,
    values: Panels,
    scores: Vec<f32>,
}

thread_local! {
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

impl Attention<'_> {
    fn fits(&self) -> bool {
        let [batch, heads, _, width] = self.q.dims;
        let [k_batch, shared, keys, k_width] = self.k.dims;
        let [v_batch, v_heads, v_keys, _] = self.v.dims;
        let close = [self.q, self.k, self.v]
            .iter()
            .all(|view| view.strides[3] == 1 || view.dims[3] == 1);
        (k_batch, v_batch) == (batch, batch)
            && (k_width, v_heads, v_keys) == (width, shared, keys)
            && shared > 0
            && heads % shared == 0
            && self.q.dims.iter().chain(&self.k.dims).all(|&size| size > 0)
            && self.v.dims[3] > 0
            && close
    }

    fn run(&self) -> Result<Tensor> {
        let [batch, heads, rows, width] = self.q.dims;
        let (shared, keys, out) = (self.k.dims[1], self.k.dims[2], self.v.dims[3]);
        let work = (batch * heads * rows * keys * (width + out)) as f64 * NANOSECONDS;
        let write = |to: *mut f32| {
            // SAFETY: the tensor has `heads * out` elements for each query.
            let target = unsafe { Target::new(to, heads * out) };
            parallel(batch * shared, work, |range| {
                let mut scratch = SCRATCH.take().unwrap_or_default();
                for pair in range {
                    self.shared_head(pair / shared, pair % shared, target, &mut scratch);
                }
                SCRATCH.set(Some(scratch));
            });
        };
        // SAFETY: each query's head writes its `out` elements.
        let attended = unsafe {
            written((batch, rows, heads, out), |to| {
                write(to.as_mut_ptr().cast())
            })?
        };
        attended.transpose(1, 2)
    }

    /// All queries of the heads that share keys and values.
    fn shared_head(&self, batch: usize, shared: usize, target: Target, scratch: &mut Scratch) {
        let [_, heads, rows, width] = self.q.dims;
        let (keys, out) = (self.k.dims[2], self.v.dims[3]);
        let group = heads / self.k.dims[1];
        let (k, v) = (self.k.head(batch, shared), self.v.head(batch, shared));
        let packed = rows * group >= FEW;
        if packed {
            scratch
                .keys
                .pack_again(k, (width, keys), (1, self.k.strides[2]));
            scratch
                .values
                .pack_again(v, (keys, out), (self.v.strides[2], 1));
        }
        let stride = keys.next_multiple_of(PANEL);
        let strip = (SCORES / stride).clamp(1, STRIP).min(rows);
        if scratch.scores.len() < strip * stride {
            scratch.scores = vec![0.0; strip * stride];
        }
        for head in shared * group..(shared + 1) * group {
            for first in (0..rows).step_by(strip) {
                let strip = Strip {
                    batch,
                    head,
                    first,
                    rows: strip.min(rows - first),
                    stride,
                    target: target.part(batch * rows + first, head * out),
                };
                if packed {
                    self.packed(&strip, scratch);
                } else {
                    self.plain(&strip, (k, v), &mut scratch.scores);
                }
            }
        }
    }

    /// How many keys the queries of a strip attend to at most.
    fn reach(&self, strip: &Strip) -> usize {
        let keys = self.k.dims[2];
        if self.is_causal {
            keys.min(strip.first + strip.rows)
        } else {
            keys
        }
    }

    fn packed(&self, strip: &Strip, scratch: &mut Scratch) {
        let reach = self.reach(strip);
        let (width, out) = (self.q.dims[3], self.v.dims[3]);
        let queries = Left {
            values: &self.q.head(strip.batch, strip.head)[strip.first * self.q.strides[2]..],
            rows: strip.rows,
            stride: self.q.strides[2],
        };
        // SAFETY: the scores have `stride` elements for each query, which is a whole number of
        // panels.
        unsafe {
            let scores = Target::new(scratch.scores.as_mut_ptr(), strip.stride);
            multiply_here(self.isa, queries, &scratch.keys, (width, reach), scores);
        }
        let sums = self.weigh(strip, reach, &mut scratch.scores);
        let weights = Left {
            values: &scratch.scores,
            rows: strip.rows,
            stride: strip.stride,
        };
        // SAFETY: the result has `out` elements for each query and head.
        unsafe {
            multiply_here(
                self.isa,
                weights,
                &scratch.values,
                (reach, out),
                strip.target,
            );
        }
        self.divide(strip, &sums);
    }

    /// The same for few queries, whose keys and values are read as they lie.
    fn plain(&self, strip: &Strip, (k, v): (&[f32], &[f32]), scores: &mut [f32]) {
        let reach = self.reach(strip);
        let (width, out) = (self.q.dims[3], self.v.dims[3]);
        let queries = self.q.head(strip.batch, strip.head);
        for row in 0..strip.rows {
            let query = &queries[(strip.first + row) * self.q.strides[2]..][..width];
            let dots = Dots {
                query,
                keys: k,
                stride: self.k.strides[2],
                scores: &mut scores[row * strip.stride..][..reach],
            };
            dispatch(self.isa, dots);
        }
        let sums = self.weigh(strip, reach, scores);
        for row in 0..strip.rows {
            // SAFETY: the result has `out` elements for each query and head.
            let to = unsafe { std::slice::from_raw_parts_mut(strip.target.row(row), out) };
            let mix = Mix {
                weights: &scores[row * strip.stride..][..reach],
                values: v,
                stride: self.v.strides[2],
                to,
            };
            dispatch(self.isa, mix);
        }
        self.divide(strip, &sums);
    }

    /// Turns scores into exponentials, and gives the sum of each row's.
    fn weigh(&self, strip: &Strip, reach: usize, scores: &mut [f32]) -> [f32; STRIP] {
        let mut sums = [0.0; STRIP];
        for (row, sum) in sums.iter_mut().enumerate().take(strip.rows) {
            let scores = &mut scores[row * strip.stride..][..reach];
            let attended = if self.is_causal {
                reach.min(strip.first + row + 1)
            } else {
                reach
            };
            let (attended, rest) = scores.split_at_mut(attended);
            rest.fill(0.0);
            let mask = self.mask.map(|mask| {
                let from =
                    &mask.head(strip.batch, strip.head)[(strip.first + row) * mask.strides[2]..];
                (from, mask.strides[3] == 0)
            });
            let weights = Weights {
                scores: attended,
                mask,
                scale: self.scale,
            };
            *sum = dispatch(self.isa, weights);
        }
        sums
    }

    /// Divides each query's result by its sum; what attends to nothing is zero.
    fn divide(&self, strip: &Strip, sums: &[f32; STRIP]) {
        let out = self.v.dims[3];
        for (row, &sum) in sums.iter().enumerate().take(strip.rows) {
            let factor = if sum == 0.0 { 0.0 } else { 1.0 / sum };
            // SAFETY: the result has `out` elements for each query and head.
            let to = unsafe { std::slice::from_raw_parts_mut(strip.target.row(row), out) };
            to.iter_mut().for_each(|y| *y *= factor);
        }
    }
}

/// Neighbouring queries of one head.
struct Strip {
    batch: usize,
    head: usize,
    first: usize,
    rows: usize,
    /// From one query's scores to the next one's.
    stride: usize,
    target: Target,
}

/// `scores * scale + mask` becomes the exponential of its distance from the largest; gives their
/// sum, which is zero where all are minus infinity.
struct Weights<'a> {
    scores: &'a mut [f32],
    /// What is added, and whether it is one number for all.
    mask: Option<(&'a [f32], bool)>,
    scale: f32,
}

impl Kernel for Weights<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self) -> f32 {
        let count = self.scores.len();
        let to = self.scores.as_mut_ptr();
        let scale = S::splat(self.scale);
        let least = S::splat(f32::NEG_INFINITY);
        let mut most = least;
        let mut any = S::splat(0.0);
        let mut k = 0;
        while k < count {
            let width = (count - k).min(S::LANES);
            // SAFETY: `width` elements are left of the scores, and of a mask for each.
            unsafe {
                let scores = S::load_first(to.add(k), width);
                let mut score = scores * scale;
                match self.mask {
                    Some((mask, true)) => score = score + S::splat(mask[0]),
                    Some((mask, false)) => {
                        score = score + S::load_first(mask[k..].as_ptr(), width);
                    }
                    None => {}
                }
                any = any + score;
                score.store_first(to.add(k), width);
                let score = if width < S::LANES {
                    S::load_first_or(to.add(k), width, least)
                } else {
                    score
                };
                most = score.max(most);
            }
            k += S::LANES;
        }
        let mut most = most.largest();
        if most == f32::NEG_INFINITY && !any.sum().is_nan() {
            self.scores.fill(0.0);
            return 0.0;
        }
        if most == f32::NEG_INFINITY {
            // Nothing but NaN and minus infinity: the result is NaN, as PyTorch's.
            most = 0.0;
        }
        let most = S::splat(most);
        let mut sum = S::splat(0.0);
        let mut k = 0;
        while k < count {
            let width = (count - k).min(S::LANES);
            // SAFETY: `width` elements are left of the scores.
            unsafe {
                let weight = if width < S::LANES {
                    exp(S::load_first_or(to.add(k), width, least) - most)
                } else {
                    exp(S::load(to.add(k)) - most)
                };
                weight.store_first(to.add(k), width);
                sum = sum + weight;
            }
            k += S::LANES;
        }
        sum.sum()
    }
}
