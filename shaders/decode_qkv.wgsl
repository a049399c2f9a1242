// Queries, keys and values of a step's tokens: q, k, v = W · norm(x), q and k turned by their positions (Su et al., 2021).
//
// W has the rows of all query heads, then those of the keys, then those of the values. Within a head of q or k, the two rows that
// are turned against each other are neighbours, so that one workgroup has both; scores do not mind the order, q and k share it.
//
// Grid: one workgroup per ROWS rows of W and COLUMNS columns, the columns of the same rows side by side.
// Costs: the bytes of W once for COLUMNS columns, and 2 FLOPs per weight and column; bound by memory.

#include "lib/columns.wgsl"
#include "lib/frame.wgsl"

#define HEADS      // of queries
#define KV_HEADS   // of keys, and of values
#define HEAD       // numbers of a head

const QUERIES: u32 = HEADS * HEAD;
const TURNED: u32 = (HEADS + KV_HEADS) * HEAD;
const STRIDE: u32 = (HEADS + 2u * KV_HEADS) * HEAD;

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;    // [tokens, RUNS, 2], zero past the row of W
@group(0) @binding(1) var<storage, read_write> codes: array<Run>;      // W: [OUTPUTS, RUNS]
#if SCALED
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;     // of W
#endif
@group(0) @binding(SCALED + 2u) var<storage, read_write> gain: array<vec4<f32>>;     // [RUNS, 2]
#if LORA
@group(0) @binding(SCALED + 3u) var<storage, read_write> adapter: array<f32>;
#endif
@group(0) @binding(SCALED + LORA + 3u) var<storage, read_write> turns: array<vec2<f32>>; // [positions, HEAD / 2]: cos, sin
@group(0) @binding(SCALED + LORA + 4u) var<storage, read_write> y: array<f32>;           // [tokens, STRIDE]
@group(0) @binding(SCALED + LORA + 5u) var<storage, read_write> frame: array<u32>;

#if LORA
fn segment_of(row: u32) -> u32 {
    return u32(row >= QUERIES) + u32(row >= TURNED);
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let place = place_of(grid, token_count());
    var rows: Rows;
    var columns: Columns;
    take(place, &rows, &columns);
    multiply(lane, &rows, &columns);

    let pair = lane.index / COLUMNS * 2u;
    let c = lane.index % COLUMNS;
    let column = place.column + c;
    if pair < ROWS && place.row + pair < OUTPUTS && column < place.count {
        var two = vec2(product(pair, c), product(pair + 1u, c));
        let at = STARTS_AT + place.row + pair;
        if at < TURNED {
            let turn = turns[token_of(column).position * (HEAD / 2u) + at % HEAD / 2u];
            two = vec2(two.x * turn.x - two.y * turn.y, two.y * turn.x + two.x * turn.y);
        }
        let to = column * STRIDE + at;
        y[to] = two.x;
        y[to + 1u] = two.y;
    }
}
