//! `tiller bench train`: tokens per second and memory of a training.

use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};

use super::Global;
use crate::run::progress;
use crate::train::bench::{Row, Shape, measure};
use crate::train::memory::{available, in_words};
use crate::train::sft::SftConfig;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller bench train
  tiller bench train --shape smollm2-135m --quantise q4 --batch 8 --tokens 512
  tiller bench train --shape tiny --shape small --full --format md";

/// The flags of `tiller bench train`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The sizes of the model (repeatable) [default: smollm2-135m]
    #[arg(long, value_enum, value_name = "SHAPE")]
    shape: Vec<Shape>,
    /// How the frozen weights are kept: f32, f16, q8 or q4
    #[arg(long, default_value = "f32", value_name = "SCHEME")]
    quantise: String,
    /// Rank of the adapter
    #[arg(long, default_value_t = 16, value_name = "R")]
    rank: usize,
    /// Train all weights instead of an adapter
    #[arg(long)]
    full: bool,
    /// Samples of a step
    #[arg(long, default_value_t = 8, value_name = "N")]
    batch: usize,
    /// Tokens of a sample
    #[arg(long, default_value_t = 512, value_name = "N")]
    tokens: usize,
    /// Steps that are timed, after one that is not
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    steps: u16,
    /// How the table is written
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading here
    Table,
    /// Markdown
    Md,
    /// Comma-separated values
    Csv,
}

/// Measures and prints.
///
/// # Errors
/// Sizes that make no sense, a training that does not fit.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let mut config = SftConfig {
        quantise: args.quantise.clone(),
        full: args.full,
        batch: args.batch,
        max_tokens: args.tokens,
        ..SftConfig::default()
    };
    config.lora.rank = args.rank;
    config.validate()?;
    let device = global.open_device()?;
    let shapes = if args.shape.is_empty() { &[Shape::Smol][..] } else { &args.shape };
    let spinner = progress::spinner("train");
    let rows = shapes.iter().map(|&shape| {
        let name = shape.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        spinner.set_message(name.clone());
        measure((&name, shape), &config, usize::from(args.steps), available(), &device)
    });
    let rows = rows.collect::<Result<Vec<Row>>>()?;
    spinner.finish_and_clear();
    match (global.json, args.format) {
        (true, _) => println!("{}", serde_json::to_string(&rows).map_err(|e| Error::Failed(format!("bench: {e}")))?),
        (_, Format::Csv) => print_csv(&rows),
        (_, format) => println!("{}", table(&rows, format)),
    }
    Ok(())
}

const HEADER: [&str; 10] =
    ["shape", "weights", "trained", "batch", "tokens", "s/step", "min", "max", "tokens/s", "main memory"];

fn cells(row: &Row) -> [String; 10] {
    let [median, least, most] = row.seconds.map(|seconds| format!("{seconds:.4}"));
    let Row { shape, weights, trained, batch, tokens, tokens_per_second, memory_bytes, .. } = row;
    let (batch, tokens) = (batch.to_string(), tokens.to_string());
    let rate = format!("{tokens_per_second:.0}");
    [
        shape.clone(),
        (*weights).to_owned(),
        trained.clone(),
        batch,
        tokens,
        median,
        least,
        most,
        rate,
        in_words(*memory_bytes),
    ]
}

fn print_csv(rows: &[Row]) {
    println!("{}", HEADER.join(","));
    rows.iter().for_each(|row| println!("{}", cells(row).join(",")));
}

fn table(rows: &[Row], format: Format) -> Table {
    let mut table = Table::new();
    table.load_style(if format == Format::Md { presets::ASCII_MARKDOWN } else { presets::UTF8_FULL_CONDENSED });
    table.set_header(HEADER.into_iter().chain(["planned"]));
    for row in rows {
        table.add_row(cells(row).into_iter().chain([in_words(row.planned_bytes)]));
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
