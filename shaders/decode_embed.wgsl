// The embeddings of a step's tokens: rows of a packed matrix, unpacked. A token is one that the host names, or the answer that an
// earlier step has chosen and that the host has not seen yet.
//
// Grid: one workgroup per token.
// Costs: the bytes of a row and 4 bytes per number; bound by the launch.

#include "lib/frame.wgsl"
#include "lib/grid.wgsl"
#include "lib/weights.wgsl"

#define OUTPUTS    // rows of W here
#define STARTS_AT  // the token of the first
#define RUNS       // of 8 weights in a row of W
#define WORKGROUP
#define ANSWER     // words of an answer, the token first

@group(0) @binding(0) var<storage, read_write> codes: array<Run>;      // W: [OUTPUTS, RUNS]
#if SCALED
@group(0) @binding(1) var<storage, read_write> scales: array<u32>;     // of W
#endif
@group(0) @binding(SCALED + 1u) var<storage, read_write> answers: array<u32>;     // [slots, ANSWER]
@group(0) @binding(SCALED + 2u) var<storage, read_write> x: array<vec4<f32>>;     // [tokens, RUNS, 2]
@group(0) @binding(SCALED + 3u) var<storage, read_write> frame: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let number = workgroup_number(grid);
    var token = token_of(number).source;
    if (token & FROM_ANSWER) != 0u {
        token = answers[(token & ~FROM_ANSWER) * ANSWER];
    }
    if number < token_count() && token >= STARTS_AT && token < STARTS_AT + OUTPUTS {
        for (var run = index; run < RUNS; run += WORKGROUP) {
            let w = weights(token - STARTS_AT, run, RUNS);
            x[(number * RUNS + run) * 2u] = w.low;
            x[(number * RUNS + run) * 2u + 1u] = w.high;
        }
    }
}
