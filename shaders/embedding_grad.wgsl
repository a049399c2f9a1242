// The gradient of an embedding with respect to its table: every row is the sum of dy over the tokens that
// looked it up.
//
// The host has sorted the tokens by their rows, so that each row finds its own: no atomics, and sums in the
// order of the tokens, equal in every run.
// Grid: one invocation per Value of the table, however many tokens looked the row up.
// Costs: 4 bytes per element of dy and of the table; bound by memory.

#include "lib/grid.wgsl"
#include "lib/value.wgsl"

#define WORKGROUP   // invocations of a workgroup

struct Params {
    rows: u32,       // of the table
    values: u32,     // Values of a row
}

@group(0) @binding(0) var<storage, read_write> dy: array<Value>;     // [tokens, values]
@group(0) @binding(1) var<storage, read_write> order: array<u32>;    // [tokens]: those of row 0 first
@group(0) @binding(2) var<storage, read_write> starts: array<u32>;   // [rows + 1]: where in `order` a row's tokens begin
@group(0) @binding(3) var<storage, read_write> dtable: array<Value>; // [rows, values]
@group(0) @binding(4) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = workgroup_number(grid) * WORKGROUP + index;
    if i < params.rows * params.values {
        let row = i / params.values;
        let last = starts[row + 1u];
        var sum = Value(0.0);
        for (var token = starts[row]; token < last; token++) {
            sum += dy[order[token] * params.values + i % params.values];
        }
        dtable[i] = sum;
    }
}
