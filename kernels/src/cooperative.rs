//! Cooperative matrices (tensor cores): where kernels may use them.
//!
//! No software adapter has them, so that what runs on a GPU may be the first such device that a kernel of ours meets. What it computes
//! there is compared with the plain variant once, when the device is opened; where they disagree, kernels do without.

use wgpu::Features;

use crate::decode;
use crate::device::{Capabilities, CooperativeMatrix, Gpu, Scalar};

/// What an adapter must have for the kernels that use them.
pub(crate) const COOPERATIVE: Features =
    Features::SHADER_F16.union(Features::SUBGROUP).union(Features::EXPERIMENTAL_COOPERATIVE_MATRIX);

/// The one shape that they use.
const SHAPE: CooperativeMatrix =
    CooperativeMatrix { m: 16, n: 16, k: 16, input: Scalar::F16, accumulator: Scalar::F32 };

/// Bytes of workgroup memory that they take.
const WORKGROUP_STORAGE: u32 = 32 << 10;

/// Whether an adapter offers what they need.
pub(crate) fn is_offered(capabilities: &Capabilities) -> bool {
    capabilities.f16
        && capabilities.subgroups.is_some()
        && capabilities.workgroup_storage_bytes >= WORKGROUP_STORAGE
        && capabilities.cooperative_matrices.contains(&SHAPE)
}

/// Takes cooperative matrices from what kernels may use on the device of `gpu`, where it does not offer what they need, or where they
/// fail their check; then it says how.
pub(crate) fn settle(gpu: &mut Gpu) -> Option<String> {
    if !is_offered(&gpu.capabilities) {
        gpu.features.remove(Features::EXPERIMENTAL_COOPERATIVE_MATRIX);
        return None;
    }
    let failure = decode::check_cooperative(gpu).err()?;
    gpu.features.remove(Features::EXPERIMENTAL_COOPERATIVE_MATRIX);
    Some(format!("cooperative matrices are left out: {failure}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{SubgroupSizes, test_gpu};

    #[test]
    fn one_shape_of_halves_with_f32_sums_is_what_it_takes() {
        let small = test_gpu().gpu.unwrap().capabilities;
        let able = Capabilities {
            f16: true,
            subgroups: Some(SubgroupSizes { min: 32, max: 32 }),
            cooperative_matrices: vec![CooperativeMatrix { k: 8, ..SHAPE }, SHAPE],
            workgroup_storage_bytes: 48 << 10,
            ..small
        };
        assert!(is_offered(&able));
        let with = |change: fn(&mut Capabilities)| {
            let mut other = able.clone();
            change(&mut other);
            is_offered(&other)
        };
        assert!(!with(|c| c.f16 = false));
        assert!(!with(|c| c.subgroups = None));
        assert!(!with(|c| c.workgroup_storage_bytes = 16 << 10));
        assert!(!with(|c| c.cooperative_matrices.truncate(1)));
        assert!(!with(|c| c.cooperative_matrices[1].accumulator = Scalar::F16));
    }

    #[test]
    fn what_is_not_offered_is_not_used() {
        let mut gpu = test_gpu().gpu.unwrap();
        gpu.capabilities.cooperative_matrices.clear();
        gpu.features |= COOPERATIVE;
        assert_eq!(settle(&mut gpu), None);
        assert!(!gpu.features.contains(Features::EXPERIMENTAL_COOPERATIVE_MATRIX));
    }
}
