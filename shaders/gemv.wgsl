// A packed matrix times up to 8 columns, which share one read of the weights: y = W · x, or row-major y = x · Wᵀ.
//
// Grid: one workgroup per ROWS rows of W. Its invocations walk the rows side by side, a run of 8 weights each, so that loads
// coalesce; each keeps the sums of its runs for every row and column, and they meet at the end. The rows share what is read of x.
// Costs: the bytes of W, once, and 2 FLOPs per weight and column; bound by memory.
//
// The invocations' sums meet in one barrier, in a fixed order. With SUBGROUPS each subgroup first adds its own in registers;
// nothing is assumed about its size but that it is at least 4, the least that wgpu reports.

#include "lib/grid.wgsl"
#include "lib/lane.wgsl"
#include "lib/weights.wgsl"

#define COLUMNS     // of x and y
#define ROWS        // of W in a workgroup
#define WORKGROUP   // invocations, at least ROWS · COLUMNS

struct Params {
    rows: u32,       // of W
    runs: u32,       // of 8 weights in a row of W
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;     // [COLUMNS, runs, 2], zero past the row of W
@group(0) @binding(1) var<storage, read_write> codes: array<Run>;       // W: [rows, runs]
#if SCALED
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;      // of W
#endif
@group(0) @binding(SCALED + 2u) var<storage, read_write> y: array<f32>; // [COLUMNS, rows]
@group(0) @binding(SCALED + 3u) var<storage, read_write> params: Params;

const SUMS: u32 = ROWS * COLUMNS;

#if SUBGROUPS
var<workgroup> parts: array<f32, SUMS * WORKGROUP / 4u>; // [subgroups, SUMS]
#else
var<workgroup> parts: array<f32, SUMS * WORKGROUP>;      // [invocations, SUMS]
#endif

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let first = workgroup_number(grid) * ROWS;
    let last = params.rows - 1u;

    var sums = array<f32, SUMS>(); // [ROWS, COLUMNS]
    for (var run = lane.index; run < params.runs; run += WORKGROUP) {
        var low: array<vec4<f32>, COLUMNS>;
        var high: array<vec4<f32>, COLUMNS>;
        for (var c = 0u; c < COLUMNS; c++) {
            let at = (c * params.runs + run) * 2u;
            low[c] = x[at];
            high[c] = x[at + 1u];
        }
        for (var r = 0u; r < ROWS; r++) {
            // Past the end the last row is read again; what comes of it is not written.
            let w = weights(min(first + r, last), run, params.runs);
            for (var c = 0u; c < COLUMNS; c++) {
                sums[r * COLUMNS + c] += dot(w.low, low[c]) + dot(w.high, high[c]);
            }
        }
    }

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
    let row = first + lane.index / COLUMNS;
    if lane.index < SUMS && row <= last {
        var sum = 0.0;
        for (var part = 0u; part < count; part++) {
            sum += parts[part * SUMS + lane.index];
        }
        y[lane.index % COLUMNS * params.rows + row] = sum;
    }
}
