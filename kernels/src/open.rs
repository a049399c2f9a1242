//! Opening the chosen device, once per process, and calibrating it.
//!
//! This sits above [`device`](crate::device) and [`decode`](crate::decode): a new device runs a decoding
//! kernel once, which decides whether its cooperative matrices (tensor cores) are used.

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;

use crate::cooperative;
use crate::decode::check_cooperative_gemm;
use crate::device::{
    AdapterFacts, DeviceError, Gpu, OpenGpu, adapter_handle, adapters, choose, cpu, listen, open_once,
};

/// An open device and the line that describes it.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    /// burn's handle; without autodiff.
    pub device: Device,
    /// One line: name, backend, driver, and why it was chosen.
    pub description: String,
    /// wgpu's side of the device; `None` on the CPU path.
    pub gpu: Option<Gpu>,
}

/// Opens what `--device` asks for: `auto`, `gpu`, `cpu`, or part of an adapter's name (see [`choose`]).
///
/// An adapter is opened once per process: a second call returns the same device.
///
/// # Errors
/// [`DeviceError`] where nothing matches or the driver fails.
pub fn open(asked: &str) -> Result<OpenDevice, DeviceError> {
    // `cpu` neither waits for a GPU driver nor fails with it.
    let adapters = if asked.trim().eq_ignore_ascii_case("cpu") { &[] } else { adapters() };
    let choice = choose(asked, adapters)?;
    let Some(index) = choice.adapter else {
        let description = format!("cpu, {} cores ({})", cpu().cores, choice.why);
        return Ok(OpenDevice { device: Device::flex(), description, gpu: None });
    };
    let AdapterFacts { name, backend, driver, .. } = &adapters[index];
    let OpenGpu { device, gpu, flaw } = open_once(index, || open_adapter(index, &adapters[index]))?;
    let flaw = flaw.map_or_else(String::new, |flaw| format!("; {flaw}"));
    let description = format!("{name} on {backend}, driver {driver} ({}{flaw})", choice.why);
    Ok(OpenDevice { device, description, gpu: Some(gpu) })
}

/// Opens the adapter at `index` of the list and registers it with burn.
fn open_adapter(index: usize, facts: &AdapterFacts) -> Result<OpenGpu, DeviceError> {
    listen();
    let unopened =
        |reason: &dyn std::fmt::Display| DeviceError::Unopened { adapter: facts.label(), reason: reason.to_string() };
    let (instance, adapter) = adapter_handle(index);
    let (device, queue) = request(&adapter).map_err(|e| unopened(&e))?;
    let features = device.features().into();
    let mut gpu = Gpu { instance, adapter, device, queue, capabilities: facts.capabilities.clone(), features };
    let flaw = calibrate(&mut gpu);
    let setup = WgpuSetup {
        instance: gpu.instance.clone(),
        adapter: gpu.adapter.clone(),
        device: gpu.device.clone(),
        queue: gpu.queue.clone(),
        backend: gpu.adapter.get_info().backend,
    };
    let device = Device::wgpu_options().setup(setup).init().map_err(|e| unopened(&e))?;
    Ok(OpenGpu { device, gpu, flaw })
}

/// Requests a device with every feature and limit of the adapter, as burn's own runtime does.
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
        // SAFETY: of the experimental features our shaders use cooperative matrices alone, in kernels whose
        // every variant is checked against its reference.
        experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
    }))
}

/// Enables the largest cooperative matrices that the device offers and that pass their check; returns the
/// failures.
///
/// A GPU may be the first of its kind that runs these kernels. Therefore a small GEMM on cooperative matrices
/// is compared with the portable variant before they are used.
fn calibrate(gpu: &mut Gpu) -> Option<String> {
    let mut flaws = Vec::new();
    for coop_tile in cooperative::offered(&gpu.capabilities) {
        match check_cooperative_gemm(gpu, coop_tile) {
            Ok(()) => {
                gpu.features.coop_tile = coop_tile;
                break;
            }
            Err(flaw) => flaws.push(format!("cooperative matrices of {coop_tile}x{coop_tile} are disabled: {flaw}")),
        }
    }
    (!flaws.is_empty()).then(|| flaws.join("; "))
}

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
    use crate::device::AdapterKind;
    let software = || adapters().iter().find(|a| a.kind == AdapterKind::Software).map(|a| open(&a.name));
    match open("gpu").or_else(|error| software().unwrap_or(Err(error))) {
        Ok(device) => device,
        Err(error) => panic!(
            "the GPU tests need an adapter, a software one will do: \
             apt-get install mesa-vulkan-drivers libvulkan1 (tests/run.sh does it)\n{error}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use burn::backend::DispatchDevice;
    use burn::tensor::{Tensor, TensorData};

    use super::*;
    use crate::device::features;

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

    #[test]
    fn the_best_that_the_test_device_offers_is_used() {
        let open = test_gpu();
        let gpu = open.gpu.unwrap();
        let best = cooperative::offered(&gpu.capabilities).next().unwrap_or(0);
        assert_eq!(gpu.features.coop_tile, best, "{}", open.description);
    }

    #[test]
    fn what_is_not_offered_is_not_used() {
        let mut gpu = test_gpu().gpu.unwrap();
        gpu.features.coop_tile = 0;
        gpu.capabilities.cooperative_matrices.clear();
        assert_eq!(calibrate(&mut gpu), None);
        assert_eq!(gpu.features.coop_tile, 0);
    }
}
