//! A training with item tokens.

use tiller_models::generate::{GenerateOptions, Sampling};
use tiller_models::language_model::{InferenceModel, StorageOptions};
use tiller_models::sasrec::{SasRec, SasRecConfig};

use super::*;
use crate::constrain::{Grammar, Mode};
use crate::data::ItemId;
use crate::recommend::PreparedRequest;
use crate::recommend::answer::OutputFormat;
use crate::recommend::recommender::Recommender;
use crate::request::Request;
use crate::teacher::Teacher;

fn teacher(dataset: &Dataset) -> Teacher {
    let sizes = SasRecConfig { d_model: 8, n_layers: 1, d_ff: 8, ..SasRecConfig::default() };
    Teacher::new(SasRec::new(&sizes, dataset.catalogue.len(), 5, &Device::flex()).unwrap())
}

fn with_items(path: &Path) -> SftConfig {
    let model = Some(path.display().to_string());
    let items = SftConfig::with_item_tokens();
    let data = instruct::ExampleConfig { tasks: config().data.tasks, ..items.data };
    let SftConfig { steps, batch, gradient_accumulation_steps, max_tokens, save_every, schedule, validation, .. } =
        config();
    SftConfig {
        model,
        steps,
        batch,
        gradient_accumulation_steps,
        max_tokens,
        save_every,
        schedule,
        validation,
        data,
        ..items
    }
}

/// [`super::train`] with a teacher that has a vector for each item.
fn train_items(config: &SftConfig, run: &mut RunFolder, resume: bool, stop: impl Fn() -> bool) -> Result<SftSummary> {
    let (dataset, device) = (films(), Device::flex());
    let teacher = teacher(&dataset);
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], config.data.clone())?;
    let trainable = config.trainable_model(run, &builder, !resume, &device)?;
    let start = if resume { SftTrainer::resume } else { SftTrainer::fresh };
    start(&builder, &dataset, config, run, trainable)?.run(stop)
}

#[test]
fn item_tokens_are_trained_resumed_and_recommended() {
    let [base, unbroken, broken] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    train_in(base.path(), &SftConfig { steps: Some(2), ..config() }).unwrap();
    let model = base.path().join("model");
    let config = with_items(&model);
    train_items(&config, &mut RunFolder::create(unbroken.path(), &config).unwrap(), false, || false).unwrap();

    let mut run = RunFolder::create(broken.path(), &config).unwrap();
    assert!(matches!(train_items(&config, &mut run, false, || true), Err(Error::Interrupted(_))));
    drop(run);
    train_items(&config, &mut RunFolder::reopen(broken.path()).unwrap(), true, || false).unwrap();
    assert_eq!(metrics(broken.path()), metrics(unbroken.path()));
    let weights = |folder: &Path| std::fs::read(folder.join("adapter/adapter_model.safetensors")).unwrap();
    assert!(weights(broken.path()) == weights(unbroken.path()));

    let (dataset, checkpoint) = (films(), Checkpoint::of(unbroken.path()).unwrap());
    let model = InferenceModel::load(
        &checkpoint.model,
        checkpoint.adapter.as_deref(),
        StorageOptions::default(),
        &Device::flex(),
    );
    let model = model.unwrap();
    let grammar = Grammar::of(&model.codec().tokenizer, &dataset.catalogue).unwrap();
    for id in dataset.catalogue.ids() {
        let token = model.codec().tokenizer.item_token(dataset.catalogue.title(id)).unwrap();
        assert_eq!(grammar.titles().tokens(id).unwrap(), [token], "a title is one choice");
    }
    let options = GenerateOptions { max_new_tokens: 1, sampling: Sampling::Greedy, seed: 0 };
    let recommender =
        Recommender::new(&model, &dataset.catalogue, OutputFormat::Strict, options, Mode::Strict).unwrap();
    let request = Request { k: 5, history: vec![ItemId(1), ItemId(2)], ..Request::default() };
    let prepared = PreparedRequest::new(request, Mode::Strict, &dataset.catalogue).unwrap();
    let prompt = model.codec().encode_chat(prepared.messages()).unwrap();
    let shown = [1, 2].map(|id| model.codec().tokenizer.item_token(dataset.catalogue.title(ItemId(id))).unwrap());
    assert!(prompt.windows(2).any(|pair| pair == shown), "a history is a token for each title: {prompt:?}");
    let lists = recommender.recommend(&[&prepared]).unwrap();
    assert_eq!(lists[0].items.len(), 5);
}

#[test]
fn item_tokens_need_a_teacher_with_vectors() {
    let [base, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    train_in(base.path(), &SftConfig { steps: Some(1), ..config() }).unwrap();
    let error = train_in(folder.path(), &with_items(&base.path().join("model"))).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("--item-tokens"), "{error}");
}
