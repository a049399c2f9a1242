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
}

impl MatmulPrecision {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::F32, Self::Bf16];

    /// The name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}
