//! A kernel: a shader and the constants of one variant of it; and its launch through burn's runtime.
//!
//! The kernel itself is the key of the pipeline cache, constants and all, so two variants can never share a
//! pipeline.
//!
//! Rules of every shader, and their reasons:
//! - Bindings are `read_write` storage, the parameters too: burn's tensors are slices of shared buffers, and
//!   one buffer cannot be bound for reading and for writing in the same dispatch.
//! - Every binding is used, else it vanishes from the layout that wgpu derives.
//! - Indices are guarded and workgroup memory is written before it is read: launches run without bounds
//!   checks and without zeroing. Tests run every variant a second time through plain wgpu with checks on.
//! - Barriers are in uniform control flow: no early return before them, none in a loop whose length comes
//!   from a buffer.
//! - No subgroup size is assumed, and the last variant of a kernel needs no feature and no more than WebGPU's
//!   limits.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::prelude::KernelId;
use burn_cubecl::cubecl::server::KernelArguments;
use burn_cubecl::cubecl::{CubeCount, CubeDim};
use burn_cubecl::template::{KernelSource, SourceKernel, SourceTemplate};
use burn_cubecl::tensor::CubeTensor;
use bytemuck::NoUninit;
use wgpu::Features;

use crate::cooperative::{self, COOP_TILES};
use crate::device;
use crate::features::KernelFeatures;
use crate::wgsl::{Expanded, expand};

/// The tiers of a kernel's variants, in ascending order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum VariantTier {
    /// No optional feature.
    Portable,
    /// Operations over subgroups.
    Subgroups,
    /// Cooperative matrices of this size.
    CooperativeMatrix(u32),
}

impl VariantTier {
    /// The best tier within these features.
    pub(crate) fn of(features: KernelFeatures) -> Self {
        if features.coop_tile > 0 {
            VariantTier::CooperativeMatrix(features.coop_tile)
        } else if features.wgpu.contains(Features::SUBGROUP) {
            VariantTier::Subgroups
        } else {
            VariantTier::Portable
        }
    }

    /// The name that users read.
    pub(crate) fn name(self) -> &'static str {
        match self {
            VariantTier::Portable => "plain",
            VariantTier::Subgroups => "subgroups",
            VariantTier::CooperativeMatrix(16) => "16x16 cooperative matrices",
            VariantTier::CooperativeMatrix(_) => "8x8 cooperative matrices",
        }
    }
}

/// One variant of a shader.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Kernel {
    shader: &'static str,
    constants: Vec<(&'static str, u32)>,
    needs: KernelFeatures,
}

impl Kernel {
    /// The kernel of `shaders/<shader>.wgsl`, with no constants yet.
    pub fn new(shader: &'static str) -> Self {
        Kernel { shader, constants: Vec::new(), needs: KernelFeatures::NONE }
    }

    /// Supplies the constant of a `#define`; flags are 0 or 1.
    pub fn with(mut self, constant: &'static str, value: impl Into<u32>) -> Self {
        self.constants.push((constant, value.into()));
        self
    }

    /// Marks the variant as one that requires these features.
    pub fn requiring(self, needs: KernelFeatures) -> Self {
        Kernel { needs, ..self }
    }

    /// The variants of a kernel that sums over its workgroup, as `lib/sum.wgsl` does, best first.
    pub fn reduction_variants(self) -> [Self; 2] {
        let by_tree = self.clone().with("SUBGROUPS", 0u32);
        [self.with("SUBGROUPS", 1u32).requiring(Features::SUBGROUP.into()), by_tree]
    }

    /// The variants of a kernel that includes `lib/gemm_tile.wgsl`, best first.
    pub fn gemm_variants(self) -> [Self; 3] {
        let [large, small] = COOP_TILES.map(|coop_tile| {
            let kernel = self.clone().with("COOP_TILE", coop_tile).with("SUBGROUPS", 1u32);
            kernel.requiring(cooperative::features(coop_tile))
        });
        [large, small, self.with("COOP_TILE", 0u32).with("SUBGROUPS", 0u32)]
    }

    /// The shader's name.
    pub fn shader(&self) -> &'static str {
        self.shader
    }

    /// The features that the variant requires.
    pub fn needs(&self) -> KernelFeatures {
        self.needs
    }

    /// The kernel without its variant: the shader's name, and its kind where there are several.
    pub fn title(&self) -> String {
        let kinds = [("GEMM", "GEMM"), ("INT8", "int8 if asked for")];
        let of_this = kinds.into_iter().find(|(constant, _)| self.constants.contains(&(*constant, 1)));
        of_this.map_or_else(|| self.shader.to_owned(), |(_, kind)| format!("{}, {kind}", self.shader))
    }

    /// The tier of the variant.
    pub(crate) fn tier(&self) -> VariantTier {
        VariantTier::of(self.needs)
    }

    /// The shader and the constants, e.g. "rms_norm WORKGROUP=256 WIDE=1".
    pub fn name(&self) -> String {
        self.constants.iter().fold(self.shader.to_owned(), |name, (key, value)| format!("{name} {key}={value}"))
    }

    /// The WGSL of this variant; its entry point is `main`.
    ///
    /// # Panics
    /// If the shader does not expand, which the translation test excludes for every kernel of
    /// [`kernels`](crate::kernels).
    pub fn wgsl(&self) -> Expanded {
        expand(self.shader, &self.constants).unwrap_or_else(|error| panic!("{}: {error}", self.name()))
    }
}

/// The first of `variants` that the device of `tensor` can run; they are ordered best first.
///
/// # Panics
/// If every variant needs some feature. Each operation has a variant for any adapter.
pub fn best(variants: impl IntoIterator<Item = Kernel>, tensor: &CubeTensor) -> Kernel {
    first_supported(variants, device::features(&tensor.device))
}

/// The first of `variants` that needs no more than the features `offered`; they are ordered best first.
///
/// # Panics
/// If every variant needs some feature. Each operation has a variant for any adapter.
pub fn first_supported(variants: impl IntoIterator<Item = Kernel>, offered: KernelFeatures) -> Kernel {
    let mut variants = variants.into_iter();
    variants.find(|kernel| offered.contains(kernel.needs)).expect("the last variant needs nothing")
}

/// Runs `kernel` over `workgroups` and returns its outputs, contiguous f32 tensors of the given shapes.
///
/// Its bindings are the inputs, the outputs and the parameters, in this order.
///
/// # Panics
/// Inputs that are not contiguous, or of elements that are neither f32 nor 32-bit words.
pub fn launch<const O: usize>(
    kernel: Kernel,
    inputs: &[&CubeTensor],
    outputs: [Shape; O],
    params: &impl NoUninit,
    workgroups: usize,
) -> [CubeTensor; O] {
    let outputs = outputs.map(|shape| empty_like(inputs[0], shape));
    let tensors: Vec<&CubeTensor> = inputs.iter().copied().chain(&outputs).collect();
    enqueue(kernel, &tensors, params, workgroups);
    outputs
}

/// An uninitialized contiguous f32 tensor on the device of `tensor`.
pub fn empty_like(tensor: &CubeTensor, shape: Shape) -> CubeTensor {
    let handle = tensor.client.empty(shape.num_elements() * size_of::<f32>());
    CubeTensor::new_contiguous(tensor.client.clone(), tensor.device.clone(), shape, handle, DType::F32)
}

/// Words as a tensor on the device of `tensor`. Without words it holds a single 0, since no buffer is empty.
pub fn words_on(tensor: &CubeTensor, words: &[u32]) -> CubeTensor {
    let words = if words.is_empty() { &[0] } else { words };
    let handle = tensor.client.create_from_slice(bytemuck::cast_slice(words));
    CubeTensor::new_contiguous(tensor.client.clone(), tensor.device.clone(), [words.len()].into(), handle, DType::U32)
}

/// Runs `kernel` over `workgroups`. Its bindings are the tensors, inputs before outputs, and the parameters.
///
/// # Panics
/// Tensors that are not contiguous f32 or 32-bit words.
pub fn enqueue(kernel: Kernel, tensors: &[&CubeTensor], params: &impl NoUninit, workgroups: usize) {
    enqueue_with(kernel, tensors, bytemuck::bytes_of(params), workgroups);
}

/// [`enqueue`] with the bytes of parameters that have no fixed size.
///
/// # Panics
/// As [`enqueue`].
pub fn enqueue_with(kernel: Kernel, tensors: &[&CubeTensor], params: &[u8], workgroups: usize) {
    for tensor in tensors {
        let words = matches!(tensor.dtype, DType::F32 | DType::I32 | DType::U32) && tensor.is_contiguous();
        assert!(words, "{}: expected contiguous tensors of f32 or 32-bit words, found {tensor:?}", kernel.name());
    }
    if workgroups == 0 {
        return;
    }
    let client = &tensors[0].client;
    let params = client.create_from_slice(params).binding();
    let buffers = tensors.iter().map(|tensor| tensor.handle.clone().binding()).chain([params]).collect();
    let (x, y) = fold(workgroups);
    // The shader's own @workgroup_size applies.
    let kernel = SourceKernel::new(kernel, CubeDim::new_single());
    client.launch(Box::new(kernel), CubeCount::Static(x, y, 1), KernelArguments::new().with_buffers(buffers));
}

/// The FLOPs of one launch, so that no watchdog (TDR) resets a slow GPU: half a second at 70 GFLOP/s.
pub(crate) const FLOPS_PER_LAUNCH: usize = 1 << 35;

/// Splits workgroups of `flops` FLOPs each into launches: (first workgroup, number of workgroups).
pub(crate) fn split_launches(workgroups: usize, flops: usize) -> impl Iterator<Item = (usize, usize)> {
    let at_once = (FLOPS_PER_LAUNCH / flops.max(1)).max(1);
    (0..workgroups).step_by(at_once).map(move |first| (first, at_once.min(workgroups - first)))
}

/// The grid of `lib/grid.wgsl`: one row of workgroups, folded where it passes WebGPU's limit of a dimension.
pub(crate) fn fold(workgroups: usize) -> (u32, u32) {
    const LIMIT: usize = 65_535;
    let x = workgroups.clamp(1, LIMIT);
    (x as u32, workgroups.div_ceil(x) as u32)
}

impl KernelSource for Kernel {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(self.wgsl().text)
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info(self.clone())
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_pipeline_holds_every_constant() {
        let kernel = |wide: u32| Kernel::new("rms_norm").with("WORKGROUP", 64u32).with("WIDE", wide);
        assert_eq!(kernel(1).id(), kernel(1).id());
        assert_ne!(kernel(1).id(), kernel(0).id());
        assert_ne!(kernel(1).id(), Kernel::new("rms_norm_grad").with("WORKGROUP", 64u32).with("WIDE", 1u32).id());
    }

    #[test]
    fn long_work_is_cut_into_launches_that_cover_every_workgroup() {
        assert_eq!(split_launches(7, 1).collect::<Vec<_>>(), [(0, 7)]);
        assert_eq!(split_launches(7, FLOPS_PER_LAUNCH / 3).collect::<Vec<_>>(), [(0, 3), (3, 3), (6, 1)]);
        assert_eq!(split_launches(2, usize::MAX).collect::<Vec<_>>(), [(0, 1), (1, 1)]);
        assert_eq!(split_launches(0, 1).count(), 0);
    }

    #[test]
    fn a_folded_grid_covers_the_work_and_stays_within_the_limit() {
        for workgroups in [1, 2, 65_535, 65_536, 131_071, 10_000_000] {
            let (x, y) = fold(workgroups);
            assert!(x <= 65_535 && y <= 65_535);
            let covered = x as usize * y as usize;
            assert!(covered >= workgroups && covered - workgroups < x as usize, "{workgroups}: {x} x {y}");
        }
    }
}
