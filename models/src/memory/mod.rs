//! Memory planning: the bytes that a model will take, from its sizes alone, before anything is allocated.
//!
//! [`TrainingMemory`] counts a step of a training, [`kv_cache`] the cache of the graph. The decode engine counts its own
//! buffers ([`Engine::estimate_memory`](crate::engine::Engine::estimate_memory)).

mod activations;
mod kv_cache;
mod setup;
mod training;

use serde::Serialize;
use tiller_kernels::device::gpu_of;

pub use kv_cache::kv_cache;
pub use setup::TrainingMemory;
pub use training::StepSize;

/// Bytes of a float.
const F32: u64 = 4;
/// Bytes of a process on a CPU beside its tensors: code, threads, and the tiles that products copy their factors into; measured.
const PROGRAM: u64 = 64 << 20;
/// One part in so many of the tensors' bytes is the allocator's: freed memory that it keeps for a minute for the next tensor of its size;
/// measured.
const KEPT_BY_ALLOCATOR: u64 = 10;

/// Memory by its use, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MemoryEstimate {
    /// The model's weights.
    pub weights: u64,
    /// Keys and values.
    pub cache: u64,
    /// Values between the layers; in a training, those that are kept for the gradient.
    pub activations: u64,
    /// The moments of trained weights, and an adapter's own weights.
    pub optimiser: u64,
    /// Gradients, logits and short-lived tensors, as far as there is more of them than of activations that are gone by then.
    pub workspace: u64,
    /// The process itself, in a training on a CPU.
    pub program: u64,
    /// The peak of all together: parts that end before others begin count once.
    pub total: u64,
    /// The largest single buffer; 0 where it is not known.
    pub largest: u64,
}

impl MemoryEstimate {
    /// The part of the total that is not yet taken once the weights are loaded.
    pub fn beyond_weights(&self) -> u64 {
        self.total - self.weights
    }
}

/// The kind of processor that computes, as far as memory depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputeDevice {
    /// A GPU, which computes one micro-batch after another.
    Gpu,
    /// A CPU, which computes a micro-batch on each of so many threads.
    Cpu {
        /// Threads.
        threads: usize,
    },
}

impl ComputeDevice {
    /// The kind of `device`.
    pub fn of(device: &burn::tensor::Device) -> Self {
        match gpu_of(device) {
            Some(_) => ComputeDevice::Gpu,
            None => ComputeDevice::Cpu { threads: rayon::current_num_threads() },
        }
    }

    /// Micro-batches that are computed side by side, each with a graph of its own.
    pub fn parallel(self) -> usize {
        match self {
            ComputeDevice::Gpu => 1,
            ComputeDevice::Cpu { threads } => threads,
        }
    }

    /// Bytes that the process takes beside so many bytes of tensors.
    pub fn program(self, tensors: u64) -> u64 {
        match self {
            ComputeDevice::Gpu => 0,
            ComputeDevice::Cpu { .. } => PROGRAM + tensors / KEPT_BY_ALLOCATOR,
        }
    }
}
