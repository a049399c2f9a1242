//! The schemes: how many bits a weight has and how its codes are scaled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::PackError;

/// Weights that a shader loads at once; every row of codes is a whole number of them.
pub const RUN: usize = 8;

/// The 16 levels of NF4: quantiles of the normal distribution, scaled to −1..1 (Dettmers et al. 2023, appendix E).
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

/// How the weights of a matrix are stored; the table of [`quant`](super) describes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// 8-bit codes, one scale per 32.
    Q8,
    /// 4-bit codes around zero, one scale per 32.
    Q4,
    /// 4-bit codes, scale and minimum per 32.
    Q4Affine,
    /// 4-bit codes, scales and minima per 32 that are themselves quantised per 256.
    Q4K,
    /// 4-bit codes for the 16 levels of NF4, one scale per 64.
    Nf4,
}

impl Scheme {
    /// Every scheme, widest first.
    pub const ALL: [Scheme; 7] =
        [Scheme::F32, Scheme::F16, Scheme::Q8, Scheme::Q4Affine, Scheme::Q4K, Scheme::Q4, Scheme::Nf4];

    /// The name that users write and kernels carry.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::F32 => "f32",
            Scheme::F16 => "f16",
            Scheme::Q8 => "q8",
            Scheme::Q4 => "q4",
            Scheme::Q4Affine => "q4affine",
            Scheme::Q4K => "q4k",
            Scheme::Nf4 => "nf4",
        }
    }

    /// What the length of a row has to be a multiple of.
    pub fn row_multiple(self) -> usize {
        match self {
            Scheme::F32 | Scheme::F16 => 1,
            Scheme::Q8 | Scheme::Q4 | Scheme::Q4Affine => 32,
            Scheme::Nf4 => 64,
            Scheme::Q4K => 256,
        }
    }

    /// Words of codes in a run of [`RUN`] weights.
    pub fn run_words(self) -> usize {
        match self {
            Scheme::F32 => 8,
            Scheme::F16 => 4,
            Scheme::Q8 => 2,
            Scheme::Q4 | Scheme::Q4Affine | Scheme::Q4K | Scheme::Nf4 => 1,
        }
    }

    /// Whether there are scales beside the codes.
    pub fn is_scaled(self) -> bool {
        !matches!(self, Scheme::F32 | Scheme::F16)
    }

    /// Words of scales in a row of `cols` weights.
    pub fn scale_words(self, cols: usize) -> usize {
        match self {
            Scheme::F32 | Scheme::F16 => 0,
            Scheme::Q8 | Scheme::Q4 => cols.div_ceil(64),
            Scheme::Q4Affine => cols.div_ceil(32),
            Scheme::Q4K => 5 * cols.div_ceil(256),
            Scheme::Nf4 => cols.div_ceil(64),
        }
    }

    /// Bytes of a matrix `[rows, cols]`, codes and scales.
    pub fn bytes(self, rows: usize, cols: usize) -> usize {
        rows * (cols.div_ceil(RUN) * self.run_words() + self.scale_words(cols)) * size_of::<u32>()
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scheme {
    type Err = PackError;

    fn from_str(name: &str) -> Result<Self, PackError> {
        let known = Scheme::ALL.into_iter().find(|scheme| scheme.name() == name);
        known.ok_or_else(|| PackError::UnknownScheme(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_schemes() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.name().parse(), Ok(scheme));
        }
        assert!("q3".parse::<Scheme>().unwrap_err().to_string().contains("expected one of f32"));
    }

    #[test]
    fn a_matrix_has_the_bits_that_the_table_says() {
        let bits = |scheme: Scheme| scheme.bytes(3, 512) as f64 * 8.0 / (3.0 * 512.0);
        assert_eq!(Scheme::ALL.map(bits), [32.0, 16.0, 8.5, 5.0, 4.625, 4.5, 4.5]);
    }

    #[test]
    fn the_levels_of_nf4_rise_from_minus_one_to_one_through_zero() {
        assert!(NF4_LEVELS.is_sorted_by(|a, b| a < b));
        assert_eq!((NF4_LEVELS[0], NF4_LEVELS[7], NF4_LEVELS[15]), (-1.0, 0.0, 1.0));
    }
}
