//! Instruction sets, and the dispatch of kernels by them.

use std::fmt;
use std::sync::LazyLock;

use super::lanes::SimdKernel;

/// An instruction set that this processor has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(IsaLevel);

/// The variants of kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsaLevel {
    /// The instructions that every processor of this architecture has.
    Portable,
    /// Vectors of 256 bits, fused multiply-adds, conversions of f16.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// [`IsaLevel::Avx2`], and dot products of pairs of 16-bit integers (VNNI).
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// [`IsaLevel::Avx2`], and the dot products in vectors of 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// Vectors of 128 bits, which every processor of the architecture has.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

static AVAILABLE: LazyLock<Vec<Isa>> = LazyLock::new(|| {
    let mut levels = Vec::new();
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
        if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bw") {
            levels.push(IsaLevel::Avx512Vnni);
        }
        if is_x86_feature_detected!("avxvnni") {
            levels.push(IsaLevel::AvxVnni);
        }
        levels.push(IsaLevel::Avx2);
    }
    #[cfg(target_arch = "aarch64")]
    levels.push(IsaLevel::Neon);
    levels.push(IsaLevel::Portable);
    levels.into_iter().map(Isa).collect()
});

impl Isa {
    /// Every instruction set that kernels have a variant for and this processor runs, best first.
    pub fn available() -> &'static [Isa] {
        &AVAILABLE
    }

    /// The best of [`Isa::available`].
    pub fn best() -> Isa {
        AVAILABLE[0]
    }

    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self.0 {
            IsaLevel::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            IsaLevel::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            IsaLevel::AvxVnni => "AVX-VNNI",
            #[cfg(target_arch = "x86_64")]
            IsaLevel::Avx512Vnni => "AVX-512 VNNI",
            #[cfg(target_arch = "aarch64")]
            IsaLevel::Neon => "NEON",
        }
    }

    /// Returns true if there are products of integers for it. Elsewhere those of floats are faster.
    pub fn has_integer_products(self) -> bool {
        self.0 != IsaLevel::Portable
    }

    /// Runs a kernel that the compiler vectorises, compiled for this instruction set.
    #[allow(unsafe_code)]
    pub(crate) fn run<K: SimdKernel>(self, kernel: K) -> K::Output {
        match self.0 {
            IsaLevel::Portable => kernel.run::<false>(),
            // SAFETY: an `Isa` is only made in `AVAILABLE`, where the processor has its features.
            #[cfg(target_arch = "x86_64")]
            IsaLevel::Avx2 | IsaLevel::AvxVnni | IsaLevel::Avx512Vnni => unsafe { with_avx2(kernel) },
            // The compiler may use NEON everywhere.
            #[cfg(target_arch = "aarch64")]
            IsaLevel::Neon => kernel.run::<true>(),
        }
    }

    /// The variants of this instruction set.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) fn level(self) -> IsaLevel {
        self.0
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn with_avx2<K: SimdKernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}
