//! Weight files: safetensors folders and GGUF, read through one trait.
//!
//! A header is read and checked when a file is opened; weights are read tensor by tensor, and every one that is read is a finite
//! number. A file that another program cuts short meanwhile is an error; replacing a file by a rename, as [`crate::atomic`] does,
//! disturbs no reader.

pub mod blocks;
pub mod gguf;
pub mod safetensors;

mod bytes;
pub(crate) mod json;
#[cfg(test)]
pub(crate) mod testing;
mod weights;

use std::path::Path;

use crate::{Error, Result};

/// Named tensors in a file or a folder of files, whatever their format.
///
/// Shapes are row-major: the last dimension is contiguous. A linear layer's weight is `[out, in]` in every format.
pub trait TensorSource {
    /// The names of all tensors, sorted.
    fn names(&self) -> Vec<String>;

    /// The shape of the tensor `name`, or `None` where there is no such tensor.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// The bytes that the tensor `name` takes in its file.
    ///
    /// # Errors
    /// No tensor of this name.
    fn bytes(&self, name: &str) -> Result<usize>;

    /// The values of the tensor `name`, in row-major order; half-precision and quantized values are widened.
    ///
    /// # Errors
    /// A bad input that names the file and the tensor: no tensor of this name, values of an unknown type, values that are NaN or infinite.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>>;

    /// The file or folder that the user named, for messages.
    fn place(&self) -> &Path;
}

/// The longest text file that belongs to a model (a chat template), in bytes.
const MOST_TEXT_BYTES: usize = 16 << 20;

/// The text of the file at `path`.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(bytes::read_whole(path, MOST_TEXT_BYTES)?)
        .map_err(|e| Error::bad_input(path.display()).expected("text in UTF-8").found(e.utf8_error()).into())
}

/// The error for a name that is not among the tensors of `place`.
fn missing_tensor(place: &Path, name: &str) -> Error {
    Error::bad_input(place.display())
        .expected(format!("a tensor {name}"))
        .found("none of this name")
        .next("check that this is the model that the configuration describes")
        .into()
}
