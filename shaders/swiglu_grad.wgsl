// The gradients of y = silu(gate) · up with respect to both inputs. With s = sigmoid(gate):
//
//     dgate = dy · up · s · (1 + gate · (1 - s))        dup = dy · gate · s
//
// Grid: one invocation per Value. One pass writes both: they share every load.
// Costs: 20 bytes and about 14 FLOPs per element; bound by memory.

#include "lib/elementwise.wgsl"
#include "lib/sigmoid.wgsl"

@group(0) @binding(0) var<storage, read_write> gate: array<Value>;  // [values]
@group(0) @binding(1) var<storage, read_write> up: array<Value>;    // [values]
@group(0) @binding(2) var<storage, read_write> dy: array<Value>;    // [values]
@group(0) @binding(3) var<storage, read_write> dgate: array<Value>; // [values]
@group(0) @binding(4) var<storage, read_write> dup: array<Value>;   // [values]
@group(0) @binding(5) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = value_number(grid, index);
    if i < params.values {
        let g = gate[i];
        let s = sigmoid(g);
        dgate[i] = dy[i] * up[i] * s * (1.0 + g * (1.0 - s));
        dup[i] = dy[i] * g * s;
    }
}
