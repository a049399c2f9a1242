// Batched GEMV of all rows of a packed matrix with the columns of x, COLUMNS of which share one read of the
// weights.

#include "lib/gemv.wgsl"

// The task of a workgroup: rows from `row` on, columns from `column` on, of `count` in all.
struct Place {
    row: u32,
    column: u32,
    count: u32,
}

// The columns of the same rows are taken by neighbouring workgroups.
fn place_of(grid: Grid, count: u32) -> Place {
    let groups = (count + COLUMNS - 1u) / COLUMNS;
    let number = workgroup_number(grid);
    return Place(number / groups * ROWS, number % groups * COLUMNS, count);
}

// Past the end the last row or column is taken again; what comes of it must not be written.
fn take(place: Place, rows: ptr<function, Rows>, columns: ptr<function, Columns>) {
    for (var r = 0u; r < ROWS; r++) {
        (*rows)[r] = min(place.row + r, OUTPUTS - 1u);
    }
    for (var c = 0u; c < COLUMNS; c++) {
        (*columns)[c] = token_at(min(place.column + c, place.count - 1u));
    }
}

// The products of a workgroup, each pair of rows of a column finished by one invocation.
fn compute(grid: Grid, lane: Lane, count: u32) {
    let place = place_of(grid, count);
    var rows: Rows;
    var columns: Columns;
    take(place, &rows, &columns);
    multiply(lane, &rows, &columns);

    let pair = lane.index / COLUMNS * 2u;
    let c = lane.index % COLUMNS;
    if pair < ROWS && place.row + pair < OUTPUTS && place.column + c < count {
        finish(place.row + pair, place.column + c, vec2(product(pair, c), product(pair + 1u, c)));
    }
}
