//! What the tests of the operations share: numbers, comparison, finite differences, and kernels run under bounds checks.

use burn::tensor::{Device, Tensor, TensorData};
use bytemuck::NoUninit;
use wgpu::util::DeviceExt;

use crate::device::{Gpu, test_devices};
use crate::kernel::{Kernel, fold};
use crate::pipelines::Step;

/// Numbers between -1 and 1 that look random and are the same in every run.
pub fn noise(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = move || {
        // Knuth's MMIX generator; its high bits are good.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Every number lies within `tolerance`, relative to the larger of 1 and what is expected.
pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        // Negated, so that a NaN fails.
        assert!(!((f - e).abs() > tolerance * e.abs().max(1.0) || f.is_nan()), "{what}: [{i}] {f}, expected {e}");
    }
}

/// Numbers in row-major order as a tensor.
pub fn upload<const D: usize>(numbers: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers.to_vec(), shape), device)
}

/// The numbers of a tensor in row-major order.
pub fn download<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("the device computed f32")
}

/// Compares the gradients of `operation` with central differences on every test device, with and without checkpointing.
///
/// The inputs are vectors of the given lengths. The operation stands in the middle of a graph, between an affine map and a
/// weighted sum of squares, so that a gradient which forgets the one that flows in, or the graph behind, does not pass.
pub fn check_gradients(lengths: &[usize], operation: impl Fn(&[Tensor<1>]) -> Tensor<1>) {
    let inputs: Vec<Vec<f32>> = lengths.iter().enumerate().map(|(i, &n)| noise(i as u64 + 11, n)).collect();
    let on = |inputs: &[Vec<f32>], device: &Device| -> Vec<Tensor<1>> {
        inputs.iter().map(|input| upload(input, [input.len()], device)).collect()
    };
    let middle = |inputs: &[Tensor<1>]| {
        let before: Vec<Tensor<1>> = inputs.iter().map(|input| input.clone() * 1.5 + 0.25).collect();
        operation(&before)
    };
    for (name, device) in test_devices() {
        let loss = |inputs: &[Vec<f32>]| {
            let y = download(middle(&on(inputs, &device)));
            y.iter().zip(coefficients(y.len())).map(|(&y, c)| f64::from(c) * f64::from(y).powi(2)).sum::<f64>()
        };
        let expected: Vec<Vec<f32>> = (0..inputs.len())
            .map(|input| (0..lengths[input]).map(|i| central_difference(&inputs, input, i, &loss)).collect())
            .collect();

        let recording = device.clone().autodiff();
        for (way, device) in [("", recording.clone()), (", checkpointed", recording.gradient_checkpointing())] {
            let leaves: Vec<Tensor<1>> = on(&inputs, &device).into_iter().map(Tensor::require_grad).collect();
            let y = middle(&leaves);
            let coefficients = upload(&coefficients(y.dims()[0]), y.dims(), &device);
            let gradients = (y.powi_scalar(2) * coefficients).sum().backward();
            for (input, (leaf, expected)) in leaves.iter().zip(&expected).enumerate() {
                let found = download(leaf.grad(&gradients).expect("every input has a gradient"));
                assert_close(&found, expected, 5e-3, &format!("{name}{way}: gradient of input {input}"));
            }
        }
    }
}

fn coefficients(length: usize) -> Vec<f32> {
    noise(99, length)
}

fn central_difference(inputs: &[Vec<f32>], input: usize, i: usize, loss: &impl Fn(&[Vec<f32>]) -> f64) -> f32 {
    const STEP: f32 = 5e-3;
    let at = |step: f32| {
        let mut moved = inputs.to_vec();
        moved[input][i] += step;
        loss(&moved)
    };
    ((at(STEP) - at(-STEP)) / (2.0 * f64::from(STEP))) as f32
}

/// Runs `kernel` through plain wgpu, which checks every index, over buffers of words that it may read and write; returns what they
/// hold afterwards.
pub fn run_in_place(gpu: &Gpu, kernel: &Kernel, buffers: &[Vec<u32>], workgroups: usize) -> Vec<Vec<u32>> {
    let buffers: Vec<wgpu::Buffer> = buffers.iter().map(|words| words_storage(gpu, words)).collect();
    dispatch_checked(gpu, kernel, &buffers.iter().collect::<Vec<_>>(), workgroups);
    buffers.iter().map(|buffer| read_words(gpu, buffer)).collect()
}

/// Runs `kernel` through plain wgpu, which checks every index: what reaches outside a buffer reads or writes nothing.
///
/// The bindings are those of [`launch`](crate::kernel::launch); the outputs have the given lengths and start as NaN, so that
/// what a kernel leaves out shows.
pub fn run_checked<const O: usize>(
    gpu: &Gpu,
    kernel: &Kernel,
    inputs: &[&[f32]],
    outputs: [usize; O],
    params: &impl NoUninit,
    workgroups: usize,
) -> [Vec<f32>; O] {
    let inputs: Vec<wgpu::Buffer> = inputs.iter().map(|input| storage(gpu, input)).collect();
    let outputs = outputs.map(|length| storage(gpu, &vec![f32::NAN; length]));
    // The words of the parameters, whatever they mean.
    let params = storage(gpu, &bytemuck::pod_collect_to_vec::<u8, f32>(bytemuck::bytes_of(params)));
    let buffers: Vec<&wgpu::Buffer> = inputs.iter().chain(&outputs).chain([&params]).collect();
    dispatch_checked(gpu, kernel, &buffers, workgroups);
    outputs.map(|output| read(gpu, &output))
}

fn dispatch_checked(gpu: &Gpu, kernel: &Kernel, buffers: &[&wgpu::Buffer], workgroups: usize) {
    let device = &gpu.device;
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(&kernel.name()),
        source: wgpu::ShaderSource::Wgsl(kernel.wgsl().text.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(&kernel.name()),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let entries: Vec<wgpu::BindGroupEntry> = (0..)
        .zip(buffers)
        .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
        .collect();
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });

    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.set_pipeline(&pipeline);
    pass.set_bind_group(0, &bind_group, &[]);
    let (x, y) = fold(workgroups);
    pass.dispatch_workgroups(x, y, 1);
    drop(pass);
    gpu.queue.submit([encoder.finish()]);
}

/// A buffer of numbers that kernels read and write and that can be copied from.
pub fn storage(gpu: &Gpu, numbers: &[f32]) -> wgpu::Buffer {
    words_storage(gpu, bytemuck::cast_slice(numbers))
}

/// The same of words.
pub fn words_storage(gpu: &Gpu, words: &[u32]) -> wgpu::Buffer {
    gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: None,
        contents: bytemuck::cast_slice(words),
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
    })
}

/// Runs steps in one pass.
pub fn submit(gpu: &Gpu, steps: &[Step]) {
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    steps.iter().for_each(|step| step.encode(&mut pass));
    drop(pass);
    gpu.queue.submit([encoder.finish()]);
}

/// The numbers in a buffer that can be copied from.
pub fn read(gpu: &Gpu, buffer: &wgpu::Buffer) -> Vec<f32> {
    bytemuck::cast_slice(&read_words(gpu, buffer)).to_vec()
}

/// The words in a buffer that can be copied from.
pub fn read_words(gpu: &Gpu, buffer: &wgpu::Buffer) -> Vec<u32> {
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
