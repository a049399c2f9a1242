//! The variants of GEMM by instruction set.

use super::matrix_view::MatrixView;
use super::tile::{self, PackedProduct};
use crate::decode_cpu::Isa;
#[cfg(target_arch = "x86_64")]
use crate::decode_cpu::IsaLevel;

/// A variant of GEMM that this processor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GemmVariant(Tiles);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tiles {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl GemmVariant {
    pub(super) fn of(isa: Isa) -> Self {
        #[cfg(target_arch = "x86_64")]
        match isa.level() {
            IsaLevel::Portable => {}
            IsaLevel::Avx2 | IsaLevel::AvxVnni => return Self(Tiles::Avx2),
            IsaLevel::Avx512Vnni => return Self(Tiles::Avx512),
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = isa;
        Self(Tiles::Portable)
    }

    /// Rows and columns of a tile.
    pub(super) fn tile(self) -> [usize; 2] {
        match self.0 {
            Tiles::Portable => [tile::portable::ROWS, tile::portable::COLS],
            #[cfg(target_arch = "x86_64")]
            Tiles::Avx2 => [tile::avx2::ROWS, tile::avx2::COLS],
            #[cfg(target_arch = "x86_64")]
            Tiles::Avx512 => [tile::avx512::ROWS, tile::avx512::COLS],
        }
    }

    /// c += left · right
    #[allow(unsafe_code)]
    pub(super) fn multiply(self, product: PackedProduct) {
        match self.0 {
            Tiles::Portable => tile::portable::multiply(product),
            // SAFETY: there is a `GemmVariant` of an `Isa` only, which is made where the processor has its features.
            #[cfg(target_arch = "x86_64")]
            Tiles::Avx2 => unsafe { tile::avx2::multiply(product) },
            #[cfg(target_arch = "x86_64")]
            Tiles::Avx512 => unsafe { tile::avx512::multiply(product) },
        }
    }
}

/// Packs rows of `matrix` into panels of `width` rows, which is a side of a tile of some variant.
pub(super) fn pack(
    matrix: MatrixView,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    width: usize,
    packed: &mut [f32],
) {
    match width {
        4 => matrix.pack::<4>(rows, columns, packed),
        6 => matrix.pack::<6>(rows, columns, packed),
        12 => matrix.pack::<12>(rows, columns, packed),
        16 => matrix.pack::<16>(rows, columns, packed),
        32 => matrix.pack::<32>(rows, columns, packed),
        _ => unreachable!("no tile has a side of {width}"),
    }
}
