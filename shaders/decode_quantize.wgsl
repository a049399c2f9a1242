// Quantizes the columns of a step to int8 for products in int8 (lib/gemv_int8.wgsl): every 32 numbers share a
// scale, a 127th of the largest magnitude, and each number becomes the nearest multiple of it.
//
// Grid: one invocation per token and 32 numbers.
// Costs: 4 bytes of x and 2 of quants per number; bound by the launch.

#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"

#define PACKS   // of 8 numbers in a column, four at least to a step
#define GAIN    // 1: x is multiplied by gain
#define WORKGROUP

requires packed_4x8_integer_dot_product;

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;              // [tokens, PACKS, 2]
#if GAIN
@group(0) @binding(1) var<storage, read_write> gain: array<vec4<f32>>;           // [PACKS, 2]
#endif
@group(0) @binding(GAIN + 1u) var<storage, read_write> quants: array<vec4<u32>>; // [tokens, PACKS]: 4 quants, 4 quants, step, squares of x
@group(0) @binding(GAIN + 2u) var<storage, read_write> step_inputs: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let number = workgroup_number(grid) * WORKGROUP + index;
    let token = number / (PACKS / 4u);
    let first = number % (PACKS / 4u) * 4u; // pack
    if token >= token_count() {
        return;
    }
    var numbers: array<vec4<f32>, 8>;
    var squares: vec4<f32>; // of each pack
    var largest = 0.0;
    for (var i = 0u; i < 8u; i++) {
        let four = x[(token * PACKS + first) * 2u + i];
        squares[i / 2u] += dot(four, four);
#if GAIN
        numbers[i] = four * gain[first * 2u + i];
#else
        numbers[i] = four;
#endif
        let magnitudes = abs(numbers[i]);
        largest = max(largest, max(max(magnitudes.x, magnitudes.y), max(magnitudes.z, magnitudes.w)));
    }
    let step = largest / 127.0;
    let per_step = select(0.0, 127.0 / largest, largest > 0.0);
    for (var pack = 0u; pack < 4u; pack++) {
        let low = pack4xI8Clamp(vec4<i32>(round(numbers[pack * 2u] * per_step)));
        let high = pack4xI8Clamp(vec4<i32>(round(numbers[pack * 2u + 1u] * per_step)));
        quants[token * PACKS + first + pack] = vec4(low, high, bitcast<u32>(step), bitcast<u32>(squares[pack]));
    }
}
