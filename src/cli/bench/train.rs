//! `tiller bench train`: throughput and memory of training.

use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_kernels::MatmulPrecision;
use tiller_models::presets::ModelPreset;

use super::Global;
use crate::Result;
use crate::bench::cost::StepCost;
use crate::bench::train::{BenchedTraining, TrainBenchRow, TrainStepCounts, count, measure};
use crate::cli::json::print_json;
use crate::cli::values;
use crate::run::progress::Progress;
use crate::train::memory::{available, in_words};
use crate::train::sft::SftConfig;

const EXAMPLES: &str = "\
Examples:
  tiller bench train
  tiller bench train --shape smollm2-135m --quant q4 --batch 8 --tokens 512
  tiller bench train --shape tiny --shape small --full --format md
  tiller bench train --shape llama2-7b --quant q4 --count --device llvmpipe";

/// The flags of `tiller bench train`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Model shape (repeatable) [default: smollm2-135m]
    #[arg(long, value_parser = values::model_preset(), value_name = "SHAPE")]
    shape: Vec<ModelPreset>,
    /// Format of the frozen weights: f32, f16, q8 or q4
    #[arg(long, alias = "quantise", default_value = "f32", value_name = "SCHEME")]
    quant: String,
    /// Precision of matrix products on a CPU: f32 or bf16
    #[arg(long, value_parser = values::matmul_precision(), default_value = "f32", value_name = "PRECISION")]
    matmul_precision: MatmulPrecision,
    /// LoRA rank
    #[arg(long, default_value_t = 16, value_name = "R")]
    rank: usize,
    /// Train all weights instead of a LoRA adapter
    #[arg(long)]
    full: bool,
    /// Samples per step
    #[arg(long, default_value_t = 8, value_name = "N")]
    batch: usize,
    /// Tokens per sample
    #[arg(long, default_value_t = 512, value_name = "N")]
    tokens: usize,
    /// Use activation checkpointing: recompute blocks in the backward pass to save memory
    #[arg(long)]
    activation_checkpointing: bool,
    /// Count launches, FLOPs and bytes per step instead of timing, for shapes of any size
    #[arg(long)]
    count: bool,
    /// Timed steps after one warm-up
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    steps: u16,
    /// Output format
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Plain text
    Table,
    /// Markdown
    Md,
    /// Comma-separated values
    Csv,
}

/// Runs `tiller bench train`.
///
/// # Errors
/// Sizes that make no sense, a training that does not fit.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let mut config = SftConfig {
        quant: args.quant.clone(),
        matmul_precision: args.matmul_precision,
        full: args.full,
        batch: args.batch,
        max_tokens: args.tokens,
        activation_checkpointing: args.activation_checkpointing,
        ..SftConfig::default()
    };
    config.lora.rank = args.rank;
    config.validate()?;
    let device = global.open_device()?;
    let shapes = if args.shape.is_empty() { &[ModelPreset::Smol][..] } else { &args.shape };
    let spinner = Progress::unbounded("train");
    let name = |shape: ModelPreset| {
        let name = shape.name().to_owned();
        spinner.set_message(name.clone());
        name
    };
    if args.count {
        let counts = shapes.iter().map(|&shape| count((&name(shape), shape), &config, &device));
        let counts = counts.collect::<Result<Vec<TrainStepCounts>>>()?;
        spinner.finish();
        return print(args, global, &counts, COUNTED, counted);
    }
    let measured =
        |&shape: &ModelPreset| measure((&name(shape), shape), &config, usize::from(args.steps), available(), &device);
    let rows = shapes.iter().map(measured).collect::<Result<Vec<TrainBenchRow>>>()?;
    spinner.finish();
    print(args, global, &rows, MEASURED, measured_cells)
}

const MEASURED: [&str; 14] = [
    "shape",
    "weights",
    "trained",
    "batch",
    "tokens",
    "s/step",
    "min",
    "max",
    "tokens/s",
    "main memory",
    "planned",
    "launches",
    "GFLOP",
    "GB",
];

fn measured_cells(row: &TrainBenchRow) -> [String; 14] {
    let [median, least, most] = row.seconds.map(|seconds| format!("{seconds:.4}"));
    let [shape, weights, trained, batch, tokens] = training(&row.training);
    let [gflop, gigabytes] = cost(&row.cost);
    let launches = row.launches.map_or_else(|| "-".to_owned(), |launches| launches.to_string());
    [
        shape,
        weights,
        trained,
        batch,
        tokens,
        median,
        least,
        most,
        format!("{:.0}", row.tokens_per_second),
        in_words(row.memory_bytes),
        in_words(row.planned_bytes),
        launches,
        gflop,
        gigabytes,
    ]
}

const COUNTED: [&str; 8] = ["shape", "weights", "trained", "batch", "tokens", "launches", "GFLOP", "GB"];

fn counted(count: &TrainStepCounts) -> [String; 8] {
    let [shape, weights, trained, batch, tokens] = training(&count.training);
    let [gflop, gigabytes] = cost(&count.cost);
    [shape, weights, trained, batch, tokens, count.launches.to_string(), gflop, gigabytes]
}

/// The cells that all tables begin with.
fn training(training: &BenchedTraining) -> [String; 5] {
    let BenchedTraining { shape, weights, trained, batch, tokens } = training;
    [shape.clone(), (*weights).to_owned(), trained.clone(), batch.to_string(), tokens.to_string()]
}

/// GFLOP and GB.
fn cost(cost: &StepCost) -> [String; 2] {
    [cost.flops, cost.bytes].map(|count| format!("{:.1}", count as f64 / 1e9))
}

fn print<T: Serialize, const N: usize>(
    args: &Args,
    global: &Global,
    rows: &[T],
    header: [&str; N],
    cells: impl Fn(&T) -> [String; N],
) -> Result<()> {
    match (global.json, args.format) {
        (true, _) => print_json(rows)?,
        (_, Format::Csv) => {
            println!("{}", header.join(","));
            rows.iter().for_each(|row| println!("{}", cells(row).join(",")));
        }
        (_, format) => println!("{}", table(rows.iter().map(cells), header, format)),
    }
    Ok(())
}

fn table<const N: usize>(rows: impl Iterator<Item = [String; N]>, header: [&str; N], format: Format) -> Table {
    let mut table = Table::new();
    table.load_style(if format == Format::Md { presets::ASCII_MARKDOWN } else { presets::UTF8_FULL_CONDENSED });
    table.set_header(header);
    rows.for_each(|row| {
        table.add_row(row);
    });
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
