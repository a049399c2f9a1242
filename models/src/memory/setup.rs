//! The settings of a training that its memory depends on.

use tiller_kernels::quant::QuantScheme;

use super::ComputeDevice;
use crate::llama::LlamaConfig;
use crate::lora::LoraConfig;

/// A training of a Llama, as far as its memory depends on it.
///
/// `tests/memory.rs` trains and counts every byte beside this estimate; `tiller bench train` prints what the process held.
#[derive(Debug, Clone)]
pub struct TrainingMemory {
    /// The sizes of the model.
    pub llama: LlamaConfig,
    /// The scheme of the frozen projections; `None` for floats.
    pub quant: Option<QuantScheme>,
    /// The adapter that is trained; `None` where all weights are.
    pub adapter: Option<LoraConfig>,
    /// Gradient checkpointing: blocks are computed a second time in the backward pass instead of being kept.
    pub gradient_checkpointing: bool,
    /// The processor.
    pub device: ComputeDevice,
}
