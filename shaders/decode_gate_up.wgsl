// The first half of Llama's feed-forward for the tokens of a step: y = silu(gate) · up, with gate, up = W · norm(x)  (Shazeer, 2020).
//
// The rows of W are those of gate and up in turn, so that one workgroup has both.
//
// Grid: one workgroup per ROWS rows of W and COLUMNS columns, the columns of the same rows side by side.
// Costs: the bytes of W once for COLUMNS columns, and 2 FLOPs per weight and column; bound by memory.

#include "lib/columns.wgsl"
#include "lib/frame.wgsl"
#include "lib/sigmoid.wgsl"

#define STRIDE     // numbers between two columns of y

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;    // [tokens, RUNS, 2], zero past the row of W
@group(0) @binding(1) var<storage, read_write> codes: array<Run>;      // W: [OUTPUTS, RUNS]
#if SCALED
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;     // of W
#endif
@group(0) @binding(SCALED + 2u) var<storage, read_write> gain: array<vec4<f32>>;   // [RUNS, 2]
#if LORA
@group(0) @binding(SCALED + 3u) var<storage, read_write> adapter: array<f32>;
#endif
@group(0) @binding(SCALED + LORA + 3u) var<storage, read_write> y: array<f32>;     // [tokens, STRIDE]
@group(0) @binding(SCALED + LORA + 4u) var<storage, read_write> frame: array<u32>;

#if LORA
fn segment_of(row: u32) -> u32 {
    return row % 2u;
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let place = place_of(grid, token_count());
    var rows: Rows;
    var columns: Columns;
    take(place, &rows, &columns);
    multiply(lane, &rows, &columns);

    let pair = lane.index / COLUMNS * 2u;
    let c = lane.index % COLUMNS;
    let column = place.column + c;
    if pair < ROWS && place.row + pair < OUTPUTS && column < place.count {
        let gate = product(pair, c);
        y[column * STRIDE + (STARTS_AT + place.row + pair) / 2u] = gate * sigmoid(gate) * product(pair + 1u, c);
    }
}
