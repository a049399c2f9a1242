// A step of AdamW (Kingma and Ba, 2015; Loshchilov and Hutter, 2019) over a flat tensor of many weights. With
// the gradient g, scaled so that the norm of all gradients together is at most `clip`, and the moments m and
// v:
//
//     m = β₁ m + (1 - β₁) g        v = β₂ v + (1 - β₂) g²
//     w = (1 - lr · decay) w - lr · m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε)
//
// The norm never leaves the device: every workgroup adds up the sums of squares for itself. If the norm is
// NaN or infinite, as after a loss that overflowed, nothing is updated.
//
// Grid: one invocation per vec4. The moments are updated in place. The weights go to a new tensor, because a
// saved model may hold the old one.
// Costs: 28 bytes and about 12 FLOPs per weight; bound by memory.

#include "lib/grid.wgsl"
#include "lib/sum.wgsl"

struct Params {
    values: u32,          // vec4 of a tensor
    sums: u32,            // of squares; none where nothing is clipped
    clip: f32,
    rate: f32,            // lr / (1 - β₁ᵗ)
    correction: f32,      // 1 - β₂ᵗ
    beta_1: f32,
    rest_1: f32,          // 1 - β₁
    beta_2: f32,
    rest_2: f32,          // 1 - β₂
    epsilon: f32,
    kept: f32,            // 1 - lr · decay
}

@group(0) @binding(0) var<storage, read_write> weights: array<vec4<f32>>;   // [values]
@group(0) @binding(1) var<storage, read_write> gradients: array<vec4<f32>>; // [values]
@group(0) @binding(2) var<storage, read_write> squares: array<f32>;         // [sums]
@group(0) @binding(3) var<storage, read_write> decays: array<u32>;          // a bit for every 16 values: whether they decay
@group(0) @binding(4) var<storage, read_write> first: array<vec4<f32>>;     // [values]: m
@group(0) @binding(5) var<storage, read_write> second: array<vec4<f32>>;    // [values]: v
@group(0) @binding(6) var<storage, read_write> moved: array<vec4<f32>>;     // [values]: the new weights
@group(0) @binding(7) var<storage, read_write> params: Params;

// Told by the bits: compilers may assume that no float is infinite or NaN.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    var part = 0.0;
    for (var i = lane.index; i < params.sums; i += WORKGROUP) {
        part += squares[i];
    }
    let square = workgroup_sum(lane, part);

    let i = workgroup_number(grid) * WORKGROUP + lane.index;
    if i < params.values {
        var w = weights[i];
        if is_finite(square) {
            let g = gradients[i] * min(1.0, params.clip / (sqrt(square) + 1e-6));
            let m = params.beta_1 * first[i] + params.rest_1 * g;
            let v = params.beta_2 * second[i] + params.rest_2 * g * g;
            first[i] = m;
            second[i] = v;
            let decays_here = (decays[i / 512u] >> (i / 16u % 32u) & 1u) == 1u;
            w = w * select(1.0, params.kept, decays_here) - params.rate * m / (sqrt(v / params.correction) + params.epsilon);
        }
        moved[i] = w;
    }
}
