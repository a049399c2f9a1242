//! The amount of work that suits a device.

use crate::device::Gpu;

/// The class of a device: it decides the sizes that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceClass {
    /// A GPU.
    Gpu,
    /// A driver that computes on the processor.
    Software,
}

impl DeviceClass {
    /// The class of a device, by the type that its adapter reports.
    pub fn of(gpu: &Gpu) -> Self {
        if gpu.adapter.get_info().device_type == wgpu::DeviceType::Cpu {
            DeviceClass::Software
        } else {
            DeviceClass::Gpu
        }
    }

    /// More bytes than caches hold; for software no more than it reads in a moment.
    pub(super) fn streamed_bytes(self) -> usize {
        match self {
            DeviceClass::Gpu => 256 << 20,
            DeviceClass::Software => 16 << 20,
        }
    }
}
