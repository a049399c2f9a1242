// Concatenation of up to six tensors into a flat one, with zeros between them.
//
// Grid: one invocation per number of their part of y. An unused binding has its start behind every number.
// Costs: 8 bytes per number; bound by memory.

#include "lib/grid.wgsl"

#define WORKGROUP   // invocations of a workgroup

struct Params {
    first: u32,                // number of y that is written
    end: u32,                  // behind the last one
    starts: array<u32, 6>,     // of the tensors in y, rising
    lengths: array<u32, 6>,
}

@group(0) @binding(0) var<storage, read_write> a: array<f32>; // [lengths[0]]
@group(0) @binding(1) var<storage, read_write> b: array<f32>; // [lengths[1]]
@group(0) @binding(2) var<storage, read_write> c: array<f32>; // and so on
@group(0) @binding(3) var<storage, read_write> d: array<f32>;
@group(0) @binding(4) var<storage, read_write> e: array<f32>;
@group(0) @binding(5) var<storage, read_write> f: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>; // [end or more]
@group(0) @binding(7) var<storage, read_write> params: Params;

fn number_of(tensor: u32, at: u32) -> f32 {
    switch tensor {
        case 0u: { return a[at]; }
        case 1u: { return b[at]; }
        case 2u: { return c[at]; }
        case 3u: { return d[at]; }
        case 4u: { return e[at]; }
        default: { return f[at]; }
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = params.first + workgroup_number(grid) * WORKGROUP + index;
    if i < params.end {
        var tensor = 0u;
        for (var next = 1u; next < 6u; next++) {
            if i >= params.starts[next] {
                tensor = next;
            }
        }
        let at = i - params.starts[tensor];
        var number = 0.0;
        if at < params.lengths[tensor] {
            number = number_of(tensor, at);
        }
        y[i] = number;
    }
}
