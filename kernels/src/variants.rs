//! Which variant of every kernel an adapter runs, and how it is made to run the others.

use std::collections::BTreeMap;

use wgpu::Features;

use crate::cooperative;
use crate::device::{Capabilities, Gpu};
use crate::features::KernelFeatures;
use crate::kernel::VariantTier;
use crate::kernels;

/// The variant of every kernel that an adapter of such capabilities runs: its name and what it makes use of.
pub fn variants(capabilities: &Capabilities) -> BTreeMap<String, &'static str> {
    let subgroups = if capabilities.subgroups.is_some() { Features::SUBGROUP } else { Features::empty() };
    let offered = cooperative::offered(capabilities).next().map_or(subgroups.into(), cooperative::features);
    let mut chosen = BTreeMap::new();
    for kernel in kernels().into_iter().filter(|kernel| offered.contains(kernel.needs())) {
        let best = chosen.entry(kernel.title()).or_insert(VariantTier::Portable);
        *best = kernel.tier().max(*best);
    }
    chosen.into_iter().map(|(title, tier)| (title, tier.name())).collect()
}

/// The device as kernels find it, and as they would find one that offers less: what the best of their variants make use of, by its name,
/// and the device. An engine on each of them runs every variant that there is for this one.
pub fn tiers(gpu: &Gpu) -> Vec<(&'static str, Gpu)> {
    let without_matrices = KernelFeatures { coop_tile: 0, ..gpu.features };
    let plain = KernelFeatures { wgpu: gpu.features.wgpu - Features::SUBGROUP, coop_tile: 0 };
    let mut tiers: Vec<(&'static str, Gpu)> = Vec::new();
    for features in [gpu.features, without_matrices, plain] {
        let tier = VariantTier::of(features).name();
        if tiers.iter().all(|(other, _)| *other != tier) {
            tiers.push((tier, Gpu { features, ..gpu.clone() }));
        }
    }
    tiers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{self, CooperativeMatrix, Scalar, SubgroupSizes};

    #[test]
    fn every_tier_offers_what_its_name_says_and_nothing_beyond() {
        let gpu = device::test_gpu().gpu.unwrap();
        let names = |features: KernelFeatures| {
            let tiers = tiers(&Gpu { features, ..gpu.clone() });
            tiers.into_iter().map(|(name, tier)| (name, tier.features)).collect::<Vec<_>>()
        };
        let subgroups = KernelFeatures::from(Features::SUBGROUP);
        assert_eq!(names(KernelFeatures::NONE), [("plain", KernelFeatures::NONE)]);
        assert_eq!(names(subgroups), [("subgroups", subgroups), ("plain", KernelFeatures::NONE)]);
        let all = cooperative::features(8);
        let names: Vec<&str> = names(all).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["8x8 cooperative matrices", "subgroups", "plain"]);
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
        assert!(plain.values().all(|tier| *tier == "plain"));
        assert!(plain.keys().eq(all.keys()));
        let of = ["decode_linear", "decode_linear, GEMM", "decode_sample"].map(|title| all[title]);
        assert_eq!(of, ["subgroups", "16x16 cooperative matrices", "plain"]);
    }
}
