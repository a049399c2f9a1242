//! Devices and GPU kernels: everything of tiller that touches burn's plumbing, buffers or shaders.
//!
//! An operation is one file: parameters, launch, gradient, CPU reference, tests. Its shaders lie in `shaders/` under the
//! same stem.

pub mod adamw;
pub mod attention;
pub mod autodiff;
pub mod bench;
mod cooperative;
mod cpu;
pub mod decode;
pub mod device;
mod elementwise;
pub mod embedding;
mod gelu;
pub mod kernel;
pub mod launches;
mod layer_norm;
pub mod matmul;
pub mod pipelines;
pub mod quant;
pub mod rms_norm;
pub mod rope;
mod rows;
pub mod swiglu;
#[cfg(test)]
mod testing;
pub mod token_scores;
mod variants;
pub mod trial;
pub mod wgsl;

pub use attention::attention;
pub use embedding::embedding;
pub use gelu::gelu;
pub use kernel::Kernel;
pub use layer_norm::layer_norm;
pub use rms_norm::rms_norm;
pub use rope::rope;
pub use swiglu::swiglu;
pub use token_scores::token_scores;
pub use variants::variants;

/// Every variant of every kernel: what is translated offline to the shading languages of all graphics APIs.
pub fn kernels() -> Vec<Kernel> {
    [
        adamw::kernels(),
        attention::kernels(),
        bench::kernels().to_vec(),
        decode::kernels(),
        embedding::kernels(),
        gelu::kernels(),
        layer_norm::kernels(),
        matmul::kernels(),
        rms_norm::kernels(),
        rope::kernels(),
        swiglu::kernels(),
        token_scores::kernels(),
    ]
    .concat()
}
