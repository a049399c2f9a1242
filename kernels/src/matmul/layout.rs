//! The layout of a packed weight, for shaders.

use crate::device::Gpu;
use crate::quant::{PACK, PackError, PackedMatrix, QuantScheme};

/// Scheme and shape `[rows, cols]` of a weight, apart from its words, and how it multiplies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightLayout {
    pub(super) scheme: QuantScheme,
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// True if products with it use f32 factors on every device.
    pub(super) exact: bool,
}

impl WeightLayout {
    pub(super) fn of(packed: &PackedMatrix) -> Self {
        WeightLayout { scheme: packed.scheme(), rows: packed.rows(), cols: packed.cols(), exact: false }
    }

    /// Packs of weights in a row.
    pub(super) fn packs(self) -> usize {
        self.cols.div_ceil(PACK)
    }

    /// Checks that one binding of the device reaches all quants, which are never fewer than the scales.
    pub(super) fn fits(self, gpu: &Gpu) -> Result<(), PackError> {
        let WeightLayout { scheme, rows, cols, .. } = self;
        let bytes = (rows * self.packs() * scheme.pack_words() * size_of::<u32>()) as u64;
        let limit = gpu.capabilities.max_binding_bytes;
        if bytes > limit { Err(PackError::Buffer { scheme, rows, cols, bytes, limit }) } else { Ok(()) }
    }
}
