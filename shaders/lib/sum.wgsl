// Sums over a workgroup, in a fixed order: equal inputs give equal bits on one device.
//
// With SUBGROUPS each subgroup sums its lanes in registers and one number per subgroup crosses workgroup
// memory: two barriers. The size of a subgroup may be anything from 4, the least that wgpu reports. Without,
// the numbers meet in a tree: log2(WORKGROUP) + 2 barriers.
//
// Call it in uniform control flow: by all invocations of the workgroup, outside every branch that not all
// take.

#include "lib/lane.wgsl"

#define WORKGROUP   // invocations of a workgroup, a power of two

#if SUBGROUPS
var<workgroup> partial_sums: array<f32, WORKGROUP / 4u>; // [subgroups]

fn workgroup_sum(lane: Lane, value: f32) -> f32 {
    let subgroup_sum = subgroupAdd(value);
    if lane.lane == 0u {
        partial_sums[lane.subgroup] = subgroup_sum;
    }
    workgroupBarrier();
    var sum = 0.0;
    for (var i = 0u; i < lane.subgroups; i++) {
        sum += partial_sums[i];
    }
    workgroupBarrier(); // the next sum writes there again
    return sum;
}
#else
var<workgroup> partial_sums: array<f32, WORKGROUP>; // [invocations]

fn workgroup_sum(lane: Lane, value: f32) -> f32 {
    partial_sums[lane.index] = value;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        if lane.index < half {
            partial_sums[lane.index] += partial_sums[lane.index + half];
        }
        workgroupBarrier();
    }
    let sum = partial_sums[0];
    workgroupBarrier(); // the next sum writes there again
    return sum;
}
#endif
