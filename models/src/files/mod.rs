//! Weight files: safetensors folders and GGUF, read through one trait.
//!
//! Files are memory-mapped: weights are paged in as they are read. A file that another process cuts short while it is open here
//! ends this process at the first read past the new end (a bus error on Unix, an access violation on Windows). Replacing a file
//! by a rename, as [`crate::atomic`] does, disturbs no reader.

pub mod blocks;
pub mod gguf;
pub mod safetensors;

pub(crate) mod json;
mod mapped;
#[cfg(test)]
pub(crate) mod testing;

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
    /// A bad input that names the file and the tensor: no tensor of this name, or values of an unknown type.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>>;

    /// The file or folder that the user named, for messages.
    fn place(&self) -> &Path;
}

/// The text of the file at `path`.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    match std::str::from_utf8(&mapped::map(path)?) {
        Ok(text) => Ok(text.to_owned()),
        Err(e) => Err(Error::bad_input(path.display()).expected("text in UTF-8").found(e).into()),
    }
}

/// The error for a name that is not among the tensors of `place`.
fn missing_tensor(place: &Path, name: &str) -> Error {
    Error::bad_input(place.display())
        .expected(format!("a tensor {name}"))
        .found("none of this name")
        .next("check that this is the model that the configuration describes")
        .into()
}
