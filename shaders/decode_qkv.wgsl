// Queries, keys and values of a step's tokens: q, k, v = W · norm(x), with rotary position embedding (Su et
// al., 2021) on q and k.
//
// W has the rows of all query heads, then those of the keys, then those of the values. Within a head of q or
// k, the two rows that are rotated against each other are neighbours, so that one workgroup has both. Scores
// do not depend on the order, as q and k share it.
//
// Grid: one workgroup per ROWS rows of W and COLUMNS columns, or with GEMM 64 of both, the columns of the
// same rows side by side, so that they find the rows in the cache.
// Costs: the bytes of W once for COLUMNS or 64 columns, and 2 FLOPs per weight and column; bound by memory
// (GEMV) or arithmetic (GEMM).

#include "lib/matmul.wgsl"

#define HEADS      // of queries
#define KV_HEADS   // of keys, and of values
#define HEAD       // numbers of a head

const QUERIES: u32 = HEADS * HEAD;
const ROTATED: u32 = (HEADS + KV_HEADS) * HEAD;
const STRIDE: u32 = (HEADS + 2u * KV_HEADS) * HEAD;

@group(0) @binding(NEXT_BINDING) var<storage, read_write> rope_table: array<vec2<f32>>; // [positions, HEAD / 2]: cos, sin
@group(0) @binding(NEXT_BINDING + 1u) var<storage, read_write> y: array<f32>;           // [tokens, STRIDE]
@group(0) @binding(NEXT_BINDING + 2u) var<storage, read_write> step_inputs: array<u32>;

#if LORA
fn segment_of(row: u32) -> u32 {
    return u32(row >= QUERIES) + u32(row >= ROTATED);
}
#endif

fn token_at(column: u32) -> u32 {
    return column;
}

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    compute(grid, lane, token_count());
}

fn finish(row: u32, column: u32, two: vec2<f32>) {
    let at = STARTS_AT + row;
    var rotated = two;
    if at < ROTATED {
        let rotation = rope_table[token_of(column).position * (HEAD / 2u) + at % HEAD / 2u];
        rotated = vec2(two.x * rotation.x - two.y * rotation.y, two.y * rotation.x + two.x * rotation.y);
    }
    let to = column * STRIDE + at;
    y[to] = rotated.x;
    y[to + 1u] = rotated.y;
}
