//! The variants of GEMM, by precision and instruction set.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::amx;
use super::matrix_view::MatrixView;
use super::pairs::{PackPairs, PairOrder, TILE_WORDS};
use super::precision::MatmulPrecision;
use super::tile::{self, PackedProduct};
use crate::decode_cpu::Isa;
#[cfg(target_arch = "x86_64")]
use crate::decode_cpu::IsaLevel;

/// A variant of GEMM.
pub(crate) struct GemmVariant {
    name: &'static str,
    /// Rows and columns of a tile of the result.
    pub(super) tile: [usize; 2],
    factors: Factors,
    multiply: unsafe fn(PackedProduct),
}

/// The words of packed factors.
#[derive(Debug, Clone, Copy)]
enum Factors {
    F32,
    /// Pairs of bf16, those of the left factor in this order.
    Bf16(PairOrder),
}

macro_rules! variant {
    ($name:literal, $tiles:path, $factors:expr) => {{
        use $tiles as tiles;
        GemmVariant { name: $name, tile: [tiles::ROWS, tiles::COLS], factors: $factors, multiply: tiles::multiply }
    }};
}

static PORTABLE: GemmVariant = variant!("portable", tile::portable, Factors::F32);
#[cfg(target_arch = "x86_64")]
static AVX2: GemmVariant = variant!("AVX2", tile::avx2, Factors::F32);
#[cfg(target_arch = "x86_64")]
static AVX512: GemmVariant = variant!("AVX-512", tile::avx512, Factors::F32);

static BF16_PORTABLE: GemmVariant = variant!("portable BF16", tile::bf16_portable, Factors::Bf16(PairOrder::Pairs));
#[cfg(target_arch = "x86_64")]
static BF16_AVX512: GemmVariant = variant!("AVX-512 BF16", tile::bf16_avx512, Factors::Bf16(PairOrder::Pairs));
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
static BF16_AMX: GemmVariant = variant!("AMX BF16", amx, Factors::Bf16(PairOrder::Tiles));

/// Of f32 and of bf16, best first.
static AVAILABLE: LazyLock<[Vec<&GemmVariant>; 2]> = LazyLock::new(|| [f32_variants(), bf16_variants()]);

fn f32_variants() -> Vec<&'static GemmVariant> {
    let mut variants: Vec<&GemmVariant> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    for isa in Isa::available() {
        match isa.level() {
            IsaLevel::Avx512Vnni => variants.push(&AVX512),
            IsaLevel::Avx2 => variants.push(&AVX2),
            IsaLevel::AvxVnni | IsaLevel::Portable => {}
        }
    }
    variants.push(&PORTABLE);
    variants
}

fn bf16_variants() -> Vec<&'static GemmVariant> {
    let mut variants: Vec<&GemmVariant> = Vec::new();
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    if amx::is_available() {
        variants.push(&BF16_AMX);
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512f") {
        variants.push(&BF16_AVX512);
    }
    variants.push(&BF16_PORTABLE);
    variants
}

impl GemmVariant {
    /// Every variant of a precision that this processor runs, best first.
    pub(crate) fn available(precision: MatmulPrecision) -> &'static [&'static GemmVariant] {
        let [f32, bf16] = &*AVAILABLE;
        match precision {
            MatmulPrecision::F32 => f32,
            MatmulPrecision::Bf16 => bf16,
        }
    }

    /// The best of [`GemmVariant::available`].
    pub(crate) fn best(precision: MatmulPrecision) -> &'static GemmVariant {
        Self::available(precision)[0]
    }

    /// The name that users see.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Depth of a block: a panel of the right factor stays in the first cache, or in the second one of AMX, which adds to
    /// the result less often.
    pub(super) fn block_depth(&self) -> usize {
        match self.factors {
            Factors::F32 => 256,
            Factors::Bf16(PairOrder::Tiles) => 1024,
            Factors::Bf16(PairOrder::Pairs) => 512,
        }
    }

    /// Rows of the result that a core computes at once: whole tiles of every variant. Faster products read the right
    /// factor less often.
    pub(super) fn part_rows(&self) -> usize {
        match self.factors {
            Factors::F32 => 48,
            Factors::Bf16(_) => 96,
        }
    }

    /// Words of a row of a factor of this depth.
    pub(super) fn words(&self, depth: usize) -> usize {
        match self.factors {
            Factors::F32 => depth,
            Factors::Bf16(PairOrder::Pairs) => depth.div_ceil(2),
            Factors::Bf16(PairOrder::Tiles) => depth.div_ceil(2).next_multiple_of(TILE_WORDS),
        }
    }

    /// Packs rows of the left factor into panels.
    pub(super) fn pack_left(&self, left: MatrixView, rows: Range<usize>, depth: Range<usize>, packed: &mut [u32]) {
        match self.factors {
            Factors::F32 => pack_floats(left, rows, depth, self.tile[0], packed),
            Factors::Bf16(order) => {
                Isa::best().run(PackPairs { matrix: left, rows, depth, width: self.tile[0], order, packed });
            }
        }
    }

    /// Packs columns of the right factor into panels.
    pub(super) fn pack_right(&self, right: MatrixView, columns: Range<usize>, depth: Range<usize>, packed: &mut [u32]) {
        let right = right.transposed();
        match self.factors {
            Factors::F32 => pack_floats(right, columns, depth, self.tile[1], packed),
            Factors::Bf16(_) => {
                let (rows, width, order) = (columns, self.tile[1], PairOrder::Pairs);
                Isa::best().run(PackPairs { matrix: right, rows, depth, width, order, packed });
            }
        }
    }

    /// c += left · right
    #[allow(unsafe_code)]
    pub(super) fn multiply(&self, product: PackedProduct) {
        // SAFETY: a variant is only reached through `AVAILABLE`, which has those whose instructions the processor has.
        unsafe { (self.multiply)(product) }
    }
}

impl fmt::Debug for GemmVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Packs rows of `matrix` into panels of `width` rows, which is a side of a tile of some variant.
fn pack_floats(matrix: MatrixView, rows: Range<usize>, columns: Range<usize>, width: usize, packed: &mut [u32]) {
    let packed = bytemuck::cast_slice_mut(packed);
    match width {
        4 => matrix.pack::<4>(rows, columns, packed),
        6 => matrix.pack::<6>(rows, columns, packed),
        12 => matrix.pack::<12>(rows, columns, packed),
        16 => matrix.pack::<16>(rows, columns, packed),
        32 => matrix.pack::<32>(rows, columns, packed),
        _ => unreachable!("no tile has a side of {width}"),
    }
}
