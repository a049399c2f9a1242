//! Cooperative matrices (WGSL's cooperative matrix types, tensor cores): the shapes that kernels use and the
//! adapters that offer them.
//!
//! An adapter that offers them is calibrated when it is opened ([`open`](crate::open())).

use wgpu::Features;

use crate::device::{Capabilities, CooperativeMatrix, Scalar};
use crate::features::KernelFeatures;

/// The sizes of the matrices that kernels can use, best first: 16 on NVIDIA, AMD and Intel, 8 on Apple and in
/// Mesa's software rasterizer.
pub(crate) const COOP_TILES: [u32; 2] = [16, 8];

/// Bytes of workgroup memory that they require.
const WORKGROUP_STORAGE: u32 = 32 << 10;

/// The features of a device that runs kernels with matrices of this size.
pub(crate) fn features(coop_tile: u32) -> KernelFeatures {
    let features = Features::SHADER_F16 | Features::SUBGROUP | Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
    KernelFeatures { wgpu: features, coop_tile }
}

/// Square matrices of f16 with f32 sums.
fn shape(coop_tile: u32) -> CooperativeMatrix {
    CooperativeMatrix { m: coop_tile, n: coop_tile, k: coop_tile, input: Scalar::F16, accumulator: Scalar::F32 }
}

/// The sizes of the matrices that an adapter offers, with all else that they require, best first.
pub(crate) fn offered(capabilities: &Capabilities) -> impl Iterator<Item = u32> {
    let able = capabilities.f16
        && capabilities.subgroups.is_some()
        && capabilities.workgroup_storage_bytes >= WORKGROUP_STORAGE;
    COOP_TILES
        .into_iter()
        .filter(move |coop_tile| able && capabilities.cooperative_matrices.contains(&shape(*coop_tile)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::SubgroupSizes;
    use crate::open::test_gpu;

    #[test]
    fn square_matrices_of_f16_with_f32_sums_are_required() {
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
}
