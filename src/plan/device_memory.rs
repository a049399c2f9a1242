//! The memory of a device.

use serde::Serialize;
use tiller_kernels::device;
use tiller_models::memory::{ComputeDevice, MemoryEstimate};

use crate::Result;
use crate::train::memory;

/// A device and its memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceMemory {
    /// The device's name.
    pub device: String,
    /// True for a GPU, or a driver that computes like one: the decode engine runs on it.
    pub gpu: bool,
    /// The bytes that may be taken; nothing where neither the system nor the user tells.
    pub memory: Option<u64>,
    /// The largest single buffer, in bytes.
    pub largest_buffer: Option<u64>,
}

/// The result of a comparison with the memory of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FitVerdict {
    /// It fits.
    Fits,
    /// It does not fit.
    DoesNotFit,
    /// The device's memory is not known.
    Unknown,
}

impl DeviceMemory {
    /// The device that `--device` takes, and the memory that is free there unless it is given.
    ///
    /// What a GPU with memory of its own has of it, no graphics API tells.
    ///
    /// # Errors
    /// No such device.
    pub fn of(asked: &str, memory: Option<u64>) -> Result<Self> {
        let of_cpu = asked.trim().eq_ignore_ascii_case("cpu");
        let adapters = if of_cpu { &[] } else { device::adapters() };
        let Some(index) = device::choose(asked, adapters)?.adapter else {
            let memory = memory.or_else(memory::available);
            return Ok(Self { device: "cpu".into(), gpu: false, memory, largest_buffer: None });
        };
        let adapter = &adapters[index];
        Ok(Self {
            device: adapter.label(),
            gpu: true,
            memory: memory.or_else(|| memory::available().filter(|_| adapter.kind.shares_main_memory())),
            largest_buffer: Some(adapter.capabilities.max_binding_bytes),
        })
    }

    /// The kind of processor that computes a training there.
    pub(super) fn compute_device(&self) -> ComputeDevice {
        if self.gpu { ComputeDevice::Gpu } else { ComputeDevice::Cpu { threads: rayon::current_num_threads() } }
    }

    /// Compares an estimate with this memory.
    pub fn verdict(&self, estimate: &MemoryEstimate) -> FitVerdict {
        if self.largest_buffer.is_some_and(|largest| largest < estimate.largest) {
            return FitVerdict::DoesNotFit;
        }
        match self.memory {
            Some(memory) if memory < estimate.total => FitVerdict::DoesNotFit,
            Some(_) => FitVerdict::Fits,
            None => FitVerdict::Unknown,
        }
    }
}
