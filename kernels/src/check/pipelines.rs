//! Kernels run through plain wgpu with bounds checks: accesses outside a buffer have no effect.

use std::collections::HashMap;

use bytemuck::NoUninit;
use wgpu::util::DeviceExt;

use crate::device::Gpu;
use crate::kernel::{Kernel, fold};

/// Checked pipelines on one device, each compiled once.
pub(super) struct CheckedPipelines {
    pub(super) gpu: Gpu,
    pipelines: HashMap<Kernel, wgpu::ComputePipeline>,
}

impl CheckedPipelines {
    pub(super) fn new(gpu: Gpu) -> Self {
        Self { gpu, pipelines: HashMap::new() }
    }

    pub(super) fn run_in_place(&mut self, kernel: &Kernel, buffers: &[Vec<u32>], workgroups: usize) -> Vec<Vec<u32>> {
        let buffers: Vec<wgpu::Buffer> = buffers.iter().map(|words| words_storage(&self.gpu, words)).collect();
        self.dispatch(kernel, &buffers.iter().collect::<Vec<_>>(), workgroups);
        buffers.iter().map(|buffer| read_words(&self.gpu, buffer)).collect()
    }

    pub(super) fn run<const O: usize>(
        &mut self,
        kernel: &Kernel,
        inputs: &[&[f32]],
        outputs: [usize; O],
        params: &impl NoUninit,
        workgroups: usize,
    ) -> [Vec<f32>; O] {
        let inputs: Vec<wgpu::Buffer> = inputs.iter().map(|input| storage(&self.gpu, input)).collect();
        let outputs = outputs.map(|length| storage(&self.gpu, &vec![f32::NAN; length]));
        // The words of the parameters, whatever they mean.
        let params = storage(&self.gpu, &bytemuck::pod_collect_to_vec::<u8, f32>(bytemuck::bytes_of(params)));
        let buffers: Vec<&wgpu::Buffer> = inputs.iter().chain(&outputs).chain([&params]).collect();
        self.dispatch(kernel, &buffers, workgroups);
        outputs.map(|output| read(&self.gpu, &output))
    }

    fn dispatch(&mut self, kernel: &Kernel, buffers: &[&wgpu::Buffer], workgroups: usize) {
        let Self { gpu, pipelines } = self;
        let pipeline = pipelines.entry(kernel.clone()).or_insert_with(|| compile(gpu, kernel));
        let entries: Vec<wgpu::BindGroupEntry> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        let (x, y) = fold(workgroups);
        pass.dispatch_workgroups(x, y, 1);
        drop(pass);
        gpu.queue.submit([encoder.finish()]);
    }
}

fn compile(gpu: &Gpu, kernel: &Kernel) -> wgpu::ComputePipeline {
    let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(&kernel.name()),
        source: wgpu::ShaderSource::Wgsl(kernel.wgsl().text.into()),
    });
    gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(&kernel.name()),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    })
}

/// A buffer of numbers that kernels read and write and that can be copied from.
pub(crate) fn storage(gpu: &Gpu, numbers: &[f32]) -> wgpu::Buffer {
    words_storage(gpu, bytemuck::cast_slice(numbers))
}

/// A buffer of words that kernels read and write and that can be copied from.
pub(crate) fn words_storage(gpu: &Gpu, words: &[u32]) -> wgpu::Buffer {
    gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: None,
        contents: bytemuck::cast_slice(words),
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
    })
}

/// The numbers in a buffer that can be copied from.
pub(crate) fn read(gpu: &Gpu, buffer: &wgpu::Buffer) -> Vec<f32> {
    bytemuck::cast_slice(&read_words(gpu, buffer)).to_vec()
}

/// The words in a buffer that can be copied from.
pub(crate) fn read_words(gpu: &Gpu, buffer: &wgpu::Buffer) -> Vec<u32> {
    let copy = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: buffer.size(),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(buffer, 0, &copy, 0, buffer.size());
    gpu.queue.submit([encoder.finish()]);
    copy.map_async(wgpu::MapMode::Read, .., |mapped| mapped.expect("the copy can be mapped"));
    gpu.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
    let mapped = copy.get_mapped_range(..).expect("the copy is mapped");
    bytemuck::cast_slice(&mapped).to_vec()
}
