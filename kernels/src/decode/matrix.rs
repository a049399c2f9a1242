//! A packed matrix on the GPU, in as many buffers as the device requires.

use crate::device::Gpu;
use crate::matmul::GpuWeight;
use crate::quant::{PackError, PackedMatrix, QuantScheme};

/// A packed matrix in one buffer, or with its rows in several where one would exceed the device's largest
/// binding.
#[derive(Debug, Clone)]
pub struct Matrix {
    pub(super) shards: Vec<Shard>,
    scheme: QuantScheme,
    rows: usize,
    cols: usize,
}

/// Some rows of a matrix.
#[derive(Debug, Clone)]
pub(super) struct Shard {
    pub(super) weight: GpuWeight,
    /// The number of its first row in the matrix.
    pub(super) first: usize,
}

impl Matrix {
    /// Copies a packed matrix to the GPU; rows are kept together by `unit`.
    ///
    /// # Errors
    /// `unit` rows alone exceed the largest binding of the device.
    pub fn upload(packed: &PackedMatrix, unit: usize, gpu: &Gpu) -> Result<Self, PackError> {
        Self::upload_within(packed, unit, gpu, gpu.capabilities.max_binding_bytes)
    }

    /// [`upload`](Matrix::upload) with no buffer beyond `limit` bytes.
    pub(super) fn upload_within(packed: &PackedMatrix, unit: usize, gpu: &Gpu, limit: u64) -> Result<Self, PackError> {
        let (scheme, rows, cols) = (packed.scheme(), packed.rows(), packed.cols());
        let row_bytes = scheme.bytes(1, cols).max(1) as u64;
        let at_once = ((limit / row_bytes) as usize / unit * unit).max(unit);
        let shard = |first| {
            let weight = GpuWeight::upload_rows(packed, first..rows.min(first + at_once), gpu)?;
            Ok(Shard { weight, first })
        };
        let shards = (0..rows).step_by(at_once).map(shard).collect::<Result<_, PackError>>()?;
        Ok(Matrix { shards, scheme, rows, cols })
    }

    /// The scheme.
    pub fn scheme(&self) -> QuantScheme {
        self.scheme
    }

    /// Rows: the outputs of the layer.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: the inputs of the layer.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Bytes of quants and scales.
    pub fn bytes(&self) -> usize {
        self.scheme.bytes(self.rows, self.cols)
    }
}
