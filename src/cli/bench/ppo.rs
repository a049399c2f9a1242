//! `tiller bench ppo`: time per phase of a PPO iteration.

use comfy_table::{CellAlignment, Table, presets};

use super::Global;
use crate::Result;
use crate::bench::ppo::{PpoBenchRow, SequenceLengths, measure};
use crate::cli::json::print_json;
use crate::cli::values;
use crate::ppo::PpoConfig;
use crate::ppo::hyperparameters::Baseline;
use crate::run::progress::Progress;
use crate::train::memory::{available, in_words};
use tiller_models::presets::ModelPreset;

const EXAMPLES: &str = "\
Examples:
  tiller bench ppo
  tiller bench ppo --shape tinyllama-1.1b --quant q4
  tiller bench ppo --shape small --prompts 16 --samples 8 --minibatch 32 --baseline rloo";

/// The flags of `tiller bench ppo`. The defaults are the batch sizes of the paper.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Model shape (repeatable) [default: smollm2-135m]
    #[arg(long, value_parser = values::model_preset(), value_name = "SHAPE")]
    shape: Vec<ModelPreset>,
    /// Format of the frozen weights: f32, f16, q8 or q4
    #[arg(long, alias = "quantise", default_value = "f32", value_name = "SCHEME")]
    quant: String,
    /// Prompts per iteration
    #[arg(long, default_value_t = 8, value_name = "N")]
    prompts: usize,
    /// Answers per prompt
    #[arg(long, default_value_t = 2, value_name = "N")]
    samples: usize,
    /// Tokens per prompt
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    prompt_tokens: u16,
    /// Tokens per answer
    #[arg(long, default_value_t = 160, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    answer_tokens: u16,
    /// PPO epochs per iteration
    #[arg(long, default_value_t = 4, value_name = "N")]
    epochs: u32,
    /// Answers per optimizer step (minibatch)
    #[arg(long, default_value_t = 4, value_name = "N")]
    minibatch: usize,
    /// Answers per forward pass (micro-batch)
    #[arg(long, default_value_t = 4, value_name = "N")]
    batch: usize,
    /// Baseline of the advantages
    #[arg(long, value_parser = values::baseline(), default_value = "critic")]
    baseline: Baseline,
    /// Timed iterations after one warm-up
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    iterations: u16,
}

/// Runs `tiller bench ppo`.
///
/// # Errors
/// Sizes that make no sense, an alignment that does not fit.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let mut config = PpoConfig { quant: args.quant.clone(), ..PpoConfig::default() };
    config.rollout.prompts = args.prompts;
    config.rollout.samples = args.samples;
    config.learning.epochs = args.epochs;
    config.learning.minibatch = args.minibatch;
    config.learning.batch = Some(args.batch);
    config.learning.baseline = args.baseline;
    config.validate()?;
    let lengths = SequenceLengths { prompt: args.prompt_tokens.into(), answer: args.answer_tokens.into() };
    let device = global.open_device()?;
    let shapes = if args.shape.is_empty() { &[ModelPreset::Smol][..] } else { &args.shape };
    let spinner = Progress::unbounded("ppo");
    let rows = shapes.iter().map(|&shape| {
        let name = shape.name().to_owned();
        spinner.set_message(name.clone());
        measure((&name, shape), &config, lengths, usize::from(args.iterations), available(), &device)
    });
    let rows = rows.collect::<Result<Vec<PpoBenchRow>>>()?;
    spinner.finish();
    match global.json {
        true => print_json(&rows)?,
        false => println!("{}", table(&rows)),
    }
    Ok(())
}

fn table(rows: &[PpoBenchRow]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "shape",
        "weights",
        "answers",
        "tokens",
        "steps",
        "s/iteration",
        "min",
        "max",
        "answering",
        "scoring",
        "learning",
        "answer tokens/s",
        "main memory",
        "planned",
    ]);
    for row in rows {
        let [median, least, most] = row.seconds.map(seconds);
        table.add_row([
            row.shape.clone(),
            row.weights.to_owned(),
            row.trajectories.to_string(),
            format!("{} + {}", row.prompt_tokens, row.answer_tokens),
            row.steps.to_string(),
            median,
            least,
            most,
            seconds(row.answering),
            seconds(row.scoring),
            seconds(row.learning),
            format!("{:.0}", row.tokens_per_second),
            in_words(row.memory_bytes),
            in_words(row.planned_bytes),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}
