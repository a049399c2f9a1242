//! Files that are damaged or hostile: whatever bytes a file has, reading it ends soon, in a value or in an error, without
//! a panic and without memory that its size does not explain.
//!
//! Each subject is a whole file that its reader accepts. It is damaged in ways that files get damaged in, and in ways that
//! an attacker would try: bits, cuts, repetitions, blanks, huge numbers in headers and in text; where the format has a known structure,
//! also counts, offsets, types and entries, with the rest of the file kept consistent.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use tiller::data::Dataset;
use tiller::data::import::{self, ImportOptions, SourceFormat};
use tiller::instruct::{ExampleBuilder, chat};
use tiller::ppo::PpoConfig;
use tiller::report::Report;
use tiller::run::config::{ConfigLayers, resolve};
use tiller::run::folder::RunFolder;
use tiller::teacher::{Popularity, Teacher, TeacherConfig};
use tiller::train::sft::{SftConfig, SftTrainer};
use tiller::{Error, Result};
use tiller_models::chat::{ChatTemplate, Message, Role};
use tiller_models::files::TensorSource;
use tiller_models::files::gguf::Gguf;
use tiller_models::files::safetensors::Safetensors;
use tiller_models::llama::{Llama, LlamaConfig};
use tiller_models::lora::Adapter;
use tiller_models::quantize::{Blocks, quantize};
use tiller_models::tokenizer::Tokenizer;

use crate::common::heap::{alone, most_held};
use crate::common::program::succeed;
use crate::common::structure::{self, Structure};
use crate::common::{mutate, world};

/// Files of each subject with damaged bytes, and as many with a damaged structure where there is one.
const MUTATIONS: u64 = 700;
/// The limit that tells a hang from a busy machine; reading takes milliseconds.
const LONGEST: Duration = Duration::from_secs(20);
/// Memory beyond this has another reason than the size of the file, which is below a megabyte.
const MOST_MEMORY: usize = 256 << 20;

/// The longest message: a few lines, whatever names a file has.
const LONGEST_MESSAGE: usize = 1 << 15;

/// Reads the files of a folder.
type Reader = dyn Fn(&Path) -> Result<()>;

/// A file, and what reads it.
struct Subject {
    name: &'static str,
    /// Everything that the reader needs, the file among it.
    folder: TempDir,
    file: PathBuf,
    structure: Option<Structure>,
    read: Box<Reader>,
}

impl Subject {
    /// A subject in a fresh folder with these files, the damaged one first.
    fn new(name: &'static str, files: &[(&str, &[u8])], read: impl Fn(&Path) -> Result<()> + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (file, bytes) in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let file = folder.path().join(files[0].0);
        let structure = match file.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Some(Structure::Json),
            Some("safetensors") => Some(Structure::Safetensors),
            Some("gguf") => Some(Structure::Gguf),
            _ => None,
        };
        // Data sets in Python's notation are called .json, too.
        let structure = structure.filter(|_| !matches!(name, "Amazon" | "Steam"));
        Self { name, folder, file, structure, read: Box::new(read) }
    }

    /// Reads the file as it lies there now; what was refused, if it was.
    fn try_read(&self, told: &dyn Fn() -> String) -> Option<Error> {
        let start = Instant::now();
        let (outcome, memory) = most_held(|| catch_unwind(AssertUnwindSafe(|| (self.read)(self.folder.path()))));
        assert!(start.elapsed() < LONGEST, "{}: {:?} with {}", self.name, start.elapsed(), told());
        assert!(memory < MOST_MEMORY, "{}: {} MiB of memory with {}", self.name, memory >> 20, told());
        outcome.unwrap_or_else(|_| panic!("{}: a panic with {}", self.name, told())).err()
    }
}

fn golden(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tests/golden").join(path)).unwrap()
}

/// A golden model as a GGUF file.
fn as_gguf(model: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::write(folder.path().join(file), golden(&format!("{model}/{file}"))).unwrap();
    }
    let gguf = folder.path().join("model.gguf");
    quantize(folder.path(), Blocks::Q8_0, &gguf, &mut |_, _, _| ()).unwrap();
    std::fs::read(gguf).unwrap()
}

/// An index that names one shard for all tensors of a safetensors file.
fn index_of(weights: &[u8]) -> Vec<u8> {
    let names = Safetensors::from_bytes(Path::new("weights.safetensors"), weights.to_vec()).unwrap().names();
    let shard_of: BTreeMap<String, &str> = names.into_iter().map(|name| (name, "weights.safetensors")).collect();
    serde_json::json!({ "metadata": {}, "weight_map": shard_of }).to_string().into_bytes()
}

const ITEMS: &[u8] = b"item,title,categories,year\nh,Heat (1995),Crime|Drama,1995\nr,Ran (1985),Drama,1985\n\
    u,Up (2009),Animation,2009\na,12 Angry Men (1957),Drama,1957\nf,2. Fast,Crime,\n";
const INTERACTIONS: &[u8] =
    b"user,item,timestamp\nanna,u,1\nanna,r,2\nanna,h,3\nanna,a,5\nbert,h,1\nbert,f,2\nbert,u,9\n\
    cleo,a,1\ncleo,f,2\ncleo,h,3\ncleo,r,4\n";
const ABOUT: &[u8] = br#"{"name":"films","source":"by hand","licence":"CC0","filters":{"min_user":2,"min_item":1,"titles":"as given"},"counts":{"users":3}}"#;

fn language_model_files() -> Vec<Subject> {
    let (config, weights) = (golden("gqa-tied/config.json"), golden("gqa-tied/model.safetensors"));
    let (adapter_config, adapter) =
        (golden("gqa-tied/adapter/adapter_config.json"), golden("gqa-tied/adapter/adapter_model.safetensors"));
    let load = |folder: &Path| Llama::load(folder, &Device::flex()).map(drop);
    let base = {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), &config).unwrap();
        std::fs::write(folder.path().join("model.safetensors"), &weights).unwrap();
        Llama::load(folder.path(), &Device::flex()).unwrap()
    };
    let other = base.clone();
    let adapted = move |base: &Llama, folder: &Path| {
        Adapter::read(folder, &base.config().projections(), &Device::flex()).map(drop)
    };
    let quants = |folder: &Path| {
        let gguf = Gguf::open(&folder.join("model.gguf"))?;
        gguf.names().iter().try_for_each(|name| gguf.read_f32(name).map(drop))
    };
    let words = |folder: &Path| {
        let gguf = Gguf::open(&folder.join("model.gguf"))?;
        let _ = LlamaConfig::from_gguf(&gguf);
        Tokenizer::from_gguf(&gguf)?.encode("1. Heat (1995)\n", true).map(drop)
    };
    let tensors = |folder: &Path| {
        let file = Safetensors::open(folder)?;
        file.names().iter().try_for_each(|name| file.read_f32(name).map(drop))
    };
    let tokenizer = |folder: &Path| Tokenizer::from_path(folder)?.encode("1. Heat (1995)\n", true).map(drop);
    let template = |folder: &Path| {
        let source = std::fs::read_to_string(folder.join("template.jinja")).map_err(Error::io(folder, "read"))?;
        let messages = [Message::new(Role::System, "Be kind."), Message::new(Role::User, "Ten films, please.")];
        ChatTemplate::from_source(&source, "<s>", "</s>")?.render(&messages, true).map(drop)
    };
    vec![
        Subject::new("safetensors", &[("model.safetensors", &weights), ("config.json", &config)], tensors),
        Subject::new(
            "index of shards",
            &[("model.safetensors.index.json", &index_of(&weights)), ("weights.safetensors", &weights)],
            tensors,
        ),
        Subject::new("Llama weights", &[("model.safetensors", &weights), ("config.json", &config)], load),
        Subject::new("Llama config.json", &[("config.json", &config), ("model.safetensors", &weights)], load),
        Subject::new(
            "adapter weights",
            &[("adapter_model.safetensors", &adapter), ("adapter_config.json", &adapter_config)],
            move |folder| adapted(&base, folder),
        ),
        Subject::new(
            "adapter_config.json",
            &[("adapter_config.json", &adapter_config), ("adapter_model.safetensors", &adapter)],
            move |folder| adapted(&other, folder),
        ),
        Subject::new("GGUF tensors", &[("model.gguf", &golden("gguf/quants.gguf"))], quants),
        Subject::new("GGUF model", &[("model.gguf", &as_gguf("gqa-tied"))], |folder| {
            Llama::load(&folder.join("model.gguf"), &Device::flex()).map(drop)
        }),
        Subject::new("GGUF tokenizer, bytes", &[("model.gguf", &golden("tokenizer/byte_level.gguf"))], words),
        Subject::new("GGUF tokenizer, pieces", &[("model.gguf", &golden("tokenizer/sentence_piece.gguf"))], words),
        Subject::new("tokenizer.json", &[("tokenizer.json", &golden("tokenizer/byte_level.json"))], tokenizer),
        Subject::new("chat template", &[("template.jinja", &golden("chat/llama3.jinja"))], template),
    ]
}

fn data_set_files() -> Vec<Subject> {
    let files = [("items.csv", ITEMS), ("interactions.csv", INTERACTIONS), ("dataset.json", ABOUT)];
    let read = |folder: &Path| Dataset::read(folder).map(drop);
    let first = |at: usize| {
        let mut files = files;
        files.swap(0, at);
        files
    };
    vec![
        Subject::new("items.csv", &first(0), read),
        Subject::new("interactions.csv", &first(1), read),
        Subject::new("dataset.json", &first(2), read),
    ]
}

fn imported_files() -> Vec<Subject> {
    let importer =
        |format: SourceFormat| move |folder: &Path| import::read(format, folder, &ImportOptions::default()).map(drop);
    let reviews = br#"{"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1252800000}
{"reviewerID": "A2", "asin": "B1", "overall": 3.0, "unixReviewTime": 1252800001}
"#;
    let meta = br#"{"asin": "B1", "title": "Heat", "category": ["Movies & TV", "Crime", "Drama"]}
"#;
    let games = b"{u'id': u'10', u'app_name': u'Heat', u'genres': [u'Action'], u'price': 9.99}\n";
    let played = b"{u'username': u'anna', u'product_id': u'10', u'date': u'2017-01-02', u'text': u'it\\'s good'}\n";
    let (ratings, movies): (&[u8], &[u8]) = (
        b"1::0114508::8::1381006850\n2::0113277::7::1381006851\n",
        b"0114508::Species (1995)::Action|Horror\n0113277::Heat (1995)::Crime\n",
    );
    let csv: (&[u8], &[u8]) = (
        b"userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,2,4.0,964981247\n",
        b"movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n2,\"Heat, again (1995)\",Crime\n",
    );
    vec![
        Subject::new("MovieLens", &[("ratings.csv", csv.0), ("movies.csv", csv.1)], importer(SourceFormat::MovieLens)),
        Subject::new(
            "MovieTweetings",
            &[("ratings.dat", ratings), ("movies.dat", movies)],
            importer(SourceFormat::MovieTweetings),
        ),
        Subject::new(
            "Amazon",
            &[("meta_Movies.json", meta), ("Movies_5.json", reviews)],
            importer(SourceFormat::Amazon),
        ),
        Subject::new(
            "Steam",
            &[("steam_games.json", games), ("steam_reviews.json", played)],
            importer(SourceFormat::Steam),
        ),
    ]
}

fn settings_and_checkpoints() -> Vec<Subject> {
    let config = toml::to_string_pretty(&TeacherConfig::default()).unwrap();
    let settings = |folder: &Path| {
        let layers = ConfigLayers { config: Some(folder.join("config.toml")), sets: Vec::new() };
        resolve::<TeacherConfig>(&layers, toml::Table::new()).map(drop)
    };
    let dialogues =
        br#"[{"id": "a", "conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hello!"},
        {"from": "human", "value": "A film?"}, {"from": "gpt", "value": "Heat."}]}]"#;
    let checkpoint = trained_teacher();
    let teacher = |folder: &Path| {
        let dataset = Dataset::read(folder)?;
        Teacher::load(folder, &dataset, &Device::flex()).map(drop)
    };
    let data = [("items.csv", ITEMS), ("interactions.csv", INTERACTIONS), ("dataset.json", ABOUT)];
    let files: Vec<(&str, &[u8])> =
        [("checkpoints/best.safetensors", &checkpoint[..])].into_iter().chain(data).collect();
    vec![
        Subject::new("config.toml", &[("config.toml", config.as_bytes())], settings),
        Subject::new("dialogues", &[("chat.json", dialogues)], |folder| {
            chat::read(&folder.join("chat.json")).map(drop)
        }),
        Subject::new("SASRec checkpoint", &files, teacher),
    ]
}

/// A run, its evaluation and its checkpoint, as `tiller report` and `--resume` read them.
fn run_folder_files() -> Vec<Subject> {
    let made = tempfile::tempdir().unwrap();
    world::tune(made.path());
    succeed(made.path(), world::PPO);
    let strict = ["--model", "sft/model", "--decode", "strict", "--tasks", "I0", "--users", "2", "--out", "ppo"];
    succeed(made.path(), &[&["eval", "films"], &strict[..]].concat());
    let read = |file: &str| std::fs::read(made.path().join(file)).unwrap();
    let report = |folder: &Path| {
        let report = Report::read(&[folder.to_owned()])?;
        report.html()?;
        report.problems().next().map_or(Ok(()), |problem| Err(Error::Failed(problem.to_owned())))
    };
    let names = ["metrics.jsonl", "samples.jsonl", "eval.json"];
    let reported: Vec<(&str, Vec<u8>)> =
        ["config.toml"].into_iter().chain(names).map(|file| (file, read(&format!("ppo/{file}")))).collect();
    let reported = (1..reported.len()).map(|first| {
        let mut files: Vec<(&str, &[u8])> = reported.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
        files.swap(0, first);
        Subject::new(names[first - 1], &files, report)
    });
    let settings = |folder: &Path| {
        let layers = ConfigLayers { config: Some(RunFolder::stored_config(folder)?), sets: Vec::new() };
        resolve::<PpoConfig>(&layers, toml::Table::new()).map(drop)
    };
    let config = Subject::new("config.toml of a run", &[("config.toml", &read("ppo/config.toml"))], settings);

    let resume = |folder: &Path| {
        let dataset = Dataset::read(&folder.join("films"))?;
        let popularity = Popularity::of(&dataset);
        let layers = ConfigLayers { config: Some(RunFolder::stored_config(&folder.join("sft"))?), sets: Vec::new() };
        let config: SftConfig = resolve(&layers, toml::Table::new())?;
        let builder = ExampleBuilder::new(&dataset, &popularity, &[], config.data.clone())?;
        let mut run = RunFolder::reopen(&folder.join("sft"))?;
        let trainable = config.trainable_model(&run, &builder, false, &Device::flex().autodiff())?;
        SftTrainer::resume(&builder, &dataset, &config, &mut run, trainable).map(drop)
    };
    let model =
        ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
    let model = model.map(|file| format!("sft/model/{file}"));
    let data = ["items.csv", "interactions.csv", "dataset.json"].map(|file| format!("films/{file}"));
    let run = ["sft/checkpoints/last.safetensors", "sft/config.toml", "sft/metrics.jsonl"].map(str::to_owned);
    let files: Vec<(String, Vec<u8>)> = run
        .into_iter()
        .chain(model)
        .chain(data)
        .filter(|file| made.path().join(file).exists())
        .map(|file| (file.clone(), read(&file)))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    reported.chain([config, Subject::new("checkpoint of a tuning", &files, resume)]).collect()
}

/// The best checkpoint of a small teacher of the data set above.
fn trained_teacher() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("items.csv", ITEMS), ("interactions.csv", INTERACTIONS), ("dataset.json", ABOUT)] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let small = ["model.d_model=8", "model.d_ff=8"].iter().flat_map(|set| ["--set", set]);
    succeed(folder.path(), &[&["sasrec", "train", ".", "--epochs", "1"][..], &small.collect::<Vec<_>>()].concat());
    std::fs::read(folder.path().join("teacher/checkpoints/best.safetensors")).unwrap()
}

#[test]
fn damaged_files_are_read_or_refused_and_nothing_else() {
    let _alone = alone();
    let subjects: Vec<Subject> =
        [language_model_files(), data_set_files(), imported_files(), settings_and_checkpoints(), run_folder_files()]
            .into_iter()
            .flatten()
            .collect();
    let mut total = 0;
    for (stream, subject) in (0..).zip(&subjects) {
        let whole = std::fs::read(&subject.file).unwrap();
        if let Some(error) = subject.try_read(&|| "no damage".into()) {
            panic!("{}: the whole file is refused: {error}", subject.name);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(2024);
        rng.set_stream(stream);
        let of_structure = subject.structure.map_or(0, |_| MUTATIONS);
        let mut refused = 0;
        for number in 0..MUTATIONS + of_structure {
            let (damaged, how) = match subject.structure.filter(|_| number >= MUTATIONS) {
                Some(structure) => structure::damage(structure, &whole, &mut rng),
                None => mutate::damage(&whole, &mut rng),
            };
            std::fs::write(&subject.file, &damaged).unwrap();
            let told = || format!("damage {number}: {how}");
            if let Some(error) = subject.try_read(&told) {
                refused += 1;
                let (code, message) = (error.exit_code(), error.to_string());
                assert!(code == 1 || code == 2, "{}: exit code {code} with {}: {error}", subject.name, told());
                assert!(message.len() < LONGEST_MESSAGE, "{}: {} bytes with {}", subject.name, message.len(), told());
            }
            total += 1;
        }
        assert!(refused > 0, "{}: no damage was noticed", subject.name);
        println!("{}: {} damaged files, {refused} refused", subject.name, MUTATIONS + of_structure);
    }
    println!("{total} damaged files in all");
    assert!(total >= 20_000);
}
