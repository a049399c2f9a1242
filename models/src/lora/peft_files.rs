//! The files and the names of a PEFT folder.

use crate::Error;
use crate::error::BadInput;
use crate::files::TensorSource;
use crate::files::safetensors::Safetensors;

/// The file of the configuration.
pub(super) const CONFIG: &str = "adapter_config.json";
/// The file of the weights.
pub(super) const WEIGHTS: &str = "adapter_model.safetensors";

/// PEFT wraps the model twice, and its names show it.
pub(super) const PREFIX: &str = "base_model.model.";

/// The place of a tensor, for messages.
pub(super) fn at(source: &Safetensors, tensor: &str) -> BadInput {
    Error::bad_input(format!("{}: tensor {tensor}", source.place().display()))
}
