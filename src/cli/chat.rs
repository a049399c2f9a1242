//! `tiller chat`: a session about lists with one loaded model.

use std::io::{BufRead, IsTerminal, Write, stdin, stdout};
use std::path::PathBuf;

use serde_json::{Value, json};
use tiller_models::generate::{GenerateOptions, Sampling};
use tiller_models::language_model::InferenceModel;

use super::Global;
use super::guide::{GuideArgs, ModelPath};
use super::lookup;
use super::model::ModelArgs;
use super::recommend::show::LiveList;
use super::storage::StorageArgs;
use super::values::mode;
use crate::constrain::Mode;
use crate::converse::{ChatSession, HELP, Reply};
use crate::data::titles::clean;
use crate::data::{Catalogue, Dataset, ItemId};
use crate::recommend::answer::OutputFormat;
use crate::recommend::recommender::{List, Recommender, enough_tokens};
use crate::recommend::{CheckedItem, PreparedRequest};
use crate::request::Request;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller chat films --model smollm2-135m --user 42
  tiller chat films --run runs/ppo --history 'Heat (1995)' -k 5
  echo 'a few comedies, no horror' | tiller chat films --run runs/ppo --user 42 --json";

/// The flags of `tiller chat`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The data set folder
    dir: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    /// For whom: a user of the data set
    #[arg(long, value_name = "ID", conflicts_with = "history")]
    user: Option<String>,
    /// For somebody new: titles of the catalogue that were taken, oldest first
    #[arg(long, value_name = "TITLE", num_args = 1..)]
    history: Option<Vec<String>>,
    /// Length of a list, unless a message asks for another
    #[arg(short, default_value_t = 5, value_name = "ITEMS", value_parser = clap::value_parser!(u32).range(1..))]
    k: u32,
    /// Constraint mode
    #[arg(long, value_parser = mode(), default_value_t = Mode::Strict, value_name = "MODE")]
    decode: Mode,
    #[command(flatten)]
    guide: GuideArgs,
    #[command(flatten)]
    storage: StorageArgs,
}

/// Runs `tiller chat`.
///
/// # Errors
/// Names that are not known, a data set or model that cannot be read, a device that fails. What a turn gets wrong is said and
/// the conversation goes on.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let checkpoint = args.model.required_checkpoint()?;
    let dataset = Dataset::read(&args.dir)?;
    let mut session = ChatSession::new(&dataset.catalogue, taken(args, &dataset)?, args.k);
    let path = ModelPath::from(&checkpoint);
    let device = global.open_for_lists(path.model, 1)?.device;
    let guide = args.guide.resolve(path, &args.dir, args.decode != Mode::Free)?;
    let teacher = guide.teacher(false, &dataset, &device, global)?;
    let model = InferenceModel::load(path.model, path.adapter, args.storage.options(), &device)?;
    let options = GenerateOptions { max_new_tokens: enough_tokens(args.k), sampling: Sampling::Greedy, seed: 0 };
    let mut recommender = Recommender::new(&model, &dataset.catalogue, OutputFormat::Strict, options, args.decode)?;
    if let (Some(teacher), Some(weight)) = (&teacher, guide.weight) {
        recommender = recommender.guided_by(teacher, weight);
    }
    let talk = Talk { recommender: &recommender, json: global.json, stream: stdout().is_terminal() && !global.json };
    if stdin().is_terminal() {
        eprintln!("{HELP}");
    }
    for line in turns() {
        match session.reply(&line.map_err(Error::io("stdin", "read"))?) {
            Reply::End => break,
            Reply::Say(text) => talk.say(&text)?,
            Reply::List(request, said) => session.shown(&talk.list(request, &said)?),
        }
    }
    Ok(())
}

/// The user's history.
fn taken(args: &Args, dataset: &Dataset) -> Result<Vec<ItemId>> {
    match (&args.user, &args.history) {
        (Some(who), _) => match lookup::users(dataset, who)?.as_slice() {
            [user] => Ok(user.items.clone()),
            users => Err(Error::bad_input("--user")
                .expected("one user")
                .found(format!("{} users", users.len()))
                .next("name one of them; `tiller recommend` answers many")
                .into()),
        },
        (None, Some(titles)) => lookup::history(&dataset.catalogue, titles),
        (None, None) => Ok(Vec::new()),
    }
}

/// The user's lines; who types them sees where.
fn turns() -> impl Iterator<Item = std::io::Result<String>> {
    let asks = stdin().is_terminal();
    let mut lines = stdin().lock().lines();
    std::iter::from_fn(move || {
        if asks {
            eprint!("> ");
        }
        lines.next()
    })
}

/// The program's side of the conversation.
struct Talk<'a> {
    recommender: &'a Recommender<'a>,
    json: bool,
    /// Print titles while they are generated.
    stream: bool,
}

impl Talk<'_> {
    fn say(&self, text: &str) -> Result<()> {
        self.print(&if self.json { format!("{}\n", json!({ "said": [text] })) } else { format!("{text}\n") })
    }

    /// Generates and prints the requested list; prints the reason and returns nothing where no list satisfies the request.
    fn list(&self, request: Request, said: &[String]) -> Result<Vec<ItemId>> {
        let prepared = match PreparedRequest::new(request, self.recommender.mode(), self.recommender.catalogue()) {
            Ok(prepared) => prepared,
            Err(error) => return self.say(&error.to_string()).map(|()| Vec::new()),
        };
        if !self.json {
            said.iter().try_for_each(|line| self.say(line))?;
        }
        let list = if self.stream {
            self.stream(&prepared)?
        } else {
            let list = self.recommender.recommend(&[&prepared])?.remove(0);
            let record = || record(&list, said, self.recommender.catalogue());
            self.print(&if self.json { format!("{}\n", record()) } else { page(&list) })?;
            list
        };
        Ok(list.items.iter().filter_map(|item| item.item).collect())
    }

    /// Shows the list while it is written.
    fn stream(&self, prepared: &PreparedRequest) -> Result<List> {
        let items = |text: &str| self.recommender.items(prepared.compiled(), text);
        let mut live = LiveList::new(&items);
        let mut printed = Ok(());
        let list = self.recommender.recommend_streaming(prepared, &mut |text| {
            if printed.is_ok() {
                printed = self.print(&live.next(text));
            }
        })?;
        printed?;
        self.print(&live.end())?;
        Ok(list)
    }

    fn print(&self, text: &str) -> Result<()> {
        let mut out = stdout();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::io("stdout", "write"))
    }
}

fn page(list: &List) -> String {
    let line = |(place, title): (usize, &str)| format!("{:3}. {}\n", place + 1, clean(title));
    list.items.iter().map(|item| item.title.as_str()).enumerate().map(line).collect()
}

fn record(list: &List, said: &[String], catalogue: &Catalogue) -> Value {
    let item = |item: &CheckedItem| {
        let id = item.item.map(|id| catalogue.item(id).key.as_str());
        json!({ "id": id, "title": item.title, "status": item.status })
    };
    json!({ "said": said, "items": list.items.iter().map(item).collect::<Vec<_>>(), "seconds": list.seconds })
}
