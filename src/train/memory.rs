//! How much memory this process has taken, and how much the machine has left.

use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

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
