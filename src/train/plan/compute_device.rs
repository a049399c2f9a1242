//! What computes a training.

use burn::tensor::Device;
use tiller_kernels::device::gpu_of;

use crate::train::gradient::side_by_side;

/// Where a training is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputeDevice {
    /// On a GPU, one batch of a step after another.
    Gpu,
    /// On a CPU.
    Cpu {
        /// The batches of a step that are computed side by side, each with a graph of its own.
        at_once: usize,
    },
}

impl ComputeDevice {
    /// Of a device.
    pub fn of(device: &Device) -> Self {
        match gpu_of(device) {
            Some(_) => ComputeDevice::Gpu,
            None => ComputeDevice::Cpu { at_once: side_by_side(device) },
        }
    }

    /// The batches of a step that are computed side by side.
    pub fn at_once(self) -> usize {
        match self {
            ComputeDevice::Gpu => 1,
            ComputeDevice::Cpu { at_once } => at_once,
        }
    }
}
