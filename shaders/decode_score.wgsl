// The logits of the tokens that a request's list allows: of the output projection only their rows are read.
//
// Grid: one workgroup per chunk, ROWS tokens of one request's list. A chunk has one column, since lists
// differ.
// Costs: the bytes of the listed rows; bound by memory.

#include "lib/gemv.wgsl"

#define STRIDE     // tokens of the vocabulary

@group(0) @binding(NEXT_BINDING) var<storage, read_write> y: array<f32>;     // [requests, STRIDE]
@group(0) @binding(NEXT_BINDING + 1u) var<storage, read_write> step_inputs: array<u32>;

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
        // A token past the end of the list, or of another part of W, is replaced by one that is here, and not
        // written.
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
