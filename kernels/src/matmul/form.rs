//! What a shader has to know of a weight apart from its words.

use crate::device::Gpu;
use crate::quant::{PackError, Packed, RUN, Scheme};

/// Scheme and shape `[rows, cols]` of a weight, apart from its words, and how it multiplies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(super) scheme: Scheme,
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Whether products with it have factors of f32 on every device.
    pub(super) exact: bool,
}

impl Form {
    pub(super) fn of(packed: &Packed) -> Self {
        Form { scheme: packed.scheme(), rows: packed.rows(), cols: packed.cols(), exact: false }
    }

    /// Runs of weights in a row.
    pub(super) fn runs(self) -> usize {
        self.cols.div_ceil(RUN)
    }

    /// Whether one binding of the device reaches all codes, which are never fewer than the scales.
    pub(super) fn fits(self, gpu: &Gpu) -> Result<(), PackError> {
        let Form { scheme, rows, cols, .. } = self;
        let bytes = (rows * self.runs() * scheme.run_words() * size_of::<u32>()) as u64;
        let limit = gpu.capabilities.max_binding_bytes;
        if bytes > limit { Err(PackError::Buffer { scheme, rows, cols, bytes, limit }) } else { Ok(()) }
    }
}
