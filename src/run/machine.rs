//! Where and by which version a run is made, so that its figures can be told apart later.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::data::time::day;

/// The name of the file in a run folder.
pub const FILE: &str = "machine.json";

/// A machine and the program on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The program's version.
    pub version: String,
    /// The commit that the program was built from, where the build was told (`TILLER_COMMIT`).
    pub commit: Option<String>,
    /// The processor.
    pub cpu: String,
    /// How many threads it runs at once.
    pub cores: usize,
    /// Main memory.
    pub memory_bytes: u64,
    /// The operating system.
    pub system: String,
    /// The day, in UTC.
    pub day: String,
}

impl Machine {
    /// This one, now.
    pub fn current() -> Self {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(what);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("TILLER_COMMIT").map(str::to_owned),
            cpu: system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: system.total_memory(),
            system: System::long_os_version().unwrap_or_else(|| std::env::consts::OS.to_owned()),
            day: day(now as i64),
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
