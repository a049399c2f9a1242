//! Devices and GPU kernels: everything of tiller that touches burn's plumbing, buffers or shaders.

pub mod device;
