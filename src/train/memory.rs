//! The memory that this process has taken, and that the machine has left.

use burn::tensor::Device;
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};
use tiller_kernels::device::{AdapterKind, gpu_of};
use tiller_models::memory::MemoryEstimate;

use crate::Error;

/// Reads the memory of this process, time and again.
#[derive(Debug)]
pub struct ProcessMemory {
    system: System,
    process: Option<Pid>,
    /// The most that the process has held, in bytes: as Linux keeps it, elsewhere the most that was seen.
    pub peak: u64,
}

impl Default for ProcessMemory {
    fn default() -> Self {
        Self { system: System::new(), process: sysinfo::get_current_pid().ok(), peak: 0 }
    }
}

impl ProcessMemory {
    /// The bytes of main memory that the process holds now; `None` where the system does not tell.
    pub fn now(&mut self) -> Option<u64> {
        let process = self.process?;
        let memory = ProcessRefreshKind::nothing().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[process]), false, memory);
        let bytes = self.system.process(process)?.memory();
        self.peak = self.peak.max(bytes).max(high_water().unwrap_or(0));
        Some(bytes)
    }
}

/// The most that the process has ever held; `None` where the system does not keep it.
fn high_water() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))?;
    Some(kibibytes.parse::<u64>().ok()? << 10)
}

/// The bytes of main memory that the machine can give without swapping; `None` where the system does not tell.
pub fn available() -> Option<u64> {
    let ram = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    Some(System::new_with_specifics(ram).available_memory()).filter(|&bytes| bytes > 0)
}

/// The bytes that a training on `device` may take: seven eighths of the free main memory, for a CPU and for GPUs that share it. The rest is
/// left to validations and other programs. `None` where no system tells.
pub fn budget(device: &Device) -> Option<u64> {
    let shares_main_memory = gpu_of(device).is_none_or(|gpu| AdapterKind::of(&gpu.adapter).shares_main_memory());
    available().filter(|_| shares_main_memory).map(|free| free - free / 8)
}

/// The refusal of `work` that takes more than the `free` bytes of memory; `next` names what makes it smaller.
pub fn does_not_fit(work: &str, estimate: &MemoryEstimate, free: Option<u64>, next: &str) -> Error {
    let MemoryEstimate { weights, cache, activations, optimiser, workspace, total, .. } = *estimate;
    let parts = [
        ("weights", weights),
        ("trained weights with their moments", optimiser),
        ("keys and values", cache),
        ("activations", activations),
        ("gradients and scores", workspace),
    ];
    let parts = parts.into_iter().filter(|(_, bytes)| *bytes > 0);
    let parts: Vec<String> = parts.map(|(part, bytes)| format!("{part} {}", in_words(bytes))).collect();
    let free = free.map_or_else(|| "an unknown amount".to_owned(), in_words);
    Error::DoesNotFit(format!(
        "{work} does not fit: it takes about {} ({}), and {free} are free\n  next: {next}",
        in_words(total),
        parts.join(", ")
    ))
}

/// Bytes as people read them: "1.5 GiB".
pub fn in_words(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    // What this process holds is tested in tests/memory.rs, apart from tests that hold memory meanwhile.
    #[test]
    fn bytes_are_counted_and_written() {
        assert!(available().unwrap() > 1 << 20);
        assert_eq!(in_words(3 << 29), "1.50 GiB");
    }
}
