// GEMM over packed weights with the LoRA adapter in the same launch (Hu et al., 2021; QLoRA: Dettmers et al.,
// 2023):
//
//     forward    y  = x  · Wᵀ + s · u · Bᵀ,   u  = x · Aᵀ
//     backward   dx = dy · W  + s · du · A,   du = dy · B
//
// The adapter adds further terms to the same sums: a tile is summed over the depth, then over the rank. u or
// du is computed before, once, instead of by every tile anew. Weights are dequantized once for the 64 rows of
// a tile.
//
// Grid: one workgroup per 64 x 64 tile of the result, along the columns first: neighbours read the same rows
// of x.
// Costs: 2 · rows · columns · (depth + rank) FLOPs, and 32 of them per byte that a tile reads of x and of f32
// weights.

#include "lib/grid.wgsl"
#include "lib/gemm_tile.wgsl"
#include "lib/value.wgsl"
#include "lib/dequant.wgsl"

#define BACKWARD     // 1: x is dy, u is du, b is A and y is dx
#define LORA         // 1: with adapter
#define ROW_SCALED   // 1: rows of x and u are multiplied by powers of two before, and the sums are divided by them after

struct Params {
    rows: u32,      // of x and y
    first_row: u32, // of this launch: long work is cut into several
    columns: u32,   // of y
    depth: u32,     // columns of x
    packs: u32,     // of 8 weights in a row of W
    rank: u32,      // columns of u
    scale: f32,     // s
}

@group(0) @binding(0) var<storage, read_write> x: array<Value>;                                  // [rows, depth]
@group(0) @binding(1) var<storage, read_write> quants: array<Pack>;                              // W: [columns, depth], backward [depth, columns]
#if SCALED
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;                               // of W
#endif
#if LORA
@group(0) @binding(SCALED + 2u) var<storage, read_write> u: array<f32>;                          // [rows, rank]
@group(0) @binding(SCALED + 3u) var<storage, read_write> b: array<f32>;                          // [columns, rank], backward [rank, columns]
#endif
#if ROW_SCALED
@group(0) @binding(SCALED + 2u * LORA + 2u) var<storage, read_write> row_scales: array<f32>;     // [rows]
#endif
@group(0) @binding(SCALED + 2u * LORA + ROW_SCALED + 2u) var<storage, read_write> y: array<f32>; // [rows, columns]
@group(0) @binding(SCALED + 2u * LORA + ROW_SCALED + 3u) var<storage, read_write> params: Params;

// The first row and column of the workgroup's tile.
struct Corner {
    row: u32,
    column: u32,
}

var<private> corner: Corner;

@compute @workgroup_size(INVOCATIONS)
fn main(grid: Grid, lane: Lane) {
    let tiles = (params.columns + TILE - 1u) / TILE;
    let number = workgroup_number(grid);
    corner = Corner(params.first_row + number / tiles * TILE, number % tiles * TILE);
    multiply(lane);
}

// Steps over the depth; those over the rank follow.
fn deep_steps() -> u32 {
    return (params.depth + TERMS - 1u) / TERMS;
}

fn steps() -> u32 {
#if LORA
    return deep_steps() + (params.rank + TERMS - 1u) / TERMS;
#else
    return deep_steps();
#endif
}

fn stage(index: u32, step: u32) {
#if LORA
    if step >= deep_steps() {
        let term = (step - deep_steps()) * TERMS;
        for (var at = index; at < TILE * QUADS; at += INVOCATIONS) {
            set_left(at / QUADS, at % QUADS, u4(corner.row + at / QUADS, term + at % QUADS * 4u));
            stage_adapter(corner.column, term, at);
        }
        return;
    }
#endif
    let term = step * TERMS;
    for (var at = index; at < TILE * QUADS; at += INVOCATIONS) {
        set_left(at / QUADS, at % QUADS, x4(corner.row + at / QUADS, term + at % QUADS * 4u));
    }
    for (var at = index; at < TILE * TERMS / 8u; at += INVOCATIONS) {
        stage_weights(corner.column, term, at);
    }
}

fn prepare_store(index: u32) {}

fn put(row: u32, column: u32, two: vec2<f32>) {
    let r = corner.row + row;
    let c = corner.column + column;
    if r < params.rows && c < params.columns {
        let sums = unscale_row(r, two);
        y[r * params.columns + c] = sums.x;
        if c + 1u < params.columns {
            y[r * params.columns + c + 1u] = sums.y;
        }
    }
}

#if ROW_SCALED
fn scale_row(row: u32, four: vec4<f32>) -> vec4<f32> {
    return four * row_scales[row];
}

// The inverse of a power of two has the opposite exponent; division need not be exact.
fn unscale_row(row: u32, two: vec2<f32>) -> vec2<f32> {
    return two * bitcast<f32>((254u << 23u) - bitcast<u32>(row_scales[row]));
}
#else
fn scale_row(row: u32, four: vec4<f32>) -> vec4<f32> {
    return four;
}

fn unscale_row(row: u32, two: vec2<f32>) -> vec2<f32> {
    return two;
}
#endif

// Four neighbours of a row of x; zero outside, as in all that follow.
fn x4(row: u32, at: u32) -> vec4<f32> {
    var four = vec4(0.0);
    if row < params.rows && at < params.depth {
#if WIDE
        four = x[(row * params.depth + at) / 4u];
#else
        for (var i = 0u; i < min(4u, params.depth - at); i++) {
            four[i] = x[row * params.depth + at + i];
        }
#endif
        four = scale_row(row, four);
    }
    return four;
}

// Dequantizes the pack number `at` of the 64 x 32 weights into the right tile. A pack lies along a row of W,
// which forward is a column of y and runs along the terms; backward it is a term and runs along the columns.
fn stage_weights(column: u32, term: u32, at: u32) {
#if BACKWARD
    let w = dequant_or_zero(term + at / 8u, column / 8u + at % 8u, params.depth);
    set_right(at / 8u, at % 8u * 2u, w.low);
    set_right(at / 8u, at % 8u * 2u + 1u, w.high);
#else
    let w = dequant_or_zero(column + at / 4u, term / 8u + at % 4u, params.columns);
    set_right(at / 4u, at % 4u * 2u, w.low);
    set_right(at / 4u, at % 4u * 2u + 1u, w.high);
#endif
}

fn dequant_or_zero(row: u32, pack: u32, rows: u32) -> Weights {
    if row < rows && pack < params.packs {
        return dequant(row, pack, params.packs);
    }
    return Weights();
}

#if LORA
// Four neighbours of a row of u.
fn u4(row: u32, at: u32) -> vec4<f32> {
    var four = vec4(0.0);
    if row < params.rows && at < params.rank {
        for (var i = 0u; i < min(4u, params.rank - at); i++) {
            four[i] = u[row * params.rank + at + i];
        }
        four = scale_row(row, four);
    }
    return four;
}

// Stages the quad number `at` of the 64 x 32 factors of the adapter, as stage_weights does with W.
fn stage_adapter(column: u32, term: u32, at: u32) {
#if BACKWARD
    set_right(at / 16u, at % 16u, b4(term + at / 16u, column + at % 16u * 4u, params.rank, params.columns));
#else
    set_right(at / QUADS, at % QUADS, b4(column + at / QUADS, term + at % QUADS * 4u, params.columns, params.rank));
#endif
}

// Four neighbours of a row of b `[rows, width]`, scaled.
fn b4(row: u32, at: u32, rows: u32, width: u32) -> vec4<f32> {
    var four = vec4(0.0);
    if row < rows && at < width {
        for (var i = 0u; i < min(4u, width - at); i++) {
            four[i] = b[row * width + at + i] * params.scale;
        }
    }
    return four;
}
#endif
