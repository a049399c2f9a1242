//! The types of the usual workflow in one import: `use tiller::prelude::*;`.

pub use burn::tensor::Device;
pub use tiller_models::generate::{GenerateOptions, Sampling};
pub use tiller_models::language_model::{InferenceModel, StorageOptions};

pub use crate::constrain::Mode;
pub use crate::data::synth::SynthConfig;
pub use crate::data::{Catalogue, Dataset, ItemId, ItemSet};
pub use crate::instruct::ExampleBuilder;
pub use crate::recommend::answer::OutputFormat;
pub use crate::recommend::recommender::{Recommender, enough_tokens};
pub use crate::recommend::{PreparedRequest, Status};
pub use crate::request::{Request, Share};
pub use crate::run::folder::RunFolder;
pub use crate::teacher::train::TeacherTrainer;
pub use crate::teacher::{ItemScope, Scorer, Teacher, TeacherConfig, TopKQuery};
pub use crate::train::from_scratch::{FromScratch, ScratchSize};
pub use crate::train::sft::{SftConfig, SftTrainer};
pub use crate::train::validation::ValidationConfig;
pub use crate::{Error, Result};
