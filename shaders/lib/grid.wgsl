// The number of a workgroup in a grid of any length.
//
// A grid is one row of workgroups, folded into several where a row would pass the limit of 65535. The last
// row may hold workgroups past the end, so every shader compares the number with its work.

struct Grid {
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
}

fn workgroup_number(grid: Grid) -> u32 {
    return grid.workgroup.y * grid.size.x + grid.workgroup.x;
}
