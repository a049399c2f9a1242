//! A device that is lost in the middle of the work, and one whose memory runs out: the error says where, nothing is lost, and the
//! training goes on elsewhere.

use std::cell::Cell;
use std::path::Path;

use tiller::constrain::Mode;
use tiller::data::Dataset;
use tiller::instruct::ExampleBuilder;
use tiller::recommend::PreparedRequest;
use tiller::recommend::answer::OutputFormat;
use tiller::recommend::recommender::{Recommender, enough_tokens};
use tiller::request::Request;
use tiller::run::config::{ConfigLayers, resolve};
use tiller::run::folder::RunFolder;
use tiller::teacher::Popularity;
use tiller::train::sft::{SftConfig, SftTrainer};
use tiller::{Error, Result};
use tiller_kernels::device::{DeviceError, guard};
use tiller_kernels::{OpenDevice, test_gpu};
use tiller_models::generate::{GenerateOptions, Sampling};
use tiller_models::language_model::{InferenceModel, StorageOptions};

use crate::common::heap::alone;
use crate::common::program::succeed;
use crate::common::world;

/// Loses the device as a driver does that gives it up: what is on it is gone, and every later call fails.
fn lose(device: &OpenDevice) {
    let gpu = device.gpu.as_ref().unwrap();
    gpu.device.destroy();
    // The loss is told once the queue is empty.
    gpu.instance.poll_all(true);
}

/// The steps and losses of a run.
fn losses(run: &Path) -> Vec<(u64, f64)> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|line| Some((line["step"].as_u64()?, line["loss"].as_f64()?))).collect()
}

/// Trains the run `sft` of `folder` from step 8 on on `device`, which is lost after step 10.
fn train_until_lost(folder: &Path, device: &OpenDevice) -> Result<()> {
    let dataset = Dataset::read(&folder.join("films"))?;
    let popularity = Popularity::of(&dataset);
    let layers = ConfigLayers {
        config: Some(RunFolder::stored_config(&folder.join("sft"))?),
        sets: vec!["steps=16".to_owned()],
    };
    let config: SftConfig = resolve(&layers, toml::Table::new())?;
    let builder = ExampleBuilder::new(&dataset, &popularity, &[], config.data.clone())?;
    let mut run = RunFolder::reopen(&folder.join("sft"))?;
    let trainable = config.trainable_model(&run, &builder, false, &device.device)?;
    let steps = Cell::new(0);
    let lose_in_time = || {
        steps.set(steps.get() + 1);
        if steps.get() == 2 {
            lose(device);
        }
        false
    };
    SftTrainer::resume(&builder, &dataset, &config, &mut run, trainable)?.run(lose_in_time).map(drop)
}

#[test]
fn a_lost_device_is_an_error_that_says_where_and_loses_nothing() {
    let _alone = alone();
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    world::tune(folder);
    let device = test_gpu();
    let model =
        InferenceModel::load(&folder.join("sft/model"), None, StorageOptions::default(), &device.device).unwrap();

    let error = train_until_lost(folder, &device).unwrap_err();
    let Error::Device(DeviceError::Lost { stage }) = &error else { panic!("{error}") };
    assert!(stage.starts_with("step 11 of 16 of ") && stage.ends_with("sft"), "{stage}");
    assert_eq!(error.exit_code(), 1);
    let before = losses(&folder.join("sft"));
    assert_eq!(before.len(), 10);

    // The training goes on on another device, from its checkpoint after step 9.
    succeed(folder, &["sft", "films", "--resume", "--out", "sft", "--steps", "16"]);
    let after = losses(&folder.join("sft"));
    assert_eq!((after.len(), &after[..9]), (16, &before[..9]));

    // The decode engine's buffers were lost, too.
    let dataset = Dataset::read(&folder.join("films")).unwrap();
    let options = GenerateOptions { max_new_tokens: enough_tokens(3), sampling: Sampling::Greedy, seed: 0 };
    let answer = guard(&"recommend", || {
        let recommender = Recommender::new(&model, &dataset.catalogue, OutputFormat::Strict, options, Mode::Strict)?;
        let prepared = PreparedRequest::new(Request { k: 3, ..Request::default() }, Mode::Strict, &dataset.catalogue)?;
        recommender.recommend(&[&prepared])
    });
    let error = answer.unwrap_err();
    assert!(matches!(&error, Error::Device(DeviceError::Lost { stage }) if stage == "recommend"), "{error}");
}
