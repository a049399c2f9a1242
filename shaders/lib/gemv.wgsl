// GEMV of ROWS rows of a packed matrix with COLUMNS columns of x, which share one read of the weights.
//
// The invocations walk the rows side by side, a pack of 8 weights each, so that loads coalesce. Each keeps
// the sums of its packs for every row and column, and one barrier merges them in a fixed order (split-K
// within the workgroup): a column's result does not depend on its neighbours. With SUBGROUPS each subgroup
// first adds its own in registers; its size may be anything from 4, the least that wgpu reports.

#include "lib/matmul_common.wgsl"

#define COLUMNS       // of x that share a read
#define ROWS          // of W in a workgroup; even. WORKGROUP is at least (ROWS + 1) · COLUMNS
#define INT8          // 1: x in int8 quants, multiplied by those of W as they are
#define ADAPTER_ROWS  // where W is the A of several adapters: its rows of one. Those that no column has are not read. Else 0

#if RMS
const SUMS: u32 = ROWS * COLUMNS + COLUMNS;
#else
const SUMS: u32 = ROWS * COLUMNS;
#endif

alias Rows = array<u32, ROWS>;        // of W
alias Columns = array<u32, COLUMNS>;  // tokens
alias Sums = array<f32, SUMS>;        // [ROWS, COLUMNS], and with RMS the squares of [COLUMNS]

#if INT8
#include "lib/gemv_int8.wgsl"
#else
#include "lib/gemv_float.wgsl"
#endif

#if SUBGROUPS
var<workgroup> parts: array<f32, SUMS * WORKGROUP / 4u>; // [subgroups, SUMS]
#else
var<workgroup> parts: array<f32, SUMS * WORKGROUP>;      // [invocations, SUMS]
#endif
var<workgroup> totals: array<f32, SUMS>;

// Runs of the rows that some column needs.
fn needed_packs(rows: ptr<function, Rows>, columns: ptr<function, Columns>) -> u32 {
#if ADAPTER_ROWS
    let first = (STARTS_AT + (*rows)[0]) / ADAPTER_ROWS + 1u;
    let last = (STARTS_AT + (*rows)[ROWS - 1u]) / ADAPTER_ROWS + 1u;
    for (var c = 0u; c < COLUMNS; c++) {
        let of_column = adapter_of((*columns)[c]);
        if first <= of_column && of_column <= last {
            return PACKS;
        }
    }
    return 0u;
#else
    return PACKS;
#endif
}

// Leaves the sums of all rows and columns where `product` finds them. To be called by all invocations.
fn multiply(lane: Lane, rows: ptr<function, Rows>, columns: ptr<function, Columns>) {
    var sums = Sums();
    add_packs(lane, rows, columns, needed_packs(rows, columns), &sums);
#if LORA
    for (var c = 0u; c < COLUMNS; c++) {
        let of_column = adapter_of((*columns)[c]);
        if of_column == 0u {
            continue;
        }
        let u = U_AT + ((*columns)[c] * ADAPTERS + of_column - 1u) * SEGMENTS * RANK;
        for (var k = lane.index; k < RANK; k += WORKGROUP) {
            for (var r = 0u; r < ROWS; r++) {
                let row = (*rows)[r];
                sums[r * COLUMNS + c] += b_at(of_column - 1u, row, k) * adapter[u + segment_of(STARTS_AT + row) * RANK + k];
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

// The workgroup's row r times its column c, norm and adapter included.
fn product(r: u32, c: u32) -> f32 {
#if RMS
    return totals[r * COLUMNS + c] * inverse_rms(totals[ROWS * COLUMNS + c]);
#else
    return totals[r * COLUMNS + c];
#endif
}
