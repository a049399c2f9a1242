// The layout of the heads of a batch, for attention in training, beside the tiles of lib/attention_tile.wgsl.
//
// The including shader declares `params: Params`.

#include "lib/attention_tile.wgsl"
#include "lib/grid.wgsl"

struct Params {
    first: u32,           // workgroup of this launch: long work is cut into several
    batch: u32,
    seq: u32,             // tokens of a row
    heads: u32,           // of queries
    group: u32,           // of them share a head of keys and values
    quads: u32,           // of coordinates in a head
    scale: f32,           // of the scores
    padding: array<u32>,  // [batch]: tokens at the left of a row that nothing sees
}

// The task of a workgroup.
struct Task {
    batch: u32,
    head: u32,     // of queries
    kv_head: u32,
    row: u32,      // token of the first row
    column: u32,   // token of the first column
}

var<private> task: Task;

fn head_quads() -> u32 {
    return params.quads;
}

// The workgroup's tile of 64 rows and its head, of `heads` in every row of the batch. Past the end the batch
// has no such row.
fn take_task(grid: Grid, heads: u32) -> u32 {
    let tiles = (params.seq + ROWS - 1u) / ROWS;
    let number = params.first + workgroup_number(grid);
    task.batch = number / tiles / heads;
    task.head = number / tiles % heads;
    return number % tiles;
}

// Where four coordinates of a token lie, in a tensor [batch, seq, heads, quads]. Ask for what is inside()
// alone.
fn place_of(token: u32, head: u32, heads: u32, quad: u32) -> u32 {
    return ((task.batch * params.seq + token) * heads + head) * params.quads + quad;
}

fn inside(token: u32, quad: u32) -> bool {
    return token < params.seq && quad < params.quads;
}
