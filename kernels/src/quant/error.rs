//! The errors of packing weights.

use super::scheme::QuantScheme;

/// Weights that do not fit into a scheme, or whose bytes are not what their shape asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Rows that are not a multiple of the group.
    #[error(
        "rows of {cols} weights: expected a multiple of {group} for {scheme}, found a rest of {rest}\n  next: keep this tensor in f16 or f32",
        group = scheme.row_multiple(),
        rest = cols % scheme.row_multiple()
    )]
    Columns {
        /// The requested scheme.
        scheme: QuantScheme,
        /// The length of a row.
        cols: usize,
    },
    /// More or less data than the shape asks for.
    #[error(
        "{what}: expected {expected}, found {found}\n  next: check that the file is whole and the shape is the tensor's"
    )]
    Length {
        /// The data that is too long or too short, with its unit.
        what: &'static str,
        /// The length that the shape requires.
        expected: usize,
        /// The length that was found.
        found: usize,
    },
    /// A shape whose size no machine can address.
    #[error("a weight of {rows} x {cols}: expected a matrix that fits into memory, found more than can be addressed")]
    Huge {
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
    },
    /// Weights that are infinite, NaN, or beyond the range of the scheme's f16.
    #[error(
        "row {row}: expected finite weights within the range of {scheme}, found others\n  next: keep this tensor in f32, or check the file"
    )]
    Range {
        /// The first such row, from 0.
        row: usize,
        /// The requested scheme.
        scheme: QuantScheme,
    },
    /// More than a shader can reach in one buffer of this device.
    #[error(
        "a weight of {rows} x {cols} in {scheme}: expected at most {limit} bytes in one buffer, found {bytes}\n  next: choose a scheme of fewer bits, or `--device cpu`"
    )]
    Buffer {
        /// The scheme.
        scheme: QuantScheme,
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
        /// The size of the quants.
        bytes: u64,
        /// The device's limit.
        limit: u64,
    },
    /// A name that is none of the block formats'.
    #[error("{0}: expected one of f32, f16, q8_0, q4_1, q4_k, q4_0, found another name")]
    UnknownBlocks(String),
}
