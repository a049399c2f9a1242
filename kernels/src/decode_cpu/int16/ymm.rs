//! Two vectors of 256 bits: a number of each of the sixteen rows of two panels.

use std::arch::x86_64::*;

use super::super::lanes::Lanes;
use super::super::panels::Words;

/// A word of each row.
pub(super) type YmmInts = [__m256i; 2];

/// A float of each row.
pub(super) type YmmFloats = [__m256; 2];

#[target_feature(enable = "avx2")]
pub(super) fn words([a, b]: [&Words; 2]) -> YmmInts {
    [bytemuck::cast(*a), bytemuck::cast(*b)]
}

#[target_feature(enable = "avx2")]
pub(super) fn floats([a, b]: [&Lanes; 2]) -> YmmFloats {
    [bytemuck::cast(*a), bytemuck::cast(*b)]
}

#[target_feature(enable = "avx2")]
pub(super) fn store([a, b]: YmmFloats, [y, z]: [&mut Lanes; 2]) {
    (*y, *z) = (bytemuck::cast(a), bytemuck::cast(b));
}

#[target_feature(enable = "avx2")]
pub(super) fn zero() -> YmmInts {
    [_mm256_setzero_si256(); 2]
}

#[target_feature(enable = "avx2")]
pub(super) fn no_sums() -> YmmInts {
    zero()
}

/// The 4-bit quants of words as pairs of 16 bits: of columns (0, 2), (4, 6), (1, 3), (5, 7).
#[target_feature(enable = "avx2")]
pub(super) fn nibbles([a, b]: YmmInts) -> [YmmInts; 4] {
    let low = _mm256_set1_epi16(15);
    [
        [_mm256_and_si256(a, low), _mm256_and_si256(b, low)],
        [_mm256_and_si256(_mm256_srli_epi16::<4>(a), low), _mm256_and_si256(_mm256_srli_epi16::<4>(b), low)],
        [_mm256_and_si256(_mm256_srli_epi16::<8>(a), low), _mm256_and_si256(_mm256_srli_epi16::<8>(b), low)],
        [_mm256_srli_epi16::<12>(a), _mm256_srli_epi16::<12>(b)],
    ]
}

/// The signed bytes of words as pairs of 16 bits: (0, 2), (1, 3).
#[target_feature(enable = "avx2")]
pub(super) fn bytes([a, b]: YmmInts) -> [YmmInts; 2] {
    [
        [_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(a)), _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(b))],
        [_mm256_srai_epi16::<8>(a), _mm256_srai_epi16::<8>(b)],
    ]
}

/// The f16 in the low and in the high halves of words.
#[target_feature(enable = "avx2,f16c")]
pub(super) fn halves([a, b]: YmmInts) -> [YmmFloats; 2] {
    let ([a, c], [b, d]) = (halves_of_eight(a), halves_of_eight(b));
    [[a, b], [c, d]]
}

#[target_feature(enable = "avx2,f16c")]
fn halves_of_eight(words: __m256i) -> [__m256; 2] {
    let apart = _mm256_setr_epi8(
        0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15,
    );
    let sorted = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_shuffle_epi8(words, apart));
    [_mm256_cvtph_ps(_mm256_castsi256_si128(sorted)), _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(sorted))]
}

/// Byte `N` of words.
#[target_feature(enable = "avx2")]
pub(super) fn byte<const N: usize>([a, b]: YmmInts) -> YmmFloats {
    [byte_of_eight::<N>(a), byte_of_eight::<N>(b)]
}

#[target_feature(enable = "avx2")]
fn byte_of_eight<const N: usize>(words: __m256i) -> __m256 {
    let shifted = _mm256_srl_epi32(words, _mm_cvtsi32_si128(8 * N as i32));
    _mm256_cvtepi32_ps(_mm256_and_si256(shifted, _mm256_set1_epi32(255)))
}

#[target_feature(enable = "avx2")]
pub(super) fn mul([a, b]: YmmFloats, [c, d]: YmmFloats) -> YmmFloats {
    [_mm256_mul_ps(a, c), _mm256_mul_ps(b, d)]
}

#[target_feature(enable = "avx2")]
pub(super) fn scaled(floats: YmmFloats, factor: f32) -> YmmFloats {
    mul(floats, [_mm256_set1_ps(factor); 2])
}

/// `sums` + a b
#[target_feature(enable = "avx2,fma")]
pub(super) fn multiply_add(a: YmmFloats, b: YmmFloats, sums: YmmFloats) -> YmmFloats {
    [_mm256_fmadd_ps(a[0], b[0], sums[0]), _mm256_fmadd_ps(a[1], b[1], sums[1])]
}

/// `sums` + a b
#[target_feature(enable = "avx2,fma")]
pub(super) fn multiply_add_one(a: YmmFloats, b: f32, sums: YmmFloats) -> YmmFloats {
    multiply_add(a, [_mm256_set1_ps(b); 2], sums)
}

#[target_feature(enable = "avx2")]
pub(super) fn to_floats([a, b]: YmmInts) -> YmmFloats {
    [_mm256_cvtepi32_ps(a), _mm256_cvtepi32_ps(b)]
}

/// `sums` plus the products of a pair of quants of each row with those of a column.
#[target_feature(enable = "avx2")]
pub(super) fn dot_avx2([a, b]: YmmInts, [v, w]: YmmInts, x: i32) -> YmmInts {
    let x = _mm256_set1_epi32(x);
    [_mm256_add_epi32(a, _mm256_madd_epi16(v, x)), _mm256_add_epi32(b, _mm256_madd_epi16(w, x))]
}

/// [`dot_avx2`] in one instruction.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) fn dot_avx_vnni([a, b]: YmmInts, [v, w]: YmmInts, x: i32) -> YmmInts {
    let x = _mm256_set1_epi32(x);
    [_mm256_dpwssd_avx_epi32(a, v, x), _mm256_dpwssd_avx_epi32(b, w, x)]
}
