//! Block formats: how GGUF stores a row of weights in few bits, and its values as float32.
//!
//! A row is cut into blocks of 32 or 256 values. A block holds one quant per value, an integer of 2 to 8 bits, and the scales that turn
//! quants into values. Numbers are little-endian; "half" is IEEE binary16. Where two quants share a byte, the low bits belong to
//! the value that comes first in the block, though seldom to its direct neighbour: each function says which bytes belong to which values.
//!
//! The arithmetic is float32 in the order that the reference (ggml) uses, so the values are equal to its to the last bit.

mod flat;
mod nested;

use std::fmt;

use rayon::prelude::*;
use tiller_kernels::quant::Blocks;

/// The storage format of a tensor's values.
#[allow(missing_docs)] // The variants are the formats' own names; `blocks` documents each at its function.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
}

impl Format {
    /// Every format that tiller reads.
    pub const ALL: [Format; 13] = [
        Format::F32,
        Format::F16,
        Format::BF16,
        Format::Q4_0,
        Format::Q4_1,
        Format::Q5_0,
        Format::Q5_1,
        Format::Q8_0,
        Format::Q2_K,
        Format::Q3_K,
        Format::Q4_K,
        Format::Q5_K,
        Format::Q6_K,
    ];

    /// The number that stands for this format in a GGUF file (`ggml_type`).
    pub fn ggml_type(self) -> u32 {
        match self {
            Format::F32 => 0,
            Format::F16 => 1,
            Format::Q4_0 => 2,
            Format::Q4_1 => 3,
            Format::Q5_0 => 6,
            Format::Q5_1 => 7,
            Format::Q8_0 => 8,
            Format::Q2_K => 10,
            Format::Q3_K => 11,
            Format::Q4_K => 12,
            Format::Q5_K => 13,
            Format::Q6_K => 14,
            Format::BF16 => 30,
        }
    }

    /// Values per block; a row is a whole number of blocks.
    pub fn block_values(self) -> usize {
        match self {
            Format::F32 | Format::F16 | Format::BF16 => 1,
            Format::Q4_0 | Format::Q4_1 | Format::Q5_0 | Format::Q5_1 | Format::Q8_0 => 32,
            Format::Q2_K | Format::Q3_K | Format::Q4_K | Format::Q5_K | Format::Q6_K => 256,
        }
    }

    /// The half-precision scales and offsets of a block, by their first bytes.
    fn halves(self) -> &'static [usize] {
        match self {
            Format::F32 | Format::F16 | Format::BF16 => &[],
            Format::Q4_0 | Format::Q5_0 | Format::Q8_0 => &[0],
            Format::Q4_1 | Format::Q5_1 | Format::Q4_K | Format::Q5_K => &[0, 2],
            Format::Q2_K => &[80, 82],
            Format::Q3_K => &[108],
            Format::Q6_K => &[208],
        }
    }

    /// Bytes per block.
    pub fn block_bytes(self) -> usize {
        match self {
            Format::F32 => 4,
            Format::F16 | Format::BF16 => 2,
            Format::Q4_0 => 18,
            Format::Q4_1 => 20,
            Format::Q5_0 => 22,
            Format::Q5_1 => 24,
            Format::Q8_0 => 34,
            Format::Q2_K => 84,
            Format::Q3_K => 110,
            Format::Q4_K => 144,
            Format::Q5_K => 176,
            Format::Q6_K => 210,
        }
    }
}

impl From<Blocks> for Format {
    fn from(blocks: Blocks) -> Self {
        match blocks {
            Blocks::F32 => Format::F32,
            Blocks::F16 => Format::F16,
            Blocks::Q8_0 => Format::Q8_0,
            Blocks::Q4_0 => Format::Q4_0,
            Blocks::Q4_1 => Format::Q4_1,
            Blocks::Q4_K => Format::Q4_K,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The values of `bytes`, which hold whole blocks of `format`, on all cores.
///
/// # Panics
/// Where `bytes` end within a block; the readers of this crate check that before.
pub fn dequantize(format: Format, bytes: &[u8]) -> Vec<f32> {
    match format {
        Format::F32 => each_block(bytes, flat::f32),
        Format::F16 => each_block(bytes, flat::f16),
        Format::BF16 => each_block(bytes, flat::bf16),
        Format::Q4_0 => each_block(bytes, flat::q4_0),
        Format::Q4_1 => each_block(bytes, flat::q4_1),
        Format::Q5_0 => each_block(bytes, flat::q5_0),
        Format::Q5_1 => each_block(bytes, flat::q5_1),
        Format::Q8_0 => each_block(bytes, flat::q8_0),
        Format::Q2_K => each_block(bytes, nested::q2_k),
        Format::Q3_K => each_block(bytes, nested::q3_k),
        Format::Q4_K => each_block(bytes, nested::q4_k),
        Format::Q5_K => each_block(bytes, nested::q5_k),
        Format::Q6_K => each_block(bytes, nested::q6_k),
    }
}

/// Returns true if every value of `bytes`, which hold whole blocks of `format`, is a finite number.
///
/// Quants are whole numbers, and a half-precision scale is too small to make them overflow: the scales decide.
pub fn is_finite(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::F32 => none_has(bytes, |x: [u8; 4]| u32::from_le_bytes(x) & 0x7f80_0000 == 0x7f80_0000),
        Format::F16 => none_has(bytes, half_is_not_finite),
        Format::BF16 => none_has(bytes, |x: [u8; 2]| u16::from_le_bytes(x) & 0x7f80 == 0x7f80),
        blocks => bytes
            .chunks_exact(blocks.block_bytes())
            .all(|block| blocks.halves().iter().all(|&at| !half_is_not_finite([block[at], block[at + 1]]))),
    }
}

/// All exponent bits are set.
fn half_is_not_finite(half: [u8; 2]) -> bool {
    u16::from_le_bytes(half) & 0x7c00 == 0x7c00
}

/// Without an early end, the loop is one for vector instructions.
fn none_has<const N: usize>(bytes: &[u8], fault: impl Fn([u8; N]) -> bool) -> bool {
    !bytes.as_chunks::<N>().0.iter().fold(false, |found, number| found | fault(*number))
}

/// `decode` over every block of `B` bytes, in parallel runs long enough to be worth a task.
fn each_block<const B: usize, const V: usize>(
    bytes: &[u8],
    decode: impl Fn(&[u8; B]) -> [f32; V] + Sync + Send,
) -> Vec<f32> {
    const VALUES_PER_TASK: usize = 1 << 14;
    let (blocks, rest) = bytes.as_chunks::<B>();
    assert!(rest.is_empty(), "{} bytes are no whole number of {B}-byte blocks", bytes.len());
    let values: Vec<[f32; V]> = blocks.par_iter().with_min_len(VALUES_PER_TASK / V).map(decode).collect();
    values.into_flattened()
}

/// The half-precision number at byte `at` of a block.
fn half_at(block: &[u8], at: usize) -> f32 {
    half::f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_decodes_blocks_of_its_size_and_keeps_their_order() {
        for format in Format::ALL {
            // More blocks than one task takes, told apart by their first bytes, which are quants or scales in every format.
            let blocks = 3 + (1 << 15) / format.block_values();
            let bytes: Vec<u8> = (0..blocks * format.block_bytes()).map(|i| (i % 61) as u8).collect();
            let together = dequantize(format, &bytes);
            let one_by_one: Vec<f32> = bytes.chunks(format.block_bytes()).flat_map(|b| dequantize(format, b)).collect();
            assert_eq!(together.len(), blocks * format.block_values(), "{format}");
            assert!(together.iter().zip(&one_by_one).all(|(a, b)| a.to_bits() == b.to_bits()), "{format}");
        }
    }

    #[test]
    fn a_tensor_is_finite_where_its_values_are() {
        for format in Format::ALL {
            let (size, blocks) = (format.block_bytes(), 1 + 512 / format.block_values());
            // Each pair of bytes of a block in turn becomes a NaN or an infinity of half precision; in quants that is a number.
            for at in (0..size - 1).step_by(2) {
                for special in [0x7e00_u16, 0xfc00, 0x7f80, 0x3c00] {
                    let mut bytes = vec![0x11; blocks * size];
                    let last = bytes.len() - size + at;
                    bytes[last..last + 2].copy_from_slice(&special.to_le_bytes());
                    let expected = dequantize(format, &bytes).iter().all(|value| value.is_finite());
                    assert_eq!(is_finite(format, &bytes), expected, "{format}: {special:x} at {at}");
                }
            }
        }
    }

    #[test]
    fn a_block_made_by_hand_has_the_values_computed_by_hand() {
        // Q4_0 with scale 0.5: byte 0 holds the quant 15 of value 0 (low) and the quant 0 of value 16 (high).
        let mut block = [0x88; 18];
        block[..2].copy_from_slice(&half::f16::from_f32(0.5).to_le_bytes());
        block[2] = 0x0f;
        let values = dequantize(Format::Q4_0, &block);
        assert_eq!((values[0], values[16]), (3.5, -4.0));
        assert!(values.iter().enumerate().all(|(i, v)| i % 16 == 0 || *v == 0.0));
    }
}
