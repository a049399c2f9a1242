//! `tiller quantize`: quantization of a model's weights.

use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_models::quantize::{Blocks, QuantizeSummary, quantize};

use super::Global;
use super::json::print_json;
use crate::Result;
use crate::pull::resolve_model;
use crate::run::progress::Progress;
use crate::train::memory::in_words;

const EXAMPLES: &str = "\
Examples:
  tiller quantize smollm2-135m-bf16 --to q4_0 --out smollm2-q4_0.gguf
  tiller quantize runs/films/model --to q8_0 --out films.gguf --json
  tiller quantize smollm2-135m --to f16 --out smollm2-folder";

/// The flags of `tiller quantize`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Model: a Hugging Face folder, a .gguf file, or a name from `tiller pull --list`
    #[arg(value_name = "MODEL")]
    model: String,
    /// Format of the matrices: f32, f16, q8_0, q4_1, q4_k or q4_0; rows that do not fit use the next wider format
    #[arg(long, aliases = ["scheme", "quant"], value_name = "SCHEME")]
    to: Blocks,
    /// Output: a file ending in .gguf, or with f16 and f32 a Hugging Face folder
    #[arg(long, value_name = "FILE.gguf|FOLDER")]
    out: PathBuf,
}

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    model: PathBuf,
    out: &'a PathBuf,
    scheme: &'static str,
    #[serde(flatten)]
    summary: QuantizeSummary,
}

/// Runs `tiller quantize`.
///
/// # Errors
/// A model that cannot be read or written in this format, a full disk.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let model = resolve_model(&args.model)?;
    let bar = Progress::start("quantize", 0, "tensors");
    let summary = quantize(&model, args.to, &args.out, &mut |tensor, written, count| {
        bar.set_total(count as u64);
        bar.set_position(written as u64);
        bar.set_message(tensor.to_owned());
    });
    bar.finish();
    let report = Report { model, out: &args.out, scheme: args.to.name(), summary: summary? };
    if global.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    Ok(())
}

fn print(Report { out, summary, .. }: &Report) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["part", "format", "weights", "size", "RMS error", "of the RMS"]);
    for kind in &summary.kinds {
        table.add_row([
            kind.name.clone(),
            kind.format.clone(),
            kind.weights.to_string(),
            in_words(kind.bytes),
            format!("{:.2e}", kind.rms_error),
            format!("{:.3} %", 100.0 * kind.relative_error),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let QuantizeSummary { bytes_before, bytes_after, bits_per_weight, .. } = summary;
    let (before, after) = (in_words(*bytes_before), in_words(*bytes_after));
    println!("{table}\n{before} became {after}, {bits_per_weight:.2} bits a weight; wrote {}", out.display());
}
