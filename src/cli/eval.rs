//! `tiller eval`: measures a model's lists, beside those of the teacher and of popularity.

mod context;
mod models;
mod show;

use std::path::{Path, PathBuf};

use clap::ArgGroup;

use self::context::EvalContext;
use self::models::{EvaluatedModel, checkpoints, models};
use self::show::show;
use super::guide::run_folder;
use super::recommend::DraftSource;
use super::storage::StorageArgs;
use super::{Global, lookup, values};
use crate::Result;
use crate::constrain::{GuideSource, Mode, WeightChoice};
use crate::data::{Catalogue, Dataset};
use crate::evaluate::{EvalConfig, Evaluator, FullRanking, ScorerSystem, TEACHER};
use crate::instruct::{Preset, chat};
use crate::recommend::answer::OutputFormat;
use crate::run::progress::Progress;
use crate::task::EvalTask;
use crate::teacher::{Popularity, Scorer, Teacher};

const EXAMPLES: &str = "\
Examples:
  tiller eval films                                     the teacher and popularity alone
  tiller eval films --model smollm2-135m --users 200
  tiller eval films --run runs/sft --run runs/distilled --run runs/ppo --users 200
  tiller eval films --model smollm2-135m --adapter sft/adapter --adapter ppo/adapter --with-base
  tiller eval films --run runs/ppo --tasks core --decode free,strict
  tiller eval films --model m --tasks I0,+C,-C,LP20,EP50,+C:trained,LP20:ambiguous --seeds 1,2,3
  tiller eval films --model m --adapter run/adapter --with-base --chat talk.json
  tiller eval films --users them.txt --tasks I0 --trec lists        for trec_eval and ranx
  tiller eval films --run runs/ppo --decode strict --tune-guide
  tiller eval films --run runs/ppo --decode strict --guide-weight auto,0,0.5
  tiller eval films --run runs/ppo --decode strict --tasks I0,+C --rank --slices
  tiller eval films --model m --json | jq '.rows[].subjects[0].exact.NDCG'

Tasks:
  I0 next item, ItemCount 11 to 15 items, Candidates best 5 of 10; +C a category, -C without one,
  Condition an attribute, Conjunction both, Except overlapping + and -, Against the user's taste;
  LP20 MP30 EP50… at most, at least, about a share, Overlap two shares at once.
  :trained asks in phrasings of the training, :ambiguous with an opposite sentiment.
  core is the method's own set of tasks, all (the default) every task.";

/// The flags of `tiller eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("evaluated").args(["run", "model"]))]
pub struct Args {
    /// The data set folder
    dir: PathBuf,
    /// The run folder of a tuning, whose best model is evaluated; of several, each gets rows of its own
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "adapter", "with_base"])]
    run: Vec<PathBuf>,
    /// The language model: a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// An adapter (PEFT folder) for that model; of several, each gets rows of its own
    #[arg(long, value_name = "DIR", requires = "model")]
    adapter: Vec<PathBuf>,
    /// Also evaluate the model without an adapter
    #[arg(long, requires = "adapter")]
    with_base: bool,
    /// The teacher's run folder [default: DIR/teacher]
    #[arg(long, value_name = "RUN")]
    teacher: Option<PathBuf>,
    /// Constraint mode of decoding; of several, each gets a row of its own
    #[arg(long, value_parser = values::mode(), value_delimiter = ',', default_value = "free,catalogue,strict", value_name = "MODE,…")]
    decode: Vec<Mode>,
    /// Guide of every choice of a constrained list; of several, each gets a row of its own [default: none, and teacher where
    /// there is a guide weight]
    #[arg(long, value_parser = values::guide_source(), value_delimiter = ',', value_name = "WHO,…")]
    guide: Vec<GuideSource>,
    /// The model's part with --guide teacher: 0 is the teacher alone, 1 the model alone, auto the weight in the model's run folder;
    /// of several, each gets a row of its own [default: auto]
    #[arg(long, value_delimiter = ',', value_name = "auto|W,…", requires = "evaluated")]
    guide_weight: Vec<WeightChoice>,
    /// First choose the guide weight by validation items of at most 200 users, and write it to guide.json in the model's run folder
    #[arg(long, requires = "evaluated")]
    tune_guide: bool,
    /// Also rank, in rows of their own: a model scores every item by the log-probability of its title as the next one, and no item that the
    /// user took before is listed
    #[arg(long)]
    rank: bool,
    /// Also tell HR and NDCG of groups of users: by the length of their history, and by the popularity of the item to be predicted
    #[arg(long)]
    slices: bool,
    /// Tasks: core, all, or names (see below)
    #[arg(long, value_delimiter = ',', default_value = "all", value_name = "TASK,…", allow_hyphen_values = true)]
    tasks: Vec<String>,
    /// Users: a number of them, drawn at random but always the same ones, or a file with one on each line [default: all]
    #[arg(long, value_name = "N|FILE")]
    users: Option<String>,
    /// Seeds of wordings and random candidates; a user's figure is the mean over them
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    seeds: Vec<u64>,
    /// Item of each user that is to be predicted
    #[arg(long, value_enum, default_value = "test")]
    split: SplitName,
    /// Length of the lists
    #[arg(long, short, default_value_t = 10, value_name = "ITEMS", value_parser = clap::value_parser!(u32).range(1..=50))]
    k: u32,
    /// Sampling rules: the default ones, or the authors' where they differ (categories of -C and LP, empty answers)
    #[arg(long, alias = "recipe", value_parser = values::preset(), default_value = "default")]
    preset: Preset,
    /// Output format of unconstrained lists: strict, every line is an item; lenient, numbered lines are [default: strict
    /// for a run or an adapter, else lenient]
    #[arg(long = "output-format", alias = "form", value_parser = values::output_format(), value_name = "FORM")]
    format: Option<OutputFormat>,
    /// Source of draft lists: the model confirms in one step the tokens that it would have written anyway
    #[arg(long, value_enum, value_name = "WHO")]
    draft: Option<DraftSource>,
    /// Conversations in the ShareGPT format that no training has seen; reports each model's perplexity on them
    #[arg(long, value_name = "FILE", requires = "evaluated")]
    chat: Option<PathBuf>,
    /// Lists that are written at once
    #[arg(long, default_value_t = 16, value_name = "LISTS", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    #[command(flatten)]
    storage: StorageArgs,
    /// With --decode free: the most tokens that an answer may take [default: enough for the list]
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    max_new_tokens: Option<u32>,
    /// Sample lists kept per row and task
    #[arg(long, default_value_t = EvalConfig::default().samples, value_name = "N")]
    samples: usize,
    /// The folder to write eval.json to [default: the last run, or the run folder that the last adapter is in]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// The folder to write all lists to in TREC's formats, for trec_eval and ranx: TASK.qrels and TASK.SYSTEM.run
    #[arg(long, value_name = "DIR")]
    trec: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SplitName {
    /// The last item
    Test,
    /// The last but one
    Validation,
}

/// Runs `tiller eval`.
///
/// # Errors
/// Names that are not known, a data set, model or teacher that cannot be read, a prompt longer than the model's context.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let mut config = config(args)?;
    let checkpoints = checkpoints(args)?;
    let models = models(args, &checkpoints)?;
    let talk = args.chat.as_deref().map(chat::read).transpose()?;
    let dataset = Dataset::read(&args.dir)?;
    if let Some(who) = &args.users {
        match who.parse() {
            Ok(number) => config.users = Some(number),
            Err(_) => {
                config.user_keys = lookup::users(&dataset, who)?.into_iter().map(|user| user.key.clone()).collect()
            }
        }
    }
    let open = match models.first() {
        Some(first) => global.open_for_lists(first.path.model, usize::from(args.batch))?,
        None => global.open()?,
    };
    let run = args.teacher.clone().unwrap_or_else(|| args.dir.join("teacher"));
    let teacher = Teacher::load(&run, &dataset, &open.device)?;

    let mut evaluator = Evaluator::new(&dataset, &teacher, config.clone(), open.description.clone())?;
    if args.trec.is_some() {
        evaluator = evaluator.keeping_lists();
    }
    if args.slices {
        evaluator = evaluator.with_slices();
    }
    let bar = Progress::start("evaluate", rows(args, &models) as u64 * evaluator.n_queries(), "lists");
    evaluate_scorer(args, ("popularity", &Popularity::of(&dataset)), &mut evaluator, &dataset.catalogue, &bar)?;
    evaluate_scorer(args, (TEACHER, &teacher), &mut evaluator, &dataset.catalogue, &bar)?;
    let context = EvalContext { args, config: &config, dataset: &dataset, teacher: (&teacher, &run), open: &open };
    for evaluated in &models {
        context.evaluate(evaluated, talk.as_deref(), &mut evaluator, &bar)?;
    }
    bar.finish();
    if let (Some(folder), Some(lists)) = (&args.trec, evaluator.trec()) {
        lists.write(folder)?;
    }
    show(&evaluator.finish(), out(args).as_deref(), global)
}

/// The number of rows, at most.
fn rows(args: &Args, models: &[EvaluatedModel]) -> usize {
    let guides = args.decode.iter().flat_map(|mode| models.iter().flat_map(|model| model.guides(*mode)));
    let rankings = if args.rank { 2 + models.len() } else { 0 };
    2 + guides.count() + rankings
}

/// Evaluates the lists of a plain recommender, and its rankings.
fn evaluate_scorer<S: Scorer>(
    args: &Args,
    (name, scorer): (&str, &S),
    evaluator: &mut Evaluator<Teacher>,
    catalogue: &Catalogue,
    bar: &Progress,
) -> Result<()> {
    let system = ScorerSystem { name: name.into(), catalogue, scorer };
    evaluator.evaluate(&system, None, bar)?;
    if args.rank {
        evaluator.evaluate(&FullRanking { system, catalogue }, None, bar)?;
    }
    Ok(())
}

fn config(args: &Args) -> Result<EvalConfig> {
    let mut tasks = Vec::new();
    for name in &args.tasks {
        match name.as_str() {
            "all" => tasks.extend(EvalTask::all()),
            "core" => tasks.extend(EvalTask::core()),
            name => tasks.push(name.parse()?),
        }
    }
    let defaults = EvalConfig::default();
    Ok(EvalConfig {
        tasks,
        validation: args.split == SplitName::Validation,
        k: args.k,
        preset: args.preset,
        seeds: if args.seeds.is_empty() { defaults.seeds } else { args.seeds.clone() },
        samples: args.samples,
        ..defaults
    })
}

/// The folder of eval.json.
fn out(args: &Args) -> Option<PathBuf> {
    let of_adapter = || run_folder(args.adapter.last()?).map(Path::to_owned);
    args.out.clone().or_else(|| args.run.last().cloned()).or_else(of_adapter)
}
