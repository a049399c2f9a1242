//! Which variant of every kernel an adapter runs, and how it is made to run the others.

use std::collections::BTreeMap;

use wgpu::Features;

use crate::cooperative::{self, COOPERATIVE};
use crate::device::{Capabilities, Gpu};
use crate::kernel::Uses;
use crate::kernels;

/// The variant of every kernel that an adapter of such capabilities runs: its name and what it makes use of.
pub fn variants(capabilities: &Capabilities) -> BTreeMap<String, &'static str> {
    let mut offered = Features::empty();
    offered.set(Features::SUBGROUP, capabilities.subgroups.is_some());
    if cooperative::is_offered(capabilities) {
        offered |= COOPERATIVE;
    }
    let mut chosen = BTreeMap::new();
    for kernel in kernels().into_iter().filter(|kernel| offered.contains(kernel.needs())) {
        let best = chosen.entry(kernel.title()).or_insert(Uses::Nothing);
        *best = kernel.uses().max(*best);
    }
    chosen.into_iter().map(|(title, uses)| (title, uses.name())).collect()
}

/// The device as kernels find it, and as they would find one that offers less: what the best of their variants make use of, by its name,
/// and the device. An engine on each of them runs every variant that there is for this one.
pub fn tiers(gpu: &Gpu) -> Vec<(&'static str, Gpu)> {
    let offered = [
        (Uses::CooperativeMatrices, COOPERATIVE, Features::empty()),
        (Uses::Subgroups, Features::SUBGROUP, Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
        (Uses::Nothing, Features::empty(), COOPERATIVE),
    ];
    let runnable = offered.into_iter().filter(|(_, needed, _)| gpu.features.contains(*needed));
    runnable.map(|(uses, _, beyond)| (uses.name(), Gpu { features: gpu.features - beyond, ..gpu.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{self, CooperativeMatrix, Scalar, SubgroupSizes};

    #[test]
    fn every_tier_offers_what_its_name_says_and_nothing_beyond() {
        let gpu = device::test_gpu().gpu.unwrap();
        let names = |features: Features| {
            let tiers = tiers(&Gpu { features, ..gpu.clone() });
            tiers.into_iter().map(|(name, tier)| (name, tier.features)).collect::<Vec<_>>()
        };
        let plain = ("plain", Features::empty());
        let subgroups = ("subgroups", Features::SUBGROUP);
        assert_eq!(names(Features::empty()), [plain]);
        assert_eq!(names(Features::SUBGROUP), [subgroups, plain]);
        let without_matrices = ("subgroups", Features::SUBGROUP | Features::SHADER_F16);
        assert_eq!(names(COOPERATIVE), [("cooperative matrices", COOPERATIVE), without_matrices, plain]);
    }

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
        assert_eq!(of, ["subgroups", "cooperative matrices", "plain"]);
    }
}
