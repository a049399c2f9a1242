//! Middleware of every request: its time is bounded, its end is counted, its response gets the headers of safety.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::error::ApiError;
use super::metrics::Metrics;

/// The time in which a request is answered, or its stream begins (503).
const REQUEST_TIME: Duration = Duration::from_secs(120);

/// Middleware: answers within the time, and counts.
pub async fn watch(
    State(metrics): State<Arc<Metrics>>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let abandoned = Abandoned { metrics: &metrics, is_answered: false };
    let response = timeout(REQUEST_TIME, next.run(request)).await;
    let mut response = response.unwrap_or_else(|_| too_slow().into_response());
    abandoned.answered();
    metrics.response(route.as_ref().map_or("other", MatchedPath::as_str), response.status().as_u16());
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn too_slow() -> ApiError {
    let (expected, found) = (format!("an answer within {} s", REQUEST_TIME.as_secs()), "none yet");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    ApiError::new(status, "the server", expected, found, "ask for fewer or shorter lists").retry_after(5)
}

/// Counts a request whose future is dropped before its answer.
struct Abandoned<'a> {
    metrics: &'a Metrics,
    is_answered: bool,
}

impl Abandoned<'_> {
    fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.metrics.abandoned();
        }
    }
}
