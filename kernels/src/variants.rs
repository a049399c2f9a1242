//! Which variant of every kernel an adapter runs.

use std::collections::BTreeMap;

use wgpu::Features;

use crate::cooperative;
use crate::device::Capabilities;
use crate::kernel::Uses;
use crate::kernels;

/// The variant of every kernel that an adapter of such capabilities runs: its name and what it makes use of.
pub fn variants(capabilities: &Capabilities) -> BTreeMap<String, &'static str> {
    let subgroups = if capabilities.subgroups.is_some() { Features::SUBGROUP } else { Features::empty() };
    let offered = cooperative::offered(capabilities).next().map_or(subgroups.into(), cooperative::ability);
    let mut chosen = BTreeMap::new();
    for kernel in kernels().into_iter().filter(|kernel| offered.contains(kernel.needs())) {
        let best = chosen.entry(kernel.title()).or_insert(Uses::Nothing);
        *best = kernel.uses().max(*best);
    }
    chosen.into_iter().map(|(title, uses)| (title, uses.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{self, CooperativeMatrix, Scalar, SubgroupSizes};

    #[test]
    fn every_kernel_runs_without_features_and_takes_the_best_where_there_are_any() {
        let all = device::test_gpu().gpu.unwrap().capabilities;
        let plain = Capabilities { subgroups: None, cooperative_matrices: vec![], ..all.clone() };
        let shape = CooperativeMatrix { m: 16, n: 16, k: 16, input: Scalar::F16, accumulator: Scalar::F32 };
        let all = Capabilities {
            f16: true,
            subgroups: Some(SubgroupSizes { min: 8, max: 8 }),
            cooperative_matrices: vec![shape],
            workgroup_storage_bytes: 32 << 10,
            ..all
        };
        let (plain, all) = (variants(&plain), variants(&all));
        assert!(plain.values().all(|uses| *uses == "plain"));
        assert!(plain.keys().eq(all.keys()));
        let of = ["decode_linear", "decode_linear, many columns", "decode_sample"].map(|title| all[title]);
        assert_eq!(of, ["subgroups", "16x16 cooperative matrices", "plain"]);
    }
}
