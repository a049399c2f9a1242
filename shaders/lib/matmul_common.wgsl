// What products of decoding have in common, of few columns (lib/gemv.wgsl) and of many (lib/gemm.wgsl):
//
//     y = (W + B A) · norm(x)      for every column of x: a token of the step
//
// A root-mean-square norm before the product costs next to nothing: W · (g x / rms) = (W · g x) / rms, so every workgroup takes the
// squares of x along and divides its sums by their mean. Low-rank adapters are further terms of the same sums, B · u for
// u = A · g x, which an earlier launch has left behind. A token has one of the adapters or none.
//
// The including shader declares x `[tokens, PACKS, 2]` of Parts, zero past the row of W (or `[tokens, PACKS]` in int8 quants), quants,
// scales where SCALED, gain `[PACKS, 2]` where GAIN, and where LORA adapter, with B `[ADAPTERS, ALL_OUTPUTS, RANK]` first and
// u `[tokens, ADAPTERS, SEGMENTS, RANK]` behind it. It says
//
//     segment_of(row)            of a row of W, where LORA: rows may have a u of their own
//     token_at(column)           the token whose x is a column
//     finish(row, column, two)   what becomes of the products of rows `row` and `row + 1` of this buffer; the latter may be past its end
//
// and calls compute(grid, lane, columns).

#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"
#include "lib/lane.wgsl"
#include "lib/dequant.wgsl"

#define PACKS        // of 8 weights in a row of W
#define OUTPUTS     // rows of W in this buffer: large matrices lie in several
#define STARTS_AT   // the first of them among all
#define WORKGROUP   // invocations
#define GAIN        // 1: x is multiplied by gain
#define RMS         // 1: the products are divided by the root mean square of x
#define LORA        // 1: with adapters
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
