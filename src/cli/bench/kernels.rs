//! `tiller bench kernels`: the kernels of a GPU beside the roofline of the device, or those of the CPU.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_kernels::bench::{
    Bench, Clock, CpuBench, DeviceClass, KernelTiming, Roofline, UnknownBench, roofline, select, select_cpu,
};
use tiller_kernels::device::Gpu;
use tiller_kernels::operations::benches;
use tiller_kernels::pipelines::Pipelines;
use tiller_kernels::quant::QuantScheme;

use super::Global;
use crate::cli::json::print_json;
use crate::run::progress::Progress;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller bench kernels
  tiller bench kernels --device llvmpipe --quant q4 --quant q8 --json
  tiller bench kernels --device cpu --quant q4affine
  tiller bench kernels --op decode_linear --variant gemm
  tiller bench kernels --op gelu --wgsl";

/// The flags of `tiller bench kernels`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Storage of the weights: f32, f16, q8, q4affine, q4k, q4 or nf4; several may be given [default: all]
    #[arg(long, alias = "scheme", value_name = "SCHEME")]
    quant: Vec<QuantScheme>,
    /// One operation alone, by its name in the table
    #[arg(long, value_name = "NAME")]
    op: Option<String>,
    /// One variant alone, by its name in the table
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Print the WGSL of the kernels, expanded for the sizes of a GPU, and measure nothing; needs no device
    #[arg(long, requires = "op")]
    wgsl: bool,
}

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct KernelsReport {
    device: String,
    clock: Clock,
    /// Absent on the CPU.
    #[serde(rename = "ceilings")]
    roofline: Option<Roofline>,
    rows: Vec<KernelTiming>,
}

/// The output of `--wgsl --json`.
#[derive(Debug, Serialize)]
struct Source {
    kernel: String,
    wgsl: String,
}

/// Measures the kernels, or prints their WGSL.
///
/// # Errors
/// An unknown operation or variant; a `--device` that is unknown, unless only WGSL is wanted.
pub(super) fn run(args: &Args, global: &Global) -> Result<()> {
    if args.wgsl {
        return print_wgsl(&args.selected(DeviceClass::Gpu)?, global);
    }
    let open = global.open()?;
    let report = match open.gpu {
        Some(gpu) => {
            let class = DeviceClass::of(&gpu);
            measure(gpu, class, open.description, args.selected(class)?)
        }
        None => measure_cpu(open.description, args.selected_cpu()?),
    };
    if global.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    Ok(())
}

impl Args {
    fn selected(&self, class: DeviceClass) -> Result<Vec<Bench>> {
        select(benches(class, self.schemes()), self.op.as_deref(), self.variant.as_deref()).map_err(unknown)
    }

    fn selected_cpu(&self) -> Result<Vec<CpuBench>> {
        select_cpu(CpuBench::all(self.schemes()), self.op.as_deref(), self.variant.as_deref()).map_err(unknown)
    }

    fn schemes(&self) -> &[QuantScheme] {
        if self.quant.is_empty() { &QuantScheme::ALL } else { &self.quant }
    }
}

fn unknown(UnknownBench { flag, found, known }: UnknownBench) -> Error {
    Error::bad_input(flag).expected(format!("one of: {}", known.join("; "))).found(found).into()
}

fn measure(gpu: Gpu, class: DeviceClass, device: String, benches: Vec<Bench>) -> KernelsReport {
    let runnable: Vec<Bench> =
        benches.into_iter().filter(|bench| gpu.features.contains(bench.kernel().needs())).collect();
    let clock = Clock::of(&gpu);
    let mut pipelines = Pipelines::new(gpu);
    let roofline = roofline(&mut pipelines, class);
    let bar = Progress::start("kernels", runnable.len() as u64, "kernels");
    let mut rows = Vec::new();
    for bench in runnable {
        bar.set_message(bench.to_string());
        // A matrix that a scheme cannot hold is left out of the table.
        rows.extend(bench.measure(&mut pipelines, class));
        bar.advance(1);
    }
    bar.finish();
    KernelsReport { device, clock, roofline: Some(roofline), rows }
}

fn measure_cpu(device: String, benches: Vec<CpuBench>) -> KernelsReport {
    let bar = Progress::start("kernels", benches.len() as u64, "kernels");
    let measured = |bench: CpuBench| {
        bar.set_message(bench.to_string());
        let row = bench.measure();
        bar.advance(1);
        row
    };
    let rows = benches.into_iter().map(measured).collect();
    bar.finish();
    KernelsReport { device, clock: Clock::WallClock, roofline: None, rows }
}

fn print(report: &KernelsReport) {
    let KernelsReport { clock, roofline, rows, .. } = report;
    if let Some(Roofline { gb_per_s, gflop_per_s }) = roofline {
        println!("roofline: copying {gb_per_s:.1} GB/s, multiply-adds {gflop_per_s:.1} GFLOP/s (f32)");
    }
    println!("clock: {clock}\n");
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    let header = ["op", "stored", "variant", "shape", "µs", "min", "max", "GB/s", "GFLOP/s"];
    table.set_header(header.into_iter().chain(roofline.map(|_| "of roofline")));
    for row in rows {
        let reached = roofline.as_ref().map(|roofline| {
            let (fraction, bound) = row.reached(roofline);
            format!("{:.0} % {bound}", 100.0 * fraction)
        });
        let cells = [
            row.op.to_owned(),
            row.stored.unwrap_or_default().to_owned(),
            row.variant.clone(),
            row.shape.clone(),
            format!("{:.1}", row.us.median),
            format!("{:.1}", row.us.min),
            format!("{:.1}", row.us.max),
            format!("{:.2}", row.gb_per_s),
            format!("{:.1}", row.gflop_per_s),
        ];
        table.add_row(cells.into_iter().chain(reached));
    }
    for column in table.column_iter_mut().skip(4).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}

/// The WGSL of every kernel, each once.
fn sources(benches: &[Bench]) -> Vec<Source> {
    let mut seen = BTreeSet::new();
    let kernels = benches.iter().map(Bench::kernel).filter(|kernel| seen.insert(kernel.name()));
    kernels.map(|kernel| Source { kernel: kernel.name(), wgsl: kernel.wgsl().text }).collect()
}

fn print_wgsl(benches: &[Bench], global: &Global) -> Result<()> {
    let sources = sources(benches);
    if global.json {
        return print_json(&sources);
    }
    for Source { kernel, wgsl } in sources {
        println!("// {kernel}\n{wgsl}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(op: &str, variant: Option<&str>) -> Args {
        Args { quant: vec![QuantScheme::Q4], op: Some(op.into()), variant: variant.map(str::to_owned), wgsl: true }
    }

    #[test]
    fn unknown_names_are_wrong_usage_and_the_known_ones_are_listed() {
        let error = args("gelo", None).selected(DeviceClass::Gpu).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("decode_linear; ") && error.to_string().contains("gelu; "), "{error}");
        let error = args("gelu", Some("sideways")).selected(DeviceClass::Gpu).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("backward; forward"), "{error}");
    }

    #[test]
    fn the_wgsl_of_a_kernel_is_expanded() {
        let benches = args("gelu", Some("forward")).selected(DeviceClass::Gpu).unwrap();
        let sources = sources(&benches);
        assert_eq!(sources.iter().map(|source| &source.kernel[..]).collect::<Vec<_>>(), ["gelu WORKGROUP=256 WIDE=1"]);
        assert!(sources[0].wgsl.contains("const WORKGROUP: u32 = 256u;") && !sources[0].wgsl.contains("#include"));
    }
}
