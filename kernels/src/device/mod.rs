//! Devices: the adapters of this machine, the one that `--device` selects, and the registry of those that are
//! open.
//!
//! `adapters` lists, `choice` decides (a pure function over the listed facts), `gpu` holds the open ones,
//! `fault` turns the failures of a device into errors. [`open`](crate::open()) opens. burn and the kernels
//! that we launch ourselves share one wgpu device, so a tensor of either is a buffer of both.

mod adapters;
mod choice;
mod cpu;
mod error;
mod fault;
mod gpu;

pub(crate) use adapters::adapter_handle;
pub use adapters::{AdapterFacts, AdapterKind, Capabilities, CooperativeMatrix, Scalar, SubgroupSizes, adapters};
pub use choice::{Choice, choose};
pub use cpu::{CpuFacts, cpu};
pub use error::DeviceError;
pub(crate) use fault::listen;
pub use fault::{drain, guard};
pub use gpu::{Gpu, features, gpu_of};
pub(crate) use gpu::{OpenGpu, open_once};
