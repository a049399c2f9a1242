//! `tiller bench lists`: throughput of constrained decoding, with and without jump-forward and draft tokens.

use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_models::language_model::InferenceModel;

use super::Global;
use crate::Result;
use crate::bench::lists::{DecodeMethod, ListBench, ListTiming};
use crate::cli::json::print_json;
use crate::cli::storage::StorageArgs;
use crate::cli::values::decode_method;
use crate::data::Dataset;
use crate::pull::resolve_model;
use crate::run::progress::Progress;
use crate::teacher::Teacher;

const EXAMPLES: &str = "\
Examples:
  tiller bench lists films --model smollm2-135m
  tiller bench lists films --model smollm2-135m --adapter run/adapter -b 1 -b 64 -r 5
  tiller bench lists films --model small/model --way jump --way drafts --json";

/// The flags of `tiller bench lists`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Data set folder
    dir: PathBuf,
    /// Language model: a Hugging Face folder, a .gguf file, or a name from `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME")]
    model: String,
    /// PEFT adapter folder trained on that model
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Run folder of the teacher that drafts items [default: DIR/teacher]
    #[arg(long, value_name = "RUN")]
    teacher: Option<PathBuf>,
    /// Decoding method (repeatable); rates are relative to the first [default: all]
    #[arg(long, value_parser = decode_method(), value_name = "WAY")]
    way: Vec<DecodeMethod>,
    /// Number of items per list
    #[arg(short, default_value_t = 10, value_name = "ITEMS", value_parser = clap::value_parser!(u32).range(1..=50))]
    k: u32,
    /// Batch size in lists (repeatable) [default: 1 and 64]
    #[arg(short = 'b', long, value_name = "LISTS", value_parser = clap::value_parser!(u16).range(1..))]
    batch: Vec<u16>,
    /// Minimum number of lists per measurement
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    lists: u16,
    /// Number of repetitions after one warm-up
    #[arg(short = 'r', default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    repetitions: u16,
    #[command(flatten)]
    storage: StorageArgs,
}

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct ListsReport {
    device: String,
    model: String,
    dataset: String,
    items: usize,
    took: Vec<ListTiming>,
}

/// Runs `tiller bench lists`.
///
/// # Errors
/// A data set, a model or a teacher that cannot be read, a device that fails.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let path = resolve_model(&args.model)?;
    let dataset = Dataset::read(&args.dir)?;
    let open = global.open()?;
    let teacher = args.teacher.clone().unwrap_or_else(|| args.dir.join("teacher"));
    let teacher = Teacher::load(&teacher, &dataset, &open.device)?;
    let model = InferenceModel::load(&path, args.adapter.as_deref(), args.storage.options(), &open.device)?;

    let ways = if args.way.is_empty() { &DecodeMethod::ALL[..] } else { &args.way };
    let batches: Vec<usize> =
        if args.batch.is_empty() { vec![1, 64] } else { args.batch.iter().map(|&batch| batch.into()).collect() };
    let lists_of = |batch: usize| batch.max(args.lists.into());
    let most = batches.iter().map(|&batch| lists_of(batch)).max().unwrap_or(1);
    let bench = ListBench::new(&model, &dataset, &teacher, args.k, most)?;
    let bar = Progress::start("lists", (ways.len() * batches.len()) as u64, "measurements");
    let mut took = Vec::new();
    for batch in batches {
        let mut lists = None;
        for &way in ways {
            bar.set_message(format!("{way:?}, {batch} at a time"));
            took.push(bench.measure(way, (lists_of(batch), batch), args.repetitions.into(), &mut lists)?);
            bar.advance(1);
        }
    }
    bar.finish();
    let items = dataset.catalogue.len();
    let report =
        ListsReport { device: open.description, model: args.model.clone(), dataset: dataset.name, items, took };
    if global.json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    Ok(())
}

const HEADER: [&str; 9] =
    ["way", "batch", "prompt", "tokens", "choices", "steps", "drafts that held", "lists/s", "of the first"];

fn print(report: &ListsReport) {
    let ListsReport { device, model, dataset, items, took } = report;
    println!("{model}, {dataset} ({items} items), {device}\n");
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(HEADER);
    for one in took {
        let first = took.iter().find(|other| other.batch == one.batch).map_or(one.per_second, |first| first.per_second);
        let ListTiming {
            way, batch, prompt, tokens, choices, steps, drafted, confirmed, per_second, least, most, ..
        } = one;
        let name = way.name().to_owned();
        let held = if *drafted > 0.0 { format!("{confirmed:.1} of {drafted:.1}") } else { String::new() };
        table.add_row([
            name,
            batch.to_string(),
            format!("{prompt:.0}"),
            format!("{tokens:.1}"),
            format!("{choices:.1}"),
            format!("{steps:.1}"),
            held,
            format!("{per_second:.3} ({least:.3} to {most:.3})"),
            format!("{:.2}", per_second / first),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
    match took.iter().map(|one| one.differing).sum::<usize>() {
        0 => println!("all ways wrote the same lists"),
        differing => println!("{differing} lists are not those of the first way: logits that are alike up to rounding"),
    }
}
