//! Linear maps and matrix products of tensors.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::copy::contiguous;
use super::elements::{elements, in_order, written};
use super::epilogue::{Activation, Epilogue};
use super::gemm::{Left, Target, multiply, multiply_here};
use super::isa::isa;
use super::kept::Kept;
use super::panels::Panels;
use super::threads::parallel;

/// With fewer rows than this, packing the right side takes longer than it saves.
const FEW: usize = 8;
/// Nanoseconds of a multiplication and an addition, about.
const NANOSECONDS: f64 = 0.015;

/// The packed form of a weight, made when it is first needed and shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct Packed(Arc<Kept<Panels>>);

/// The right side of a linear map.
#[derive(Debug, Clone, Copy)]
pub struct Weight<'a> {
    pub tensor: &'a Tensor,
    /// Where its packed form is kept, for the next call.
    pub packed: Option<&'a Packed>,
    /// Whether it has a row for each output, as PyTorch's `linear`, or a column.
    pub by_rows: bool,
}

impl<'a> Weight<'a> {
    /// Its packed form; `None` for other dtypes and devices.
    pub fn panels(&self) -> Result<Option<Cow<'a, Panels>>> {
        let Some(right) = elements(self.tensor) else {
            return Ok(None);
        };
        let (depth, along, strides) = match (self.by_rows, right.dims(), right.strides()) {
            (true, &[along, depth], &[outer, inner]) => (depth, along, (inner, outer)),
            (false, &[depth, along], &[outer, inner]) => (depth, along, (outer, inner)),
            _ => return Ok(None),
        };
        let pack = || Panels::pack(right.from_first(), (depth, along), strides);
        let kept = match self.packed {
            Some(Packed(kept)) => kept.of(&[self.tensor], &(), || Ok(Some(pack())))?,
            None => None,
        };
        Ok(Some(kept.map_or_else(|| Cow::Owned(pack()), Cow::Borrowed)))
    }
}

/// What is done with a product: a bias is added, then a tensor of the result's shape, and then a
/// function applied.
#[derive(Debug, Clone, Copy, Default)]
pub struct After<'a> {
    pub bias: Option<&'a Tensor>,
    pub residual: Option<&'a Tensor>,
    pub activation: Option<Activation>,
}

/// `x` times a weight, and what comes after it: `(…, in)` to `(…, out)`.
///
/// `None` for other dtypes and devices, for sizes that do not fit, and for few rows of `x` with a
/// weight whose packed form is not kept.
pub fn linear(x: &Tensor, weight: Weight, after: After) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else { return Ok(None) };
    let (&[.., depth], &[first, second]) = (x.dims(), weight.tensor.dims()) else {
        return Ok(None);
    };
    let (down, along) = if weight.by_rows {
        (second, first)
    } else {
        (first, second)
    };
    let count = x.elem_count();
    if depth != down || count == 0 || along == 0 || (weight.packed.is_none() && count / depth < FEW)
    {
        return Ok(None);
    }
    let x = contiguous(x)?;
    let Some(from) = elements(&x) else {
        return Ok(None);
    };
    let (Some(values), Some(panels)) = (from.in_order(), weight.panels()?) else {
        return Ok(None);
    };
    let left = Left {
        values,
        rows: count / depth,
        stride: depth,
    };
    let shape = [&x.dims()[..x.rank() - 1], &[along]].concat();
    let fits = after.bias.is_none_or(|bias| bias.dims() == [along])
        && after
            .residual
            .is_none_or(|residual| residual.dims() == shape);
    let (bias, residual) = (after.bias.map(elements), after.residual.map(elements));
    let (Some(shift), Some(residual)) = (in_order(&bias), in_order(&residual)) else {
        return Ok(None);
    };
    if !fits {
        return Ok(None);
    }
    let epilogue = Epilogue {
        scale: None,
        shift,
        residual,
        activation: after.activation,
    };
    // SAFETY: the product writes every element of every row.
    let y = unsafe {
        written(shape, |to| {
            let target = Target::new(to.as_mut_ptr().cast(), along);
            multiply(isa, left, &panels, &epilogue, target);
        })?
    };
    Ok(Some(y))
}

thread_local! {
    static PANELS: Cell<Option<Panels>> = const { Cell::new(None) };
}

/// The products of matrices in the last two axes of tensors of the same other axes.
///
/// `None` for other dtypes and devices, other axes that differ, matrices without elements, rows of
/// `a` that lie apart element by element, and few rows.
pub fn matrices(a: &Tensor, b: &Tensor) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else { return Ok(None) };
    let (&[ref batch @ .., rows, depth], &[ref other @ .., down, columns]) = (a.dims(), b.dims())
    else {
        return Ok(None);
    };
    if batch != other || depth != down || rows < FEW || depth * columns == 0 {
        return Ok(None);
    }
    let count: usize = batch.iter().product();
    let (Some(left), Some(right)) = (elements(a), elements(b)) else {
        return Ok(None);
    };
    let axes = batch.len();
    if count == 0 || left.strides()[axes + 1] != 1 {
        return Ok(None);
    }
    let starts = (
        places(batch, left.strides()),
        places(batch, right.strides()),
    );
    let strides = (right.strides()[axes], right.strides()[axes + 1]);
    let shape = [batch, &[rows, columns]].concat();
    let work = (count * rows * depth * columns) as f64 * NANOSECONDS;
    let pack = |place: usize| {
        let mut panels = PANELS.take().unwrap_or_default();
        panels.pack_again(
            &right.from_first()[starts.1[place]..],
            (depth, columns),
            strides,
        );
        panels
    };
    let of = |place: usize| Left {
        values: &left.from_first()[starts.0[place]..],
        rows,
        stride: left.strides()[axes],
    };
    // SAFETY: each product writes every element of its part.
    let y = unsafe {
        written(shape, |to| {
            let target = Target::new(to.as_mut_ptr().cast(), columns);
            if count == 1 {
                let panels = pack(0);
                multiply(isa, of(0), &panels, &Epilogue::default(), target);
                PANELS.set(Some(panels));
                return;
            }
            parallel(count, work, |range| {
                for place in range {
                    let panels = pack(place);
                    let to = target.part(place * rows, 0);
                    multiply_here(isa, of(place), &panels, (depth, columns), to);
                    PANELS.set(Some(panels));
                }
            });
        })?
    };
    Ok(Some(y))
}

/// Where each matrix of a batch starts.
fn places(batch: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut places = vec![0];
    for (&size, &stride) in batch.iter().zip(strides) {
        places = places
            .iter()
            .flat_map(|&place| (0..size).map(move |k| place + k * stride))
            .collect();
    }
    places
}
