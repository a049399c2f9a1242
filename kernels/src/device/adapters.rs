//! The adapters of this machine and their facts.

use std::fmt;
use std::sync::OnceLock;

use serde::Serialize;
use wgpu::{DeviceType, Features};

/// The kind of an adapter, in order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdapterKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU of a virtual machine.
    Virtual,
    /// A GPU whose driver does not report its kind.
    Other,
    /// No GPU: a driver that computes on the processor (lavapipe, SwiftShader, WARP).
    Software,
}

impl AdapterKind {
    /// The kind of an adapter.
    pub fn of(adapter: &wgpu::Adapter) -> Self {
        match adapter.get_info().device_type {
            DeviceType::DiscreteGpu => AdapterKind::Discrete,
            DeviceType::IntegratedGpu => AdapterKind::Integrated,
            DeviceType::VirtualGpu => AdapterKind::Virtual,
            DeviceType::Other => AdapterKind::Other,
            DeviceType::Cpu => AdapterKind::Software,
        }
    }

    /// True if its memory is that of the processor, whose free part the system reports. No graphics API
    /// reports the free memory of a GPU.
    pub fn shares_main_memory(self) -> bool {
        matches!(self, AdapterKind::Integrated | AdapterKind::Software)
    }
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdapterKind::Discrete => "discrete GPU",
            AdapterKind::Integrated => "integrated GPU",
            AdapterKind::Virtual => "virtual GPU",
            AdapterKind::Other => "GPU of unknown kind",
            AdapterKind::Software => "software adapter",
        })
    }
}

/// The facts of one adapter, for `tiller doctor` and for the choice.
#[derive(Debug, Clone, Serialize)]
pub struct AdapterFacts {
    /// The driver's name of it.
    pub name: String,
    /// Discrete, integrated, …, software.
    pub kind: AdapterKind,
    /// The graphics API: vulkan, metal or dx12. One GPU may be listed once for each.
    pub backend: &'static str,
    /// The driver's name and version.
    pub driver: String,
    /// The capabilities that kernels may use.
    pub capabilities: Capabilities,
    /// The limits below WebGPU's defaults, if there are any: no kernel is promised to run there.
    pub shortfall: Option<String>,
}

impl AdapterFacts {
    /// Name and graphics API, which is what `--device NAME` is looked up in.
    pub fn label(&self) -> String {
        format!("{} on {}", self.name, self.backend)
    }
}

/// The capabilities of an adapter, which decide between the variants of kernels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// 16-bit floats in shaders and buffers.
    pub f16: bool,
    /// Subgroup operations and the sizes a subgroup may have; the size of a given dispatch is known to the
    /// shader alone.
    pub subgroups: Option<SubgroupSizes>,
    /// GPU timestamps at the beginning and the end of a compute pass.
    pub timestamps: bool,
    /// The matrix shapes of the tensor cores; empty where they cannot be reached.
    pub cooperative_matrices: Vec<CooperativeMatrix>,
    /// WGSL's `dot4I8Packed`: one instruction where the hardware has it, a few elsewhere.
    pub int8_dot: bool,
    /// The largest part of a buffer that one binding may cover, in bytes.
    pub max_binding_bytes: u64,
    /// The largest buffer, in bytes.
    pub max_buffer_bytes: u64,
    /// The memory that the invocations of one workgroup share, in bytes.
    pub workgroup_storage_bytes: u32,
    /// The most invocations in one workgroup.
    pub workgroup_invocations: u32,
}

/// The smallest and the largest subgroup of an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SubgroupSizes {
    /// Invocations in the smallest one.
    pub min: u32,
    /// Invocations in the largest one.
    pub max: u32,
}

/// One shape of C `[m, n]` += A `[m, k]` · B `[k, n]` that a subgroup computes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CooperativeMatrix {
    /// Rows of A and C.
    pub m: u32,
    /// Columns of B and C.
    pub n: u32,
    /// Columns of A, rows of B.
    pub k: u32,
    /// The elements of A and B.
    pub input: Scalar,
    /// The elements of C.
    pub accumulator: Scalar,
}

impl fmt::Display for CooperativeMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{} {}>{}", self.m, self.n, self.k, self.input, self.accumulator)
    }
}

/// The element type of a cooperative matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it all
pub enum Scalar {
    F32,
    F16,
    I32,
    U32,
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scalar::F32 => "f32",
            Scalar::F16 => "f16",
            Scalar::I32 => "i32",
            Scalar::U32 => "u32",
        })
    }
}

/// The adapters of this machine, in the order in which the drivers list them. The list is made once per
/// process.
///
/// Empty where there is no driver at all, even no Vulkan loader.
pub fn adapters() -> &'static [AdapterFacts] {
    &listing().facts
}

/// wgpu's handles of the process's instance and of the adapter at `index` of [`adapters`].
pub(crate) fn adapter_handle(index: usize) -> (wgpu::Instance, wgpu::Adapter) {
    (listing().instance.clone(), listing().handles[index].clone())
}

/// The facts, and the handles behind them at the same indices.
struct Listing {
    instance: wgpu::Instance,
    handles: Vec<wgpu::Adapter>,
    facts: Vec<AdapterFacts>,
}

/// One instance for the whole process: Vulkan loaders do not survive instances that come and go on several
/// threads.
fn listing() -> &'static Listing {
    static LISTING: OnceLock<Listing> = OnceLock::new();
    LISTING.get_or_init(|| {
        // OpenGL is excluded: the shaders must translate to SPIR-V, MSL and HLSL alone.
        let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let int8_dot =
            instance.wgsl_language_features().contains(wgpu::WgslLanguageFeatures::Packed4x8IntegerDotProduct);
        let handles = pollster::block_on(instance.enumerate_adapters(backends));
        let facts = handles.iter().map(|adapter| describe(adapter, int8_dot)).collect();
        Listing { instance, handles, facts }
    })
}

fn describe(adapter: &wgpu::Adapter, int8_dot: bool) -> AdapterFacts {
    let info = adapter.get_info();
    let (features, limits) = (adapter.features(), adapter.limits());
    let subgroups = features
        .contains(Features::SUBGROUP)
        .then_some(SubgroupSizes { min: info.subgroup_min_size, max: info.subgroup_max_size });
    AdapterFacts {
        name: info.name,
        kind: AdapterKind::of(adapter),
        backend: info.backend.to_str(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        capabilities: Capabilities {
            f16: features.contains(Features::SHADER_F16),
            subgroups,
            timestamps: features.contains(Features::TIMESTAMP_QUERY),
            cooperative_matrices: adapter.cooperative_matrix_properties().iter().map(cooperative_matrix).collect(),
            int8_dot,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            max_buffer_bytes: limits.max_buffer_size,
            workgroup_storage_bytes: limits.max_compute_workgroup_storage_size,
            workgroup_invocations: limits.max_compute_invocations_per_workgroup,
        },
        shortfall: shortfall(&limits),
    }
}

fn cooperative_matrix(shape: &wgpu::wgt::CooperativeMatrixProperties) -> CooperativeMatrix {
    let scalar = |of| match of {
        wgpu::wgt::CooperativeScalarType::F32 => Scalar::F32,
        wgpu::wgt::CooperativeScalarType::F16 => Scalar::F16,
        wgpu::wgt::CooperativeScalarType::I32 => Scalar::I32,
        wgpu::wgt::CooperativeScalarType::U32 => Scalar::U32,
    };
    CooperativeMatrix {
        m: shape.m_size,
        n: shape.n_size,
        k: shape.k_size,
        input: scalar(shape.ab_type),
        accumulator: scalar(shape.cr_type),
    }
}

/// The compute limits below WebGPU's defaults, e.g. "8192 of 16384 bytes of workgroup storage".
fn shortfall(offered: &wgpu::Limits) -> Option<String> {
    let needed = wgpu::Limits::default();
    let limits = [
        ("bytes in a binding", offered.max_storage_buffer_binding_size, needed.max_storage_buffer_binding_size),
        ("bytes in a buffer", offered.max_buffer_size, needed.max_buffer_size),
        (
            "storage buffers in a shader",
            offered.max_storage_buffers_per_shader_stage.into(),
            needed.max_storage_buffers_per_shader_stage.into(),
        ),
        (
            "bytes of workgroup storage",
            offered.max_compute_workgroup_storage_size.into(),
            needed.max_compute_workgroup_storage_size.into(),
        ),
        (
            "invocations in a workgroup",
            offered.max_compute_invocations_per_workgroup.into(),
            needed.max_compute_invocations_per_workgroup.into(),
        ),
    ];
    let short: Vec<String> = limits
        .iter()
        .filter(|(_, offered, needed)| offered < needed)
        .map(|(what, offered, needed)| format!("{offered} of {needed} {what}"))
        .collect();
    (!short.is_empty()).then(|| short.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webgpu_defaults_fall_short_of_nothing_and_less_is_named() {
        assert_eq!(shortfall(&wgpu::Limits::default()), None);
        let small = wgpu::Limits { max_compute_workgroup_storage_size: 8192, ..wgpu::Limits::default() };
        assert_eq!(shortfall(&small).unwrap(), "8192 of 16384 bytes of workgroup storage");
    }
}
