//! Errors of the API: a status, and the four parts of tiller's errors as JSON.

use axum::Json;
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::Error;
use crate::data::input::quote;
use crate::request::InWords;

/// An error that a client gets.
#[derive(Debug, Clone, Serialize)]
pub struct ApiError {
    #[serde(skip)]
    status: StatusCode,
    /// Seconds after which the same request may be answered.
    #[serde(skip)]
    retry_after: Option<u32>,
    #[serde(flatten)]
    parts: Box<ErrorParts>,
}

/// An error as JSON.
#[derive(Debug, Clone, Serialize)]
struct ErrorParts {
    /// All four parts in one line, where OpenAI's clients look for them.
    message: String,
    place: String,
    expected: String,
    found: String,
    next: String,
    /// The nearest requests that can be met, where none meets this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nearest: Vec<InWords>,
}

impl ApiError {
    /// An error in four parts.
    pub fn new(
        status: StatusCode,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        let (place, expected, found, next) = (place.into(), expected.into(), found.into(), next.into());
        let message = format!("{place}: expected {expected}, found {found}; next: {next}");
        let parts = ErrorParts { message, place, expected, found, next, nearest: Vec::new() };
        Self { status, retry_after: None, parts: Box::new(parts) }
    }

    /// 400: the request is not what it has to be.
    pub fn bad_request(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, place, expected, found, next)
    }

    /// 404: nothing is served at `path`.
    pub fn no_such_path(path: &str) -> Self {
        let (expected, next) = ("a path of this server", "GET /openapi.json lists all of them");
        Self::new(StatusCode::NOT_FOUND, "the path", expected, quote(path), next)
    }

    /// Returns the error with a time after which to try again.
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Returns the error as one of a request that no list satisfies, with the nearest ones.
    pub fn infeasible(mut self, nearest: Vec<InWords>) -> Self {
        self.parts.nearest = nearest;
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, ..self }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The error in one line.
    pub fn text(&self) -> &str {
        &self.parts.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after.map(|seconds| [(RETRY_AFTER, seconds.to_string())]);
        (self.status, retry_after, Json(json!({ "error": self }))).into_response()
    }
}

/// Bad input of a request is the client's fault, everything else the server's.
impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::BadInput(bad) => {
                let [place, expected, found, next] = bad.parts();
                Self::bad_request(place, expected, found, next)
            }
            Error::DoesNotFit(words) => {
                let (expected, next) = ("enough free memory", "serve a smaller model, or one with --quant q4");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server", expected, words, next)
            }
            other => {
                let (status, next) = (StatusCode::INTERNAL_SERVER_ERROR, "look at the server's output");
                Self::new(status, "the server", "an answer", other.to_string(), next)
            }
        }
    }
}
