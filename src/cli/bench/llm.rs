//! `tiller bench llm`: prefill and decoding throughput of a language model, in the format of llama-bench.

use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;
use tiller_models::engine::{Engine, EngineOptions, RandomWeights};
use tiller_models::language_model::Backend;

use super::Global;
use crate::Result;
use crate::bench::llm::{BenchModel, LlmTest, Throughput, TokenCost};
use crate::cli::json::{json_line, print_json};
use crate::cli::storage::kv_format;
use crate::cli::values;
use crate::pull::resolve_model;
use crate::run::progress::Progress;
use tiller_models::presets::ModelPreset;

const EXAMPLES: &str = "\
Examples:
  tiller bench llm
  tiller bench llm --shape tinyllama-1.1b --quant q4 -b 1 -b 8 -b 64 -o md
  tiller bench llm --model smollm2-135m --kv-dtype int8 -o jsonl
  tiller --device llvmpipe bench llm --shape smollm2-135m --quant q4 -p 32 -n 8 -r 1 --lists 0";

/// The flags of `tiller bench llm`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Model shape, with random weights
    #[arg(long, value_parser = values::model_preset(), default_value = "smollm2-135m", value_name = "SHAPE", conflicts_with = "model")]
    shape: ModelPreset,
    /// Model to measure instead: a Hugging Face folder, a .gguf file, or a name from `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// Weight format: f32, f16, q8, q4affine, q4k, q4 or nf4 [default: the format of the model's file; q4 for a shape]
    #[arg(long, alias = "scheme", value_name = "SCHEME")]
    quant: Option<QuantScheme>,
    /// KV cache format: f32, f16 or int8
    #[arg(long, alias = "kv", default_value = "f16", value_name = "FORMAT", value_parser = kv_format)]
    kv_dtype: KvFormat,
    /// Use int8 dot products with 8-bit activations on a GPU too, if the format allows it; not exact
    #[arg(long)]
    int8: bool,
    /// Multiply quantized weights with floats on a CPU too, which rounds activations to 16 bits otherwise
    #[arg(long, conflicts_with = "int8")]
    exact: bool,
    /// Prompt tokens of the prefill test; 0 to skip it
    #[arg(short = 'p', default_value_t = 512, value_name = "TOKENS")]
    prompt: usize,
    /// Generated tokens of the decoding test; 0 to skip it
    #[arg(short = 'n', default_value_t = 128, value_name = "TOKENS")]
    new: usize,
    /// Batch size in sequences (repeatable) [default: 1, 8 and 64; on the CPU 1 and 8]
    #[arg(short = 'b', long, value_name = "SEQUENCES", value_parser = clap::value_parser!(u16).range(1..))]
    batch: Vec<u16>,
    /// Users of the list test; 0 to skip it [default: the largest batch]
    #[arg(long, value_name = "USERS")]
    lists: Option<usize>,
    /// Number of repetitions of each test after one warm-up
    #[arg(short = 'r', default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    repetitions: u16,
    /// Output format
    #[arg(short = 'o', value_enum, default_value = "md")]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table in Markdown
    Md,
    /// Comma-separated values
    Csv,
    /// One JSON array
    Json,
    /// A JSON object on each line
    Jsonl,
}

/// A row of the results.
#[derive(Debug, Clone, Serialize)]
struct LlmLine {
    model: String,
    /// Bytes of the weights.
    size: usize,
    params: usize,
    backend: String,
    scheme: String,
    kv: String,
    #[serde(flatten)]
    rate: Throughput,
    /// The cost per token of tests that generate one sequence on a GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<TokenCost>,
}

/// Runs `tiller bench llm`.
///
/// # Errors
/// A model that cannot be read, one that does not fit, a device that fails.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let open = global.open()?;
    let tests = tests(args, open.gpu.is_some());
    let bar = Progress::start("llm", tests.len() as u64, "tests");
    let (mut model, about) = load(args, &tests, &open)?;
    let mut lines = Vec::new();
    for test in tests {
        bar.set_message(test.name());
        let rate = model.measure(test, usize::from(args.repetitions))?;
        let cost = match test {
            LlmTest::Write(tokens, 1) => model.cost(tokens)?,
            _ => None,
        };
        lines.push(LlmLine { rate, cost, ..about.clone() });
        bar.advance(1);
    }
    bar.finish();
    print(&lines, if global.json { Output::Json } else { args.output })
}

fn tests(args: &Args, gpu: bool) -> Vec<LlmTest> {
    let batches: Vec<usize> = match (args.batch.as_slice(), gpu) {
        ([], true) => vec![1, 8, 64],
        ([], false) => vec![1, 8],
        (given, _) => given.iter().map(|rows| usize::from(*rows)).collect(),
    };
    let lists = args.lists.unwrap_or_else(|| batches.iter().copied().max().unwrap_or(1));
    let mut tests = vec![LlmTest::Prompt(args.prompt)];
    tests.extend(batches.iter().map(|rows| LlmTest::Write(args.new, *rows)));
    tests.push(LlmTest::Lists(lists));
    tests.retain(|test| !matches!(test, LlmTest::Prompt(0) | LlmTest::Write(0, _) | LlmTest::Lists(0)));
    tests
}

/// Loads the model and describes it.
fn load(args: &Args, tests: &[LlmTest], open: &tiller_kernels::OpenDevice) -> Result<(BenchModel, LlmLine)> {
    let options = EngineOptions {
        max_batch: tests.iter().map(|test| test.rows()).max().unwrap_or(1),
        max_tokens: tests.iter().map(|test| test.tokens()).max().unwrap_or(1).max(16),
        kv_dtype: args.kv_dtype,
        quant: args.quant.or(args.model.is_none().then_some(QuantScheme::Q4)),
        integer_products: if open.gpu.is_some() { args.int8 } else { !args.exact },
        ..EngineOptions::default()
    };
    let (name, engine) = match &args.model {
        Some(model) => (model.clone(), Engine::open(&resolve_model(model)?, &open.device, options)?),
        None => {
            let weights = &mut RandomWeights::new(args.shape.llama());
            (args.shape.name().to_owned(), Engine::new(weights, &open.device, options)?)
        }
    };
    let (config, size) = (engine.config().clone(), engine.weight_bytes());
    let (scheme, kv) = (options.quant.map_or("file", QuantScheme::name), args.kv_dtype.name());
    let backend = open.description.split(" (").next().unwrap_or_default().to_owned();
    let rate = Throughput { test: String::new(), unit: "", per_second: 0.0, least: 0.0, most: 0.0 };
    let (scheme, kv, params) = (scheme.to_owned(), kv.to_owned(), config.parameters());
    let model = BenchModel(Backend::Engine(Box::new(engine)));
    Ok((model, LlmLine { model: name, size, params, backend, scheme, kv, rate, cost: None }))
}

const HEADER: [&str; 7] = ["model", "size", "params", "backend", "kv", "test", "t/s"];

fn print(lines: &[LlmLine], output: Output) -> Result<()> {
    match output {
        Output::Json => print_json(lines)?,
        Output::Jsonl => {
            for line in lines {
                println!("{}", json_line(line)?);
            }
        }
        Output::Csv => {
            println!("model,scheme,size,params,backend,kv,test,unit,per_second,least,most");
            for LlmLine { model, size, params, backend, scheme, kv, rate, .. } in lines {
                let Throughput { test, unit, per_second, least, most } = rate;
                println!(
                    "{model},{scheme},{size},{params},\"{backend}\",{kv},{test},{unit},{per_second:.3},{least:.3},{most:.3}"
                );
            }
        }
        Output::Md => {
            let mut table = Table::new();
            table.load_style(presets::ASCII_MARKDOWN);
            table.set_header(HEADER);
            for line in lines {
                table.add_row(cells(line));
            }
            for column in table.column_iter_mut().skip(6) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            println!("{table}");
            lines.iter().filter_map(|line| Some((line, line.cost.as_ref()?))).for_each(|(line, cost)| tell(line, cost));
        }
    }
    Ok(())
}

/// Prints the cost of a token.
fn tell(line: &LlmLine, cost: &TokenCost) {
    let TokenCost { launches, launches_per_layer, bytes, needed_bytes } = cost;
    println!(
        "\na token of {}: {launches:.1} launches, {launches_per_layer:.2} a layer; {:.2} MiB read, {:.3} of weights and cache",
        line.rate.test,
        bytes / f64::from(1 << 20),
        bytes / needed_bytes
    );
}

fn cells(line: &LlmLine) -> [String; 7] {
    let Throughput { test, per_second, least, most, .. } = &line.rate;
    [
        format!("{} {}", line.model, line.scheme),
        format!("{:.2} MiB", line.size as f64 / f64::from(1 << 20)),
        format!("{:.2} M", line.params as f64 / 1e6),
        line.backend.clone(),
        line.kv.clone(),
        test.clone(),
        format!("{per_second:.2} ({least:.2} to {most:.2})"),
    ]
}
