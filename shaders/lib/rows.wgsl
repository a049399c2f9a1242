// Norms of rows: one workgroup per row, whose invocations walk it side by side, so that loads coalesce.
//
// The including shader declares `params: Params`.

#include "lib/grid.wgsl"
#include "lib/sum.wgsl"
#include "lib/value.wgsl"

struct Params {
    rows: u32,
    values: u32,     // Values of a row
    width: f32,      // numbers of a row
    epsilon: f32,
}

struct Row {
    start: u32,      // its first Value
    values: u32,
}

// The row of a workgroup. One past the end has no values but takes part in the barriers, which keeps control
// flow uniform.
fn row_of(grid: Grid) -> Row {
    let row = workgroup_number(grid);
    return Row(row * params.values, select(0u, params.values, row < params.rows));
}
