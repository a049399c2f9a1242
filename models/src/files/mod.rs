//! Weight files: safetensors folders and GGUF, read through one trait.

pub mod gguf;
pub mod safetensors;

use std::path::Path;

use crate::Result;

/// Named tensors in a file or a folder of files, whatever their format.
///
/// Shapes are row-major: the last dimension is contiguous. A linear layer's weight is `[out, in]` in every format.
pub trait TensorSource {
    /// The names of all tensors, sorted.
    fn names(&self) -> Vec<String>;

    /// The shape of the tensor `name`, or `None` where there is no such tensor.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// The values of the tensor `name`, in row-major order; half-precision and quantised values are widened.
    ///
    /// # Errors
    /// A bad input that names the file and the tensor: no tensor of this name, or values of an unknown type.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>>;

    /// The file or folder that the user named, for messages.
    fn place(&self) -> &Path;
}
