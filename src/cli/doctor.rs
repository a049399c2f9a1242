//! `tiller doctor`: the devices of this machine, the selection by `--device`, and a self-test of the kernels.

mod selftest;
mod speeds;

use std::collections::BTreeMap;

use comfy_table::{Table, presets};
use indicatif::HumanBytes;
use serde::Serialize;
use tiller_kernels::device::{self, AdapterFacts, Capabilities, Choice, CpuFacts, DeviceError, SubgroupSizes};

use self::selftest::Selftest;
use self::speeds::KnownSpeeds;
use super::Global;
use super::json::print_json;
use crate::Result;

const EXAMPLES: &str = "\
Examples:
  tiller doctor
  tiller doctor --selftest
  tiller doctor --device llvmpipe --selftest --json";

/// The flags of `tiller doctor`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Compare every kernel with its reference on the device, measure speed, and report the models that fit
    #[arg(long)]
    selftest: bool,
}

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    adapters: &'a [AdapterFacts],
    cpu: CpuFacts,
    choice: Chosen<'a>,
    /// The variant of every kernel on the selected adapter; empty for the CPU.
    kernels: BTreeMap<String, &'static str>,
    /// The measurements that decide for `--device auto`.
    device_speeds: KnownSpeeds,
    #[serde(skip_serializing_if = "Option::is_none")]
    selftest: Option<Selftest>,
}

/// The device selection. `adapter` is an index of the list; it and `device` are null if no device matches.
#[derive(Debug, Serialize)]
struct Chosen<'a> {
    asked: &'a str,
    device: Option<String>,
    adapter: Option<usize>,
    why: String,
}

impl Chosen<'_> {
    /// Returns true if the choice is a GPU by `auto`: for lists the CPU is taken instead where it is faster.
    fn waits_for_speeds(&self) -> bool {
        self.asked.trim().eq_ignore_ascii_case("auto") && self.adapter.is_some()
    }
}

/// Lists adapters and processor, then the device selected by `--device` and the reason.
///
/// # Errors
/// `--device` matches no device, or a kernel is incorrect; the report is printed in both cases.
pub fn run(args: Args, global: &Global) -> Result<()> {
    let adapters = device::adapters();
    let choice = device::choose(&global.device, adapters);
    let kernels = choice.as_ref().ok().and_then(|choice| choice.adapter).map(|index| variants(&adapters[index]));
    let selftest = (args.selftest && choice.is_ok()).then(|| selftest::run(&global.device)).transpose()?;
    let report = Report {
        adapters,
        cpu: device::cpu(),
        choice: chosen(&global.device, adapters, &choice),
        kernels: kernels.unwrap_or_default(),
        device_speeds: KnownSpeeds::read(),
        selftest,
    };
    if global.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    choice?;
    report.selftest.map_or(Ok(()), |selftest| selftest.verdict())
}

fn variants(adapter: &AdapterFacts) -> BTreeMap<String, &'static str> {
    tiller_kernels::variants(&adapter.capabilities)
}

fn chosen<'a>(asked: &'a str, adapters: &[AdapterFacts], choice: &Result<Choice, DeviceError>) -> Chosen<'a> {
    match choice {
        Ok(Choice { adapter, why }) => {
            let device = adapter.map_or("cpu".to_owned(), |index| adapters[index].label());
            Chosen { asked, device: Some(device), adapter: *adapter, why: why.clone() }
        }
        Err(error) => Chosen { asked, device: None, adapter: None, why: error.to_string() },
    }
}

fn print(report: &Report) {
    if report.adapters.is_empty() {
        println!("no adapter: no Vulkan, Metal or DirectX 12 driver offers one\n");
    } else {
        println!("{}\n", table(report.adapters));
    }
    let CpuFacts { name, cores, memory_bytes, kernels, training_kernels: [f32, bf16] } = &report.cpu;
    let name = name.as_deref().unwrap_or("unknown processor");
    let memory = memory_bytes.map_or("memory unknown".to_owned(), |bytes| format!("{} memory", HumanBytes(bytes)));
    println!("cpu: {name}, {cores} cores, {memory}, {kernels} kernels; in training {f32}, or {bf16}");
    if let Some(device) = &report.choice.device {
        println!("--device {} takes {device}: {}", report.choice.asked, report.choice.why);
    }
    report.device_speeds.print(report.choice.waits_for_speeds());
    for uses in ["16x16 cooperative matrices", "8x8 cooperative matrices", "subgroups", "plain"] {
        let names: Vec<&str> = report.kernels.iter().filter(|(_, u)| **u == uses).map(|(name, _)| &name[..]).collect();
        if !names.is_empty() {
            println!("kernels that take their {uses} variant there: {}", names.join("; "));
        }
    }
    if let Some(selftest) = &report.selftest {
        selftest.print();
    }
}

/// A function that formats one capability.
type Fact = fn(&Capabilities) -> String;

/// One column per adapter, one row per fact.
fn table(adapters: &[AdapterFacts]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(row("adapter", adapters, |a| a.name.clone()));
    table.add_row(row("type", adapters, |a| a.kind.to_string()));
    table.add_row(row("backend", adapters, |a| a.backend.to_owned()));
    table.add_row(row("driver", adapters, |a| a.driver.clone()));
    let facts: [(&str, Fact); 9] = [
        ("largest binding", |c| HumanBytes(c.max_binding_bytes).to_string()),
        ("largest buffer", |c| HumanBytes(c.max_buffer_bytes).to_string()),
        ("workgroup storage", |c| HumanBytes(c.workgroup_storage_bytes.into()).to_string()),
        ("workgroup size", |c| c.workgroup_invocations.to_string()),
        ("f16", |c| yes_no(c.f16)),
        ("subgroups", subgroups),
        ("timestamps", |c| yes_no(c.timestamps)),
        ("cooperative matrix", cooperative_matrices),
        ("int8 dot product", |c| yes_no(c.int8_dot)),
    ];
    for (label, fact) in facts {
        table.add_row(row(label, adapters, |a| fact(&a.capabilities)));
    }
    table.add_row(row("below WebGPU's limits", adapters, |a| {
        a.shortfall.clone().unwrap_or_else(|| "nothing".to_owned())
    }));
    table
}

fn row(label: &str, adapters: &[AdapterFacts], fact: impl Fn(&AdapterFacts) -> String) -> Vec<String> {
    std::iter::once(label.to_owned()).chain(adapters.iter().map(fact)).collect()
}

fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn subgroups(capabilities: &Capabilities) -> String {
    match capabilities.subgroups {
        None => "no".to_owned(),
        Some(SubgroupSizes { min, max }) if min == max => format!("{min} lanes"),
        Some(SubgroupSizes { min, max }) => format!("{min} to {max} lanes"),
    }
}

fn cooperative_matrices(capabilities: &Capabilities) -> String {
    match capabilities.cooperative_matrices.as_slice() {
        [] => "no".to_owned(),
        shapes => shapes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}
