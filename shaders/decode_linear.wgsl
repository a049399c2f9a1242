// A product of decoding: y = W · x for the columns of a step, or y += W · x. Columns are the step's tokens, or with PICKED the
// tokens of the questions that are asked of the whole vocabulary: then W is the output projection and y the logits.
//
// Grid: one workgroup per ROWS rows of W and COLUMNS columns, the columns of the same rows side by side, so that they find the
// rows in the cache.
// Costs: the bytes of W once for COLUMNS columns, and 2 FLOPs per weight and column; bound by memory.

#include "lib/columns.wgsl"
#include "lib/frame.wgsl"

#define STRIDE     // numbers between two columns of y
#define Y_AT       // where y begins in its buffer
#define ADD        // 1: y +=
#define PICKED     // 1: columns are those of questions

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;       // [tokens, RUNS, 2], zero past the row of W
@group(0) @binding(1) var<storage, read_write> codes: array<Run>;         // W: [OUTPUTS, RUNS]
#if SCALED
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;        // of W
#endif
#if NORM
@group(0) @binding(SCALED + 2u) var<storage, read_write> gain: array<vec4<f32>>; // [RUNS, 2]
#if LORA
@group(0) @binding(SCALED + 3u) var<storage, read_write> adapter: array<f32>;
#endif
@group(0) @binding(SCALED + LORA + 3u) var<storage, read_write> y: array<f32>;   // [columns, STRIDE]
@group(0) @binding(SCALED + LORA + 4u) var<storage, read_write> frame: array<u32>;
#else
#if LORA
@group(0) @binding(SCALED + 2u) var<storage, read_write> adapter: array<f32>;
#endif
@group(0) @binding(SCALED + LORA + 2u) var<storage, read_write> y: array<f32>;
@group(0) @binding(SCALED + LORA + 3u) var<storage, read_write> frame: array<u32>;
#endif

#if LORA
fn segment_of(row: u32) -> u32 {
    return 0u;
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
#if PICKED
    let count = full_count();
#else
    let count = token_count();
#endif
    let place = place_of(grid, count);
    var rows: Rows;
    var columns: Columns;
    take(place, &rows, &columns);
#if PICKED
    for (var c = 0u; c < COLUMNS; c++) {
        columns[c] = question_of(columns[c]).token;
    }
#endif
    multiply(lane, &rows, &columns);

    let r = lane.index / COLUMNS;
    let c = lane.index % COLUMNS;
    let column = place.column + c;
    if r < ROWS && place.row + r < OUTPUTS && column < count {
        let at = Y_AT + column * STRIDE + STARTS_AT + place.row + r;
#if ADD
        y[at] += product(r, c);
#else
        y[at] = product(r, c);
#endif
    }
}
