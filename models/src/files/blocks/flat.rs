//! Plain numbers, and blocks of 32 values under one scale.

use std::array::from_fn;

use super::half_at;

/// One IEEE binary32 number.
pub(super) fn f32(bytes: &[u8; 4]) -> [f32; 1] {
    [f32::from_le_bytes(*bytes)]
}

/// One IEEE binary16 number.
pub(super) fn f16(bytes: &[u8; 2]) -> [f32; 1] {
    [half::f16::from_le_bytes(*bytes).to_f32()]
}

/// One bfloat16 number: the upper half of a binary32.
pub(super) fn bf16(bytes: &[u8; 2]) -> [f32; 1] {
    [half::bf16::from_le_bytes(*bytes).to_f32()]
}

/// `d (q − 8)`, 4-bit quants q. Bytes: half d; 16 bytes of quants.
pub(super) fn q4_0(block: &[u8; 18]) -> [f32; 32] {
    let d = half_at(block, 0);
    from_fn(|i| d * (nibble(&block[2..], i) as i32 - 8) as f32)
}

/// `d q + m`, 4-bit quants q. Bytes: half d; half m; 16 bytes of quants.
pub(super) fn q4_1(block: &[u8; 20]) -> [f32; 32] {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    from_fn(|i| d * nibble(&block[4..], i) as f32 + m)
}

/// `d (q − 16)`, 5-bit quants q. Bytes: half d; 4 bytes of fifth bits; 16 bytes of the lower four.
pub(super) fn q5_0(block: &[u8; 22]) -> [f32; 32] {
    let d = half_at(block, 0);
    from_fn(|i| d * ((nibble(&block[6..], i) | fifth_bit(&block[2..], i)) as i32 - 16) as f32)
}

/// `d q + m`, 5-bit quants q. Bytes: half d; half m; 4 bytes of fifth bits; 16 bytes of the lower four.
pub(super) fn q5_1(block: &[u8; 24]) -> [f32; 32] {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    from_fn(|i| d * (nibble(&block[8..], i) | fifth_bit(&block[4..], i)) as f32 + m)
}

/// `d q`, signed 8-bit quants q. Bytes: half d; 32 quants.
pub(super) fn q8_0(block: &[u8; 34]) -> [f32; 32] {
    let d = half_at(block, 0);
    from_fn(|i| d * (block[2 + i] as i8) as f32)
}

/// The 4-bit quant of value `i`: byte i mod 16, the low half for the first 16 values and the high half for the others.
fn nibble(quants: &[u8], i: usize) -> u8 {
    (quants[i % 16] >> (4 * (i / 16))) & 0xf
}

/// Bit `i` of a row of 32, moved to where a fifth bit belongs.
fn fifth_bit(bits: &[u8], i: usize) -> u8 {
    ((bits[i / 8] >> (i % 8)) & 1) << 4
}
