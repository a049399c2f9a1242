//! The common CPU side of the operations: burn's flex tensors as slices of numbers.

use burn::backend::TensorMetadata;
use burn::tensor::{Shape, TensorData};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use crate::gemm::MatrixView;

/// The tensor with its numbers in row-major order.
pub(crate) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// The numbers of a [`contiguous`] tensor.
///
/// # Panics
/// Elements other than f32.
pub(crate) fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_else(|| panic!("expected contiguous f32 tensors, found {tensor:?}"))
}

/// The numbers of a [`contiguous`] tensor, to be changed; a copy of them where others hold the tensor too.
///
/// # Panics
/// Elements other than f32.
pub(crate) fn numbers_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    let (first, count) = (tensor.layout().start_offset(), tensor.layout().num_elements());
    &mut tensor.storage_mut()[first..first + count]
}

/// A matrix that lies in row-major order or transposed, with or without gaps.
///
/// # Panics
/// Other views, elements other than f32.
pub(crate) fn matrix(tensor: &FlexTensor) -> MatrixView<'_> {
    let (layout, [rows, cols]) = (tensor.layout(), tensor.shape().dims());
    let floats = &tensor.storage()[layout.start_offset()..];
    // The stride of a dimension of one is anything.
    match *layout.strides() {
        [stride, 1] if rows == 1 || stride as usize >= cols => {
            MatrixView::strided(floats, [rows, cols], cols.max(stride as usize))
        }
        [1, stride] => MatrixView::strided(floats, [cols, rows], rows.max(stride as usize)).transposed(),
        _ => panic!("expected rows or columns that are contiguous, found {tensor:?}"),
    }
}

/// The elements of an integer tensor that holds indices.
pub(crate) fn indices(tensor: &FlexTensor) -> Vec<usize> {
    tensor.clone().into_data().iter::<u32>().map(|index| index as usize).collect()
}

/// Numbers in row-major order as a tensor.
pub(crate) fn tensor(numbers: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

/// Zeros that all cores write: they share its page faults, too.
pub(crate) fn zeros(count: usize) -> Vec<f32> {
    const CHUNK: usize = 1024;
    if count <= 16 * CHUNK {
        return vec![0.0; count];
    }
    let chunks = (0..count.div_ceil(CHUNK)).into_par_iter().with_min_len(16);
    let mut zeros = chunks.map(|_| [0.0; CHUNK]).collect::<Vec<_>>().into_flattened();
    zeros.truncate(count);
    zeros
}

/// The number of rows and their width.
pub(crate) fn rows_and_width(tensor: &impl TensorMetadata) -> (usize, usize) {
    let shape = tensor.shape();
    let width = shape[shape.num_dims() - 1];
    (shape.num_elements() / width.max(1), width)
}
