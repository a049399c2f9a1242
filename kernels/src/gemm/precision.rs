//! The precision of matrix products.

use serde::{Deserialize, Serialize};

/// The precision of the factors of matrix products in training on a CPU. Sums are f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatmulPrecision {
    /// 24 bits of each factor.
    #[default]
    F32,
    /// Factors are rounded to bfloat16: 8 bits of each, in the range of f32.
    Bf16,
    /// Factors are the sums of two bfloat16 each, of whose four products the smallest is left out: 16 bits of each factor.
    Bf16x3,
    /// Three products of bfloat16 for one where the processor has tiles for them (AMX), else f32.
    Auto,
}

impl MatmulPrecision {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::Auto, Self::F32, Self::Bf16x3, Self::Bf16];

    /// The name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Bf16x3 => "bf16x3",
            Self::Auto => "auto",
        }
    }
}
