//! Quantized weights, packed once at load in the one layout that training, decoding and every shader read.
//!
//! A weight matrix `[rows, cols]` (a linear layer's `[out, in]`) becomes two arrays of u32 words, both row by
//! row:
//!
//! - **quants**: every row is a whole number of *packs* of 8 weights. A pack is 1 word of 4-bit quants, 2
//!   words of 8-bit quants, 4 words of f16 or 8 words of f32, so a shader loads it with one aligned
//!   instruction whatever the scheme. The last pack of a row is padded with zeros. In a word of 4-bit quants,
//!   byte j holds weight j in its low nibble and weight j + 4 in its high nibble: one mask gives four
//!   neighbours in four bytes, ready for vec4 arithmetic and for packed int8 dot products.
//! - **scales**: the factors that turn the quants of a *group* into weights, a whole number of words per row.
//!
//! | scheme | group | weight | words of scales | bits | holds without loss |
//! |---|---|---|---|---|---|
//! | f32 | – | c | none | 32 | F32, F16, BF16 |
//! | f16 | – | c | none | 16 | F16 |
//! | q8 | 32 | d c, c in −128..127 | f16 d, two in a word | 8.5 | Q8_0 |
//! | q4 | 32 | d (c − 8) | f16 d, two in a word | 4.5 | Q4_0 |
//! | q4affine | 32 | d c + m | one per group: f16 d low, f16 m high | 5 | Q4_1, Q4_0 |
//! | q4k | 32 of 256 | d s c − e m | five per 256: f16 d, e; bytes s, m of 8 groups | 4.63 | Q4_K |
//! | nf4 | 64 | a · level(c) | one per group: float a | 4.5 | NF4 |
//!
//! q4 is not stored as q4affine because decoding is bound by the bytes of the weights, and Q4_0 is the most
//! common format of models. Every other source (Q5, Q6_K, BF16 to f16, …) is converted through f32 and loses
//! the precision that its target lacks.

mod blocks;
mod error;
mod packed;
mod row;
mod scheme;

pub use blocks::{Blocks, Nf4Blocks};
pub use error::PackError;
pub use packed::PackedMatrix;
pub use scheme::{NF4_LEVELS, PACK, QuantScheme, UnknownScheme};

#[cfg(test)]
mod tests;
