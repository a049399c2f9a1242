// Embedding lookup: y[t] = table[ids[t]], and zeros for an id beyond the table.
//
// Grid: one invocation per Value of y.
// Costs: 8 bytes per element; bound by memory.

#include "lib/grid.wgsl"
#include "lib/value.wgsl"

#define WORKGROUP   // invocations of a workgroup

struct Params {
    tokens: u32,
    rows: u32,       // of the table
    values: u32,     // Values of a row
}

@group(0) @binding(0) var<storage, read_write> table: array<Value>; // [rows, values]
@group(0) @binding(1) var<storage, read_write> ids: array<u32>;     // [tokens]
@group(0) @binding(2) var<storage, read_write> y: array<Value>;     // [tokens, values]
@group(0) @binding(3) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = workgroup_number(grid) * WORKGROUP + index;
    if i < params.tokens * params.values {
        let row = ids[i / params.values];
        var value = Value(0.0);
        if row < params.rows {
            value = table[row * params.values + i % params.values];
        }
        y[i] = value;
    }
}
