//! `tiller plan`: what a command takes of memory, before it is given.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;
use tiller_models::llama::LlamaConfig;

use super::Global;
use super::json::print_json;
use super::storage::kv_format;
use super::values;
use crate::plan::{DeviceMemory, FitVerdict, PlanSettings, PlannedCommand, Remedy, remedy};
use crate::pull::resolve_model;
use crate::train::memory::in_words;
use crate::{Error, Result};
use tiller_models::memory::MemoryEstimate;
use tiller_models::presets::ModelPreset;

const EXAMPLES: &str = "\
Examples:
  tiller plan --model smollm2-135m
  tiller plan sft ppo --shape tinyllama-1.1b --quant q4 --batch 4 --tokens 512
  tiller plan recommend --shape llama2-7b --batch 16 --memory 24GiB --json";

/// The flags of `tiller plan`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Commands to plan [default: all of them]
    #[arg(value_parser = values::planned_command(), value_name = "COMMAND")]
    work: Vec<PlannedCommand>,
    /// The model: a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`; only its sizes are read
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// The sizes of a well-known model instead
    #[arg(long, value_parser = values::model_preset(), default_value = "smollm2-135m", value_name = "SHAPE", conflicts_with = "model")]
    shape: ModelPreset,
    /// Scheme of the weights, of the frozen ones in a training: f32, f16, q8 or q4, or another scheme of the kernels
    #[arg(long, alias = "quantise", default_value = "f32", value_name = "SCHEME")]
    quant: QuantScheme,
    /// Format of keys and values while lists are written on a GPU: f32, f16 or int8
    #[arg(long, default_value = "f32", value_name = "FORMAT", value_parser = kv_format)]
    kv: KvFormat,
    /// Lists that are written side by side, samples that are computed at once [default: 8 lists, as many samples as fit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    batch: Option<u16>,
    /// Tokens of the longest sequence, prompt and answer together
    #[arg(long, default_value_t = 1024, value_name = "N", value_parser = clap::value_parser!(u32).range(32..=1 << 24))]
    tokens: u32,
    /// Rank of the adapters
    #[arg(long, default_value_t = 16, value_name = "R", value_parser = clap::value_parser!(u16).range(1..))]
    rank: u16,
    /// Train all weights instead of an adapter
    #[arg(long)]
    full: bool,
    /// The memory that may be taken, such as 8GiB [default: what is free; of a GPU with memory of its own, no system tells]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
}

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct PlanReport {
    model: String,
    place: DeviceMemory,
    setting: PlanSettings,
    plans: Vec<Planned>,
}

/// The plan of a command.
#[derive(Debug, Serialize)]
struct Planned {
    command: PlannedCommand,
    #[serde(flatten)]
    estimate: MemoryEstimate,
    verdict: FitVerdict,
    /// Settings that fit instead, if these do not.
    remedy: Option<Remedy>,
}

/// Runs `tiller plan`.
///
/// # Errors
/// A model that cannot be read, no such device; a command that does not fit, after the table is printed.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let (name, llama) = sizes(args)?;
    let place = DeviceMemory::of(&global.device, args.memory)?;
    let setting = PlanSettings {
        quant: args.quant,
        kv: args.kv,
        batch: args.batch.map(usize::from),
        tokens: args.tokens as usize,
        rank: args.rank.into(),
        full: args.full,
    };
    let works = if args.work.is_empty() { &PlannedCommand::ALL[..] } else { &args.work };
    let plan = |&command: &PlannedCommand| {
        let estimate = command.estimate(&llama, &setting, &place)?;
        let verdict = place.verdict(&estimate);
        let remedy = (verdict == FitVerdict::DoesNotFit).then(|| remedy(command, &llama, &setting, &place)).flatten();
        Ok(Planned { command, estimate, verdict, remedy })
    };
    let plans = works.iter().map(plan).collect::<Result<Vec<_>>>()?;
    let report = PlanReport { model: name, place, setting, plans };
    if global.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    match report.plans.iter().find(|plan| plan.verdict == FitVerdict::DoesNotFit) {
        None => Ok(()),
        Some(plan) => Err(Error::DoesNotFit(refusal(plan, &report.place))),
    }
}

/// The model's name and sizes.
fn sizes(args: &Args) -> Result<(String, LlamaConfig)> {
    match &args.model {
        Some(model) => Ok((model.clone(), LlamaConfig::read(&resolve_model(model)?)?)),
        None => Ok((args.shape.name().to_owned(), args.shape.llama())),
    }
}

fn print(report: &PlanReport) {
    let PlanReport { model, place, plans, .. } = report;
    let free = place.memory.map_or("unknown memory".to_owned(), |bytes| format!("{} free", in_words(bytes)));
    println!("{model} on {}, {free}", place.device);
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "command",
        "weights",
        "cache",
        "activations",
        "optimiser",
        "workspace",
        "program",
        "at most",
        "verdict",
    ]);
    for Planned { command, estimate, verdict, .. } in plans {
        let MemoryEstimate { weights, cache, activations, optimiser, workspace, program, total, .. } = *estimate;
        let parts = [weights, cache, activations, optimiser, workspace, program, total];
        let [weights, cache, activations, optimiser, workspace, program, total] = parts.map(in_words);
        let verdict = match verdict {
            FitVerdict::Fits => "fits",
            FitVerdict::DoesNotFit => "does not fit",
            FitVerdict::Unknown => "say --memory",
        };
        let cells = [&weights, &cache, &activations, &optimiser, &workspace, &program, &total].map(String::as_str);
        table.add_row([command.name()].into_iter().chain(cells).chain([verdict]));
    }
    for column in table.column_iter_mut().skip(1).take(7) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}

/// Why it does not fit, and what would.
fn refusal(Planned { command, estimate, remedy, .. }: &Planned, place: &DeviceMemory) -> String {
    let room = match (place.largest_buffer, place.memory) {
        (Some(largest), _) if largest < estimate.largest => {
            format!("{} in one buffer, of which the device takes {}", in_words(estimate.largest), in_words(largest))
        }
        (_, Some(memory)) => format!("{}, and {} are free", in_words(estimate.total), in_words(memory)),
        (_, None) => in_words(estimate.total),
    };
    let next = match remedy {
        Some(Remedy { flags, total }) => format!("{flags} takes {}", in_words(*total)),
        None => "take a smaller model, or a device with more memory".to_owned(),
    };
    format!("{} does not fit: it takes about {room}\n  next: {next}", command.name())
}

/// Bytes: a number, with KiB, MiB or GiB behind it where it is of these.
fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, 1u64 << shift)));
    let (number, unit) = unit.unwrap_or((text, 1));
    let bytes = number.trim().parse::<f64>().map(|number| number * unit as f64);
    match bytes {
        Ok(bytes) if (1.0..9e18).contains(&bytes) => Ok(bytes as u64),
        _ => Err("expected a size such as 8GiB or 512MiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!((size("8GiB"), size("1.5 MiB"), size("4096")), (Ok(8 << 30), Ok(3 << 19), Ok(4096)));
        for wrong in ["", "GiB", "-1GiB", "8GB", "nan"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
