//! Windows of an image as columns, and columns as an image: unfold and fold.

use candle_core::{Result, Shape, Tensor, WithDType};

use super::flat::{Flat, computed, moved};

/// `torch.nn.functional.unfold`: every window of `(batch, channels, height, width)` as a column,
/// `(batch, channels * kernel, windows)`; without a batch likewise.
///
/// # Errors
/// For shapes that hold no window.
pub fn im2col(
    x: &Tensor,
    kernel_size: &[usize; 2],
    dilation: &[usize; 2],
    padding: &[usize; 2],
    stride: &[usize; 2],
) -> Result<Tensor> {
    let (planes, image) = match *x.dims() {
        [channels, height, width] => (channels, [height, width]),
        [batch, channels, height, width] => (batch * channels, [height, width]),
        _ => candle_core::bail!("unfold takes 3 or 4 axes, not {:?}", x.dims()),
    };
    let windows = Windows::new(planes, image, [kernel_size, dilation, padding, stride])?;
    let mut shape = x.dims()[..x.rank() - 2].to_vec();
    if let Some(channels) = shape.last_mut() {
        *channels *= kernel_size[0] * kernel_size[1];
    }
    shape.push(windows.out[0] * windows.out[1]);
    moved(x, &Unfolded { windows, shape })
}

/// `torch.nn.functional.fold`: adds columns up to the image whose windows they are,
/// `(batch, channels * kernel, windows)` to `(batch, channels, height, width)`; without a batch
/// likewise.
///
/// # Errors
/// For integers, and for sizes that do not fit together.
pub fn col2im(
    x: &Tensor,
    output_size: &[usize; 2],
    kernel_size: &[usize; 2],
    dilation: &[usize; 2],
    padding: &[usize; 2],
    stride: &[usize; 2],
) -> Result<Tensor> {
    let kernel = kernel_size[0] * kernel_size[1];
    let (batch, columns, count) = match *x.dims() {
        [columns, count] => (1, columns, count),
        [batch, columns, count] => (batch, columns, count),
        _ => candle_core::bail!("fold takes 2 or 3 axes, not {:?}", x.dims()),
    };
    if kernel == 0 || columns % kernel != 0 {
        candle_core::bail!("fold of {columns} channels by a kernel of {kernel_size:?}")
    }
    let channels = columns / kernel;
    let numbers = [kernel_size, dilation, padding, stride];
    let windows = Windows::new(batch * channels, *output_size, numbers)?;
    if windows.out[0] * windows.out[1] != count {
        candle_core::bail!(
            "fold to {output_size:?} of {count} windows, not {:?}",
            windows.out
        )
    }
    let mut shape = x.dims()[..x.rank() - 2].to_vec();
    shape.extend([channels, output_size[0], output_size[1]]);
    computed(x, "fold", &Folded { windows, shape })
}

/// The windows of an image, and how their rows lie in it.
struct Windows {
    planes: usize,
    image: [usize; 2],
    out: [usize; 2],
    kernel: [usize; 2],
    dilation: [usize; 2],
    padding: [usize; 2],
    stride: [usize; 2],
}

/// A run of neighbouring windows' elements: in the columns, and in the image, where they are
/// `stride` apart.
struct Run {
    column: usize,
    image: usize,
    count: usize,
    stride: usize,
}

impl Windows {
    fn new(planes: usize, image: [usize; 2], numbers: [&[usize; 2]; 4]) -> Result<Self> {
        let [kernel, dilation, padding, stride] = numbers.map(|pair| *pair);
        let mut out = [0; 2];
        for k in 0..2 {
            let reach = dilation[k] * kernel[k].saturating_sub(1) + 1;
            let padded = image[k] + 2 * padding[k];
            if kernel[k] == 0 || dilation[k] == 0 || stride[k] == 0 || padded < reach {
                candle_core::bail!(
                    "no window of {kernel:?}, dilation {dilation:?}, padding {padding:?} and \
                     stride {stride:?} in {image:?}"
                )
            }
            out[k] = (padded - reach) / stride[k] + 1;
        }
        Ok(Self {
            planes,
            image,
            out,
            kernel,
            dilation,
            padding,
            stride,
        })
    }

    /// Every run of elements inside the image.
    fn runs(&self, mut visit: impl FnMut(Run)) {
        let mut column = 0;
        for plane in 0..self.planes {
            for row in 0..self.kernel[0] {
                for offset in 0..self.kernel[1] {
                    let inside = self.inside(1, offset);
                    let tall = self.inside(0, row);
                    for y in tall.clone() {
                        let line = y * self.stride[0] + row * self.dilation[0] - self.padding[0];
                        let first = inside.start * self.stride[1] + offset * self.dilation[1];
                        if inside.is_empty() {
                            continue;
                        }
                        visit(Run {
                            column: column + y * self.out[1] + inside.start,
                            image: (plane * self.image[0] + line) * self.image[1] + first
                                - self.padding[1],
                            count: inside.len(),
                            stride: self.stride[1],
                        });
                    }
                    column += self.out[0] * self.out[1];
                }
            }
        }
    }

    /// The windows along an axis whose element at `position` of the kernel lies in the image.
    fn inside(&self, axis: usize, position: usize) -> std::ops::Range<usize> {
        let stride = self.stride[axis];
        let shift = position * self.dilation[axis];
        let (padding, size) = (self.padding[axis], self.image[axis]);
        let first = padding.saturating_sub(shift).div_ceil(stride);
        let end = (size + padding).saturating_sub(shift).div_ceil(stride);
        first..end.min(self.out[axis])
    }
}

struct Unfolded {
    windows: Windows,
    shape: Vec<usize>,
}

impl Flat for Unfolded {
    fn shape(&self) -> Shape {
        Shape::from(self.shape.clone())
    }

    fn run<T: WithDType>(&self, values: &[T]) -> Vec<T> {
        let mut out = vec![T::zero(); self.shape.iter().product()];
        self.windows.runs(|run| {
            let to = &mut out[run.column..][..run.count];
            if run.stride == 1 {
                to.copy_from_slice(&values[run.image..][..run.count]);
            } else {
                let from = values[run.image..].iter().step_by(run.stride);
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
            }
        });
        out
    }
}

struct Folded {
    windows: Windows,
    shape: Vec<usize>,
}

impl Flat for Folded {
    fn shape(&self) -> Shape {
        Shape::from(self.shape.clone())
    }

    fn run<T: WithDType>(&self, values: &[T]) -> Vec<T> {
        let mut out = vec![T::zero(); self.shape.iter().product()];
        self.windows.runs(|run| {
            let from = &values[run.column..][..run.count];
            let to = out[run.image..].iter_mut().step_by(run.stride);
            to.zip(from).for_each(|(sum, &x)| *sum += x);
        });
        out
    }
}
