//! Tiles of Intel's AMX: a processor multiplies 16 x 32 bf16 by 32 x 16 in one instruction. Rust has no functions for
//! these instructions yet, so they are written out here.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count, _MM_HINT_T0, _mm_prefetch};

use super::pairs::TILE_WORDS;
use super::tile::{PackedProduct, add};

/// Rows of a tile of the result: two tiles of the processor.
pub(super) const ROWS: usize = 32;

/// Columns of a tile of the result: two tiles of the processor.
pub(super) const COLS: usize = 32;

/// Returns true if the processor has AMX with bf16, and the system lets this process use it.
pub(super) fn is_available() -> bool {
    const BF16_AND_TILES: u32 = 1 << 22 | 1 << 24;
    is_x86_feature_detected!("avx512f")
        && __cpuid(0).eax >= 7
        && __cpuid_count(7, 0).edx & BF16_AND_TILES == BF16_AND_TILES
        && permitted()
}

/// Requests the registers of the tiles, which Linux does not save for every process.
#[allow(unsafe_code)]
fn permitted() -> bool {
    const ARCH_PRCTL: isize = 158;
    const REQUEST_PERMISSION: usize = 0x1023;
    const TILE_DATA: usize = 18;
    let result: isize;
    // SAFETY: the call takes two numbers and touches no memory of the process.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") REQUEST_PERMISSION,
            in("rsi") TILE_DATA,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// c += left · right
///
/// # Safety
/// [`is_available`]
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn multiply(product: PackedProduct) {
    let PackedProduct { left, right, depth, c, stride, shape: [rows, cols] } = product;
    let mut sums = Sums([[0.0; COLS]; ROWS]);
    // SAFETY: by the caller.
    let tiles = unsafe { ConfiguredTiles::of_this_thread() };
    for (column, right) in (0..cols).step_by(COLS).zip(right.chunks_exact(depth * COLS)) {
        for (row, left) in (0..rows).step_by(ROWS).zip(left.chunks_exact(depth * ROWS)) {
            let (width, c) = (COLS.min(cols - column), &mut c[row * stride + column..]);
            let rows = rows - row;
            c.chunks(stride).take(rows.min(ROWS)).for_each(|c| prefetch(&c[..width]));
            tiles.multiply(left, right, &mut sums);
            let rows = c.chunks_mut(stride).take(rows).zip(&sums.0);
            rows.for_each(|(c, sums)| add::<COLS>(sums, &mut c[..width]));
        }
    }
}

/// Lets the processor fetch a row of a tile while it multiplies: rows lie too far apart for it to predict them.
#[allow(unsafe_code)]
fn prefetch(row: &[f32]) {
    for line in row.chunks(16) {
        // SAFETY: it loads nothing that the program sees.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}

/// A tile of the result.
#[repr(C, align(64))]
struct Sums([[f32; COLS]; ROWS]);

/// The tiles of a thread, in use: all eight have 16 rows of 64 bytes.
struct ConfiguredTiles;

/// The operand of `ldtilecfg`.
#[repr(C, align(64))]
struct TileShapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_of_row: [u16; 16],
    rows: [u8; 16],
}

static SHAPES: TileShapes = TileShapes {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes_of_row: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

impl ConfiguredTiles {
    /// # Safety
    /// [`is_available`]
    #[allow(unsafe_code)]
    unsafe fn of_this_thread() -> Self {
        // SAFETY: the processor has tiles, and the compiler uses none.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &SHAPES, options(nostack, readonly)) };
        Self
    }

    /// sums = left · right, where left is `[blocks, ROWS, TILE_WORDS]` and right `[blocks, TILE_WORDS, COLS]`.
    #[allow(unsafe_code)]
    fn multiply(&self, left: &[u32], right: &[u32], sums: &mut Sums) {
        const { assert!(ROWS == COLS, "the factors advance at one pace") };
        let blocks = left.len() / (ROWS * TILE_WORDS);
        assert!(blocks > 0 && right.len() == left.len(), "gemm: panels of AMX have whole tiles");
        // SAFETY: the tiles are configured; the loop reads `blocks` blocks of 2,048 bytes of either factor, which the
        // assertion has counted, and `sums` takes 4,096 bytes.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{left} + {left_row}]",
                "tileloadd tmm6, [{right} + {right_row}]",
                "tileloadd tmm7, [{right} + {right_row} + 64]",
                "tileloadd tmm5, [{left} + {left_row} + 1024]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {left}, 2048",
                "add {right}, 2048",
                "dec {blocks}",
                "jnz 2b",
                "tilestored [{sums} + {right_row}], tmm0",
                "tilestored [{sums} + {right_row} + 64], tmm1",
                "tilestored [{sums} + {right_row} + 2048], tmm2",
                "tilestored [{sums} + {right_row} + 2112], tmm3",
                left = inout(reg) left.as_ptr() => _,
                right = inout(reg) right.as_ptr() => _,
                blocks = inout(reg) blocks => _,
                sums = in(reg) sums,
                left_row = in(reg) 64_usize,
                right_row = in(reg) 128_usize,
                options(nostack),
            );
        }
    }
}

impl Drop for ConfiguredTiles {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: as they are configured, the processor has them. Without them a switch of threads saves less.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}
