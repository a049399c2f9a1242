//! The CPU kernels of `kernels/`, with stand-ins for what they take from the rest of the crate. Its tests are those of the kernels.

// The kernels are used by their checks alone here.
#![allow(dead_code, unused_imports, missing_docs)]

#[path = "../../../kernels/src/decode_cpu/mod.rs"]
pub mod decode_cpu;

#[path = "../../../kernels/src/gemm/mod.rs"]
pub mod gemm;

/// Packed matrices.
#[path = "../../../kernels/src/quant"]
pub mod quant {
    mod blocks;
    mod error;
    mod packed;
    mod row;
    mod scheme;

    pub use blocks::{Blocks, Nf4Blocks};
    pub use error::PackError;
    pub use packed::PackedMatrix;
    pub use scheme::{NF4_LEVELS, PACK, QuantScheme, UnknownScheme};
}

/// The heads and the KV pages of decoding.
#[path = "../../../kernels/src/decode"]
pub mod decode {
    mod heads;

    pub use heads::{Heads, KvFormat, PAGE};
}

/// The checks' results and numbers.
#[path = "../../../kernels/src/check"]
pub mod check {
    mod noise;
    mod result;

    pub(crate) use noise::noise;
    pub use result::CheckResult;
}

/// Comparison of numbers.
#[cfg(test)]
#[path = "../../../kernels/src/testing"]
pub mod testing {
    mod close;

    pub use close::assert_close;
}
