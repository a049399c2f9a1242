//! The device that `--device` selects: a pure function of the facts of the adapters.

use super::adapters::{AdapterFacts, AdapterKind};
use super::error::DeviceError;

/// The chosen device and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The index of the adapter; `None` is the CPU path, which needs no adapter.
    pub adapter: Option<usize>,
    /// A clause that completes "this device: …".
    pub why: String,
}

/// Chooses the device that `asked` names: `auto`, `gpu`, `cpu`, or part of an adapter's name.
///
/// auto takes a discrete GPU before an integrated one before any other, and the CPU path where there is none:
/// a software adapter computes on the same processor, only slower, so it is taken by name alone.
///
/// # Errors
/// A name that fits no adapter or several, `gpu` without a GPU, an adapter below WebGPU's default limits.
pub fn choose(asked: &str, adapters: &[AdapterFacts]) -> Result<Choice, DeviceError> {
    match asked.trim().to_lowercase().as_str() {
        "cpu" => Ok(Choice { adapter: None, why: "asked for".to_owned() }),
        "auto" => Ok(best_gpu(adapters).unwrap_or_else(|| Choice { adapter: None, why: why_not_gpu(adapters) })),
        "gpu" => best_gpu(adapters).ok_or_else(|| no_gpu(adapters)),
        name => by_name(asked, name, adapters),
    }
}

fn best_gpu(adapters: &[AdapterFacts]) -> Option<Choice> {
    let best = best(adapters, |a| a.kind != AdapterKind::Software && a.shortfall.is_none())?;
    let kind = adapters[best].kind;
    let why = match adapters.len() {
        1 => format!("{kind}, the only adapter"),
        n => format!("{kind}, the best of {n} adapters"),
    };
    Some(Choice { adapter: Some(best), why })
}

/// The first of the best kind; of one GPU on two graphics APIs, the one on the API that offers more.
fn best(adapters: &[AdapterFacts], fits: impl Fn(&AdapterFacts) -> bool) -> Option<usize> {
    let api_rank = |backend| ["vulkan", "metal", "dx12"].iter().position(|api| *api == backend);
    (0..adapters.len())
        .filter(|&i| fits(&adapters[i]))
        .min_by_key(|&i| (adapters[i].kind, api_rank(adapters[i].backend)))
}

fn by_name(asked: &str, name: &str, adapters: &[AdapterFacts]) -> Result<Choice, DeviceError> {
    // A full name wins over the longer names that contain it ("RTX 3080" beside "RTX 3080 Ti").
    let exact = adapters.iter().any(|a| a.name.to_lowercase() == name);
    let fits = |a: &AdapterFacts| match exact {
        true => a.name.to_lowercase() == name,
        false => a.label().to_lowercase().contains(name),
    };
    let Some(index) = best(adapters, fits).filter(|_| !name.is_empty()) else {
        return Err(DeviceError::Unknown { asked: asked.to_owned(), known: labels(adapters, |_| true) });
    };
    let chosen = &adapters[index];
    if adapters.iter().any(|a| fits(a) && a.name != chosen.name) {
        return Err(DeviceError::Ambiguous { asked: asked.to_owned(), candidates: labels(adapters, fits) });
    }
    if let Some(shortfall) = &chosen.shortfall {
        return Err(DeviceError::Unfit { adapter: chosen.label(), shortfall: shortfall.clone() });
    }
    let why = match adapters.iter().filter(|a| fits(a)).count() {
        1 => format!("{}, asked for by name", chosen.kind),
        n => format!("{}, the first of {n} adapters of the name asked for", chosen.kind),
    };
    Ok(Choice { adapter: Some(index), why })
}

fn why_not_gpu(adapters: &[AdapterFacts]) -> String {
    let software = labels(adapters, |a| a.kind == AdapterKind::Software);
    let unfit: Vec<String> = adapters
        .iter()
        .filter(|a| a.kind != AdapterKind::Software)
        .filter_map(|a| Some(format!("{} offers only {}", a.label(), a.shortfall.as_ref()?)))
        .collect();
    match (unfit.is_empty(), adapters.is_empty()) {
        (false, _) => format!("no GPU with WebGPU's default limits: {}", unfit.join("; ")),
        (true, true) => "no GPU found: no Vulkan, Metal or DirectX 12 driver offers an adapter".to_owned(),
        (true, false) => format!("no GPU found, only {software}, which is slower than the CPU path"),
    }
}

fn no_gpu(adapters: &[AdapterFacts]) -> DeviceError {
    let software = adapters.iter().find(|a| a.kind == AdapterKind::Software);
    let next = match software {
        Some(adapter) => format!("use `--device cpu`, or name the software adapter: `--device \"{}\"`", adapter.name),
        None => "use `--device cpu`, or install the GPU's Vulkan driver".to_owned(),
    };
    DeviceError::NoGpu { found: why_not_gpu(adapters), next }
}

/// The labels of the adapters that fit, joined; "none" where there are none.
fn labels(adapters: &[AdapterFacts], fits: impl Fn(&AdapterFacts) -> bool) -> String {
    let labels: Vec<String> = adapters.iter().filter(|a| fits(a)).map(AdapterFacts::label).collect();
    if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::adapters::Capabilities;
    use super::*;
    use AdapterKind::{Discrete, Integrated, Software};

    fn adapter(name: &str, kind: AdapterKind, backend: &'static str) -> AdapterFacts {
        let capabilities = Capabilities {
            f16: false,
            subgroups: None,
            timestamps: false,
            cooperative_matrices: Vec::new(),
            int8_dot: false,
            max_binding_bytes: 128 << 20,
            max_buffer_bytes: 256 << 20,
            workgroup_storage_bytes: 16 << 10,
            workgroup_invocations: 256,
        };
        AdapterFacts { name: name.to_owned(), kind, backend, driver: String::new(), capabilities, shortfall: None }
    }

    fn laptop() -> Vec<AdapterFacts> {
        vec![
            adapter("llvmpipe (LLVM 15)", Software, "vulkan"),
            adapter("UHD Graphics 620", Integrated, "vulkan"),
            adapter("GeForce RTX 3080", Discrete, "dx12"),
            adapter("GeForce RTX 3080", Discrete, "vulkan"),
            adapter("GeForce RTX 3080 Ti", Discrete, "vulkan"),
        ]
    }

    fn taken(asked: &str, adapters: &[AdapterFacts]) -> Option<usize> {
        choose(asked, adapters).unwrap().adapter
    }

    #[test]
    fn auto_prefers_discrete_then_integrated_then_the_cpu() {
        assert_eq!(taken("auto", &laptop()), Some(3));
        assert_eq!(taken("gpu", &laptop()), Some(3));
        assert_eq!(taken("auto", &laptop()[..2]), Some(1));
        assert_eq!(taken("auto", &laptop()[..1]), None);
        assert_eq!(taken("auto", &[]), None);
        assert_eq!(taken("CPU", &laptop()), None);
    }

    #[test]
    fn a_software_adapter_is_taken_by_name_alone_and_the_reason_says_so() {
        let software = &laptop()[..1];
        assert_eq!(taken("LLVMPipe", software), Some(0));
        let why = choose("auto", software).unwrap().why;
        assert!(why.contains("llvmpipe (LLVM 15)") && why.contains("slower than the CPU path"), "{why}");
        let error = choose("gpu", software).unwrap_err();
        assert!(error.to_string().contains("--device \"llvmpipe (LLVM 15)\""), "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn names_match_in_part_unless_one_is_meant_in_full() {
        assert_eq!(taken("uhd", &laptop()), Some(1));
        assert_eq!(taken("geforce rtx 3080", &laptop()), Some(3));
        assert_eq!(taken("3080 ti", &laptop()), Some(4));
        assert_eq!(taken("dx12", &laptop()), Some(2));
        let DeviceError::Ambiguous { candidates, .. } = choose("geforce", &laptop()).unwrap_err() else {
            panic!("two names hold `geforce`")
        };
        assert_eq!(candidates, "GeForce RTX 3080 on dx12, GeForce RTX 3080 on vulkan, GeForce RTX 3080 Ti on vulkan");
    }

    #[test]
    fn a_name_that_is_not_there_lists_what_is() {
        for asked in ["radeon", "", "  "] {
            let error = choose(asked, &laptop()).unwrap_err();
            assert!(matches!(&error, DeviceError::Unknown { .. }), "{asked:?}: {error}");
            assert!(error.to_string().contains("UHD Graphics 620 on vulkan"), "{error}");
        }
        assert!(choose("radeon", &[]).unwrap_err().to_string().contains("among none"));
    }

    #[test]
    fn a_gpu_below_the_default_limits_is_passed_over_and_refused_by_name() {
        let mut small = laptop()[1..2].to_vec();
        small[0].shortfall = Some("4 of 8 storage buffers in a shader".to_owned());
        let auto = choose("auto", &small).unwrap();
        assert_eq!(auto.adapter, None);
        assert!(auto.why.contains("4 of 8 storage buffers"), "{}", auto.why);
        assert!(matches!(choose("uhd", &small), Err(DeviceError::Unfit { .. })));
    }
}
