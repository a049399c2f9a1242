//! `tiller bench`: how fast this machine is at what tiller does.

mod lists;
mod llm;
mod perplexity;
mod ppo;
mod train;

use clap::Subcommand;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_kernels::bench::{self, DeviceClass, KernelTiming, LinearShape, Roofline};
use tiller_kernels::device::{self, Gpu};
use tiller_kernels::operations;
use tiller_kernels::pipelines::Pipelines;
use tiller_kernels::quant::QuantScheme;

use super::Global;
use super::json::print_json;
use crate::run::progress;
use crate::{Error, Result};

/// The flags of `tiller bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

const KERNELS_EXAMPLES: &str = "\
Examples:
  tiller bench kernels
  tiller bench kernels --device llvmpipe --quant q4 --quant q8 --json";

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// The GPU kernels, beside what the device gives at all
    #[command(after_help = KERNELS_EXAMPLES)]
    Kernels(KernelsArgs),
    /// How fast a language model reads and writes
    Llm(llm::Args),
    /// What fewer bits cost: the perplexity of a text
    Perplexity(perplexity::Args),
    /// How fast lists come that obey: plain masked decoding beside jump-forward and drafts
    Lists(lists::Args),
    /// Tokens per second and memory of a training
    Train(train::Args),
    /// How long an iteration of an alignment takes
    Ppo(ppo::Args),
}

#[derive(Debug, Clone, clap::Args)]
struct KernelsArgs {
    /// How weights are stored: f32, f16, q8, q4affine, q4k, q4 or nf4; several may be given [default: all]
    #[arg(long, alias = "scheme", value_name = "SCHEME")]
    quant: Vec<QuantScheme>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct KernelsReport {
    device: String,
    #[serde(rename = "ceilings")]
    roofline: Roofline,
    rows: Vec<KernelTiming>,
}

/// Measures and prints.
///
/// # Errors
/// `--device` names no device, or the CPU where kernels are asked for.
pub fn run(args: Args, global: &Global) -> Result<()> {
    match args.what {
        What::Kernels(args) => kernels(&args, global),
        What::Llm(args) => llm::run(&args, global),
        What::Perplexity(args) => perplexity::run(&args, global),
        What::Lists(args) => lists::run(&args, global),
        What::Train(args) => train::run(&args, global),
        What::Ppo(args) => ppo::run(&args, global),
    }
}

fn kernels(args: &KernelsArgs, global: &Global) -> Result<()> {
    let open = device::open(&global.device)?;
    eprintln!("device: {}", open.description);
    let Some(gpu) = open.gpu else {
        let bad = Error::bad_input(format!("--device {}", global.device))
            .expected("an adapter, since kernels run on nothing else")
            .found("the CPU")
            .next("name a GPU or a software adapter; `tiller doctor` lists them");
        return Err(bad.into());
    };
    let report = measure(gpu, open.description, &args.quant)?;
    if global.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    Ok(())
}

fn measure(gpu: Gpu, device: String, schemes: &[QuantScheme]) -> Result<KernelsReport> {
    let size = DeviceClass::of(&gpu);
    let schemes = if schemes.is_empty() { &QuantScheme::ALL[..] } else { schemes };
    let shapes = LinearShape::usual(size);

    let ops = operations::to_measure(&gpu, size, schemes);

    let mut pipelines = Pipelines::new(gpu);
    let roofline = bench::roofline(&mut pipelines, size);
    let bar = progress::bar("kernels", (schemes.len() * shapes.len() + ops.len()) as u64, "kernels");
    let mut rows = Vec::new();
    for op in ops {
        bar.set_message(op.to_string());
        rows.push(bench::measure_op(&mut pipelines, size, op));
        bar.inc(1);
    }
    for shape in shapes {
        for &scheme in schemes {
            bar.set_message(format!("{scheme} {shape}"));
            let measured = bench::measure(&mut pipelines, size, scheme, shape);
            // A matrix that a scheme cannot hold is left out of the table.
            rows.extend(measured.unwrap_or_default());
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(KernelsReport { device, roofline, rows })
}

fn print(report: &KernelsReport) {
    let KernelsReport { roofline, rows, .. } = report;
    println!(
        "roofline: copying {:.1} GB/s, multiply-adds {:.1} GFLOP/s (f32)\n",
        roofline.gb_per_s, roofline.gflop_per_s
    );
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["op", "stored", "variant", "shape", "µs", "min", "max", "GB/s", "GFLOP/s", "of ceiling"]);
    for row in rows {
        let (fraction, bound) = row.reached(roofline);
        table.add_row([
            row.op.to_owned(),
            row.stored.unwrap_or_default().to_owned(),
            row.variant.clone(),
            row.shape.clone(),
            format!("{:.1}", row.us.median),
            format!("{:.1}", row.us.min),
            format!("{:.1}", row.us.max),
            format!("{:.2}", row.gb_per_s),
            format!("{:.1}", row.gflop_per_s),
            format!("{:.0} % {bound}", 100.0 * fraction),
        ]);
    }
    for column in table.column_iter_mut().skip(4).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
