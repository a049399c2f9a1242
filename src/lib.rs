//! Controllable recommendations with a small language model, on any GPU.
//!
//! The modules follow the pipeline, and each layer uses only those before it:
//!
//! | layer | modules |
//! |---|---|
//! | base | [`run`]: run folders, configuration, progress; [`pull`]: downloads of models and data sets |
//! | data | [`data`]: data sets; [`task`]: tasks and metrics; [`request`]: requests in flags and in English; [`teacher`]: SASRec |
//! | lists | [`constrain`]: constrained decoding; [`recommend`]: prompts, answers, lists; [`converse`]: dialogues |
//! | tasks | [`instruct`]: training examples; [`reward`]: rewards; [`evaluate`]: metrics and protocol |
//! | tuning | [`train`]: supervised fine-tuning; [`ppo`]: alignment |
//! | comparison | [`experiment`], [`report`], [`plan`]: memory estimates, [`bench`]: benchmarks, [`auto_device`]: the faster device |
//! | service | [`serve`]: the page and the API |
//! | front | [`cli`]: the commands |
//!
//! [`prelude`] has the types of the usual workflow.
//!
//! # Example
//!
//! The whole pipeline at toy size: a teacher is trained on synthetic data, a language model is trained from scratch on
//! its lists, and a request is answered under constraints.
//!
//! ```
//! use tiller::data::synth;
//! use tiller::prelude::*;
//!
//! # fn main() -> tiller::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let runs = folder.path();
//! let device = Device::flex(); // or tiller_kernels::open("auto")?.device
//! let never = || false; // called after each step: true saves and stops
//!
//! // Synthetic data; `Dataset::read` reads a folder.
//! let (films, _) = synth::generate(&SynthConfig { users: 30, items: 40, ..SynthConfig::default() }, "films")?;
//!
//! // The teacher.
//! let config = TeacherConfig { epochs: 1, ..TeacherConfig::default() };
//! let mut run = RunFolder::create(&runs.join("teacher"), &config)?;
//! TeacherTrainer::fresh(&films, &config, &mut run, &device)?.run(never)?;
//! let teacher = Teacher::load(&runs.join("teacher"), &films, &device)?;
//! let query = TopKQuery { history: &films.users[0].items, scope: ItemScope::Unrestricted, k: 3 };
//! assert_eq!(teacher.top_k(&[query])?[0].len(), 3);
//!
//! // Supervised fine-tuning on the teacher's lists.
//! let config = SftConfig {
//!     steps: Some(3),
//!     from_scratch: Some(FromScratch { d_model: 16, n_layers: 1, vocab_size: 600, ..ScratchSize::Tiny.from_scratch() }),
//!     validation: ValidationConfig { users: 1, ..ValidationConfig::default() },
//!     ..SftConfig::from_scratch(ScratchSize::Tiny)
//! };
//! let builder = ExampleBuilder::new(&films, &teacher, &[], config.data.clone())?;
//! let mut run = RunFolder::create(&runs.join("sft"), &config)?;
//! let trainable = config.trainable_model(&run, &builder, true, &device)?;
//! SftTrainer::fresh(&builder, &films, &config, &mut run, trainable)?.run(never)?;
//!
//! // Five films with at most two dramas. The constraints hold however little the model has learnt.
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

// In the order of the layers.
pub mod pull;
pub mod run;

pub mod data;
pub mod request;
pub mod task;
pub mod teacher;

pub mod constrain;
pub mod converse;
pub mod recommend;

pub mod evaluate;
pub mod instruct;
pub mod reward;

pub mod distill;
pub mod ppo;
pub mod train;

pub mod auto_device;
pub mod bench;
pub mod experiment;
pub mod plan;
pub mod report;

pub mod serve;

pub mod cli;

pub mod prelude;

pub use tiller_models::error::{Error, Result};
