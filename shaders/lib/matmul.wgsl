// Matrix products of decoding: GEMM for many columns, GEMV for few.

#define GEMM   // 1: tiles of 64 x 64; 0: up to 8 columns share a read of the weights

#if GEMM
#include "lib/gemm.wgsl"
#else
#include "lib/gemv_batch.wgsl"
#endif
