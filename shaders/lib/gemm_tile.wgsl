// GEMM tiles: 64 x 64 sums, from two tiles in workgroup memory that hold 32 terms of every sum at a time.
//
// The left tile has 64 rows of terms, the right one the 64 columns that they are multiplied with. There is a
// portable implementation for every adapter and one for cooperative matrices (tensor cores), with one
// interface. The including shader defines
//
//     steps()                how many times 32 terms are staged
//     stage(index, step)     an invocation's part of that, by set_left and set_right
//     prepare_store(index)   work before the sums are stored, with keep() and kept() for numbers that invocations exchange
//     put(row, column, two)  stores the sums of a row and two neighbouring columns, of which the first is even
//
// and calls multiply(lane).

#include "lib/lane.wgsl"

#define BACKWARD    // which way the right tile is staged: 0 as [64 columns, 8 quads of terms], 1 as [32 terms, 16 quads of columns]
#define COOP_TILE   // rows and columns of the cooperative matrices, 16 or 8; 0: none

const TILE: u32 = 64u;
const TERMS: u32 = 32u;       // of every sum, staged at a time
const QUADS: u32 = 8u;        // the same, in vec4
const INVOCATIONS: u32 = 128u;

#if COOP_TILE
#include "lib/gemm_tile_cooperative.wgsl"
#else
#include "lib/gemm_tile_plain.wgsl"
#endif
