// Powers of two that scale the rows of a gradient into the range of f16 (loss scaling per row): the largest
// number of a row becomes about 2^10.
//
// The gradients of a mean over thousands of tokens lie below the range of f16, but those of one row lie close
// together. A power of two moves them without rounding; numbers below 2^-24 of the largest lose more bits
// than others. The adapter's du is scaled with dy, since both enter the same sums.
//
// Grid: one workgroup per row, whose invocations walk it side by side, so that loads coalesce.
// Costs: 4 bytes per number; bound by memory.

#include "lib/grid.wgsl"

#define LORA        // 1: with adapter
#define WORKGROUP   // invocations of a workgroup, a power of two

struct Params {
    rows: u32,   // of x and u
    depth: u32,  // columns of x
    rank: u32,   // columns of u
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;                  // [rows, depth]
#if LORA
@group(0) @binding(1) var<storage, read_write> u: array<f32>;                  // [rows, rank]
#endif
@group(0) @binding(LORA + 1u) var<storage, read_write> row_scales: array<f32>; // [rows]
@group(0) @binding(LORA + 2u) var<storage, read_write> params: Params;

var<workgroup> largest: array<f32, WORKGROUP>; // of what each invocation saw

// Exponents of f32, as its bits hold them.
const TARGET: u32 = 127u + 10u;
const MOST: u32 = 253u; // of a number whose inverse is not too small to be exact

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let row = workgroup_number(grid);
    var seen = 0.0;
    if row < params.rows {
        for (var i = index; i < params.depth; i += WORKGROUP) {
            seen = max(seen, abs(x[row * params.depth + i]));
        }
#if LORA
        for (var i = index; i < params.rank; i += WORKGROUP) {
            seen = max(seen, abs(u[row * params.rank + i]));
        }
#endif
    }
    largest[index] = seen;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        if index < half {
            largest[index] = max(largest[index], largest[index + half]);
        }
        workgroupBarrier();
    }
    if index == 0u && row < params.rows {
        let exponent = bitcast<u32>(largest[0]) >> 23u;
        row_scales[row] = bitcast<f32>(min(TARGET + 127u - exponent, MOST) << 23u);
    }
}
