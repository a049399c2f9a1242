//! Devices and GPU kernels: everything of tiller that touches burn's plumbing, buffers or shaders.
//!
//! An operation is one file: parameters, launch, gradient, CPU reference, tests. Its shaders lie in `shaders/` under the
//! same stem.

pub mod attention;
pub mod autodiff;
pub mod bench;
mod cpu;
pub mod decode;
pub mod device;
mod elementwise;
pub mod embedding;
pub mod kernel;
pub mod matmul;
pub mod pipelines;
pub mod quant;
pub mod rms_norm;
pub mod rope;
mod rows;
pub mod swiglu;
#[cfg(test)]
mod testing;
pub mod wgsl;

pub use attention::attention;
pub use embedding::embedding;
pub use kernel::Kernel;
pub use rms_norm::rms_norm;
pub use rope::rope;
pub use swiglu::swiglu;

/// Every variant of every kernel: what is translated offline to the shading languages of all graphics APIs.
pub fn kernels() -> Vec<Kernel> {
    [
        attention::kernels(),
        bench::kernels().to_vec(),
        decode::kernels(),
        embedding::kernels(),
        matmul::kernels(),
        rms_norm::kernels(),
        rope::kernels(),
        swiglu::kernels(),
    ]
    .concat()
}
