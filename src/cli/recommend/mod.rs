//! `tiller recommend`: lists for users of a data set, or for somebody new.

mod parsed_ask;
mod queue;
mod request_args;
mod rows;
pub(super) mod show;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use tiller_models::generate::{GenerateOptions, Sampling};
use tiller_models::language_model::InferenceModel;

use self::queue::RequestQueue;
use self::request_args::RequestArgs;
use self::rows::ListFormat;
use self::show::ListPrinter;
use super::guide::{GuideArgs, ModelPath};
use super::model::ModelArgs;
use super::storage::StorageArgs;
use super::values::mode;
use super::{Global, progress};
use crate::constrain::Mode;
use crate::data::Dataset;
use crate::recommend::PreparedRequest;
use crate::recommend::recommender::{Recommender, enough_tokens};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller recommend films --model smollm2-135m --user 42
  tiller recommend films --model smollm2-135m --user 42 -k 5 --more Comedy --less Horror
  tiller recommend films --model smollm2-135m --user 42 --share 'Comedy<=30%' --where 'year>=2010'
  tiller recommend films --run runs/ppo --user 42
  tiller recommend films --model smollm2-135m --adapter run/adapter --user 42
  tiller recommend films --model smollm2-135m --history 'Heat (1995)' 'Ran (1985)'
  tiller recommend films --model smollm2-135m --ask 'a few comedies from the nineties, no horror'
  tiller recommend films --model smollm2-135m --user all --batch 64 --json > lists.jsonl
  tiller recommend films --model smollm2-135m --user all --format trec > lists.run
  tiller recommend films --run runs/ppo --user 42 --guide teacher --guide-weight 0.2
  tiller recommend films --model smollm2-135m --user 42 --draft teacher
  tiller recommend films --run runs/ppo --user 42 --rank
  tiller recommend films --model llama-2-7b.gguf --quant q4 --kv-dtype int8 --user 42";

/// The flags of `tiller recommend`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The data set folder
    dir: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    request: RequestArgs,
    /// Constraint mode
    #[arg(long, value_parser = mode(), default_value_t = Mode::Strict, value_name = "MODE")]
    decode: Mode,
    /// Rank instead of writing: every item that the request allows is scored by the log-probability of its title as the next one, and
    /// the best ones are the list
    #[arg(long, conflicts_with_all = ["guide", "guide_weight", "draft", "no_logprobs", "temperature", "top_k", "top_p"])]
    rank: bool,
    /// Number of lists to generate at once
    #[arg(long, default_value_t = 16, value_name = "LISTS", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// With --decode free: the most tokens that an answer may take [default: enough for the list]
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    max_new_tokens: Option<u32>,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    guide: GuideArgs,
    #[command(flatten)]
    speed: SpeedArgs,
    #[command(flatten)]
    sampling: SamplingArgs,
    /// Also show the prompt that the model gets
    #[arg(long)]
    prompt: bool,
    /// Format of the lists [default: table; with --json, jsonl]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<ListFormat>,
}

/// Flags that speed up generation; the lists stay the same.
#[derive(Debug, clap::Args)]
struct SpeedArgs {
    /// Whose lists are proposed to the model, which confirms in one step what it would have written anyway
    #[arg(long, value_enum, value_name = "WHO")]
    draft: Option<DraftSource>,
    /// Compute only the logits of allowed tokens; how often the constraint changed the model's choice stays unknown
    #[arg(long, alias = "fast")]
    no_logprobs: bool,
}

/// The draft model of speculative decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DraftSource {
    /// The teacher: its best items, as far as the request allows
    Teacher,
}

/// Sampling of tokens; greedy decoding without any of these flags.
#[derive(Debug, clap::Args)]
struct SamplingArgs {
    /// Sample at this temperature; 0 takes the likeliest token
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    temperature: Option<f32>,
    /// Sample among the K likeliest tokens; 0 is for all
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Sample among the likeliest tokens that have probability P together
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    top_p: Option<f32>,
    /// The seed of the sampling
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Runs `tiller recommend`.
///
/// # Errors
/// Names that are not known, a data set or model that cannot be read, a prompt longer than the model's context.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    if args.max_new_tokens.is_some() && args.decode != Mode::Free {
        return Err(Error::bad_input("--max-new-tokens")
            .expected("--decode free, where the model alone decides how long its answer is")
            .found("a list that is written to its end")
            .next("leave it out, or add --decode free")
            .into());
    }
    if args.decode == Mode::Free && (args.speed.draft.is_some() || args.speed.no_logprobs) {
        return Err(Error::bad_input("--draft and --no-logprobs")
            .expected("constrained decoding")
            .found("--decode free, where anything may follow")
            .next("leave them out, or decode by catalogue or strict")
            .into());
    }
    if args.decode == Mode::Free && args.rank {
        return Err(Error::bad_input("--rank")
            .expected("constrained decoding, which knows the items")
            .found("--decode free")
            .next("leave one of them out")
            .into());
    }
    let checkpoint = args.model.required_checkpoint()?;
    let dataset = Dataset::read(&args.dir)?;
    let parsed_ask = args.request.parse_ask(&dataset.catalogue)?;
    let requests = args.request.requests(parsed_ask.as_ref(), &dataset)?;
    let longest = requests.iter().map(|(_, request)| request.k).max().unwrap_or(0);
    let mut queue = RequestQueue::new(requests, args.decode, &dataset.catalogue)?;
    let options = GenerateOptions {
        max_new_tokens: args.max_new_tokens.map_or_else(|| enough_tokens(longest), |tokens| tokens as usize),
        sampling: args.sampling.resolve()?,
        seed: args.sampling.seed,
    };
    // To rank is to score many continuations side by side.
    let at_once = if args.rank { usize::from(args.batch) } else { queue.asked().min(args.batch.into()) };
    let path = ModelPath::from(&checkpoint);
    let device = global.open_for_lists(path.model, at_once)?.device;
    let guide = args.guide.resolve(path, &args.dir, args.decode != Mode::Free && !args.rank)?;
    let teacher = guide.teacher(args.speed.draft.is_some(), &dataset, &device, global)?;
    let model = InferenceModel::load(path.model, path.adapter, args.storage.options(), &device)?;
    let format = args.model.output_format();
    let mut recommender = Recommender::new(&model, &dataset.catalogue, format, options, args.decode)?;
    if let (Some(teacher), Some(weight)) = (&teacher, guide.weight) {
        recommender = recommender.guided_by(teacher, weight);
    }
    if let (Some(teacher), Some(DraftSource::Teacher)) = (&teacher, args.speed.draft) {
        recommender = recommender.drafting(teacher);
    }
    if args.speed.no_logprobs {
        recommender = recommender.without_logprobs();
    }
    if args.rank {
        recommender = recommender.ranking();
    }
    let usual = if global.json { ListFormat::Jsonl } else { ListFormat::Table };
    let show = ListPrinter {
        recommender: &recommender,
        parsed_ask: parsed_ask.as_ref(),
        prompt: args.prompt,
        format: args.format.unwrap_or(usual),
    };
    show.begin()?;
    let streams = std::io::stdout().is_terminal() && show.format == ListFormat::Table && !args.rank;
    if queue.asked() == 1 && streams {
        queue.take(1)?.iter().try_for_each(|asked| show.stream(asked))?;
    } else {
        answer_in_batches(&recommender, &show, &mut queue, usize::from(args.batch))?;
    }
    queue.refusals()
}

impl SamplingArgs {
    fn resolve(&self) -> Result<Sampling> {
        if self.temperature == Some(0.0) || (self.temperature, self.top_k, self.top_p) == (None, None, None) {
            return Ok(Sampling::Greedy);
        }
        let sampling = Sampling::Random {
            temperature: self.temperature.unwrap_or(1.0),
            top_k: self.top_k.unwrap_or(0),
            top_p: self.top_p.unwrap_or(1.0),
        };
        sampling.check().map(|()| sampling)
    }
}

/// Answers everybody, a batch at a time, and prints each batch as it comes.
fn answer_in_batches(
    recommender: &Recommender,
    show: &ListPrinter,
    queue: &mut RequestQueue,
    batch: usize,
) -> Result<()> {
    let bar = progress::bar("recommend", queue.asked() as u64, "lists");
    let (start, mut lists, mut tokens) = (Instant::now(), 0, 0);
    loop {
        let asked = bar.suspend(|| queue.take(batch))?;
        if asked.is_empty() {
            break;
        }
        let prepared_requests: Vec<&PreparedRequest> = asked.iter().map(|asked| &asked.prepared).collect();
        let answers = recommender.recommend(&prepared_requests)?;
        lists += answers.len();
        tokens += answers.iter().map(|list| list.tokens).sum::<usize>();
        bar.suspend(|| asked.iter().zip(&answers).try_for_each(|(asked, list)| show.list(asked, list)))?;
        bar.inc(asked.len() as u64);
    }
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    let rate = tokens as f64 / seconds;
    eprintln!("lists: {lists}, tokens: {tokens}, seconds: {seconds:.1}, tokens/s: {rate:.1}");
    Ok(())
}
