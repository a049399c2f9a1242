//! Kernels launched through plain wgpu, for decoding: pipelines and bind groups are made once and encoded
//! many times.

use std::collections::HashMap;

use crate::device::Gpu;
use crate::kernel::{Kernel, fold};

/// The pipelines of one device, each compiled on first use.
///
/// Shaders run without bounds checks, which cost up to eight times the time on some GPUs: as with the
/// launches through burn, every kernel guards its own indices, and its tests run it with checks on.
#[derive(Debug)]
pub struct Pipelines {
    gpu: Gpu,
    made: HashMap<Kernel, wgpu::ComputePipeline>,
}

/// A dispatch ready to be encoded: pipeline, buffers and grid.
#[derive(Debug, Clone)]
pub struct ComputeStep {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    grid: (u32, u32),
}

impl Pipelines {
    /// No pipelines yet, on the device of `gpu`.
    pub fn new(gpu: Gpu) -> Self {
        Pipelines { gpu, made: HashMap::new() }
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Binds `buffers` to `kernel` in the order of its bindings, to run over `workgroups`.
    ///
    /// # Panics
    /// A shader or bindings that wgpu rejects, which is a bug in this crate.
    pub fn step(&mut self, kernel: &Kernel, buffers: &[wgpu::BindingResource], workgroups: usize) -> ComputeStep {
        let pipeline = self.pipeline(kernel);
        let entries: Vec<wgpu::BindGroupEntry> = (0..)
            .zip(buffers)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource: resource.clone() })
            .collect();
        let bind_group = self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&kernel.name()),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        ComputeStep { pipeline, bind_group, grid: fold(workgroups) }
    }

    #[allow(unsafe_code)]
    fn pipeline(&mut self, kernel: &Kernel) -> wgpu::ComputePipeline {
        if let Some(pipeline) = self.made.get(kernel) {
            return pipeline.clone();
        }
        let name = kernel.name();
        let source = wgpu::ShaderModuleDescriptor {
            label: Some(&name),
            source: wgpu::ShaderSource::Wgsl(kernel.wgsl().text.into()),
        };
        let checks = wgpu::ShaderRuntimeChecks::unchecked();
        // SAFETY: every kernel of this crate guards its indices and its loops end; its tests run it with
        // checks on.
        let module = unsafe { self.gpu.device.create_shader_module_trusted(source, checks) };
        let pipeline = self.gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&name),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                // No kernel reads workgroup memory before it has written it.
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        self.made.insert(kernel.clone(), pipeline.clone());
        pipeline
    }
}

impl ComputeStep {
    /// Adds the dispatch to a pass. Dispatches of a pass run one after another: each sees what those before
    /// it wrote.
    pub fn encode(&self, pass: &mut wgpu::ComputePass) {
        self.encode_folded(pass, self.grid);
    }

    /// [`encode`](ComputeStep::encode) over another number of workgroups: decoding grows by a token with
    /// every step.
    pub fn encode_over(&self, pass: &mut wgpu::ComputePass, workgroups: usize) {
        self.encode_folded(pass, fold(workgroups));
    }

    fn encode_folded(&self, pass: &mut wgpu::ComputePass, (x, y): (u32, u32)) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(x, y, 1);
    }
}
