//! The common CPU side of the operations: burn's flex tensors as slices of numbers.

use burn::backend::TensorMetadata;
use burn::tensor::{Shape, TensorData};
use burn_flex::FlexTensor;

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

/// The elements of an integer tensor that holds indices.
pub(crate) fn indices(tensor: &FlexTensor) -> Vec<usize> {
    tensor.clone().into_data().iter::<u32>().map(|index| index as usize).collect()
}

/// Numbers in row-major order as a tensor.
pub(crate) fn tensor(numbers: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}

/// The number of rows and their width.
pub(crate) fn rows_and_width(tensor: &impl TensorMetadata) -> (usize, usize) {
    let shape = tensor.shape();
    let width = shape[shape.num_dims() - 1];
    (shape.num_elements() / width.max(1), width)
}
