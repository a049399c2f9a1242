//! Tensors copied from a device to the host.

use std::fmt::Display;

use burn::tensor::Tensor;

use crate::{Error, Result};

/// Downloads a tensor as `f32` values in row-major order; `what` names it in the error.
///
/// # Errors
/// A device that does not return the values.
pub fn download<const D: usize>(tensor: Tensor<D>, what: impl Display) -> Result<Vec<f32>> {
    tensor.try_into_vec_as().map_err(Error::download(what))
}
