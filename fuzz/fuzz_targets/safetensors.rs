//! Safetensors: the header and every tensor.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tiller_models::files::TensorSource;
use tiller_models::files::safetensors::Safetensors;

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = Safetensors::from_bytes(Path::new("fuzzed.safetensors"), bytes.to_vec()) else { return };
    for name in file.names() {
        let _ = file.read_f32(&name);
    }
});
