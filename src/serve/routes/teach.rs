//! `POST /v1/teach` and `DELETE /v1/teach`: the model learns from a feedback, and forgets it again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_stream::Stream;

use super::recommend::stopping;
use crate::serve::app::App;
use crate::serve::asked::{history, items};
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::extract::JsonBody;
use crate::serve::queue::{TeachEvent, Teaching};
use crate::serve::ticket::{SentEvent, Ticket, event, ticket};
use crate::train::teach::Feedback;

/// The steps of a teaching that names no number, and the most.
const USUAL_STEPS: u64 = 20;
const MOST_STEPS: u64 = 200;

/// A feedback.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeachCall {
    /// A user of the data set, whose history comes before `history`.
    user: Option<String>,
    /// Titles that were taken, oldest first, those just liked at the end.
    #[serde(default)]
    history: Vec<String>,
    /// Titles that are not wanted.
    #[serde(default)]
    refused: Vec<String>,
    steps: Option<u64>,
    /// Send the steps as they are taken.
    #[serde(default)]
    stream: bool,
}

/// The state of the model after an undo.
#[derive(Serialize)]
pub struct Untaught {
    taught: bool,
}

/// Teaches the model: the teacher's lists after the history, without what was refused.
///
/// # Errors
/// 404 without a model and a teacher, 400 for unknown names and without a history, 429 where others teach, 503 where the memory is too
/// small.
pub async fn teach(State(app): State<Arc<App>>, JsonBody(call): JsonBody<TeachCall>) -> Result<Response, ApiError> {
    let feedback = compute(|| feedback(&app, &call))?;
    let steps = call.steps.unwrap_or(USUAL_STEPS);
    if !(1..=MOST_STEPS).contains(&steps) {
        let expected = format!("1 to {MOST_STEPS}");
        return Err(ApiError::bad_request("steps", expected, steps.to_string(), "teach with fewer steps"));
    }
    let (reporter, ticket) = ticket();
    enqueue(&app, Teaching::Teach(feedback, steps, reporter))?;
    if call.stream {
        return Ok(Sse::new(events(ticket)).into_response());
    }
    match last(ticket).await? {
        TeachEvent::Taught(summary) => Ok(Json(summary).into_response()),
        _ => Err(stopping()),
    }
}

/// Takes back what the model has learnt.
///
/// # Errors
/// 404 without a model and a teacher, 429 where others teach.
pub async fn undo(State(app): State<Arc<App>>) -> Result<Json<Untaught>, ApiError> {
    let (reporter, ticket) = ticket();
    enqueue(&app, Teaching::Undo(reporter))?;
    last(ticket).await?;
    Ok(Json(Untaught { taught: false }))
}

fn feedback(app: &App, call: &TeachCall) -> Result<Feedback, ApiError> {
    let history = history(app, call.user.as_deref(), &call.history)?;
    if history.is_empty() {
        let next = "name a user, or like an item first";
        return Err(ApiError::bad_request("history", "at least one item that was taken", "none", next));
    }
    Ok(Feedback { history, refused: items(app, "refused", &call.refused)? })
}

fn enqueue(app: &App, teaching: Teaching) -> Result<(), ApiError> {
    if !app.about.can_learn() {
        let (expected, next) = ("a model and a teacher", "start with --model, on a data set with a teacher");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "teach", expected, "one of them", next));
    }
    app.queue.push_teaching(teaching).map_err(|_| {
        let (expected, found) = ("room for one more teaching", "several that wait");
        let status = StatusCode::TOO_MANY_REQUESTS;
        ApiError::new(status, "the queue", expected, found, "try again a little later").retry_after(5)
    })
}

/// The outcome of a teaching.
async fn last(mut ticket: Ticket<TeachEvent>) -> Result<TeachEvent, ApiError> {
    loop {
        match ticket.next().await {
            Some(TeachEvent::Step(_)) => {}
            Some(TeachEvent::Failed(error)) => return Err(error.into()),
            Some(event) => return Ok(event),
            None => return Err(stopping()),
        }
    }
}

/// The steps as they are taken, then the summary.
fn events(ticket: Ticket<TeachEvent>) -> impl Stream<Item = SentEvent> {
    ticket.events(|report| match report {
        Some(TeachEvent::Step(step)) => (event("step", &step), false),
        Some(TeachEvent::Taught(summary)) => (event("taught", &summary), true),
        Some(TeachEvent::Undone) => (event("undone", &Untaught { taught: false }), true),
        Some(TeachEvent::Failed(error)) => (event("error", &json!({ "error": ApiError::from(error) })), true),
        None => (event("error", &json!({ "error": stopping() })), true),
    })
}
