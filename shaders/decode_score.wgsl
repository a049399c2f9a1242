// The logits of the tokens that may follow, where a list says which: of the output projection only their rows are read.
//
// Grid: one workgroup per chunk, ROWS tokens of one request's list. A chunk looks at one column alone: lists differ.
// Costs: the bytes of the listed rows; bound by memory.

#include "lib/gemv.wgsl"

#define STRIDE     // tokens of the vocabulary

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;    // [tokens, PACKS, 2], zero past the row of W
@group(0) @binding(1) var<storage, read_write> quants: array<Pack>;      // W: [OUTPUTS, PACKS]
#if SCALED
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;     // of W
#endif
@group(0) @binding(SCALED + 2u) var<storage, read_write> gain: array<vec4<f32>>;   // [PACKS, 2]
#if LORA
@group(0) @binding(SCALED + 3u) var<storage, read_write> adapter: array<f32>;
#endif
@group(0) @binding(SCALED + LORA + 3u) var<storage, read_write> y: array<f32>;     // [requests, STRIDE]
@group(0) @binding(SCALED + LORA + 4u) var<storage, read_write> step_inputs: array<u32>;

#if LORA
fn segment_of(row: u32) -> u32 {
    return 0u;
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let number = workgroup_number(grid);
    let chunk = chunk_of(number);
    let request = request_of(chunk.x);
    let past = request.list + request.count;

    var rows: Rows;
    for (var r = 0u; r < ROWS; r++) {
        // A token past the end of the list, or of another part of W, is replaced by one that is here, and not written.
        rows[r] = clamp(step_inputs[min(chunk.y + r, past - 1u)], STARTS_AT, STARTS_AT + OUTPUTS - 1u) - STARTS_AT;
    }
    var columns = Columns(request.token);
    multiply(lane, &rows, &columns);

    if lane.index < ROWS && chunk.y + lane.index < past && number < chunk_count() {
        let token = step_inputs[chunk.y + lane.index];
        if token >= STARTS_AT && token < STARTS_AT + OUTPUTS {
            y[chunk.x * STRIDE + token] = product(lane.index, 0u);
        }
    }
}
