// Statistics of every query that the gradients of attention need: its lse, and delta = dO · o, the mean of
// its weights' gradients.
//
// Grid: one invocation per query of a head.
// Costs: 8 bytes per element of o; bound by memory.

#include "lib/grid.wgsl"

#define WORKGROUP   // invocations of a workgroup

struct Params {
    queries: u32,    // in all
    seq: u32,        // tokens of a row
    heads: u32,
    quads: u32,      // of coordinates in a head
}

@group(0) @binding(0) var<storage, read_write> o: array<vec4<f32>>;     // [batch, seq, heads, quads]
@group(0) @binding(1) var<storage, read_write> d_o: array<vec4<f32>>;   // [batch, seq, heads, quads]
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;         // [batch, heads, seq]
@group(0) @binding(3) var<storage, read_write> stats: array<vec2<f32>>; // [batch, heads, seq]: lse, delta
@group(0) @binding(4) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let query = workgroup_number(grid) * WORKGROUP + index;
    if query < params.queries {
        var delta = 0.0;
        for (var quad = query * params.quads; quad < (query + 1u) * params.quads; quad++) {
            delta += dot(d_o[quad], o[quad]);
        }
        let token = query / params.heads;
        let row = token / params.seq * params.heads + query % params.heads;
        let at = row * params.seq + token % params.seq;
        stats[at] = vec2(lse[at], delta);
    }
}
