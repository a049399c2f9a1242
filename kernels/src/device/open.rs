//! Opening the chosen device, once per process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use burn_cubecl::CubeDevice;

use super::adapters::{AdapterFacts, Capabilities, adapters, listing};
use super::choice::choose;
use super::cpu::cpu;
use super::error::DeviceError;
use super::fault;
use crate::cooperative;
use crate::features::KernelFeatures;

/// An open device and the words that tell the user which one it is.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    /// burn's handle; without autodiff.
    pub device: Device,
    /// One line: name, backend, driver, and why it was taken.
    pub description: String,
    /// The same device as wgpu knows it; `None` on the CPU path.
    pub gpu: Option<Gpu>,
}

/// The wgpu side of an open device. burn submits to the same queue, which is what orders its work and ours.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// The process's one instance.
    pub instance: wgpu::Instance,
    /// The adapter that was chosen.
    pub adapter: wgpu::Adapter,
    /// The device, with every feature and limit that the adapter has.
    pub device: wgpu::Device,
    /// The queue that burn uses too.
    pub queue: wgpu::Queue,
    /// What the adapter offers.
    pub capabilities: Capabilities,
    /// What kernels may use: what the device has, less what it was found not to do right.
    pub features: KernelFeatures,
}

impl Gpu {
    /// Whether kernels may use cooperative matrices.
    pub fn has_cooperative_matrices(&self) -> bool {
        self.features.coop_tile > 0
    }
}

/// Opens what `--device` asks for: `auto`, `gpu`, `cpu`, or part of an adapter's name (see [`choose`]).
///
/// An adapter is opened once per process: asking again returns the same device.
///
/// # Errors
/// [`DeviceError`] where nothing matches or the driver fails.
pub fn open(asked: &str) -> Result<OpenDevice, DeviceError> {
    // Whoever asks for the CPU shall not wait for, nor stumble over, a GPU driver.
    let adapters = if asked.trim().eq_ignore_ascii_case("cpu") { &[] } else { adapters() };
    let choice = choose(asked, adapters)?;
    let Some(index) = choice.adapter else {
        let description = format!("cpu, {} cores ({})", cpu().cores, choice.why);
        return Ok(OpenDevice { device: Device::flex(), description, gpu: None });
    };
    let AdapterFacts { name, backend, driver, .. } = &adapters[index];
    let Opened { device, gpu, flaw } = open_adapter(index)?;
    let flaw = flaw.map_or_else(String::new, |flaw| format!("; {flaw}"));
    let description = format!("{name} on {backend}, driver {driver} ({}{flaw})", choice.why);
    Ok(OpenDevice { device, description, gpu: Some(gpu) })
}

/// What kernels may use on the device that a tensor of burn lies on.
///
/// None for a device that was not opened here.
pub fn features(device: &CubeDevice) -> KernelFeatures {
    let device = match device {
        CubeDevice::Wgpu(device) => Device::from(device.clone()),
        _ => return KernelFeatures::NONE,
    };
    gpu_of(&device).map_or(KernelFeatures::NONE, |gpu| gpu.features)
}

/// The wgpu side of a device of burn, with or without autodiff; `None` for the CPU and for a device that was not opened here.
pub fn gpu_of(device: &Device) -> Option<Gpu> {
    let plain = device.clone().without_autodiff();
    opened().iter().flatten().find(|opened| opened.device == plain).map(|opened| opened.gpu.clone())
}

/// An adapter that is open.
#[derive(Debug, Clone)]
struct Opened {
    device: Device,
    gpu: Gpu,
    /// What it offers and does not do right.
    flaw: Option<String>,
}

/// The devices that are open.
pub(super) fn devices() -> Vec<Device> {
    opened().iter().flatten().map(|open| open.device.clone()).collect()
}

/// What is open, by the index of the adapter.
fn opened() -> MutexGuard<'static, Vec<Option<Opened>>> {
    static OPENED: Mutex<Vec<Option<Opened>>> = Mutex::new(Vec::new());
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the adapter at `index` of the listing, or returns it where it is open already: burn would take a second
/// registration for a second device, with memory of its own.
fn open_adapter(index: usize) -> Result<Opened, DeviceError> {
    let mut opened = opened();
    opened.resize(listing().handles.len(), None);
    if let Some(open) = &opened[index] {
        return Ok(open.clone());
    }

    fault::listen();
    let facts = &listing().facts[index];
    let unopened =
        |reason: &dyn std::fmt::Display| DeviceError::Unopened { adapter: facts.label(), reason: reason.to_string() };
    let (instance, adapter) = (listing().instance.clone(), listing().handles[index].clone());
    let (device, queue) = request(&adapter).map_err(|e| unopened(&e))?;
    let backend = adapter.get_info().backend;
    let features = device.features().into();
    let mut gpu = Gpu { instance, adapter, device, queue, capabilities: facts.capabilities.clone(), features };
    let flaw = cooperative::calibrate(&mut gpu);
    let setup = WgpuSetup {
        instance: gpu.instance.clone(),
        adapter: gpu.adapter.clone(),
        device: gpu.device.clone(),
        queue: gpu.queue.clone(),
        backend,
    };
    let device = Device::wgpu_options().setup(setup).init().map_err(|e| unopened(&e))?;
    let open = Opened { device, gpu, flaw };
    opened[index] = Some(open.clone());
    Ok(open)
}

/// Asks for everything that the adapter has, as burn's own runtime does.
#[allow(unsafe_code)]
fn request(adapter: &wgpu::Adapter) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("tiller"),
        // Mappable primary buffers cost a staging copy less on integrated GPUs and speed everywhere else.
        required_features: adapter.features().difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
        required_limits: adapter.limits(),
        // burn allocates in large pages itself.
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        trace: wgpu::Trace::Off,
        // SAFETY: of the experimental features our shaders use cooperative matrices alone, in kernels whose every
        // variant is checked against its reference.
        experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
    }))
}

#[cfg(test)]
mod tests {
    use burn::backend::DispatchDevice;
    use burn::tensor::{Tensor, TensorData};

    use super::super::{features, test_devices, test_gpu};

    #[test]
    fn an_adapter_is_opened_once_however_it_is_asked_for() {
        let (one, other) = (test_gpu(), test_gpu());
        assert_eq!(one.device, other.device);
        assert_eq!(one.gpu.unwrap().device, other.gpu.unwrap().device);
    }

    #[test]
    fn a_tensor_may_use_what_its_adapter_has() {
        let open = test_gpu();
        let DispatchDevice::Cube(device) = open.device.as_dispatch() else { panic!("a wgpu device runs on cubecl") };
        let gpu = open.gpu.unwrap();
        assert_eq!(features(device), gpu.features);
        assert!(gpu.device.features().contains(gpu.features.wgpu));
    }

    #[test]
    fn every_test_device_computes() {
        for (name, device) in test_devices() {
            let x = Tensor::<2>::from_data([[1.0, 2.0], [3.0, 4.0]], &device);
            let product = x.clone().matmul(x).into_data();
            assert_eq!(product, TensorData::from([[7.0f32, 10.0], [15.0, 22.0]]), "{name}");
        }
    }

    #[test]
    fn the_description_tells_the_adapter_its_driver_and_the_reason() {
        let open = test_gpu();
        let info = open.gpu.unwrap().adapter.get_info();
        assert!(open.description.contains(&info.name) && open.description.contains(&info.driver));
        assert!(open.description.ends_with(')'), "{}", open.description);
        assert!(super::open("cpu").unwrap().description.contains("asked for"));
    }
}
