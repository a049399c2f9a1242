//! `tiller doctor --selftest`: correctness of the kernels on this device, its speed, and the models that fit.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_kernels::bench::{DeviceClass, Roofline, roofline};
use tiller_kernels::check::{CheckResult, check_matmul};
use tiller_kernels::check_gemm;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::decode_cpu::check_products;
use tiller_kernels::operations;
use tiller_kernels::pipelines::Pipelines;
use tiller_kernels::quant::QuantScheme;
use tiller_models::engine;

use crate::plan::{DeviceMemory, FitVerdict, PlanSettings, PlannedCommand};
use crate::run::progress::Progress;
use crate::train::memory::in_words;
use crate::{Error, Result};
use tiller_models::presets::ModelPreset;

/// The results of the self-test.
#[derive(Debug, Serialize)]
pub(super) struct Selftest {
    device: String,
    /// The largest error of every kernel variant: on the CPU, of the products of packed weights and of training.
    #[serde(rename = "findings")]
    results: Vec<CheckResult>,
    /// Measured bandwidth and compute; absent on the CPU.
    #[serde(rename = "ceilings")]
    roofline: Option<Roofline>,
    /// Memory estimates of common workloads.
    work: Vec<Ready>,
}

/// The memory estimate of a workload.
#[derive(Debug, Serialize)]
struct Ready {
    /// A description such as "sft 1.1B, rank 16, q4, batch 4 x 512".
    what: String,
    bytes: u64,
    verdict: FitVerdict,
}

/// The models: shape, size label, weight format in training, and batch size.
const MODELS: [(ModelPreset, &str, QuantScheme, usize); 3] = [
    (ModelPreset::Smol, "135M", QuantScheme::F32, 8),
    (ModelPreset::TinyLlama, "1.1B", QuantScheme::Q4, 4),
    (ModelPreset::Llama2, "7B", QuantScheme::Q4, 4),
];

/// Tests the device selected by `--device`.
///
/// # Errors
/// A device that cannot be opened, or fails.
pub(super) fn run(asked: &str) -> Result<Selftest> {
    let open = tiller_kernels::open(asked)?;
    let place = DeviceMemory::of(asked, None)?;
    let works = MODELS.iter().flat_map(|model| PlannedCommand::ALL.map(|work| ready(work, *model, &place)));
    let work = works.collect::<Result<_>>()?;
    let Some(gpu) = open.gpu else {
        let results = [check_products(), check_gemm()].concat();
        return Ok(Selftest { device: place.device, results, roofline: None, work });
    };
    let bar = Progress::start("selftest", operations::names().count() as u64 + 3, "operations");
    let step = |name: &str| {
        bar.advance(1);
        bar.set_message(name.to_owned());
    };
    let mut results = Vec::new();
    for operation in operations::names() {
        results.extend(operations::self_check(operation, &gpu));
        step(operation);
    }
    results.extend(check_matmul(&open.device));
    step("products");
    results.extend(engine::self_check(&open.device)?);
    step("engine");
    let size = DeviceClass::of(&gpu);
    let roofline = roofline(&mut Pipelines::new(gpu), size);
    bar.finish();
    Ok(Selftest { device: place.device, results, roofline: Some(roofline), work })
}

fn ready(
    work: PlannedCommand,
    (shape, size, quant, samples): (ModelPreset, &str, QuantScheme, usize),
    place: &DeviceMemory,
) -> Result<Ready> {
    let (batch, tokens, how) = match work {
        PlannedCommand::Recommend => (16, 1024, "16 lists at once, 1024 tokens each".to_owned()),
        PlannedCommand::Sft | PlannedCommand::Ppo => (samples, 512, format!("rank 16, {quant}, batch {samples} x 512")),
    };
    let setting = PlanSettings { quant, kv: KvFormat::F32, batch: Some(batch), tokens, rank: 16, full: false };
    let estimate = work.estimate(&shape.llama(), &setting, place)?;
    let what = format!("{} {size}, {how}", work.name());
    Ok(Ready { what, bytes: estimate.total, verdict: place.verdict(&estimate) })
}

impl Selftest {
    /// Checks that all kernels are correct.
    ///
    /// # Errors
    /// Lists the incorrect kernels.
    pub(super) fn verdict(&self) -> Result<()> {
        let wrong: Vec<String> = self.results.iter().filter(|f| !f.passed()).map(CheckResult::to_string).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Error::Failed(format!(
            "{} of {} variants are wrong on {}:\n  {}\n  next: update the driver, or take another device; `--device cpu` is always right",
            wrong.len(),
            self.results.len(),
            self.device,
            wrong.join("\n  ")
        )))
    }

    pub(super) fn print(&self) {
        println!("\nselftest on {}", self.device);
        println!("{}", table(&self.results));
        if let Some(Roofline { gb_per_s, gflop_per_s }) = self.roofline {
            println!("copying {gb_per_s:.1} GB/s, multiply-adds {gflop_per_s:.1} GFLOP/s (f32)");
        }
        for Ready { what, bytes, verdict } in &self.work {
            let verdict = match verdict {
                FitVerdict::Fits => "fits",
                FitVerdict::DoesNotFit => "does not fit",
                FitVerdict::Unknown => "unknown, see `tiller plan --memory`",
            };
            println!("{what}: {verdict}, {}", in_words(*bytes));
        }
    }
}

fn table(results: &[CheckResult]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["kernel and variant", "cases", "largest error", "allowed", ""]);
    for result in results {
        let CheckResult { kernel, cases, error, tolerance, .. } = result;
        let sound = if result.passed() { "right" } else { "WRONG" };
        let (error, tolerance) = (format!("{error:.1e}"), format!("{tolerance:.0e}"));
        table.add_row([kernel.as_str(), &cases.to_string(), &error, &tolerance, sound]);
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
