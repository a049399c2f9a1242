//! The quantization schemes: the bits of a weight and the scaling of its quants.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The weights of a pack, which a shader loads at once. Every row of quants is a whole number of packs.
pub const PACK: usize = 8;

/// The 16 levels of NF4: quantiles of the normal distribution, scaled to −1..1 (Dettmers et al. 2023,
/// appendix E).
pub const NF4_LEVELS: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// The storage scheme of a matrix's weights; the table of [`quant`](super) describes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuantScheme {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// 8-bit quants, one scale per 32.
    Q8,
    /// 4-bit quants around zero, one scale per 32.
    Q4,
    /// 4-bit quants, scale and minimum per 32.
    Q4Affine,
    /// 4-bit quants, scales and minima per 32 that are themselves quantized per 256.
    Q4K,
    /// 4-bit quants for the 16 levels of NF4, one scale per 64.
    Nf4,
}

impl QuantScheme {
    /// Every scheme, widest first.
    pub const ALL: [QuantScheme; 7] = [
        QuantScheme::F32,
        QuantScheme::F16,
        QuantScheme::Q8,
        QuantScheme::Q4Affine,
        QuantScheme::Q4K,
        QuantScheme::Q4,
        QuantScheme::Nf4,
    ];

    /// The name that users write and kernels carry.
    pub fn name(self) -> &'static str {
        match self {
            QuantScheme::F32 => "f32",
            QuantScheme::F16 => "f16",
            QuantScheme::Q8 => "q8",
            QuantScheme::Q4 => "q4",
            QuantScheme::Q4Affine => "q4affine",
            QuantScheme::Q4K => "q4k",
            QuantScheme::Nf4 => "nf4",
        }
    }

    /// The number that shaders know it by.
    pub(crate) const fn number(self) -> u32 {
        self as u32
    }

    /// The name of [`number`](QuantScheme::number) in shaders: that of the GGUF format which the scheme holds
    /// without loss.
    pub(crate) fn constant(self) -> &'static str {
        match self {
            QuantScheme::F32 => "F32",
            QuantScheme::F16 => "F16",
            QuantScheme::Q8 => "Q8_0",
            QuantScheme::Q4 => "Q4_0",
            QuantScheme::Q4Affine => "Q4_1",
            QuantScheme::Q4K => "Q4_K",
            QuantScheme::Nf4 => "NF4",
        }
    }

    /// The number that a row's length must be a multiple of.
    pub fn row_multiple(self) -> usize {
        match self {
            QuantScheme::F32 | QuantScheme::F16 => 1,
            QuantScheme::Q8 | QuantScheme::Q4 | QuantScheme::Q4Affine => 32,
            QuantScheme::Nf4 => 64,
            QuantScheme::Q4K => 256,
        }
    }

    /// Words of quants in a pack of [`PACK`] weights.
    pub fn pack_words(self) -> usize {
        match self {
            QuantScheme::F32 => 8,
            QuantScheme::F16 => 4,
            QuantScheme::Q8 => 2,
            QuantScheme::Q4 | QuantScheme::Q4Affine | QuantScheme::Q4K | QuantScheme::Nf4 => 1,
        }
    }

    /// Returns true if there are scales beside the quants.
    pub fn is_scaled(self) -> bool {
        !matches!(self, QuantScheme::F32 | QuantScheme::F16)
    }

    /// Returns true if a weight is an integer times a scale, plus an offset, so that products of integers serve it.
    pub fn has_integer_quants(self) -> bool {
        matches!(self, QuantScheme::Q8 | QuantScheme::Q4 | QuantScheme::Q4Affine | QuantScheme::Q4K)
    }

    /// Words of scales in a row of `cols` weights.
    pub fn scale_words(self, cols: usize) -> usize {
        match self {
            QuantScheme::F32 | QuantScheme::F16 => 0,
            QuantScheme::Q8 | QuantScheme::Q4 => cols.div_ceil(64),
            QuantScheme::Q4Affine => cols.div_ceil(32),
            QuantScheme::Q4K => 5 * cols.div_ceil(256),
            QuantScheme::Nf4 => cols.div_ceil(64),
        }
    }

    /// Bytes of a matrix `[rows, cols]`, quants and scales.
    pub fn bytes(self, rows: usize, cols: usize) -> usize {
        rows * (cols.div_ceil(PACK) * self.pack_words() + self.scale_words(cols)) * size_of::<u32>()
    }
}

impl fmt::Display for QuantScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no scheme has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: expected one of f32, f16, q8, q4, q4affine, q4k, nf4, found another name")]
pub struct UnknownScheme(pub String);

impl FromStr for QuantScheme {
    type Err = UnknownScheme;

    fn from_str(name: &str) -> Result<Self, UnknownScheme> {
        let known = QuantScheme::ALL.into_iter().find(|scheme| scheme.name() == name);
        known.ok_or_else(|| UnknownScheme(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_schemes() {
        for scheme in QuantScheme::ALL {
            assert_eq!(scheme.name().parse(), Ok(scheme));
        }
        assert!("q3".parse::<QuantScheme>().unwrap_err().to_string().contains("expected one of f32"));
    }

    #[test]
    fn a_matrix_has_the_bits_that_the_table_says() {
        let bits = |scheme: QuantScheme| scheme.bytes(3, 512) as f64 * 8.0 / (3.0 * 512.0);
        assert_eq!(QuantScheme::ALL.map(bits), [32.0, 16.0, 8.5, 5.0, 4.625, 4.5, 4.5]);
    }

    #[test]
    fn the_levels_of_nf4_rise_from_minus_one_to_one_through_zero() {
        assert!(NF4_LEVELS.is_sorted_by(|a, b| a < b));
        assert_eq!((NF4_LEVELS[0], NF4_LEVELS[7], NF4_LEVELS[15]), (-1.0, 0.0, 1.0));
    }
}
