// Products of decoding, of few columns or of many.

#define GEMM   // 1: tiles of 64 x 64; 0: up to 8 columns share a read of the weights

#if GEMM
#include "lib/gemm.wgsl"
#else
#include "lib/gemv_batch.wgsl"
#endif
