//! `POST /v1/recommend`: one list or many, whole or item by item.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_stream::Stream;

use crate::serve::answer::Answer;
use crate::serve::app::App;
use crate::serve::asked::{Asked, AskedJob};
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::extract::JsonBytes;
use crate::serve::queue::{JobEvent, Ticket};
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
        return Ok(Sse::new(ListEvents { ticket, ask, is_done: false }).into_response());
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
pub async fn finished(mut ticket: Ticket, ask: Option<Understood>) -> Result<Answer, ApiError> {
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

/// The server-sent events of a list: its items as they are written, then the list.
struct ListEvents {
    ticket: Ticket,
    ask: Option<Understood>,
    is_done: bool,
}

impl Stream for ListEvents {
    type Item = Result<Event, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Option<Self::Item>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let report = ready!(self.ticket.poll_next(context));
        self.is_done = !matches!(report, Some(JobEvent::Item(_)));
        Poll::Ready(Some(match report {
            Some(JobEvent::Item(item)) => event("item", &item),
            Some(JobEvent::Done(mut answer)) => {
                answer.record.ask = self.ask.take();
                event("list", &answer)
            }
            Some(JobEvent::Failed(error)) => event("error", &json!({ "error": ApiError::from(error) })),
            None => event("error", &json!({ "error": stopping() })),
        }))
    }
}

fn event(name: &str, data: &impl Serialize) -> Result<Event, axum::Error> {
    Event::default().event(name).json_data(data)
}
