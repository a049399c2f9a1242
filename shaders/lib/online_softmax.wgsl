// The online softmax of flash attention (Milakov and Gimelshein, 2018; Dao, 2023) over tiles of scores: no
// row of them is ever stored.

#include "lib/attention_tile.wgsl"

// The running state of the online softmax for an invocation's four rows.
struct Softmax {
    largest: vec4<f32>,  // score
    total: vec4<f32>,    // weight, of this invocation's columns alone
}

// Takes the scores of a tile into the sums of the terms from `column` on: weights are relative to the largest
// score so far, and what came before is scaled when that grows. A score of HIDDEN weighs nothing.
fn add_scored(own: Own, scores: ptr<function, Scores>, column: u32, softmax: ptr<function, Softmax>, sums: ptr<function, Sums>) {
    let highest = max(max((*scores)[0], (*scores)[1]), max((*scores)[2], (*scores)[3]));
    rows[own.across * 16u + own.down] = highest;
    workgroupBarrier();
    let before = (*softmax).largest;
    var largest = before;
    for (var across = 0u; across < 8u; across++) {
        largest = max(largest, rows[across * 16u + own.down]);
    }
    let kept = exp(before - largest);
    var total = (*softmax).total * kept;
    for (var j = 0u; j < 4u; j++) {
        let weight = select(vec4(0.0), exp((*scores)[j] - largest), (*scores)[j] > vec4(HIDDEN));
        (*scores)[j] = weight;
        total += weight;
    }
    *softmax = Softmax(largest, total);
    set_weights(own, *scores);
    for (var part = 0u; part < PARTS; part++) {
        for (var i = 0u; i < 4u; i++) {
            (*sums)[part][i] *= kept[i];
        }
    }
    add_weighted(own, 0u, column, sums);
}

// The weight of the four rows over all columns.
fn total_of_rows(own: Own, softmax: Softmax) -> vec4<f32> {
    rows[own.across * 16u + own.down] = softmax.total;
    workgroupBarrier();
    var total = vec4(0.0);
    for (var across = 0u; across < 8u; across++) {
        total += rows[across * 16u + own.down];
    }
    return total;
}
