//! Tensors as slices, and slices as tensors.

use std::mem::MaybeUninit;
use std::ops::Deref;

use candle_core::{CpuStorage, Device, Layout, Result, Shape, Storage, Tensor};

/// The elements of an f32 tensor on the CPU, and how they lie.
pub struct Elements<'a, G> {
    storage: G,
    layout: &'a Layout,
}

/// A tensor's elements; `None` for another dtype or device.
pub fn elements(tensor: &Tensor) -> Option<Elements<'_, impl Deref<Target = Storage> + '_>> {
    let (storage, layout) = tensor.storage_and_layout();
    matches!(&*storage, Storage::Cpu(CpuStorage::F32(_))).then_some(Elements { storage, layout })
}

impl<G: Deref<Target = Storage>> Elements<'_, G> {
    /// All of the storage from the tensor's first element on; strides count from there.
    pub fn from_first(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.layout.start_offset()..],
            _ => &[],
        }
    }

    /// The elements in order, if they lie so without gaps.
    pub fn in_order(&self) -> Option<&[f32]> {
        let (start, end) = self.layout.contiguous_offsets()?;
        self.from_first().get(..end - start)
    }

    /// The elements in the order in which they lie, if they do without gaps and each once.
    pub fn dense(&self) -> Option<&[f32]> {
        let mut axes: Vec<(usize, usize)> = self
            .layout
            .stride()
            .iter()
            .copied()
            .zip(self.layout.dims().iter().copied())
            .filter(|&(_, size)| size != 1)
            .collect();
        axes.sort_unstable();
        let mut count = 1;
        for (stride, size) in axes {
            if stride != count {
                return None;
            }
            count *= size;
        }
        self.from_first().get(..count)
    }

    pub fn dims(&self) -> &[usize] {
        self.layout.dims()
    }

    pub fn strides(&self) -> &[usize] {
        self.layout.stride()
    }
}

/// The elements of a tensor in order, if there is a tensor; `None` if they cannot be had so.
pub fn in_order<'a, G: Deref<Target = Storage>>(
    tensor: &'a Option<Option<Elements<'_, G>>>,
) -> Option<Option<&'a [f32]>> {
    match tensor {
        None => Some(None),
        Some(None) => None,
        Some(Some(elements)) => elements.in_order().map(Some),
    }
}

/// A tensor of elements that `write` writes, all of them, in order.
///
/// Nothing is zeroed before.
///
/// # Safety
/// `write` must initialise every element.
pub unsafe fn written(
    shape: impl Into<Shape>,
    write: impl FnOnce(&mut [MaybeUninit<f32>]),
) -> Result<Tensor> {
    let shape = shape.into();
    let count = shape.elem_count();
    let mut values: Vec<f32> = Vec::with_capacity(count);
    write(&mut values.spare_capacity_mut()[..count]);
    // SAFETY: the capacity is at least `count`, and the caller has written as many elements.
    unsafe { values.set_len(count) };
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// [`written`], with elements that lie in the order of `like`, which is [dense](Elements::dense):
/// the axis that lies closest there lies closest here.
///
/// # Safety
/// `write` must initialise every element.
pub unsafe fn written_like(
    like: &Layout,
    write: impl FnOnce(&mut [MaybeUninit<f32>]),
) -> Result<Tensor> {
    // SAFETY: the caller's promise.
    unsafe { written_in_order(like.dims(), &memory_order(like), write) }
}

/// The axes in the order in which they lie, the one whose neighbours are farthest apart first.
pub fn memory_order(layout: &Layout) -> Vec<usize> {
    let mut order: Vec<usize> = (0..layout.dims().len()).collect();
    order.sort_by_key(|&axis| (std::cmp::Reverse(layout.stride()[axis]), axis));
    order
}

/// [`written`], with elements that lie with the axes in this order, the outermost first.
///
/// # Safety
/// `write` must initialise every element.
pub unsafe fn written_in_order(
    dims: &[usize],
    order: &[usize],
    write: impl FnOnce(&mut [MaybeUninit<f32>]),
) -> Result<Tensor> {
    if order.is_sorted() {
        // SAFETY: the caller's promise.
        return unsafe { written(dims, write) };
    }
    let sizes: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
    // SAFETY: the caller's promise.
    let tensor = unsafe { written(sizes, write)? };
    let mut places = vec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        places[axis] = place;
    }
    tensor.permute(places)
}
