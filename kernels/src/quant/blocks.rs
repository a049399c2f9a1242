//! Packing from the block formats of weight files and back into them, bit for bit.

use std::fmt;
use std::str::FromStr;

use half::f16;
use rayon::prelude::*;

use super::error::PackError;
use super::packed::{PackedMatrix, expect_length};
use super::row::{byte_at, f16_bits, nibble_at, put_f16, put_nibble, put_q4k_scale};
use super::scheme::{PACK, QuantScheme};

/// The block formats of GGUF that a scheme holds without loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)] // the formats' own names
pub enum Blocks {
    /// One half per weight.
    F16,
    /// One float per weight.
    F32,
    /// 34 bytes per 32 weights: f16 d; 32 signed quants.
    Q8_0,
    /// 18 bytes per 32 weights: f16 d; 16 bytes of quants.
    Q4_0,
    /// 20 bytes per 32 weights: f16 d and m; 16 bytes of quants.
    Q4_1,
    /// 144 bytes per 256 weights: f16 d and dmin; 12 bytes of 6-bit scales and offsets; 128 bytes of quants.
    Q4_K,
}

impl Blocks {
    /// Every block format, widest first.
    pub const ALL: [Blocks; 6] = [Blocks::F32, Blocks::F16, Blocks::Q8_0, Blocks::Q4_1, Blocks::Q4_K, Blocks::Q4_0];

    /// The name that users write: "q4_0".
    pub fn name(self) -> &'static str {
        match self {
            Blocks::F16 => "f16",
            Blocks::F32 => "f32",
            Blocks::Q8_0 => "q8_0",
            Blocks::Q4_0 => "q4_0",
            Blocks::Q4_1 => "q4_1",
            Blocks::Q4_K => "q4_k",
        }
    }

    /// The scheme that holds these blocks.
    pub fn scheme(self) -> QuantScheme {
        match self {
            Blocks::F16 => QuantScheme::F16,
            Blocks::F32 => QuantScheme::F32,
            Blocks::Q8_0 => QuantScheme::Q8,
            Blocks::Q4_0 => QuantScheme::Q4,
            Blocks::Q4_1 => QuantScheme::Q4Affine,
            Blocks::Q4_K => QuantScheme::Q4K,
        }
    }

    /// Weights and bytes of a block.
    fn size(self) -> (usize, usize) {
        match self {
            Blocks::F16 => (1, 2),
            Blocks::F32 => (1, 4),
            Blocks::Q8_0 => (32, 34),
            Blocks::Q4_0 => (32, 18),
            Blocks::Q4_1 => (32, 20),
            Blocks::Q4_K => (256, 144),
        }
    }

    /// Packs a matrix `[rows, cols]` from the bytes of its blocks, little-endian, row by row.
    ///
    /// # Errors
    /// Rows that are not a multiple of the block, a length that the shape does not require, scales that are
    /// not finite.
    pub fn pack(self, rows: usize, cols: usize, bytes: &[u8]) -> Result<PackedMatrix, PackError> {
        let scheme = self.scheme();
        let (weights, size) = self.size();
        if !cols.is_multiple_of(weights) {
            return Err(PackError::Columns { scheme, cols });
        }
        let row_bytes = cols / weights * size;
        let expected = rows.checked_mul(row_bytes).ok_or(PackError::Huge { rows, cols })?;
        expect_length("bytes of weights", expected, bytes.len())?;
        PackedMatrix::fill(scheme, rows, cols, |r, quants, scales| {
            for (b, block) in bytes[r * row_bytes..][..row_bytes].chunks(size).enumerate() {
                self.put(b, block, quants, scales);
            }
        })
    }

    /// The blocks of a packed matrix, row by row: the bytes that [`Blocks::pack`] packs into it.
    ///
    /// # Panics
    /// A matrix of another scheme.
    pub fn bytes(self, packed: &PackedMatrix) -> Vec<u8> {
        assert_eq!(packed.scheme(), self.scheme(), "{self} holds no other scheme");
        let (weights, size) = self.size();
        let row_bytes = packed.cols() / weights * size;
        let mut bytes = vec![0; packed.rows() * row_bytes];
        bytes.par_chunks_mut(row_bytes.max(1)).enumerate().for_each(|(r, row)| {
            let (quants, scales) = packed.words_of(r..r + 1);
            row.chunks_mut(size).enumerate().for_each(|(b, block)| self.get(b, block, quants, scales));
        });
        bytes
    }

    /// Stores the `b`-th block of a row.
    fn put(self, b: usize, block: &[u8], quants: &mut [u32], scales: &mut [u32]) {
        let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]);
        match self {
            Blocks::F32 => quants[b] = u32::from_le_bytes([block[0], block[1], block[2], block[3]]),
            Blocks::F16 => {
                put_f16(quants, b, half(0));
            }
            Blocks::Q8_0 => {
                put_f16(scales, b, half(0));
                let words = quants[8 * b..].iter_mut().zip(block[2..].as_chunks().0);
                words.for_each(|(quants, bytes)| *quants = u32::from_le_bytes(*bytes));
            }
            Blocks::Q4_0 => {
                put_f16(scales, b, half(0));
                put_two_nibbles(&mut quants[4 * b..], &block[2..]);
            }
            Blocks::Q4_1 => {
                put_f16(scales, 2 * b, half(0));
                put_f16(scales, 2 * b + 1, half(2));
                put_two_nibbles(&mut quants[4 * b..], &block[4..]);
            }
            Blocks::Q4_K => {
                let scales = &mut scales[5 * b..];
                put_f16(scales, 0, half(0));
                put_f16(scales, 1, half(2));
                for g in 0..8 {
                    let (s, m) = six_bits(&block[4..16], g);
                    put_q4k_scale(scales, g, s, m);
                }
                // Of 32 bytes the low nibbles are one group, the high nibbles the next.
                for (pair, bytes) in block[16..].chunks(32).enumerate() {
                    put_two_nibbles(&mut quants[32 * b + 8 * pair..], bytes);
                }
            }
        }
    }
}

impl Blocks {
    /// Writes the `b`-th block of a row to `block`, which comes zeroed.
    fn get(self, b: usize, block: &mut [u8], quants: &[u32], scales: &[u32]) {
        let put = |block: &mut [u8], at: usize, half: u16| block[at..at + 2].copy_from_slice(&half.to_le_bytes());
        match self {
            Blocks::F32 => block.copy_from_slice(&quants[b].to_le_bytes()),
            Blocks::F16 => put(block, 0, f16_bits(quants, b)),
            Blocks::Q8_0 => {
                put(block, 0, f16_bits(scales, b));
                block[2..].iter_mut().enumerate().for_each(|(i, quant)| *quant = byte_at(quants, 32 * b + i));
            }
            Blocks::Q4_0 => {
                put(block, 0, f16_bits(scales, b));
                get_two_nibbles(&mut block[2..], &quants[4 * b..]);
            }
            Blocks::Q4_1 => {
                put(block, 0, f16_bits(scales, 2 * b));
                put(block, 2, f16_bits(scales, 2 * b + 1));
                get_two_nibbles(&mut block[4..], &quants[4 * b..]);
            }
            Blocks::Q4_K => {
                let scales = &scales[5 * b..];
                put(block, 0, f16_bits(scales, 0));
                put(block, 2, f16_bits(scales, 1));
                for g in 0..8 {
                    put_six_bits(&mut block[4..16], g, byte_at(&scales[1..], 2 * g), byte_at(&scales[1..], 2 * g + 1));
                }
                for (pair, bytes) in block[16..].chunks_mut(32).enumerate() {
                    get_two_nibbles(bytes, &quants[32 * b + 8 * pair..]);
                }
            }
        }
    }
}

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Blocks {
    type Err = PackError;

    fn from_str(name: &str) -> Result<Self, PackError> {
        let known = Blocks::ALL.into_iter().find(|blocks| blocks.name() == name);
        known.ok_or_else(|| PackError::UnknownBlocks(name.to_owned()))
    }
}

/// Stores the low nibbles of `bytes` as the quants of the first weights, then the high nibbles as those that
/// follow.
fn put_two_nibbles(quants: &mut [u32], bytes: &[u8]) {
    const LOW: u32 = 0x0f0f_0f0f;
    let (first, second) = quants.split_at_mut(bytes.len() / PACK);
    for ((first, second), eight) in first.iter_mut().zip(second).zip(bytes.as_chunks::<PACK>().0) {
        let [a, b] = [0, 4].map(|at| u32::from_le_bytes(std::array::from_fn(|i| eight[at + i])));
        *first = a & LOW | (b & LOW) << 4;
        *second = a >> 4 & LOW | b & !LOW;
    }
}

/// The quants of the first weights in the low nibbles of `bytes`, those of the weights that follow in the
/// high nibbles.
fn get_two_nibbles(bytes: &mut [u8], quants: &[u32]) {
    let count = bytes.len();
    let quant = |i: usize| nibble_at(quants, i) as u8;
    bytes.iter_mut().enumerate().for_each(|(i, byte)| *byte = quant(i) | quant(count + i) << 4);
}

/// Scale and offset of group `g` of a Q4_K block, 6 bits each.
///
/// The first four groups have theirs in the low six bits of bytes 0..4 (scales) and 4..8 (offsets). The last
/// four have the low four bits in bytes 8..12, the scale's in the low half, and the upper two above those of
/// the first four.
fn six_bits(packed: &[u8], g: usize) -> (u8, u8) {
    match g {
        0..4 => (packed[g] & 63, packed[g + 4] & 63),
        _ => (packed[g + 4] & 15 | packed[g - 4] >> 6 << 4, packed[g + 4] >> 4 | packed[g] >> 6 << 4),
    }
}

/// Stores what [`six_bits`] reads, in bits that are zero.
fn put_six_bits(packed: &mut [u8], g: usize, s: u8, m: u8) {
    match g {
        0..4 => {
            packed[g] |= s;
            packed[g + 4] |= m;
        }
        _ => {
            packed[g + 4] |= s & 15 | m << 4;
            packed[g - 4] |= s >> 4 << 6;
            packed[g] |= m >> 4 << 6;
        }
    }
}

/// NF4 as bitsandbytes stores it, over the whole matrix without regard to rows.
#[derive(Debug, Clone, Copy)]
pub struct Nf4Blocks<'a> {
    /// Two quants per byte, the first weight's in the high half.
    pub quants: &'a [u8],
    /// The largest magnitude of every 64 weights. Where a file has these quantized too, they are to be
    /// unpacked first.
    pub largest: &'a [f32],
}

impl Nf4Blocks<'_> {
    /// Packs a matrix `[rows, cols]`.
    ///
    /// # Errors
    /// Rows that are no multiple of 64, lengths that the shape does not ask for, magnitudes that are not
    /// finite.
    pub fn pack(self, rows: usize, cols: usize) -> Result<PackedMatrix, PackError> {
        let count = rows.checked_mul(cols).ok_or(PackError::Huge { rows, cols })?;
        expect_length("magnitudes of NF4", count / 64, self.largest.len())?;
        expect_length("bytes of NF4 quants", count / 2, self.quants.len())?;
        PackedMatrix::fill(QuantScheme::Nf4, rows, cols, |r, quants, scales| {
            let largest = &self.largest[r * cols / 64..][..cols / 64];
            scales.iter_mut().zip(largest).for_each(|(scale, a)| *scale = a.to_bits());
            for (i, byte) in self.quants[r * cols / 2..][..cols / 2].iter().enumerate() {
                put_nibble(quants, 2 * i, u32::from(byte >> 4));
                put_nibble(quants, 2 * i + 1, u32::from(byte & 15));
            }
        })
    }
}
