//! The variants of GEMM, by precision and instruction set.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::amx;
use super::matrix_view::MatrixView;
use super::pairs::{PackPairs, PairOrder, Part, TILE_WORDS};
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
    Bf16(PackedPairs),
}

/// Factors in pairs of bf16.
#[derive(Debug, Clone, Copy)]
struct PackedPairs {
    /// Of the left factor.
    order: PairOrder,
    /// The parts of either factor that meet in a block, one after the other.
    parts: [&'static [Part]; 2],
}

impl Factors {
    /// Rounded to bf16.
    const fn rounded(order: PairOrder) -> Self {
        Self::Bf16(PackedPairs { order, parts: [&[Part::High], &[Part::High]] })
    }

    /// Of two bf16 each.
    const fn split(order: PairOrder) -> Self {
        use Part::{High, Low};
        Self::Bf16(PackedPairs { order, parts: [&[High, High, Low], &[High, Low, High]] })
    }
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

static BF16_PORTABLE: [GemmVariant; 2] = [
    variant!("portable BF16", tile::bf16_portable, Factors::rounded(PairOrder::Pairs)),
    variant!("portable BF16 x 3", tile::bf16_portable, Factors::split(PairOrder::Pairs)),
];
#[cfg(target_arch = "x86_64")]
static BF16_AVX512: [GemmVariant; 2] = [
    variant!("AVX-512 BF16", tile::bf16_avx512, Factors::rounded(PairOrder::Pairs)),
    variant!("AVX-512 BF16 x 3", tile::bf16_avx512, Factors::split(PairOrder::Pairs)),
];
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
static BF16_AMX: [GemmVariant; 2] = [
    variant!("AMX BF16", amx, Factors::rounded(PairOrder::Tiles)),
    variant!("AMX BF16 x 3", amx, Factors::split(PairOrder::Tiles)),
];

/// Of f32, of bf16 and of three bf16 for one, best first.
static AVAILABLE: LazyLock<[Vec<&GemmVariant>; 3]> = LazyLock::new(|| {
    let bf16 = bf16_variants();
    [f32_variants(), bf16.iter().map(|[rounded, _]| rounded).collect(), bf16.iter().map(|[_, split]| split).collect()]
});

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

fn bf16_variants() -> Vec<&'static [GemmVariant; 2]> {
    let mut variants: Vec<&[GemmVariant; 2]> = Vec::new();
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
        let [f32, rounded, split] = &*AVAILABLE;
        match precision {
            MatmulPrecision::F32 => f32,
            MatmulPrecision::Bf16 => rounded,
            MatmulPrecision::Bf16x3 => split,
            MatmulPrecision::Auto if split[0].has_tiles() => split,
            MatmulPrecision::Auto => f32,
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

    /// Returns true if the processor multiplies tiles: three products of them take less time than one of f32.
    fn has_tiles(&self) -> bool {
        matches!(self.factors, Factors::Bf16(PackedPairs { order: PairOrder::Tiles, .. }))
    }

    /// Depth of a block: a panel of the right factor stays in the first cache, or in the second one of AMX, which adds to
    /// the result less often.
    pub(super) fn block_depth(&self) -> usize {
        match self.factors {
            Factors::F32 => 256,
            Factors::Bf16(_) if self.has_tiles() => 1024,
            Factors::Bf16(PackedPairs { parts: [parts, _], .. }) => 512 / parts.len(),
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
            Factors::Bf16(PackedPairs { order: PairOrder::Pairs, parts: [parts, _] }) => {
                parts.len() * depth.div_ceil(2)
            }
            Factors::Bf16(PackedPairs { order: PairOrder::Tiles, parts: [parts, _] }) => {
                parts.len() * depth.div_ceil(2).next_multiple_of(TILE_WORDS)
            }
        }
    }

    /// Packs rows of the left factor into panels.
    pub(super) fn pack_left(&self, left: MatrixView, rows: Range<usize>, depth: Range<usize>, packed: &mut [u32]) {
        match self.factors {
            Factors::F32 => pack_floats(left, rows, depth, self.tile[0], packed),
            Factors::Bf16(PackedPairs { order, parts: [parts, _] }) => {
                let width = self.tile[0];
                Isa::best().run(PackPairs { matrix: left, rows, depth, width, order, parts, packed });
            }
        }
    }

    /// Packs columns of the right factor into panels.
    pub(super) fn pack_right(&self, right: MatrixView, columns: Range<usize>, depth: Range<usize>, packed: &mut [u32]) {
        let right = right.transposed();
        match self.factors {
            Factors::F32 => pack_floats(right, columns, depth, self.tile[1], packed),
            Factors::Bf16(PackedPairs { parts: [_, parts], .. }) => {
                let (rows, width, order) = (columns, self.tile[1], PairOrder::Pairs);
                Isa::best().run(PackPairs { matrix: right, rows, depth, width, order, parts, packed });
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
