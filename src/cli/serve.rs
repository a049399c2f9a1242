//! `tiller serve`: a page to steer by and an API, with one resident model and teacher.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tiller_models::language_model::InferenceModel;

use super::Global;
use super::guide::{GuideArgs, ModelPath, ResolvedGuide, run_folder};
use super::model::ModelArgs;
use super::storage::StorageArgs;
use crate::data::Dataset;
use crate::data::input::file_name;
use crate::data::titles::clean;
use crate::run::interrupt;
use crate::serve::{About, Access, App, FeedbackLog, Guides, Student, Workspace, Writers, serve};
use crate::teacher::Teacher;
use crate::train::Checkpoint;
use crate::train::teach::TaughtModel;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller serve films                                     the teacher's lists, on http://127.0.0.1:7878
  tiller serve films --model smollm2-135m --open
  tiller serve films --run runs/ppo --feedback likes.jsonl
  tiller serve tiller-demo                               the folder of `tiller demo`, with its reports
  tiller serve films --host 0.0.0.0 --token-file token   for other machines, which have to send the token

docs/serving.md describes the page, the API and the limits.";

/// The shortest accepted token, in characters.
const SHORTEST_TOKEN: usize = 16;

/// The time after Ctrl-C in which the process ends, whatever runs.
const END_TIME: Duration = Duration::from_millis(1900);

/// The flags of `tiller serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The data set folder, or a folder with one and its runs
    dir: PathBuf,
    // Without a model, the teacher alone writes the lists.
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    guide: GuideArgs,
    /// Port; 0 is for any free one
    #[arg(long, default_value_t = 7878)]
    port: u16,
    /// Address; any other than the loopback needs --token-file
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "IP")]
    host: IpAddr,
    /// A file with the token that every request has to have
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The origin of another page that may ask, such as http://localhost:3000 (repeatable)
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Append likes and dislikes to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    feedback: Option<PathBuf>,
    /// Number of lists to generate at once
    #[arg(long, default_value_t = 16, value_name = "LISTS", value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    storage: StorageArgs,
}

/// Runs `tiller serve` until Ctrl-C.
///
/// # Errors
/// A port that is taken, an address without a token, a data set, model or teacher that cannot be read.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let token = token(args)?;
    let (listener, address) = bind(args)?;
    let workspace = Workspace::find(&args.dir)?;
    let model = args.model.checkpoint()?;
    let guide = guide(args, model.as_ref(), &workspace)?;
    let workspace = Workspace { teacher: teacher_run(args, guide.as_ref(), &workspace), ..workspace };
    if model.is_none() && workspace.teacher.is_none() {
        return Err(Error::bad_input(workspace.data.join("teacher").display())
            .expected("a trained teacher, or --run or --model")
            .found("neither")
            .next(format!("`tiller sasrec train {}` trains one", workspace.data.display()))
            .into());
    }
    // Requests refer to it from every thread, until the process ends.
    let dataset: &'static Dataset = Box::leak(Box::new(Dataset::read(&workspace.data)?));
    let feedback = args.feedback.as_deref().map(FeedbackLog::open).transpose()?;
    // People who steer a page ask one by one; the size of a batch is a limit.
    let open = model.as_ref().map_or_else(|| global.open(), |model| global.open_for_lists(&model.model, 1))?;
    let load_teacher = |run: &PathBuf| Teacher::load(run, dataset, &open.device);
    let teacher = workspace.teacher.as_ref().map(load_teacher).transpose()?;
    let load_model = |Checkpoint { model, adapter }: &Checkpoint| {
        InferenceModel::load(model, adapter.as_deref(), args.storage.options(), &open.device)
    };
    let loaded = model.as_ref().map(load_model).transpose()?;
    let format = args.model.output_format();
    let writers = Writers::new(&dataset.catalogue, teacher.as_ref(), loaded.as_ref().map(|model| (model, format)))?;
    let writers = match (&loaded, &teacher, &model) {
        (Some(loaded), Some(teacher), Some(model)) => {
            let Checkpoint { model, adapter } = model.clone();
            let files = TaughtModel { model, adapter, quant: args.storage.options().quant };
            writers.teachable(Student::new(loaded, files, teacher, dataset, open.device))
        }
        _ => writers,
    };
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        device: open.description,
        model: model.as_ref().map(model_name),
        teacher: teacher.is_some(),
        guide: guide.map(|guide| Guides { usual: guide.weight, auto: guide.auto }).unwrap_or_default(),
    };
    let access = Access::new(address, args.allow_origin.clone(), token.as_deref());
    let app = App::new(dataset, about, workspace, access, feedback);
    let app = match &loaded {
        Some(model) => app.with_codec(model.codec().clone()),
        None => app,
    };
    announce(&app, address, args.open, global);
    let _deferred = interrupt::defer();
    // A step of a teaching may take longer; what it has learnt is in memory alone.
    interrupt::end_within(END_TIME);
    serve(app, &writers, listener, usize::from(args.batch), interrupt::requested)
}

/// The guide of the model's lists; `None` without a model.
fn guide(args: &Args, model: Option<&Checkpoint>, workspace: &Workspace) -> Result<Option<ResolvedGuide>> {
    let Some(model) = model else {
        if !args.guide.choice().names_teacher() {
            return Ok(None);
        }
        return Err(Error::bad_input("--guide")
            .expected("a language model that is guided")
            .found("none")
            .next("name it with --run or --model, or leave --guide and --guide-weight out")
            .into());
    };
    let of_teacher = workspace.teacher.as_deref().and_then(Path::parent).unwrap_or(&workspace.data);
    args.guide.resolve(ModelPath::from(model), of_teacher, true).map(Some)
}

/// The run folder of the teacher, if there is one: of several, that of the guide weight.
fn teacher_run(args: &Args, guide: Option<&ResolvedGuide>, workspace: &Workspace) -> Option<PathBuf> {
    let guides = guide.filter(|guide| guide.weight.is_some() || guide.teacher.is_dir());
    let run = guides.map(|guide| guide.teacher.as_path()).or(args.guide.named_teacher());
    run.or(workspace.teacher.as_deref()).map(Path::to_owned)
}

/// Reserves the address, before anything is loaded.
fn bind(args: &Args) -> Result<(TcpListener, SocketAddr)> {
    let wanted = SocketAddr::new(args.host, args.port);
    let refused = |error: std::io::Error| {
        let next = "choose another with --port; --port 0 takes any free one";
        Error::bad_input(format!("--port {}", args.port)).expected("a free port").found(error).next(next)
    };
    let listener = TcpListener::bind(wanted).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// The token that requests need; none on the loopback unless a file is named.
fn token(args: &Args) -> Result<Option<String>> {
    let Some(file) = &args.token_file else {
        if args.host.is_loopback() {
            return Ok(None);
        }
        return Err(Error::bad_input(format!("--host {}", args.host))
            .expected("--token-file, because other machines reach this address")
            .found("none")
            .next("write a long random word into a file and name it")
            .into());
    };
    let text = std::fs::read_to_string(file).map_err(Error::io(file, "read"))?;
    let token = text.trim();
    if token.len() < SHORTEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::bad_input(file.display())
            .expected(format!("one word of at least {SHORTEST_TOKEN} characters"))
            .found(format!("{} characters", token.chars().count()))
            .next("make one with `openssl rand -hex 32`")
            .into());
    }
    Ok(Some(token.to_owned()))
}

/// The name of a model: that of the run, where it or its adapter lies in one.
fn model_name(Checkpoint { model, adapter }: &Checkpoint) -> String {
    let made = adapter.as_deref().unwrap_or(model);
    clean(&file_name(run_folder(made).unwrap_or(made)))
}

/// Says where the page is, and opens it.
fn announce(app: &App, address: SocketAddr, opens: bool, global: &Global) {
    let host = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    let url = format!("http://{}", SocketAddr::new(host, address.port()));
    let about = &app.about;
    let model = about.model.as_deref().map(|model| format!("the model {model}"));
    let writers: Vec<String> = model.into_iter().chain(about.teacher.then(|| "the teacher".to_owned())).collect();
    eprintln!(
        "{}: {} items, lists by {}",
        clean(&app.dataset.name),
        app.dataset.catalogue.len(),
        writers.join(" and ")
    );
    if global.json {
        println!("{}", json!({ "url": url }));
    } else {
        println!("{url}");
    }
    eprintln!("Open it in a browser; Ctrl-C ends the server.");
    if opens && let Err(error) = browser(&url).spawn() {
        eprintln!("no browser could be started: {error}");
    }
}

/// The command that opens an address in the browser.
fn browser(url: &str) -> Command {
    let (program, arguments): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("cmd", &["/C", "start"]),
        _ => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(url);
    command
}
