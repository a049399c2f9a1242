//! tiller: recommendations you can steer, tuned and served on any GPU.
//!
//! The folders follow the way of the data: `data` → `teacher` → … → `recommend`; `cli` is the binary's front on top of them,
//! and `run` what its long commands share.
//!
//! # The whole way, from Rust
//!
//! A small world, so that this runs in seconds: a teacher is trained, a model trained from scratch is tuned on its lists, and asked.
//!
//! ```
//! use burn::tensor::Device;
//! use tiller::data::synth::{SynthConfig, generate};
//! use tiller::constrain::Mode;
//! use tiller::instruct::ExampleBuilder;
//! use tiller::recommend::answer::OutputFormat;
//! use tiller::recommend::recommender::{Recommender, enough_tokens};
//! use tiller::recommend::{PreparedRequest, Status};
//! use tiller::request::{Request, Share};
//! use tiller::run::folder::RunFolder;
//! use tiller::teacher::train::TeacherTrainer;
//! use tiller::teacher::{TopKQuery, Scorer, Teacher, TeacherConfig, ItemScope};
//! use tiller::train::from_scratch::{FromScratch, ScratchSize};
//! use tiller::train::{sft, validation::ValidationConfig};
//! use tiller_models::language_model::{StorageOptions, InferenceModel};
//! use tiller_models::generate::{GenerateOptions, Sampling};
//!
//! # fn main() -> tiller::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let runs = folder.path();
//! let device = Device::flex(); // or tiller_kernels::open("auto")?.device
//! let never = || false; // asked after each step whether to save and end early
//!
//! // Data: invented here; `Dataset::read` reads a folder.
//! let (films, _) = generate(&SynthConfig { users: 30, items: 40, ..SynthConfig::default() }, "films")?;
//!
//! // The teacher.
//! let config = TeacherConfig { epochs: 1, ..TeacherConfig::default() };
//! let mut run = RunFolder::create(&runs.join("teacher"), &config)?;
//! TeacherTrainer::fresh(&films, &config, &mut run, &device)?.run(never)?;
//! let teacher = Teacher::load(&runs.join("teacher"), &films, &device)?;
//! let query = TopKQuery { history: &films.users[0].items, scope: ItemScope::Unrestricted, k: 3 };
//! assert_eq!(teacher.top_k(&[query])?[0].len(), 3);
//!
//! // Tuning: the teacher answers, the language model learns.
//! let config = sft::SftConfig {
//!     steps: Some(3),
//!     from_scratch: Some(FromScratch { d_model: 16, n_layers: 1, vocab_size: 600, ..ScratchSize::Tiny.from_scratch() }),
//!     validation: ValidationConfig { users: 1, ..ValidationConfig::default() },
//!     ..ScratchSize::Tiny.config()
//! };
//! let builder = ExampleBuilder::new(&films, &teacher, &[], config.data.clone())?;
//! let mut run = RunFolder::create(&runs.join("sft"), &config)?;
//! let trainable = config.trainable_model(&run, &builder, true, &device)?;
//! sft::SftTrainer::fresh(&builder, &films, &config, &mut run, trainable)?.run(never)?;
//!
//! // A list: five films, two dramas at most. It obeys, however little the model has learnt.
//! let model = InferenceModel::load(&runs.join("sft/model"), None, StorageOptions::default(), &device)?;
//! let options = GenerateOptions { max_new_tokens: enough_tokens(5), sampling: Sampling::Greedy, seed: 0 };
//! let recommender = Recommender::new(&model, &films.catalogue, OutputFormat::Strict, options, Mode::Strict)?;
//! let request = Request {
//!     k: 5,
//!     history: films.users[0].items.clone(),
//!     shares: vec![Share::parse("Drama<=2", &films.catalogue)?],
//!     ..Request::default()
//! };
//! let prepared = PreparedRequest::new(request, Mode::Strict, &films.catalogue)?;
//! let list = recommender.recommend(&[&prepared])?.remove(0);
//! assert!(list.items.len() == 5 && list.items.iter().all(|item| item.status == Status::Ok));
//! # Ok(())
//! # }
//! ```

pub mod bench;
pub mod cli;
pub mod constrain;
pub mod converse;
pub mod data;
pub mod evaluate;
pub mod experiment;
pub mod instruct;
pub mod plan;
pub mod ppo;
pub mod pull;
pub mod recommend;
pub mod report;
pub mod request;
pub mod reward;
pub mod run;
pub mod task;
pub mod teacher;
pub mod train;

pub use tiller_models::error::{Error, Result};
