//! A vector of eight words of two bf16 each, without instructions of its own.

use crate::decode_cpu::lanes::{LANES, Lanes};

/// The numbers of the low halves and of the high halves.
type Pairs = [Lanes; 2];

#[inline(always)]
pub(super) fn zero() -> Lanes {
    Lanes::default()
}

#[inline(always)]
pub(super) fn splat(word: u32) -> Pairs {
    vector(&[[word; LANES]])
}

#[inline(always)]
pub(super) fn vector([words]: &[[u32; LANES]; 1]) -> Pairs {
    [words.map(|word| f32::from_bits(word << 16)), words.map(|word| f32::from_bits(word & 0xffff_0000))]
}

#[inline(always)]
pub(super) fn lanes(vector: Lanes) -> [Lanes; 1] {
    [vector]
}

/// a b + c, of both halves
#[inline(always)]
pub(super) fn multiply_add([a_low, a_high]: Pairs, [b_low, b_high]: Pairs, mut c: Lanes) -> Lanes {
    for i in 0..LANES {
        c[i] += a_low[i] * b_low[i] + a_high[i] * b_high[i];
    }
    c
}
