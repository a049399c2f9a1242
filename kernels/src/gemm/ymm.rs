//! A vector of 256 bits.

use std::arch::x86_64::*;

use crate::decode_cpu::lanes::{LANES, Lanes};

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn zero() -> __m256 {
    _mm256_setzero_ps()
}

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn splat(x: u32) -> __m256 {
    _mm256_set1_ps(f32::from_bits(x))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn vector([words]: &[[u32; LANES]; 1]) -> __m256 {
    bytemuck::cast(*words)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn lanes(vector: __m256) -> [Lanes; 1] {
    [bytemuck::cast(vector)]
}

/// a b + c
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 {
    _mm256_fmadd_ps(a, b, c)
}
