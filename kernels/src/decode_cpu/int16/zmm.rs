//! A vector of 512 bits: a number of each of the sixteen rows of two panels.

use std::arch::x86_64::*;

use super::super::lanes::Lanes;
use super::super::panels::Words;

/// A word of each row.
pub(super) type ZmmInts = __m512i;

/// A float of each row.
pub(super) type ZmmFloats = __m512;

#[target_feature(enable = "avx512f")]
pub(super) fn words([a, b]: [&Words; 2]) -> ZmmInts {
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(bytemuck::cast(*a)), bytemuck::cast(*b))
}

#[target_feature(enable = "avx512f")]
pub(super) fn floats([a, b]: [&Lanes; 2]) -> ZmmFloats {
    _mm512_castsi512_ps(words([&bytemuck::cast(*a), &bytemuck::cast(*b)]))
}

#[target_feature(enable = "avx512f")]
pub(super) fn store(floats: ZmmFloats, [y, z]: [&mut Lanes; 2]) {
    let ints = _mm512_castps_si512(floats);
    *y = bytemuck::cast(_mm512_castsi512_si256(ints));
    *z = bytemuck::cast(_mm512_extracti64x4_epi64::<1>(ints));
}

#[target_feature(enable = "avx512f")]
pub(super) fn zero() -> ZmmInts {
    _mm512_setzero_si512()
}

#[target_feature(enable = "avx512f")]
pub(super) fn no_sums() -> ZmmInts {
    zero()
}

/// The 4-bit quants of words as pairs of 16 bits: of columns (0, 2), (4, 6), (1, 3), (5, 7).
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn nibbles(words: ZmmInts) -> [ZmmInts; 4] {
    let low = _mm512_set1_epi16(15);
    [
        _mm512_and_si512(words, low),
        _mm512_and_si512(_mm512_srli_epi16::<4>(words), low),
        _mm512_and_si512(_mm512_srli_epi16::<8>(words), low),
        _mm512_srli_epi16::<12>(words),
    ]
}

/// The signed bytes of words as pairs of 16 bits: (0, 2), (1, 3).
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn bytes(words: ZmmInts) -> [ZmmInts; 2] {
    [_mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(words)), _mm512_srai_epi16::<8>(words)]
}

/// The f16 in the low and in the high halves of words.
#[target_feature(enable = "avx512f")]
pub(super) fn halves(words: ZmmInts) -> [ZmmFloats; 2] {
    let high = _mm512_srli_epi32::<16>(words);
    [_mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)), _mm512_cvtph_ps(_mm512_cvtepi32_epi16(high))]
}

/// Byte `N` of words.
#[target_feature(enable = "avx512f")]
pub(super) fn byte<const N: usize>(words: ZmmInts) -> ZmmFloats {
    let shifted = _mm512_srl_epi32(words, _mm_cvtsi32_si128(8 * N as i32));
    _mm512_cvtepi32_ps(_mm512_and_si512(shifted, _mm512_set1_epi32(255)))
}

#[target_feature(enable = "avx512f")]
pub(super) fn mul(a: ZmmFloats, b: ZmmFloats) -> ZmmFloats {
    _mm512_mul_ps(a, b)
}

#[target_feature(enable = "avx512f")]
pub(super) fn scaled(floats: ZmmFloats, factor: f32) -> ZmmFloats {
    _mm512_mul_ps(floats, _mm512_set1_ps(factor))
}

/// `sums` + a b
#[target_feature(enable = "avx512f")]
pub(super) fn multiply_add(a: ZmmFloats, b: ZmmFloats, sums: ZmmFloats) -> ZmmFloats {
    _mm512_fmadd_ps(a, b, sums)
}

/// `sums` + a b
#[target_feature(enable = "avx512f")]
pub(super) fn multiply_add_one(a: ZmmFloats, b: f32, sums: ZmmFloats) -> ZmmFloats {
    _mm512_fmadd_ps(a, _mm512_set1_ps(b), sums)
}

#[target_feature(enable = "avx512f")]
pub(super) fn to_floats(ints: ZmmInts) -> ZmmFloats {
    _mm512_cvtepi32_ps(ints)
}

/// `sums` plus the products of a pair of quants of each row with those of a column.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn dot_avx512_vnni(sums: ZmmInts, weights: ZmmInts, x: i32) -> ZmmInts {
    _mm512_dpwssd_epi32(sums, weights, _mm512_set1_epi32(x))
}
