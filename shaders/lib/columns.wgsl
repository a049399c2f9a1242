// Products of ROWS rows of a packed matrix with COLUMNS columns of x, which share one read of the weights.
//
// The invocations walk the rows side by side, a run of 8 weights each, so that loads coalesce; each keeps the sums of its runs for
// every row and column, and they meet in one barrier, in a fixed order: a column's result does not depend on its neighbours.
// With SUBGROUPS each subgroup first adds its own in registers; nothing is assumed about its size but that it is at least 4, the
// least that wgpu reports.
//
// A root-mean-square norm before the product costs next to nothing: (W · (g x / rms)) = (W · g x) / rms, so every workgroup takes
// the squares of x along and divides its sums by their mean. A low-rank adapter is further terms of the same sums, B · u for
// u = A · g x, which an earlier launch has left behind.
//
// The including shader declares x `[columns, RUNS, 2]`, codes, scales where SCALED, gain `[RUNS, 2]` where NORM, and where LORA
// adapter, with B `[rows, RANK]` first and u `[columns, SEGMENTS, RANK]` at U_AT, and `segment_of(row)`.

#include "lib/grid.wgsl"
#include "lib/lane.wgsl"
#include "lib/weights.wgsl"

#define COLUMNS     // of x that share a read
#define ROWS        // of W in a workgroup
#define RUNS        // of 8 weights in a row of W
#define OUTPUTS     // rows of W in this buffer: large matrices lie in several
#define STARTS_AT   // the first of them among all
#define WORKGROUP   // invocations, at least ROWS · COLUMNS + COLUMNS
#define NORM        // 0: x as it is; 1: times gain; 2: and divided by its root mean square
#define LORA        // 1: with an adapter
#if NORM == 2
#define WIDTH       // numbers of a column
#define EPSILON     // bits of what is added to their mean square
#endif
#if LORA
#define RANK
#define SEGMENTS    // rows may have u of their own
#define U_AT
#endif

#if NORM == 2
const SUMS: u32 = ROWS * COLUMNS + COLUMNS;
#else
const SUMS: u32 = ROWS * COLUMNS;
#endif

alias Rows = array<u32, ROWS>;
alias Columns = array<u32, COLUMNS>;

#if SUBGROUPS
var<workgroup> parts: array<f32, SUMS * WORKGROUP / 4u>; // [subgroups, SUMS]
#else
var<workgroup> parts: array<f32, SUMS * WORKGROUP>;      // [invocations, SUMS]
#endif
var<workgroup> totals: array<f32, SUMS>;

// What a workgroup computes: rows from `row` on, of columns from `column` on, of which there are `count`.
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
        (*columns)[c] = min(place.column + c, place.count - 1u);
    }
}

// Leaves the sums of all rows and columns where `product` finds them. To be called by all invocations.
fn multiply(lane: Lane, rows: ptr<function, Rows>, columns: ptr<function, Columns>) {
    var sums = array<f32, SUMS>(); // [ROWS, COLUMNS], and the squares of [COLUMNS]
    for (var run = lane.index; run < RUNS; run += WORKGROUP) {
        var low: array<vec4<f32>, COLUMNS>;
        var high: array<vec4<f32>, COLUMNS>;
        for (var c = 0u; c < COLUMNS; c++) {
            let at = ((*columns)[c] * RUNS + run) * 2u;
            low[c] = x[at];
            high[c] = x[at + 1u];
#if NORM == 2
            sums[ROWS * COLUMNS + c] += dot(low[c], low[c]) + dot(high[c], high[c]);
#endif
#if NORM
            low[c] *= gain[run * 2u];
            high[c] *= gain[run * 2u + 1u];
#endif
        }
        for (var r = 0u; r < ROWS; r++) {
            let w = weights((*rows)[r], run, RUNS);
            for (var c = 0u; c < COLUMNS; c++) {
                sums[r * COLUMNS + c] += dot(w.low, low[c]) + dot(w.high, high[c]);
            }
        }
    }
#if LORA
    for (var k = lane.index; k < RANK; k += WORKGROUP) {
        for (var r = 0u; r < ROWS; r++) {
            let row = STARTS_AT + (*rows)[r];
            let b = adapter[row * RANK + k];
            for (var c = 0u; c < COLUMNS; c++) {
                sums[r * COLUMNS + c] += b * adapter[U_AT + ((*columns)[c] * SEGMENTS + segment_of(row)) * RANK + k];
            }
        }
    }
#endif

#if SUBGROUPS
    for (var i = 0u; i < SUMS; i++) {
        let sum = subgroupAdd(sums[i]);
        if lane.lane == 0u {
            parts[lane.subgroup * SUMS + i] = sum;
        }
    }
    let count = lane.subgroups;
#else
    for (var i = 0u; i < SUMS; i++) {
        parts[lane.index * SUMS + i] = sums[i];
    }
    let count = WORKGROUP;
#endif
    workgroupBarrier();
    if lane.index < SUMS {
        var total = 0.0;
        for (var part = 0u; part < count; part++) {
            total += parts[part * SUMS + lane.index];
        }
        totals[lane.index] = total;
    }
    workgroupBarrier();
}

// Row r of W times column c, norm and adapter included.
fn product(r: u32, c: u32) -> f32 {
#if NORM == 2
    let mean_square = totals[ROWS * COLUMNS + c] / f32(WIDTH);
    return totals[r * COLUMNS + c] * inverseSqrt(mean_square + bitcast<f32>(EPSILON));
#else
    return totals[r * COLUMNS + c];
#endif
}
