//! `POST /v1/recommend`: one list or many, whole or item by item.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio_stream::Stream;

use crate::serve::answer::Answer;
use crate::serve::app::App;
use crate::serve::asked::{Asked, AskedJob};
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::extract::JsonBytes;
use crate::serve::queue::JobEvent;
use crate::serve::ticket::{SentEvent, Ticket, event};
use crate::serve::understand::Understood;

/// The most requests of one body.
const MOST_REQUESTS: usize = 64;

/// Answers a request, or an array of them.
///
/// # Errors
/// Those of [`Asked::job`]; in an array they stand in the place of the list.
pub async fn recommend(State(app): State<Arc<App>>, body: JsonBytes) -> Result<Response, ApiError> {
    if body.is_array() {
        return Ok(many(&app, &body.parse::<Vec<Asked>>()?).await?.into_response());
    }
    let asked: Asked = body.parse()?;
    let AskedJob { job, ticket, ask } = compute(|| asked.job(&app))?;
    app.enqueue(vec![job])?;
    if asked.stream {
        return Ok(Sse::new(list_events(ticket, ask)).into_response());
    }
    Ok(Json(finished(ticket, ask).await?).into_response())
}

async fn many(app: &App, asked: &[Asked]) -> Result<Json<Vec<Value>>, ApiError> {
    if asked.len() > MOST_REQUESTS {
        let (expected, found) = (format!("at most {MOST_REQUESTS} requests"), asked.len().to_string());
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "the body", expected, found, "send them in parts"));
    }
    if asked.iter().any(|asked| asked.stream) {
        return Err(ApiError::bad_request("stream", "one request", "an array", "send it alone"));
    }
    let (mut jobs, mut tickets) = (Vec::new(), Vec::new());
    for asked in asked {
        tickets.push(compute(|| asked.job(app)).map(|AskedJob { job, ticket, ask }| {
            jobs.push(job);
            (ticket, ask)
        }));
    }
    app.enqueue(jobs)?;
    let mut answers: Vec<Value> = Vec::new();
    for ticket in tickets {
        let answer = match ticket {
            Ok((ticket, ask)) => finished(ticket, ask).await,
            Err(error) => Err(error),
        };
        answers.push(answer.map_or_else(|error| json!({ "error": error }), |answer| json!(answer)));
    }
    Ok(Json(answers))
}

/// Waits for a list.
///
/// # Errors
/// The list cannot be written, or the server stops.
pub async fn finished(mut ticket: Ticket<JobEvent>, ask: Option<Understood>) -> Result<Answer, ApiError> {
    loop {
        match ticket.next().await {
            Some(JobEvent::Item(_)) => {}
            Some(JobEvent::Done(mut answer)) => {
                answer.record.ask = ask;
                return Ok(*answer);
            }
            Some(JobEvent::Failed(error)) => return Err(error.into()),
            None => return Err(stopping()),
        }
    }
}

/// 503: the server stops.
pub fn stopping() -> ApiError {
    let (expected, found) = ("a running server", "one that stops");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the server", expected, found, "start it again").retry_after(5)
}

/// The items of a list as they are written, then the list.
fn list_events(ticket: Ticket<JobEvent>, mut ask: Option<Understood>) -> impl Stream<Item = SentEvent> {
    ticket.events(move |report| match report {
        Some(JobEvent::Item(item)) => (event("item", &item), false),
        Some(JobEvent::Done(mut answer)) => {
            answer.record.ask = ask.take();
            (event("list", &answer), true)
        }
        Some(JobEvent::Failed(error)) => (event("error", &json!({ "error": ApiError::from(error) })), true),
        None => (event("error", &json!({ "error": stopping() })), true),
    })
}
