//! A vector of eight floats without instructions of its own.

use crate::decode_cpu::lanes::{LANES, Lanes, multiply_add as multiply_add_one};

/// Processors of this architecture multiply and add in one instruction.
const FMA: bool = cfg!(target_arch = "aarch64");

#[inline(always)]
pub(super) fn zero() -> Lanes {
    Lanes::default()
}

#[inline(always)]
pub(super) fn splat(x: u32) -> Lanes {
    [f32::from_bits(x); LANES]
}

#[inline(always)]
pub(super) fn vector([words]: &[[u32; LANES]; 1]) -> Lanes {
    words.map(f32::from_bits)
}

#[inline(always)]
pub(super) fn lanes(vector: Lanes) -> [Lanes; 1] {
    [vector]
}

/// a b + c
#[inline(always)]
pub(super) fn multiply_add(a: Lanes, b: Lanes, mut c: Lanes) -> Lanes {
    for i in 0..LANES {
        c[i] = multiply_add_one::<FMA>(a[i], b[i], c[i]);
    }
    c
}
