//! The processor, the fallback device of every machine.

use std::process::Command;

use serde::Serialize;

use crate::decode_cpu::Isa;
use crate::gemm::{GemmVariant, MatmulPrecision};

/// The processor and its memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CpuFacts {
    /// The processor's name, where the system reports it.
    pub name: Option<String>,
    /// Threads that this process may use at once.
    pub cores: usize,
    /// Memory of the machine in bytes, where the system reports it.
    pub memory_bytes: Option<u64>,
    /// The instruction set of the products of packed weights.
    pub kernels: &'static str,
    /// The variants of the matrix products of training, of f32 and of bf16.
    pub training_kernels: [&'static str; 2],
}

/// Reads the processor and the memory from the system.
pub fn cpu() -> CpuFacts {
    let proc = |file: &str| std::fs::read_to_string(format!("/proc/{file}")).ok();
    CpuFacts {
        name: match proc("cpuinfo") {
            Some(text) => value_of(&text, "model name").map(str::to_owned),
            None => sysctl("machdep.cpu.brand_string"),
        },
        kernels: Isa::best().name(),
        training_kernels: MatmulPrecision::ALL.map(|precision| GemmVariant::best(precision).name()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: match proc("meminfo") {
            Some(text) => value_of(&text, "MemTotal").and_then(kibibytes),
            None => sysctl("hw.memsize").and_then(|bytes| bytes.parse().ok()),
        },
    }
}

/// The value of the first `key : value` line.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().filter_map(|line| line.split_once(':')).find(|(k, _)| k.trim() == key).map(|(_, value)| value.trim())
}

/// "16384 kB" in bytes.
fn kibibytes(value: &str) -> Option<u64> {
    value.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The value of a key on macOS and the BSDs; `None` where the command does not exist.
fn sysctl(key: &str) -> Option<String> {
    let output = Command::new("sysctl").args(["-n", key]).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_whole_keys() {
        let text = "MemTotalHuge:  1 kB\nMemTotal:       24000 kB\nmodel name\t: A CPU @ 2.0: fast\n";
        assert_eq!(value_of(text, "MemTotal").and_then(kibibytes), Some(24_000 * 1024));
        assert_eq!(value_of(text, "model name"), Some("A CPU @ 2.0: fast"));
        assert_eq!(value_of(text, "absent"), None);
    }

    #[test]
    fn every_machine_has_a_core() {
        assert!(cpu().cores >= 1);
    }
}
