//! Packing from the block formats of weight files, bit for bit.

use half::f16;

use super::error::PackError;
use super::packed::{Packed, expect_length};
use super::row::{put_byte, put_half, put_nibble, put_q4k_scale};
use super::scheme::Scheme;

/// The block formats of GGUF that a scheme holds without loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)] // the formats' own names
pub enum Blocks {
    /// One half per weight.
    F16,
    /// One float per weight.
    F32,
    /// 34 bytes per 32 weights: half d; 32 signed codes.
    Q8_0,
    /// 18 bytes per 32 weights: half d; 16 bytes of codes.
    Q4_0,
    /// 20 bytes per 32 weights: halves d and m; 16 bytes of codes.
    Q4_1,
    /// 144 bytes per 256 weights: halves d and dmin; 12 bytes of 6-bit scales and offsets; 128 bytes of codes.
    Q4_K,
}

impl Blocks {
    /// The scheme that holds these blocks.
    pub fn scheme(self) -> Scheme {
        match self {
            Blocks::F16 => Scheme::F16,
            Blocks::F32 => Scheme::F32,
            Blocks::Q8_0 => Scheme::Q8,
            Blocks::Q4_0 => Scheme::Q4,
            Blocks::Q4_1 => Scheme::Q4Affine,
            Blocks::Q4_K => Scheme::Q4K,
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
    /// Rows that are no whole number of blocks, a length that the shape does not ask for, scales that are not finite.
    pub fn pack(self, rows: usize, cols: usize, bytes: &[u8]) -> Result<Packed, PackError> {
        let scheme = self.scheme();
        let (weights, size) = self.size();
        if !cols.is_multiple_of(weights) {
            return Err(PackError::Columns { scheme, cols });
        }
        let row_bytes = cols / weights * size;
        let expected = rows.checked_mul(row_bytes).ok_or(PackError::Huge { rows, cols })?;
        expect_length("bytes of weights", expected, bytes.len())?;
        Packed::fill(scheme, rows, cols, |r, codes, scales| {
            for (b, block) in bytes[r * row_bytes..][..row_bytes].chunks(size).enumerate() {
                self.put(b, block, codes, scales);
            }
        })
    }

    /// Stores the `b`-th block of a row.
    fn put(self, b: usize, block: &[u8], codes: &mut [u32], scales: &mut [u32]) {
        let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]);
        match self {
            Blocks::F32 => codes[b] = u32::from_le_bytes([block[0], block[1], block[2], block[3]]),
            Blocks::F16 => {
                put_half(codes, b, half(0));
            }
            Blocks::Q8_0 => {
                put_half(scales, b, half(0));
                block[2..].iter().enumerate().for_each(|(i, code)| put_byte(codes, 32 * b + i, *code));
            }
            Blocks::Q4_0 => {
                put_half(scales, b, half(0));
                put_two_halves(&mut codes[4 * b..], &block[2..]);
            }
            Blocks::Q4_1 => {
                put_half(scales, 2 * b, half(0));
                put_half(scales, 2 * b + 1, half(2));
                put_two_halves(&mut codes[4 * b..], &block[4..]);
            }
            Blocks::Q4_K => {
                let scales = &mut scales[5 * b..];
                put_half(scales, 0, half(0));
                put_half(scales, 1, half(2));
                for g in 0..8 {
                    let (s, m) = six_bits(&block[4..16], g);
                    put_q4k_scale(scales, g, s, m);
                }
                // Of 32 bytes the low halves are one group, the high halves the next.
                for (pair, bytes) in block[16..].chunks(32).enumerate() {
                    put_two_halves(&mut codes[32 * b + 8 * pair..], bytes);
                }
            }
        }
    }
}

/// Stores the low halves of `bytes` as the codes of the first weights, then the high halves as those that follow.
fn put_two_halves(codes: &mut [u32], bytes: &[u8]) {
    for (i, byte) in bytes.iter().enumerate() {
        put_nibble(codes, i, u32::from(byte & 15));
        put_nibble(codes, bytes.len() + i, u32::from(byte >> 4));
    }
}

/// Scale and offset of group `g` of a Q4_K block, 6 bits each.
///
/// The first four groups have theirs in the low six bits of bytes 0..4 (scales) and 4..8 (offsets). The last four have the low
/// four bits in bytes 8..12, the scale's in the low half, and the upper two above those of the first four.
fn six_bits(packed: &[u8], g: usize) -> (u8, u8) {
    match g {
        0..4 => (packed[g] & 63, packed[g + 4] & 63),
        _ => (packed[g + 4] & 15 | packed[g - 4] >> 6 << 4, packed[g + 4] >> 4 | packed[g] >> 6 << 4),
    }
}

/// NF4 as bitsandbytes stores it, over the whole matrix without regard to rows.
#[derive(Debug, Clone, Copy)]
pub struct Nf4Blocks<'a> {
    /// Two codes per byte, the first weight's in the high half.
    pub codes: &'a [u8],
    /// The largest magnitude of every 64 weights. Where a file has these quantised too, they are to be unpacked first.
    pub largest: &'a [f32],
}

impl Nf4Blocks<'_> {
    /// Packs a matrix `[rows, cols]`.
    ///
    /// # Errors
    /// Rows that are no multiple of 64, lengths that the shape does not ask for, magnitudes that are not finite.
    pub fn pack(self, rows: usize, cols: usize) -> Result<Packed, PackError> {
        let count = rows.checked_mul(cols).ok_or(PackError::Huge { rows, cols })?;
        expect_length("magnitudes of NF4", count / 64, self.largest.len())?;
        expect_length("bytes of NF4 codes", count / 2, self.codes.len())?;
        Packed::fill(Scheme::Nf4, rows, cols, |r, codes, scales| {
            let largest = &self.largest[r * cols / 64..][..cols / 64];
            scales.iter_mut().zip(largest).for_each(|(scale, a)| *scale = a.to_bits());
            for (i, byte) in self.codes[r * cols / 2..][..cols / 2].iter().enumerate() {
                put_nibble(codes, 2 * i, u32::from(byte >> 4));
                put_nibble(codes, 2 * i + 1, u32::from(byte & 15));
            }
        })
    }
}
