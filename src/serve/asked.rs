//! The request of the API: the keys of `tiller recommend --json`, with names in the place of numbers.

use axum::http::StatusCode;
use serde::Deserialize;

use super::answer::Recommends;
use super::app::{App, Guides};
use super::error::ApiError;
use super::nearest::nearest_requests;
use super::queue::{Job, JobEvent, Writing};
use super::ticket::Ticket;
use super::understand::Understood;
use crate::constrain::{Constraints, GuideChoice, GuideSource, GuideWeight, Mode, WeightChoice};
use crate::data::ItemId;
use crate::recommend::PreparedRequest;
use crate::request::ask::USUAL_LENGTH;
use crate::request::names::{self, unknown};
use crate::request::{Predicate, Request, Share};
use crate::{Error, Result};

/// A request for a list, as clients send it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    /// For whom: a user of the data set, whose history comes before `history`.
    pub user: Option<String>,
    /// The request in words; the other fields add to it.
    pub ask: Option<String>,
    /// The length of the list.
    pub k: Option<u32>,
    /// Titles that were taken, oldest first.
    pub history: Vec<String>,
    /// Titles not to have.
    pub exclude: Vec<String>,
    /// Titles to have.
    pub must: Vec<String>,
    /// The only titles to choose from.
    pub candidates: Option<Vec<String>>,
    /// Categories to have.
    pub more: Vec<String>,
    /// Categories not to have.
    pub less: Vec<String>,
    /// Conditions on every item.
    #[serde(rename = "where")]
    pub conditions: Vec<String>,
    /// Shares of the list.
    pub share: Vec<String>,
    /// The writer of the list.
    pub by: Option<Recommends>,
    /// The constraint mode.
    pub decode: Option<Mode>,
    /// The guide of the model's choices.
    pub guide: Option<GuideSource>,
    /// The model's part with the teacher as a guide.
    pub guide_weight: WeightChoice,
    /// Send the items as they are written.
    pub stream: bool,
}

/// A request that was put into a job.
pub struct AskedJob {
    /// The job.
    pub job: Job,
    /// Its ticket.
    pub ticket: Ticket<JobEvent>,
    /// The text of the request and what was understood of it.
    pub ask: Option<Understood>,
}

impl Asked {
    /// Prepares the request as a job.
    ///
    /// # Errors
    /// 400 for names and conditions that are not known, 422 for a request that no list satisfies, 404 for a writer that is not there.
    pub fn job(&self, app: &App) -> Result<AskedJob, ApiError> {
        let writing = self.writing(app)?;
        let ask = self.understood(app)?;
        let request = self.request(app, ask.as_ref())?;
        let prepared = prepare(request, writing.decode, app)?;
        let prepared = match &self.user {
            Some(user) => prepared.of_user(user),
            None => prepared,
        };
        let (job, ticket) = app.job(prepared, self.user.clone(), writing)?;
        Ok(AskedJob { job: job.streaming(self.stream), ticket, ask })
    }

    /// The way the list is written.
    fn writing(&self, app: &App) -> Result<Writing, ApiError> {
        let by = self.by.unwrap_or(app.usual_writer());
        is_served(by, "by", app)?;
        let decode = self.decode.unwrap_or(Mode::Strict);
        if (by, decode) == (Recommends::Teacher, Mode::Free) {
            let next = "decode by catalogue for the teacher's plain list";
            return Err(ApiError::bad_request("decode", "strict or catalogue for the teacher", "free", next));
        }
        Ok(Writing { by, decode, guide: self.guide(by, decode, app)? })
    }

    /// The model's part in the choices, where the teacher guides.
    fn guide(&self, by: Recommends, decode: Mode, app: &App) -> Result<Option<GuideWeight>, ApiError> {
        let choice = GuideChoice { source: self.guide, weight: self.guide_weight };
        let is_possible = by == Recommends::Model && decode != Mode::Free;
        if choice.names_teacher() && !is_possible {
            let next = "leave it out, or ask the model with decode catalogue or strict";
            return Err(ApiError::bad_request("guide", "a constrained list of the model", "another list", next));
        }
        if choice.names_teacher() {
            is_served(Recommends::Teacher, "guide", app)?;
        }
        let Guides { usual, auto } = app.about.guide;
        let no_weight = || {
            Error::bad_input("guide_weight")
                .expected("a weight that was found best for the model")
                .found("none")
                .next("choose it with `tiller eval --tune-guide`, or give one, such as \"guide_weight\": 0.2")
                .into()
        };
        Ok(choice.weight(usual.filter(|_| is_possible), auto, no_weight)?)
    }

    /// The text of the request, read.
    fn understood(&self, app: &App) -> Result<Option<Understood>, ApiError> {
        let Some(text) = &self.ask else { return Ok(None) };
        let understood = Understood::read(text, self.k.unwrap_or(USUAL_LENGTH), &app.parser, &app.dataset.catalogue);
        if understood.says_something() {
            return Ok(Some(understood));
        }
        let expected = "a request such as \"a few comedies from the nineties, no horror\"";
        Err(ApiError::bad_request(
            "ask",
            expected,
            format!("{text:?}, in which there is none"),
            "name categories or titles",
        ))
    }

    /// The request of all fields together.
    fn request(&self, app: &App, ask: Option<&Understood>) -> Result<Request> {
        let catalogue = &app.dataset.catalogue;
        let titles = |place: &str, titles: &[String]| items(app, place, titles);
        let categories = |place: &str, names: &[String]| -> Result<Vec<_>> {
            names.iter().map(|name| names::category(place, name, catalogue)).collect()
        };
        let fields = Request {
            k: self.k.unwrap_or(USUAL_LENGTH),
            history: history(app, self.user.as_deref(), &self.history)?,
            excluded: titles("exclude", &self.exclude)?,
            mandatory: titles("must", &self.must)?,
            candidates: self.candidates.as_deref().map(|names| titles("candidates", names)).transpose()?,
            all_in: categories("more", &self.more)?,
            none_in: categories("less", &self.less)?,
            conditions: self.conditions.iter().map(|text| Predicate::parse(text, catalogue)).collect::<Result<_>>()?,
            shares: self.share.iter().map(|text| Share::parse(text, catalogue)).collect::<Result<_>>()?,
        };
        Ok(match ask {
            Some(ask) => ask.request().clone().and(fields),
            None => fields,
        })
    }
}

/// Refuses a writer that is not served.
fn is_served(by: Recommends, place: &str, app: &App) -> Result<(), ApiError> {
    let (is_there, found, next) = match by {
        Recommends::Model => (app.about.model.is_some(), "model", "start with --model, or ask the teacher"),
        Recommends::Teacher => {
            (app.about.teacher, "teacher", "train a teacher with `tiller sasrec train DIR` and start again")
        }
    };
    if is_there {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::NOT_FOUND, place, "a writer that is served", found, next))
}

/// The history of a user of the data set, if one is named, and titles that were taken later.
///
/// # Errors
/// A user or a title that is not known.
pub fn history(app: &App, user: Option<&str>, later: &[String]) -> Result<Vec<ItemId>> {
    let mut history = match user {
        None => Vec::new(),
        Some(key) => {
            let keys = app.dataset.users.iter().map(|user| user.key.as_str());
            let next = "GET /v1/users?query= finds users";
            let user = app.user(key).ok_or_else(|| unknown("user", "a user of the data set", key, keys, next))?;
            user.items.clone()
        }
    };
    history.extend(items(app, "history", later)?);
    Ok(history)
}

/// The items of titles.
///
/// # Errors
/// A title that is not known.
pub fn items(app: &App, place: &str, titles: &[String]) -> Result<Vec<ItemId>> {
    titles.iter().map(|title| names::item(place, title, &app.dataset.catalogue)).collect()
}

/// Prepares a request.
///
/// # Errors
/// 422 with the nearest requests that can be met, where no list satisfies this one; 400 for one that is wrong in itself.
pub fn prepare(request: Request, decode: Mode, app: &App) -> Result<PreparedRequest, ApiError> {
    let catalogue = &app.dataset.catalogue;
    let compiled = request.compile(catalogue);
    PreparedRequest::from_compiled(request.clone(), compiled.clone(), decode, catalogue).map_err(|error: Error| {
        let compiled = if decode == Mode::Catalogue { compiled.with_history_only() } else { compiled };
        let proof = Constraints::new(&compiled, catalogue).map(|constraints| constraints.prove());
        match proof {
            Ok(Err(no)) => ApiError::from(error).infeasible(nearest_requests(&no, &request, catalogue)),
            _ => error.into(),
        }
    })
}
