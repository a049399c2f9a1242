// Elementwise operations: one invocation per Value of tensors of one shape.

#include "lib/grid.wgsl"
#include "lib/value.wgsl"

#define WORKGROUP   // invocations of a workgroup

struct Params {
    values: u32,     // Values of a tensor
}

// The number of an invocation's Value; past the end there are some that have none.
fn value_number(grid: Grid, index: u32) -> u32 {
    return workgroup_number(grid) * WORKGROUP + index;
}
