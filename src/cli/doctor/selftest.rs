//! `tiller doctor --selftest`: whether the kernels are right on this machine, how fast it is, and what fits.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_kernels::bench::{Ceilings, Size, ceilings};
use tiller_kernels::decode::KvFormat;
use tiller_kernels::device;
use tiller_kernels::operations;
use tiller_kernels::pipelines::Pipelines;
use tiller_kernels::quant::Scheme;
use tiller_kernels::trial::{Finding, try_products};
use tiller_models::engine;

use crate::plan::{Place, Setting, Verdict, Work};
use crate::run::progress;
use crate::train::bench::Shape;
use crate::train::memory::in_words;
use crate::{Error, Result};

/// What was found out.
#[derive(Debug, Serialize)]
pub(super) struct Selftest {
    device: String,
    /// Every variant that was tried, with the worst that it did; none on the CPU, whose arithmetic is the reference.
    findings: Vec<Finding>,
    /// What the device gives; not measured on the CPU.
    ceilings: Option<Ceilings>,
    /// Whether common work fits.
    work: Vec<Ready>,
}

/// Whether some work fits.
#[derive(Debug, Serialize)]
struct Ready {
    /// In words: "sft 1.1B, rank 16, q4, batch 4 x 512".
    what: String,
    bytes: u64,
    verdict: Verdict,
}

/// The models that are looked at: their sizes in words, how a training keeps their weights, and samples of its batches.
const MODELS: [(Shape, &str, Scheme, usize); 3] = [
    (Shape::Smol, "135M", Scheme::F32, 8),
    (Shape::TinyLlama, "1.1B", Scheme::Q4, 4),
    (Shape::Llama2, "7B", Scheme::Q4, 4),
];

/// Tries everything on the device that `--device` takes.
///
/// # Errors
/// A device that cannot be opened, or fails.
pub(super) fn run(asked: &str) -> Result<Selftest> {
    let open = device::open(asked)?;
    let place = Place::of(asked, None)?;
    let works = MODELS.iter().flat_map(|model| Work::ALL.map(|work| ready(work, *model, &place)));
    let work = works.collect::<Result<_>>()?;
    let Some(gpu) = open.gpu else {
        return Ok(Selftest { device: place.device, findings: Vec::new(), ceilings: None, work });
    };
    let bar = progress::bar("selftest", operations::names().count() as u64 + 3, "operations");
    let step = |name: &str| {
        bar.inc(1);
        bar.set_message(name.to_owned());
    };
    let mut findings = Vec::new();
    for operation in operations::names() {
        findings.extend(operations::try_out(operation, &gpu));
        step(operation);
    }
    findings.extend(try_products(&open.device));
    step("products");
    findings.extend(engine::try_out(&open.device)?);
    step("engine");
    let size = Size::of(&gpu);
    let ceilings = ceilings(&mut Pipelines::new(gpu), size);
    bar.finish_and_clear();
    Ok(Selftest { device: place.device, findings, ceilings: Some(ceilings), work })
}

fn ready(work: Work, (shape, size, quantise, samples): (Shape, &str, Scheme, usize), place: &Place) -> Result<Ready> {
    let (batch, tokens, how) = match work {
        Work::Recommend => (16, 1024, "16 lists at once, 1024 tokens each".to_owned()),
        Work::Sft | Work::Ppo => (samples, 512, format!("rank 16, {quantise}, batch {samples} x 512")),
    };
    let setting = Setting { quantise, kv: KvFormat::F32, batch, tokens, rank: 16, full: false };
    let need = work.need(&shape.llama()?, &setting, place)?;
    let what = format!("{} {size}, {how}", work.name());
    Ok(Ready { what, bytes: need.total, verdict: place.verdict(&need) })
}

impl Selftest {
    /// Whether all kernels are right.
    ///
    /// # Errors
    /// The kernels that are not.
    pub(super) fn verdict(&self) -> Result<()> {
        let wrong: Vec<String> = self.findings.iter().filter(|f| !f.is_sound()).map(Finding::to_string).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Error::Failed(format!(
            "{} of {} variants are wrong on {}:\n  {}\n  next: update the driver, or take another device; `--device cpu` is always right",
            wrong.len(),
            self.findings.len(),
            self.device,
            wrong.join("\n  ")
        )))
    }

    pub(super) fn print(&self) {
        println!("\nselftest on {}", self.device);
        if self.findings.is_empty() {
            println!("the CPU computes by the references themselves: there is nothing to hold against them");
        } else {
            println!("{}", table(&self.findings));
        }
        if let Some(Ceilings { gb_per_s, gflop_per_s }) = self.ceilings {
            println!("copying {gb_per_s:.1} GB/s, multiply-adds {gflop_per_s:.1} GFLOP/s (f32)");
        }
        for Ready { what, bytes, verdict } in &self.work {
            let verdict = match verdict {
                Verdict::Fits => "fits",
                Verdict::DoesNotFit => "does not fit",
                Verdict::Unknown => "unknown, see `tiller plan --memory`",
            };
            println!("{what}: {verdict}, {}", in_words(*bytes));
        }
    }
}

fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["kernel and variant", "cases", "largest error", "allowed", ""]);
    for finding in findings {
        let Finding { kernel, cases, error, tolerance, .. } = finding;
        let sound = if finding.is_sound() { "right" } else { "WRONG" };
        let (error, tolerance) = (format!("{error:.1e}"), format!("{tolerance:.0e}"));
        table.add_row([kernel.as_str(), &cases.to_string(), &error, &tolerance, sound]);
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
