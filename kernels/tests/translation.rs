//! Translation of every kernel to every shading language, which tests Metal and DirectX 12 on a machine that
//! has neither.

use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ShaderStage, StorageAccess};
use tiller_kernels::{Kernel, KernelFeatures, kernels};
use wgpu::Features;

/// Parses and validates a kernel with the features that it requires and no others.
fn module(kernel: &Kernel) -> (Module, ModuleInfo) {
    let expanded = kernel.wgsl();
    let module = naga::front::wgsl::parse_str(&expanded.text).unwrap_or_else(|error| {
        let line = error.location(&expanded.text).map_or(1, |location| location.line_number as usize);
        let origin = &expanded.origins[line.clamp(1, expanded.origins.len()) - 1];
        panic!("{}: shaders/{origin}: {}", kernel.name(), error.emit_to_string(&expanded.text))
    });
    // Every WebGPU adapter can unpack f16 from a u32; naga has a capability for it because OpenGL cannot.
    let mut allowed = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    allowed.set(Capabilities::SUBGROUP, kernel.needs().wgpu.contains(Features::SUBGROUP));
    allowed.set(Capabilities::SHADER_FLOAT16, kernel.needs().wgpu.contains(Features::SHADER_F16));
    allowed.set(Capabilities::COOPERATIVE_MATRIX, is_cooperative(kernel));
    let info = Validator::new(ValidationFlags::all(), allowed)
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name(), error.emit_to_string(&expanded.text)));
    (module, info)
}

fn is_cooperative(kernel: &Kernel) -> bool {
    kernel.needs().wgpu.contains(Features::EXPERIMENTAL_COOPERATIVE_MATRIX)
}

#[test]
fn every_kernel_translates_to_spirv_msl_and_hlsl() {
    for kernel in kernels() {
        let (name, (module, info)) = (kernel.name(), module(&kernel));
        let entry = (ShaderStage::Compute, "main".to_owned());

        let pipeline = spv::PipelineOptions { shader_stage: entry.0, entry_point: entry.1.clone() };
        let words = spv::write_vec(&module, &info, &spv::Options::default(), Some(&pipeline));
        assert!(words.unwrap_or_else(|e| panic!("{name}: SPIR-V: {e}")).len() > 5, "{name}");

        // Metal 2.4 is macOS 12; subgroups ("simdgroups") are in it.
        let options = msl::Options { lang_version: (2, 4), ..msl::Options::default() };
        let pipeline = msl::PipelineOptions { entry_point: Some(entry.clone()), ..msl::PipelineOptions::default() };
        msl::write_string(&module, &info, &options, &pipeline).unwrap_or_else(|e| panic!("{name}: MSL: {e}"));

        // DirectX 12 has no cooperative matrices for naga to write, and wgpu offers none there: see the next
        // test.
        if is_cooperative(&kernel) {
            continue;
        }
        // The plain variants stay within what the oldest compiler of DirectX 12 takes.
        let plain = kernel.needs() == KernelFeatures::NONE;
        let shader_model = if plain { hlsl::ShaderModel::V5_1 } else { hlsl::ShaderModel::V6_0 };
        let options = hlsl::Options { shader_model, ..hlsl::Options::default() };
        let pipeline = hlsl::PipelineOptions { entry_point: Some(entry) };
        let mut text = String::new();
        hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(&module, &info, None)
            .unwrap_or_else(|e| panic!("{name}: HLSL: {e}"));
    }
}

#[test]
fn cooperative_matrices_translate_to_spirv_and_msl_and_are_nothing_that_naga_writes_for_directx() {
    // Metal has such matrices of 8 x 8 alone, and wgpu lists no others there: those of 16 are for Vulkan,
    // though naga writes both for both.
    assert!(spv::supported_capabilities().contains(Capabilities::COOPERATIVE_MATRIX));
    assert!(msl::supported_capabilities().contains(Capabilities::COOPERATIVE_MATRIX));
    assert!(!hlsl::supported_capabilities().contains(Capabilities::COOPERATIVE_MATRIX));
    let count = kernels().iter().filter(|kernel| is_cooperative(kernel)).count();
    assert!(count > 0, "there are some, which the test of every kernel translates");
}

#[test]
fn every_kernel_binds_what_it_declares_as_writable_storage() {
    // burn's buffers are slices of shared pages, which may not be bound for reading and for writing at once;
    // and a binding that a shader does not use vanishes from its layout, after which the buffers are one too
    // many.
    for kernel in kernels() {
        let (module, info) = module(&kernel);
        let entry = info.get_entry_point(0);
        let mut slots = Vec::new();
        for (handle, variable) in module.global_variables.iter() {
            let Some(binding) = variable.binding else { continue };
            let name = format!("{}: {}", kernel.name(), variable.name.as_deref().unwrap_or("?"));
            let writable = AddressSpace::Storage { access: StorageAccess::LOAD | StorageAccess::STORE };
            assert_eq!(variable.space, writable, "{name}");
            assert!(!entry[handle].is_empty(), "{name} is not used");
            assert_eq!(binding.group, 0, "{name}");
            slots.push(binding.binding);
        }
        slots.sort_unstable();
        assert_eq!(slots, (0..slots.len() as u32).collect::<Vec<_>>(), "{}", kernel.name());
    }
}

#[test]
fn the_variants_that_need_nothing_stay_within_the_limits_of_webgpu() {
    let limits = wgpu::Limits::default();
    for kernel in kernels().iter().filter(|kernel| kernel.needs() == KernelFeatures::NONE) {
        let (module, _) = module(kernel);
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let variables = || module.global_variables.iter().map(|(_, variable)| variable);
        let shared = variables().filter(|variable| variable.space == AddressSpace::WorkGroup);
        let shared: u32 = shared.map(|variable| layouter[variable.ty].size).sum();
        let bindings = variables().filter(|variable| variable.binding.is_some()).count() as u32;
        let invocations: u32 = module.entry_points[0].workgroup_size.iter().product();
        assert!(shared <= limits.max_compute_workgroup_storage_size, "{}: {shared} bytes", kernel.name());
        assert!(bindings <= limits.max_storage_buffers_per_shader_stage, "{}: {bindings} buffers", kernel.name());
        assert!(invocations <= limits.max_compute_invocations_per_workgroup, "{}: {invocations}", kernel.name());
    }
}

#[test]
fn kernels_have_names_of_their_own_and_no_burn_placeholders() {
    let mut names: Vec<String> = kernels().iter().map(Kernel::name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    for kernel in kernels() {
        // burn fills in `{{ name }}` before it compiles.
        assert!(!kernel.wgsl().text.contains("{{"), "{}", kernel.name());
    }
}
