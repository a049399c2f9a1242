//! Cooperative matrices (tensor cores): where kernels may use them.
//!
//! A GPU may be the first of its kind that a kernel of ours meets. What it computes by such matrices is compared with the plain variant
//! once, when the device is opened; where they disagree, kernels do without.

use wgpu::Features;

use crate::decode;
use crate::device::{Capabilities, CooperativeMatrix, Gpu, Scalar};
use crate::features::KernelFeatures;

/// The edges of the matrices that kernels can use, best first: 16 on NVIDIA, AMD and Intel, 8 on Apple and in Mesa's software.
pub(crate) const COOP_TILES: [u32; 2] = [16, 8];

/// Bytes of workgroup memory that they take.
const WORKGROUP_STORAGE: u32 = 32 << 10;

/// What a device must have for the kernels that use matrices of this edge.
pub(crate) fn features(coop_tile: u32) -> KernelFeatures {
    let features = Features::SHADER_F16 | Features::SUBGROUP | Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
    KernelFeatures { wgpu: features, coop_tile }
}

/// Square, of halves with f32 sums.
fn shape(coop_tile: u32) -> CooperativeMatrix {
    CooperativeMatrix { m: coop_tile, n: coop_tile, k: coop_tile, input: Scalar::F16, accumulator: Scalar::F32 }
}

/// The edges of the matrices that an adapter offers together with all else that they need, best first.
pub(crate) fn offered(capabilities: &Capabilities) -> impl Iterator<Item = u32> {
    let able = capabilities.f16
        && capabilities.subgroups.is_some()
        && capabilities.workgroup_storage_bytes >= WORKGROUP_STORAGE;
    COOP_TILES
        .into_iter()
        .filter(move |coop_tile| able && capabilities.cooperative_matrices.contains(&shape(*coop_tile)))
}

/// Gives kernels the best matrices that the device of `gpu` offers and that pass their check; says which did not, and how.
pub(crate) fn calibrate(gpu: &mut Gpu) -> Option<String> {
    let mut flaws = Vec::new();
    for coop_tile in offered(&gpu.capabilities) {
        match decode::check_cooperative_gemm(gpu, coop_tile) {
            Ok(()) => {
                gpu.features.coop_tile = coop_tile;
                break;
            }
            Err(flaw) => flaws.push(format!("cooperative matrices of {coop_tile}x{coop_tile} are left out: {flaw}")),
        }
    }
    (!flaws.is_empty()).then(|| flaws.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{SubgroupSizes, test_gpu};

    #[test]
    fn square_matrices_of_halves_with_f32_sums_are_what_it_takes() {
        let small = test_gpu().gpu.unwrap().capabilities;
        let able = Capabilities {
            f16: true,
            subgroups: Some(SubgroupSizes { min: 32, max: 32 }),
            cooperative_matrices: vec![CooperativeMatrix { k: 8, ..shape(16) }, shape(8), shape(16)],
            workgroup_storage_bytes: 48 << 10,
            ..small
        };
        let with = |change: fn(&mut Capabilities)| {
            let mut other = able.clone();
            change(&mut other);
            offered(&other).collect::<Vec<_>>()
        };
        assert_eq!(with(|_| ()), [16, 8]);
        assert_eq!(with(|c| c.cooperative_matrices.truncate(2)), [8]);
        assert_eq!(with(|c| c.cooperative_matrices[1].accumulator = Scalar::F16), [16]);
        assert!(with(|c| c.cooperative_matrices.truncate(1)).is_empty());
        assert!(with(|c| c.f16 = false).is_empty());
        assert!(with(|c| c.subgroups = None).is_empty());
        assert!(with(|c| c.workgroup_storage_bytes = 16 << 10).is_empty());
    }

    #[test]
    fn the_best_that_the_test_device_offers_is_used() {
        let open = test_gpu();
        let gpu = open.gpu.unwrap();
        assert_eq!(gpu.features.coop_tile, offered(&gpu.capabilities).next().unwrap_or(0), "{}", open.description);
    }

    #[test]
    fn what_is_not_offered_is_not_used() {
        let mut gpu = test_gpu().gpu.unwrap();
        gpu.features.coop_tile = 0;
        gpu.capabilities.cooperative_matrices.clear();
        assert_eq!(calibrate(&mut gpu), None);
        assert_eq!(gpu.features.coop_tile, 0);
    }
}
