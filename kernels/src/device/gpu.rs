//! The GPUs that are open in this process, and the features that kernels may use on each.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use burn_cubecl::CubeDevice;

use super::adapters::Capabilities;
use super::error::DeviceError;
use crate::features::KernelFeatures;

/// The wgpu side of an open device. burn submits to the same queue, which orders its work and ours.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// The process's one instance.
    pub instance: wgpu::Instance,
    /// The adapter that was chosen.
    pub adapter: wgpu::Adapter,
    /// The device, with every feature and limit of the adapter.
    pub device: wgpu::Device,
    /// The queue that burn uses too.
    pub queue: wgpu::Queue,
    /// The adapter's capabilities.
    pub capabilities: Capabilities,
    /// The features that kernels may use: those of the device, less those that failed calibration.
    pub features: KernelFeatures,
}

impl Gpu {
    /// Returns true if kernels may use cooperative matrices.
    pub fn has_cooperative_matrices(&self) -> bool {
        self.features.coop_tile > 0
    }
}

/// An adapter that is open.
#[derive(Debug, Clone)]
pub(crate) struct OpenGpu {
    /// burn's handle.
    pub(crate) device: Device,
    pub(crate) gpu: Gpu,
    /// The features that failed calibration, in words.
    pub(crate) flaw: Option<String>,
}

/// The open adapters, by their index in the list.
fn registry() -> MutexGuard<'static, BTreeMap<usize, OpenGpu>> {
    static OPEN: Mutex<BTreeMap<usize, OpenGpu>> = Mutex::new(BTreeMap::new());
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the adapter at `index` if it is open, else opens and registers it. burn would treat a second
/// registration as a second device, with memory of its own.
pub(crate) fn open_once(
    index: usize,
    open: impl FnOnce() -> Result<OpenGpu, DeviceError>,
) -> Result<OpenGpu, DeviceError> {
    let mut registry = registry();
    if let Some(open) = registry.get(&index) {
        return Ok(open.clone());
    }
    let opened = open()?;
    registry.insert(index, opened.clone());
    Ok(opened)
}

/// burn's handles of the open devices.
pub(super) fn open_devices() -> Vec<Device> {
    registry().values().map(|open| open.device.clone()).collect()
}

/// The features that kernels may use on the device of a burn tensor; none for a device that was not opened
/// here.
pub fn features(device: &CubeDevice) -> KernelFeatures {
    let device = match device {
        CubeDevice::Wgpu(device) => Device::from(device.clone()),
        _ => return KernelFeatures::NONE,
    };
    gpu_of(&device).map_or(KernelFeatures::NONE, |gpu| gpu.features)
}

/// The wgpu side of a device of burn, with or without autodiff; `None` for the CPU and for a device that was
/// not opened here.
pub fn gpu_of(device: &Device) -> Option<Gpu> {
    let plain = device.clone().without_autodiff();
    registry().values().find(|open| open.device == plain).map(|open| open.gpu.clone())
}
