// The fused matrix product of decoding, common to GEMV (lib/gemv.wgsl) and GEMM (lib/gemm.wgsl):
//
//     y = (W + B A) · norm(x)      for every column of x: a token of the step
//
// A root-mean-square norm before the product costs next to nothing: W · (g x / rms) = (W · g x) / rms, so
// every workgroup sums the squares of x as well and divides its sums by the root of their mean. LoRA adapters
// are further terms of the same sums, B · u for u = A · g x, which an earlier launch has computed. A token
// has one of the adapters or none.
//
// The bindings are those of lib/matmul_bindings.wgsl. x has `[tokens, PACKS, 2]` Parts, or `[tokens, PACKS]`
// in int8. `adapter` has B `[ADAPTERS, ALL_OUTPUTS, RANK]` first and u `[tokens, ADAPTERS, SEGMENTS, RANK]`
// behind it. The including shader defines
//
//     segment_of(row)            the segment of a row of W, where LORA: segments have a u of their own
//     token_at(column)           the token whose x is a column
//     finish(row, column, two)   stores the products of rows `row` and `row + 1` of this buffer; the latter may be past its end
//
// and calls compute(grid, lane, columns).

#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"
#include "lib/lane.wgsl"
#include "lib/dequant.wgsl"

#define PACKS       // of 8 weights in a row of W
#define OUTPUTS     // rows of W in this buffer: large matrices lie in several
#define STARTS_AT   // the first of them among all
#define WORKGROUP   // invocations
#define GAIN        // 1: x is multiplied by gain
#define RMS         // 1: the products are divided by the root mean square of x
#define LORA        // 1: with adapters
#include "lib/matmul_bindings.wgsl"
#if RMS
#define WIDTH       // numbers of a column
#define EPSILON     // bits of what is added to their mean square
#endif
#if LORA
#define ADAPTERS
#define ALL_OUTPUTS // rows of W in all buffers
#define SEGMENTS
#define RANK

const U_AT: u32 = ADAPTERS * ALL_OUTPUTS * RANK;

// B of an adapter, counted from 0.
fn b_at(of_adapter: u32, row: u32, k: u32) -> f32 {
    return adapter[(of_adapter * ALL_OUTPUTS + STARTS_AT + row) * RANK + k];
}
#endif

#if RMS
// 1 / rms of a column whose squares have this sum.
fn inverse_rms(squares: f32) -> f32 {
    return inverseSqrt(squares / f32(WIDTH) + bitcast<f32>(EPSILON));
}
#endif
