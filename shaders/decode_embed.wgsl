// The embeddings of a step's tokens: dequantized rows of a packed matrix. A token is named by the host, or it
// is the sampled token of an earlier step that the host has not read back yet.
//
// Grid: one workgroup per token.
// Costs: the bytes of a row and 4 bytes per number; bound by the launch.

#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"
#include "lib/dequant.wgsl"

#define OUTPUTS         // rows of W here
#define STARTS_AT       // the token of the first
#define PACKS           // of 8 weights in a row of W
#define WORKGROUP
#define SAMPLED_TOKEN   // words of a sampled token, the token first

@group(0) @binding(0) var<storage, read_write> quants: array<Pack>;                  // W: [OUTPUTS, PACKS]
#if SCALED
@group(0) @binding(1) var<storage, read_write> scales: array<u32>;                   // of W
#endif
@group(0) @binding(SCALED + 1u) var<storage, read_write> sampled_tokens: array<u32>; // [slots, SAMPLED_TOKEN]
@group(0) @binding(SCALED + 2u) var<storage, read_write> x: array<vec4<f32>>;        // [tokens, PACKS, 2]
@group(0) @binding(SCALED + 3u) var<storage, read_write> step_inputs: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let number = workgroup_number(grid);
    var token = token_of(number).source;
    if (token & FROM_SAMPLED) != 0u {
        token = sampled_tokens[(token & ~FROM_SAMPLED) * SAMPLED_TOKEN];
    }
    if number < token_count() && token >= STARTS_AT && token < STARTS_AT + OUTPUTS {
        for (var pack = index; pack < PACKS; pack += WORKGROUP) {
            let w = dequant(token - STARTS_AT, pack, PACKS);
            x[(number * PACKS + pack) * 2u] = w.low;
            x[(number * PACKS + pack) * 2u + 1u] = w.high;
        }
    }
}
