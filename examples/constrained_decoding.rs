//! Writes a list that satisfies a request, with a language model in a Hugging Face folder.
//!
//! ```console
//! $ cargo run --release --example constrained_decoding -- MODEL_FOLDER DATA_SET
//! ```
//!
//! Without arguments it takes a tiny model of the tests, which has hardly learnt anything: the list satisfies the request all the same.

use std::path::Path;

use tiller::prelude::*;

/// A tiny model of the tests.
pub const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v0.1.0/sft/model");
/// Its data set.
pub const FILMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v0.1.0/films");

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    run(arguments.next().as_deref().unwrap_or(MODEL), arguments.next().as_deref().unwrap_or(FILMS))
}

/// Prints five films for the first user of a data set: no more than three horror films, and two mysteries at least.
pub fn run(model: &str, films: &str) -> Result<()> {
    let (model, films) = (Path::new(model), Dataset::read(Path::new(films))?);
    let model = InferenceModel::load(model, None, StorageOptions::default(), &Device::flex())?;
    let shares = ["Horror<=3", "Mystery>=2"].iter().map(|share| Share::parse(share, &films.catalogue));
    let request = Request {
        k: 5,
        history: films.users[0].items.clone(),
        shares: shares.collect::<Result<_>>()?,
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
