// Products of decoding, of few columns or of many.

#define MANY   // 1: tiles of 64 x 64; 0: up to 8 columns share a read of the weights

#if MANY
#include "lib/many_columns.wgsl"
#else
#include "lib/few_columns.wgsl"
#endif
