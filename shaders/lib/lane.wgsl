// The position of an invocation in its workgroup and, where the variant has them, in its subgroup.

#define SUBGROUPS   // 1: the adapter has subgroup operations

struct Lane {
    @builtin(local_invocation_index) index: u32,
#if SUBGROUPS
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) lane: u32,
#endif
}
