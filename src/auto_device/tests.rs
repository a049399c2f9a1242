//! The choice by speeds, and the measurement on a real adapter.

use tiller_kernels::device::AdapterKind;
use tiller_kernels::{OpenDevice, open, test_gpu};
use tiller_models::presets::ModelPreset;

use super::speeds::read_speeds;
use super::*;

/// The facts of the adapter that tests run on.
fn test_adapter() -> &'static AdapterFacts {
    let name = test_gpu().gpu.unwrap().adapter.get_info().name;
    device::adapters().iter().find(|adapter| adapter.name == name).unwrap()
}

/// Opens the faster device by a file that has these speeds.
fn opened(speeds: DeviceSpeeds, batch: usize) -> OpenDevice {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("speeds.json");
    let key = SpeedKey::new(test_adapter(), ModelPreset::Tiny, BatchClass::of(batch));
    recall_or_measure(Ok(file.clone()), key, || Ok(speeds), &|text| panic!("{text}")).unwrap();
    let adapter = test_adapter();
    open_faster((&adapter.name, adapter), &ModelPreset::Tiny.llama(), batch, Ok(file)).unwrap()
}

#[test]
fn the_faster_device_is_opened_and_the_reason_is_said() {
    let slow_gpu = opened(DeviceSpeeds { cpu: 135.0, gpu: 52.0 }, 16);
    assert!(slow_gpu.gpu.is_none());
    let reason = "for models like tiny in batches 135 tokens/s on the CPU and 52 on";
    assert!(slow_gpu.description.starts_with("cpu, ") && slow_gpu.description.contains(reason), "{slow_gpu:?}");

    let fast_gpu = opened(DeviceSpeeds { cpu: 135.0, gpu: 520.0 }, 1);
    assert_eq!(fast_gpu.device, test_gpu().device);
    let reason = "for models like tiny 135 tokens/s on the CPU and 520 on";
    assert!(fast_gpu.description.contains(reason), "{fast_gpu:?}");
}

#[test]
fn a_device_that_is_named_is_opened_without_the_model_or_a_measurement() {
    let nowhere = Path::new("no such model");
    assert!(super::open("cpu", nowhere, 1).unwrap().description.contains("asked for"));
    let adapter = test_adapter();
    assert_eq!(super::open(&adapter.name, nowhere, 1).unwrap().device, open(&adapter.name).unwrap().device);
    if !device::adapters().iter().any(|adapter| adapter.kind != AdapterKind::Software) {
        assert!(super::open("auto", nowhere, 1).unwrap().gpu.is_none(), "a software adapter is no rival of the CPU");
    }
}

#[test]
fn both_devices_are_measured_and_the_second_time_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("speeds.json");
    let adapter = test_adapter();
    for batch in [1, 16] {
        let open =
            || open_faster((&adapter.name, adapter), &ModelPreset::Tiny.llama(), batch, Ok(file.clone())).unwrap();
        let first = open();
        let known = read_speeds(&file).unwrap();
        let measured = known.last().unwrap();
        let DeviceSpeeds { cpu, gpu } = measured.speeds;
        assert!(cpu.is_finite() && gpu.is_finite(), "{measured:?}");
        assert_eq!(first.gpu.is_none(), cpu > gpu);
        println!("{}", first.description);
        assert_eq!(open().description, first.description);
        assert_eq!(read_speeds(&file).unwrap(), known);
    }
}
