//! Devices and GPU kernels: the part of tiller that works with burn's backends, buffers and shaders.
//!
//! An operation is one file: parameters, launch, gradient, CPU reference, tests. Its shaders are in
//! `shaders/` under the same stem.
//!
//! An operation is a function on burn's tensors, with its gradient:
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use tiller_kernels::gelu;
//!
//! let device = Device::flex().autodiff(); // or tiller_kernels::open("auto")?.device.autodiff()
//! let x = Tensor::<1>::from_floats([-1.0, 0.0, 2.0], &device).require_grad();
//! let gradients = gelu(x.clone()).sum().backward();
//! let slope: Vec<f32> = x.grad(&gradients).unwrap().try_into_vec_as().unwrap();
//! assert!((slope[1] - 0.5).abs() < 1e-6, "{slope:?}");
//! ```
//!
//! A kernel is the name of a shader and its constants. It can be printed, and run through burn or through
//! plain wgpu ([`pipelines`]):
//!
//! ```
//! use tiller_kernels::Kernel;
//!
//! let kernel = Kernel::new("gelu").with("WORKGROUP", 256u32).with("WIDE", 0u32);
//! assert!(kernel.wgsl().text.contains("normal_below(x[i])"));
//! ```
//!
//! docs/extending.md describes how to add one.

pub mod adamw;
pub mod attention;
pub mod autodiff;
pub mod bench;
pub mod check;
mod cooperative;
mod cpu;
pub mod cross_entropy;
pub mod decode;
pub mod decode_cpu;
pub mod device;
mod elementwise;
pub mod embedding;
mod features;
mod gelu;
mod gemm;
pub mod kernel;
mod launches;
mod layer_norm;
pub mod matmul;
mod open;
pub mod operations;
pub mod pipelines;
pub mod quant;
pub mod rms_norm;
pub mod rope;
mod rows;
pub mod swiglu;
#[cfg(test)]
mod testing;
mod variants;
pub mod wgsl;

pub use attention::attention;
pub use cross_entropy::cross_entropy;
pub use embedding::embedding;
pub use features::KernelFeatures;
pub use gelu::gelu;
pub use gemm::{MatmulPrecision, check_gemm};
pub use kernel::Kernel;
pub use launches::count_launches;
pub use layer_norm::layer_norm;
pub use open::{OpenDevice, open, test_devices, test_gpu};
pub use operations::kernels;
pub use rms_norm::rms_norm;
pub use rope::rope;
pub use swiglu::swiglu;
pub use variants::{tiers, variants};
