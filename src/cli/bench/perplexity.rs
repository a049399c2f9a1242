//! `tiller bench perplexity`: perplexity of a text after quantization of the weights or the KV cache.

use std::path::PathBuf;
use std::time::Instant;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use tiller_kernels::decode::KvFormat;
use tiller_kernels::quant::QuantScheme;
use tiller_models::engine::{Engine, EngineOptions};
use tiller_models::language_model::{Backend, TextCodec};

use crate::bench::llm::BenchModel;
use crate::bench::perplexity::{Perplexity, perplexity, windows};
use crate::cli::Global;
use crate::cli::json::print_json;
use crate::cli::storage::kv_format;
use crate::pull::resolve_model;
use crate::run::progress::Progress;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller bench perplexity smollm2-135m README.md
  tiller bench perplexity smollm2-135m README.md --kv-dtype f32 --kv-dtype f16 --kv-dtype int8
  tiller --device cpu bench perplexity smollm2-135m README.md --quant f32 --quant q8 --quant q4";

/// The flags of `tiller bench perplexity`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Model: a Hugging Face folder, a .gguf file, or a name from `tiller pull --list`
    #[arg(value_name = "MODEL")]
    model: String,
    /// Text file, in UTF-8
    #[arg(value_name = "TEXT")]
    text: PathBuf,
    /// Weight format: f32, f16, q8, q4affine, q4k, q4 or nf4 (repeatable) [default: f32]
    #[arg(long, alias = "scheme", value_name = "SCHEME")]
    quant: Vec<QuantScheme>,
    /// KV cache format: f32, f16 or int8 (repeatable) [default: f32]
    #[arg(long, alias = "kv", value_name = "FORMAT", value_parser = kv_format)]
    kv_dtype: Vec<KvFormat>,
    /// Multiply quantized weights with floats on a CPU too, which rounds activations to 16 bits otherwise
    #[arg(long)]
    exact: bool,
    /// Maximum number of tokens, from the start of the text
    #[arg(long, default_value_t = 2048, value_name = "TOKENS")]
    tokens: usize,
    /// Context length: the text is split into independent windows of this many tokens
    #[arg(long, default_value_t = 512, value_name = "TOKENS", value_parser = clap::value_parser!(u16).range(8..))]
    window: u16,
}

/// A row of the results; the others are compared with the first.
#[derive(Debug, Clone, Serialize)]
struct PerplexityLine {
    scheme: &'static str,
    kv: &'static str,
    #[serde(flatten)]
    found: Perplexity,
    /// The perplexity relative to the first row.
    ratio: f64,
    seconds: f64,
}

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct PerplexityReport {
    device: String,
    model: String,
    text: PathBuf,
    window: u16,
    lines: Vec<PerplexityLine>,
}

/// Runs `tiller bench perplexity`.
///
/// # Errors
/// A model or a text that cannot be read, a device that fails.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let open = global.open()?;
    let path = resolve_model(&args.model)?;
    let windows = tokens(args, &path)?;
    let (schemes, kvs) = (or(&args.quant, QuantScheme::F32), or(&args.kv_dtype, KvFormat::F32));
    let bar = Progress::start("perplexity", (schemes.len() * kvs.len() * windows.len()) as u64, "windows");
    let mut lines: Vec<PerplexityLine> = Vec::new();
    for (scheme, kv) in schemes.iter().flat_map(|scheme| kvs.iter().map(move |kv| (*scheme, *kv))) {
        bar.set_message(format!("{scheme}, cache {}", kv.name()));
        let start = Instant::now();
        let options = EngineOptions {
            max_batch: 1,
            max_tokens: usize::from(args.window),
            kv_dtype: kv,
            quant: Some(scheme),
            integer_products: open.gpu.is_none() && !args.exact,
            ..EngineOptions::default()
        };
        let mut model = BenchModel(Backend::Engine(Box::new(Engine::open(&path, &open.device, options)?)));
        let found = perplexity(&mut model, &windows, |_| bar.advance(1))?;
        let first = lines.first().map_or(found.perplexity, |line| line.found.perplexity);
        let (ratio, seconds) = (found.perplexity / first, start.elapsed().as_secs_f64());
        lines.push(PerplexityLine { scheme: scheme.name(), kv: kv.name(), found, ratio, seconds });
    }
    bar.finish();
    let (model, text, window) = (args.model.clone(), args.text.clone(), args.window);
    let report = PerplexityReport { device: open.description, model, text, window, lines };
    if global.json {
        print_json(&report)?;
    } else {
        println!("{}", table(&report.lines));
    }
    Ok(())
}

fn or<T: Copy>(given: &[T], default: T) -> Vec<T> {
    if given.is_empty() { vec![default] } else { given.to_vec() }
}

/// Tokenizes the text and splits it into windows.
fn tokens(args: &Args, model: &std::path::Path) -> Result<Vec<Vec<u32>>> {
    let text = std::fs::read_to_string(&args.text).map_err(Error::io(&args.text, "read"))?;
    let tokenizer = TextCodec::read_tokenizer(model)?;
    let mut tokens = tokenizer.encode_plain(&text)?;
    tokens.truncate(args.tokens);
    let windows = windows(&tokens, usize::from(args.window), tokenizer.bos().filter(|_| tokenizer.adds_bos()));
    if windows.is_empty() {
        return Err(Error::bad_input(args.text.display())
            .expected("a text of two tokens or more")
            .found(format!("{} tokens", tokens.len()))
            .into());
    }
    Ok(windows)
}

fn table(lines: &[PerplexityLine]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["weights", "cache", "tokens", "nats a token", "perplexity", "of the first", "seconds"]);
    for PerplexityLine { scheme, kv, found, ratio, seconds } in lines {
        table.add_row([
            (*scheme).to_owned(),
            (*kv).to_owned(),
            found.tokens.to_string(),
            format!("{:.5}", found.nll),
            format!("{:.4}", found.perplexity),
            format!("{:+.3} %", 100.0 * (ratio - 1.0)),
            format!("{seconds:.0}"),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
