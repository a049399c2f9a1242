//! Writes a list that satisfies a request, with a language model in a Hugging Face folder.
//!
//! ```console
//! $ cargo run --release --example constrained_decoding -- MODEL_FOLDER DATA_SET
//! ```
//!
//! Without arguments it takes the tiny model and the data set of the tests, which know no better: the constraint does the work.

use std::path::Path;

use burn::tensor::Device;
use tiller::constrain::Mode;
use tiller::data::Dataset;
use tiller::recommend::PreparedRequest;
use tiller::recommend::answer::OutputFormat;
use tiller::recommend::recommender::{Recommender, enough_tokens};
use tiller::request::{Request, Share};
use tiller_models::language_model::{InferenceModel, StorageOptions};
use tiller_models::llama::{GenerateOptions, Sampling};

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v0.1.0");

pub fn main() -> tiller::Result<()> {
    match std::env::args().collect::<Vec<_>>().as_slice() {
        [_, model, films] => recommend(Path::new(model), Path::new(films)),
        _ => recommend(&Path::new(TESTS).join("sft/model"), &Path::new(TESTS).join("films")),
    }
}

/// Prints five films for the first user: at most two of the commonest category, and one from this century at least.
fn recommend(model: &Path, films: &Path) -> tiller::Result<()> {
    let films = Dataset::read(films)?;
    let model = InferenceModel::load(model, None, StorageOptions::default(), &Device::flex())?;
    let shares = ["Crime<=2", "Drama>=1"].iter().map(|share| Share::parse(share, &films.catalogue));
    let request = Request {
        k: 5,
        history: films.users[0].items.clone(),
        shares: shares.collect::<tiller::Result<_>>()?,
        ..Request::default()
    };
    let prepared = PreparedRequest::new(request, Mode::Strict, &films.catalogue)?;

    let options = GenerateOptions { max_new_tokens: enough_tokens(5), sampling: Sampling::Greedy, seed: 0 };
    let recommender = Recommender::new(&model, &films.catalogue, OutputFormat::Strict, options, Mode::Strict)?;
    for list in recommender.recommend(&[&prepared])? {
        list.items.iter().for_each(|item| println!("{:?}: {}", item.status, item.title));
    }
    Ok(())
}
