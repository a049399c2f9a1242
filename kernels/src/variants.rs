//! The variant of every kernel that an adapter runs, and the tiers that make it run the others.

use std::collections::BTreeMap;

use wgpu::Features;

use crate::cooperative;
use crate::device::{Capabilities, Gpu};
use crate::features::KernelFeatures;
use crate::kernel::VariantTier;
use crate::kernels;

/// The variant of every kernel that an adapter of these capabilities runs, by kernel.
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

/// The device in every tier that it supports, best first: the tier's name, and the device with the features
/// of lower tiers alone. An engine on each of them runs every variant that this device supports.
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
    use crate::device::{CooperativeMatrix, Scalar, SubgroupSizes};
    use crate::test_gpu;

    #[test]
    fn every_tier_offers_what_its_name_says_and_nothing_beyond() {
        let gpu = test_gpu().gpu.unwrap();
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
        let all = test_gpu().gpu.unwrap().capabilities;
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
