//! Devices: which ones this machine has, which one `--device` means, and opening it.
//!
//! `adapters` lists, `choice` decides (a pure function over the listed facts), `open` opens, `fault` makes errors of a device that
//! fails. burn and the kernels that we launch ourselves share one wgpu device, so a tensor of either is a buffer of both.

mod adapters;
mod choice;
mod cpu;
mod error;
mod fault;
mod open;

pub use adapters::{AdapterFacts, AdapterKind, Capabilities, CooperativeMatrix, Scalar, SubgroupSizes, adapters};
pub use choice::{Choice, choose};
pub use cpu::{CpuFacts, cpu};
pub use error::DeviceError;
pub use fault::{drain, guard};
pub use open::{Gpu, OpenDevice, features, gpu_of, open};

use burn::tensor::Device;

/// The devices that every test of an operation runs on: the CPU path, and one wgpu adapter.
///
/// For the tests of this workspace. The adapter is a GPU where there is one and a software Vulkan elsewhere.
///
/// # Panics
/// Where [`test_gpu`] does.
pub fn test_devices() -> Vec<(&'static str, Device)> {
    vec![("cpu", Device::flex()), ("gpu", test_gpu().device)]
}

/// The wgpu adapter that GPU tests run on: the best GPU, else the software adapter.
///
/// # Panics
/// Without any adapter, with the way to install one: a GPU test is never skipped in silence.
pub fn test_gpu() -> OpenDevice {
    let software = || adapters().iter().find(|a| a.kind == AdapterKind::Software).map(|a| open(&a.name));
    match open("gpu").or_else(|error| software().unwrap_or(Err(error))) {
        Ok(device) => device,
        Err(error) => panic!(
            "the GPU tests need an adapter, a software one will do: \
             apt-get install mesa-vulkan-drivers libvulkan1 (tests/run.sh does it)\n{error}"
        ),
    }
}
