//! Blocks of 256 values with two levels of scales: sub-blocks of 16 or 32 values have small integer scales (and offsets),
//! which themselves are multiples of the block's half-precision `d` (and `dmin`).

use std::array::from_fn;

use super::half_at;

/// `d s q − dmin m`, 2-bit quants q, sub-blocks of 16.
///
/// Bytes: 16 of scales (s low, m high half); 64 of quants; half d; half dmin.
pub(super) fn q2_k(block: &[u8; 84]) -> [f32; 256] {
    let (d, dmin) = (half_at(block, 80), half_at(block, 82));
    from_fn(|i| {
        let scales = block[i / 16];
        let scale = d * (scales & 0xf) as f32;
        let offset = dmin * (scales >> 4) as f32;
        scale * two_bits(&block[16..], i) as f32 - offset
    })
}

/// `d (s − 32) q`, signed 3-bit quants q, sub-blocks of 16.
///
/// Bytes: 32 of third bits; 64 of the lower two; 12 of scales; half d. A third bit that is NOT set takes 4 away.
pub(super) fn q3_k(block: &[u8; 110]) -> [f32; 256] {
    let d = half_at(block, 108);
    let scales: [f32; 16] = from_fn(|j| d * (six_bit_scale(&block[96..108], j) as i32 - 32) as f32);
    from_fn(|i| {
        let low = two_bits(&block[32..], i) as i32;
        let quant = if bit_plane(block, i) == 1 { low } else { low - 4 };
        scales[i / 16] * quant as f32
    })
}

/// `d s q − dmin m`, 4-bit quants q, sub-blocks of 32.
///
/// Bytes: half d; half dmin; 12 of scales and offsets; 128 of quants.
pub(super) fn q4_k(block: &[u8; 144]) -> [f32; 256] {
    let (scales, offsets) = scales_and_offsets(block);
    from_fn(|i| scales[i / 32] * paired_nibble(&block[16..], i) as f32 - offsets[i / 32])
}

/// `d s q − dmin m`, 5-bit quants q, sub-blocks of 32.
///
/// Bytes: half d; half dmin; 12 of scales and offsets; 32 of fifth bits; 128 of the lower four.
pub(super) fn q5_k(block: &[u8; 176]) -> [f32; 256] {
    let (scales, offsets) = scales_and_offsets(block);
    from_fn(|i| {
        let quant = paired_nibble(&block[48..], i) | bit_plane(&block[16..], i) << 4;
        scales[i / 32] * quant as f32 - offsets[i / 32]
    })
}

/// `d s (q − 32)`, 6-bit quants q, signed 8-bit scales s, sub-blocks of 16.
///
/// Bytes: 128 of the lower four bits; 64 of the upper two; 16 of scales; half d. In each half of the block, 64 bytes hold
/// the lower bits: values 0 to 63 in their low halves, values 64 to 127 in their high halves.
pub(super) fn q6_k(block: &[u8; 210]) -> [f32; 256] {
    let d = half_at(block, 208);
    let scales: [f32; 16] = from_fn(|j| d * (block[192 + j] as i8) as f32);
    from_fn(|i| {
        let (half, within) = (i / 128, i % 128);
        let low = (block[64 * half + within % 64] >> (4 * (within / 64))) & 0xf;
        let quant = low | two_bits(&block[128..], i) << 4;
        scales[i / 16] * (quant as i32 - 32) as f32
    })
}

/// The 2-bit quant of value `i`: each half of the block has 32 bytes, and byte l holds values l, l + 32, l + 64 and l + 96.
fn two_bits(quants: &[u8], i: usize) -> u8 {
    let (half, within) = (i / 128, i % 128);
    (quants[32 * half + within % 32] >> (2 * (within / 32))) & 3
}

/// The 4-bit quant of value `i`: 32 bytes hold two sub-blocks, the first in their low halves, the second in their high ones.
fn paired_nibble(quants: &[u8], i: usize) -> u8 {
    (quants[32 * (i / 64) + i % 32] >> (4 * (i / 32 % 2))) & 0xf
}

/// One bit for value `i`: bit j of the 32 bytes belongs to the j-th run of 32 values.
fn bit_plane(bits: &[u8], i: usize) -> u8 {
    (bits[i % 32] >> (i / 32)) & 1
}

/// Scale `j` of 16 with 6 bits each: the lower four in the halves of 8 bytes, the upper two in the quarters of 4 more.
fn six_bit_scale(packed: &[u8], j: usize) -> u8 {
    let low = (packed[j % 8] >> (4 * (j / 8))) & 0xf;
    let high = (packed[8 + j % 4] >> (2 * (j / 4))) & 3;
    low | high << 4
}

/// The scales `d s` and offsets `dmin m` of the 8 sub-blocks of Q4_K and Q5_K, whose blocks start alike.
///
/// s and m have 6 bits each. Those of the first four sub-blocks are the low six bits of bytes 0..4 (s) and 4..8 (m); those of
/// the last four have their lower four bits in the halves of bytes 8..12 and their upper two on top of bytes 0..4 and 4..8.
fn scales_and_offsets(block: &[u8]) -> ([f32; 8], [f32; 8]) {
    let (d, dmin, packed) = (half_at(block, 0), half_at(block, 2), &block[4..16]);
    let scale = |j: usize| match j {
        0..4 => packed[j] & 63,
        _ => packed[j + 4] & 0xf | packed[j - 4] >> 6 << 4,
    };
    let offset = |j: usize| match j {
        0..4 => packed[j + 4] & 63,
        _ => packed[j + 4] >> 4 | packed[j] >> 6 << 4,
    };
    (from_fn(|j| d * scale(j) as f32), from_fn(|j| dmin * offset(j) as f32))
}
