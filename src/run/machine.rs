//! The machine and program version of a run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// The name of the file in a run folder.
pub const FILE: &str = "machine.json";

/// A machine and the program version on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The program's version.
    pub version: String,
    /// The commit of the build, if it was given in `TILLER_COMMIT`.
    pub commit: Option<String>,
    /// The processor.
    pub cpu: String,
    /// The number of hardware threads.
    pub cores: usize,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// The operating system.
    pub system: String,
    /// The date in UTC.
    pub day: String,
}

impl Machine {
    /// Describes this machine, today.
    pub fn current() -> Self {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(what);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("TILLER_COMMIT").map(str::to_owned),
            cpu: system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: system.total_memory(),
            system: System::long_os_version().unwrap_or_else(|| std::env::consts::OS.to_owned()),
            day: Timestamp::now().strftime("%F").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_read_back_as_it_was() {
        let here = Machine::current();
        assert!(here.cores > 0 && here.memory_bytes > 1 << 20 && here.day.len() == 10 && !here.system.is_empty());
        assert_eq!(serde_json::from_str::<Machine>(&serde_json::to_string(&here).unwrap()).unwrap(), here);
    }
}
