// GEMM of the rows of a packed matrix with many columns of x, as prompts need it (prefill): a workgroup
// computes 64 x 64 products and dequantizes its weights once for all 64 columns.
//
// In the tiles of lib/gemm_tile.wgsl, tokens are the rows and the rows of W the columns. The terms of the
// adapters follow those of W. The u of all adapters and segments of a token are contiguous, and so are these
// terms; where a token has another adapter, or a row of W another segment, the factor is 0. That is a few
// terms too many, and one loop for everything.

#include "lib/matmul_common.wgsl"
#include "lib/gemm_tile.wgsl"

alias Part = vec4<f32>; // four numbers of x

const OF_WEIGHTS: u32 = (PACKS * 8u + TERMS - 1u) / TERMS; // steps of TERMS terms

// The task of a workgroup: rows from `row` on, columns from `column` on, of `count` in all.
struct Task {
    row: u32,
    column: u32,
    count: u32,
}

var<private> task: Task;
#if RMS
var<private> squares: vec4<f32>; // [k]: of what this invocation staged of column index / 8 + 16 k
#endif

// The columns of the same rows are taken by neighbouring workgroups, so that they find the weights in the
// cache.
fn compute(grid: Grid, lane: Lane, count: u32) {
    let groups = (count + TILE - 1u) / TILE;
    let number = workgroup_number(grid);
    task = Task(number / groups * TILE, number % groups * TILE, count);
    multiply(lane);
}

fn steps() -> u32 {
#if LORA
    return OF_WEIGHTS + (ADAPTERS * SEGMENTS * RANK + TERMS - 1u) / TERMS;
#else
    return OF_WEIGHTS;
#endif
}

fn stage(index: u32, step: u32) {
#if RMS
    if step == 0u {
        squares = vec4(0.0);
    }
#endif
    for (var k = 0u; k < 4u; k++) {
        let column = index / QUADS + 16u * k;
        var four = vec4(0.0);
        if task.column + column < task.count {
            four = left_quad(token_at(task.column + column), step, index % QUADS, k);
        }
        set_left(column, index % QUADS, four);
    }
#if LORA
    if step >= OF_WEIGHTS {
        for (var at = index; at < TILE * QUADS; at += INVOCATIONS) {
            set_right(at / QUADS, at % QUADS, low_rank_right(task.row + at / QUADS, step, at % QUADS));
        }
        return;
    }
#endif
    for (var at = index; at < TILE * TERMS / 8u; at += INVOCATIONS) {
        let pack = step * (TERMS / 8u) + at % 4u;
        var w = Weights();
        if task.row + at / 4u < OUTPUTS && pack < PACKS {
            w = dequant(task.row + at / 4u, pack, PACKS);
        }
        set_right(at / 4u, at % 4u * 2u, w.low);
        set_right(at / 4u, at % 4u * 2u + 1u, w.high);
    }
}

// Four terms of a token.
fn left_quad(token: u32, step: u32, quad: u32, k: u32) -> vec4<f32> {
#if LORA
    if step >= OF_WEIGHTS {
        return low_rank_left(token, step, quad);
    }
#endif
    let at = step * QUADS + quad;
    if at >= PACKS * 2u {
        return vec4(0.0);
    }
    let four = x[token * PACKS * 2u + at];
#if RMS
    squares[k] += dot(four, four);
#endif
#if GAIN
    return four * gain[at];
#else
    return four;
#endif
}

#if LORA
// Four of a token's u, of its own adapter alone.
fn low_rank_left(token: u32, step: u32, quad: u32) -> vec4<f32> {
    var four = vec4(0.0);
    for (var i = 0u; i < 4u; i++) {
        let term = (step - OF_WEIGHTS) * TERMS + quad * 4u + i;
        if term < ADAPTERS * SEGMENTS * RANK && term / (SEGMENTS * RANK) + 1u == adapter_of(token) {
            four[i] = adapter[U_AT + token * ADAPTERS * SEGMENTS * RANK + term];
        }
    }
    return four;
}

// Four factors of a row of W for the u of all adapters and segments.
fn low_rank_right(row: u32, step: u32, quad: u32) -> vec4<f32> {
    var four = vec4(0.0);
    for (var i = 0u; i < 4u; i++) {
        let term = (step - OF_WEIGHTS) * TERMS + quad * 4u + i;
        let segment = term / RANK % SEGMENTS;
        if row < OUTPUTS && term < ADAPTERS * SEGMENTS * RANK && segment == segment_of(STARTS_AT + row) {
            four[i] = b_at(term / (SEGMENTS * RANK), row, term % RANK);
        }
    }
    return four;
}
#endif

// The squares of a column, which 8 invocations have parts of, become 1 / rms.
fn prepare_store(index: u32) {
#if RMS
    for (var k = 0u; k < 4u; k++) {
        keep(index / QUADS + 16u * k, index % QUADS, squares[k]);
    }
    workgroupBarrier();
    if index < TILE {
        var sum = 0.0;
        for (var part = 0u; part < QUADS; part++) {
            sum += kept(index, part);
        }
        keep(index, 0u, inverse_rms(sum));
    }
    workgroupBarrier();
#endif
}

fn put(down: u32, across: u32, two: vec2<f32>) {
    if task.column + down < task.count && task.row + across < OUTPUTS {
#if RMS
        finish(task.row + across, task.column + down, two * kept(down, 0u));
#else
        finish(task.row + across, task.column + down, two);
#endif
    }
}
