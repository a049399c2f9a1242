// Queries, keys and values of a step's tokens: q, k, v = W · norm(x), q and k turned by their positions (Su et al., 2021).
//
// W has the rows of all query heads, then those of the keys, then those of the values. Within a head of q or k, the two rows that
// are turned against each other are neighbours, so that one workgroup has both; scores do not mind the order, q and k share it.
//
// Grid: one workgroup per ROWS rows of W and COLUMNS columns, or with GEMM 64 of both, the columns of the same rows side by side.
// Costs: the bytes of W once for COLUMNS or 64 columns, and 2 FLOPs per weight and column; bound by memory, with GEMM by arithmetic.

#include "lib/matmul.wgsl"

#define HEADS      // of queries
#define KV_HEADS   // of keys, and of values
#define HEAD       // numbers of a head

const QUERIES: u32 = HEADS * HEAD;
const TURNED: u32 = (HEADS + KV_HEADS) * HEAD;
const STRIDE: u32 = (HEADS + 2u * KV_HEADS) * HEAD;

@group(0) @binding(0) var<storage, read_write> x: array<Part>;    // [tokens, PACKS, 2], zero past the row of W
@group(0) @binding(1) var<storage, read_write> quants: array<Pack>;      // W: [OUTPUTS, PACKS]
#if SCALED
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;     // of W
#endif
#if GAIN
@group(0) @binding(SCALED + 2u) var<storage, read_write> gain: array<vec4<f32>>;     // [PACKS, 2]
#endif
#if LORA
@group(0) @binding(SCALED + GAIN + 2u) var<storage, read_write> adapter: array<f32>;
#endif
@group(0) @binding(SCALED + GAIN + LORA + 2u) var<storage, read_write> rope_table: array<vec2<f32>>; // [positions, HEAD / 2]: cos, sin
@group(0) @binding(SCALED + GAIN + LORA + 3u) var<storage, read_write> y: array<f32>;           // [tokens, STRIDE]
@group(0) @binding(SCALED + GAIN + LORA + 4u) var<storage, read_write> step_inputs: array<u32>;

#if LORA
fn segment_of(row: u32) -> u32 {
    return u32(row >= QUERIES) + u32(row >= TURNED);
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
    var turned = two;
    if at < TURNED {
        let turn = rope_table[token_of(column).position * (HEAD / 2u) + at % HEAD / 2u];
        turned = vec2(two.x * turn.x - two.y * turn.y, two.y * turn.x + two.x * turn.y);
    }
    let to = column * STRIDE + at;
    y[to] = turned.x;
    y[to + 1u] = turned.y;
}
