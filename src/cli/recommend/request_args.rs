//! The flags that state a request, and the requests that follow from them.

use std::path::PathBuf;

use super::parsed_ask::ParsedAsk;
use crate::cli::lookup;
use crate::data::input::quote;
use crate::data::{Catalogue, Dataset, ItemId};
use crate::request::ask::USUAL_LENGTH;
use crate::request::{Predicate, Request, Share};
use crate::{Error, Result};

/// The flags that state a request.
#[derive(Debug, clap::Args)]
pub struct RequestArgs {
    /// For whom: a user of the data set, all of them, or those of a file with one on each line
    #[arg(long, value_name = "ID|all|FILE", conflicts_with = "history")]
    user: Option<String>,
    /// For somebody new: titles of the catalogue that were taken, oldest first
    #[arg(long, value_name = "TITLE", num_args = 1..)]
    history: Option<Vec<String>>,
    /// The request in plain English; the other flags add to it
    #[arg(long, value_name = "TEXT")]
    ask: Option<String>,
    /// Number of items to recommend [default: 10]
    #[arg(short, value_name = "ITEMS")]
    k: Option<u32>,
    /// A category to have (repeatable)
    #[arg(long, visible_alias = "include-category", value_name = "CATEGORY")]
    more: Vec<String>,
    /// A category not to have (repeatable)
    #[arg(long, visible_alias = "exclude-category", value_name = "CATEGORY")]
    less: Vec<String>,
    /// Share of the list for a category or condition, such as 'Comedy<=30%', 'Drama>=2' or 'Crime~50%' (repeatable)
    #[arg(long, value_name = "SHARE")]
    share: Vec<String>,
    /// A condition on every item, such as 'year>=2010' (repeatable)
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,
    /// A title to have in the list (repeatable)
    #[arg(long, visible_alias = "include", value_name = "TITLE")]
    must: Vec<String>,
    /// A title not to have in the list (repeatable)
    #[arg(long, value_name = "TITLE")]
    exclude: Vec<String>,
    /// Choose from the titles of this file alone, one on each line
    #[arg(long, value_name = "FILE")]
    candidates: Option<PathBuf>,
}

impl RequestArgs {
    /// Parses the text of `--ask`.
    ///
    /// # Errors
    /// As [`ParsedAsk::parse`].
    pub fn parse_ask(&self, catalogue: &Catalogue) -> Result<Option<ParsedAsk>> {
        self.ask.as_deref().map(|text| ParsedAsk::parse(text, self.k, catalogue)).transpose()
    }

    /// The requests of flags and text: one for each user that the flags name; without a user where they name none.
    pub fn requests(
        &self,
        parsed_ask: Option<&ParsedAsk>,
        dataset: &Dataset,
    ) -> Result<Vec<(Option<String>, Request)>> {
        let catalogue = &dataset.catalogue;
        let shared = self.shared(parsed_ask, catalogue)?;
        if shared.k == 0 {
            return Err(Error::bad_input("-k")
                .expected("at least 1 item")
                .found(0)
                .next("ask for a list such as -k 10")
                .into());
        }
        if let Some(parsed_ask) = parsed_ask {
            parsed_ask.say_back(&shared, catalogue);
        }
        // What the text likes counts as taken last.
        let request = |taken: &[ItemId]| Request { history: [taken, &shared.history].concat(), ..shared.clone() };
        match (&self.user, &self.history) {
            (Some(who), _) => {
                let users = lookup::users(dataset, who)?;
                Ok(users.iter().map(|user| (Some(user.key.clone()), request(&user.items))).collect())
            }
            (None, Some(titles)) => Ok(vec![(None, request(&lookup::history(catalogue, titles)?))]),
            (None, None) if parsed_ask.is_some() => Ok(vec![(None, shared)]),
            (None, None) => Err(Error::bad_input("recommend")
                .expected("for whom: --user ID (or all, or a file), --history TITLE…, or what: --ask TEXT")
                .found("none of them")
                .next(format!(
                    "for example --user {}",
                    dataset.users.first().map_or("all".into(), |user| quote(&user.key))
                ))
                .into()),
        }
    }

    /// The request of flags and text that all users share.
    fn shared(&self, parsed_ask: Option<&ParsedAsk>, catalogue: &Catalogue) -> Result<Request> {
        let [all_in, none_in] = lookup::included_and_excluded(catalogue, &self.more, &self.less)?;
        let flags = Request {
            k: self.k.unwrap_or(USUAL_LENGTH),
            history: Vec::new(),
            excluded: lookup::titles(catalogue, "--exclude", &self.exclude)?,
            mandatory: lookup::titles(catalogue, "--must", &self.must)?,
            candidates: self.candidates.as_deref().map(|file| lookup::titles_of_file(catalogue, file)).transpose()?,
            all_in,
            none_in,
            conditions: self.conditions.iter().map(|text| Predicate::parse(text, catalogue)).collect::<Result<_>>()?,
            shares: self.share.iter().map(|text| Share::parse(text, catalogue)).collect::<Result<_>>()?,
        };
        Ok(parsed_ask.map_or(flags.clone(), |parsed_ask| parsed_ask.and(flags)))
    }
}
