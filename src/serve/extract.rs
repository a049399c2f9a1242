//! Bodies of JSON, read within their limits.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use super::error::ApiError;
use crate::data::input::quote;

/// The largest body of a request, in bytes (413).
const MAX_BODY: usize = 256 << 10;

/// The time for a body (408).
const BODY_TIME: Duration = Duration::from_secs(10);

/// The time to take what the sender of a body that is too large still sends, so that it reads the refusal.
const LINGER_TIME: Duration = Duration::from_millis(500);

/// A body that announces no other type than JSON.
pub struct JsonBytes(Bytes);

/// A body of JSON.
pub struct JsonBody<T>(pub T);

impl JsonBytes {
    /// Returns true where the body is an array.
    pub fn is_array(&self) -> bool {
        self.0.trim_ascii_start().starts_with(b"[")
    }

    /// The value of the body.
    ///
    /// # Errors
    /// 400 with the place of the fault: text that is no JSON, a field that is unknown or of another type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.0).map_err(|error| {
            let place = format!("the body, line {} column {}", error.line(), error.column());
            let expected = "JSON as GET /openapi.json describes it";
            ApiError::bad_request(place, expected, quote(&error.to_string()), "compare it with the examples there")
        })
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        if let Some(other) = head.headers.get(CONTENT_TYPE).filter(|value| !is_json(value.as_bytes())) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let found = quote(&String::from_utf8_lossy(other.as_bytes()));
            let next = "send Content-Type: application/json";
            return Err(ApiError::new(status, "the header Content-Type", "application/json", found, next));
        }
        match timeout(BODY_TIME, read(body)).await {
            Ok(read) => read.map(Self),
            Err(_) => {
                let expected = format!("all of it within {} s", BODY_TIME.as_secs());
                let (status, next) = (StatusCode::REQUEST_TIMEOUT, "send the request at once");
                Err(ApiError::new(status, "the body of the request", expected, "a part of it", next))
            }
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        JsonBytes::from_request(request, state).await?.parse().map(Self)
    }
}

/// Reads a body to its end.
async fn read(body: Body) -> Result<Bytes, ApiError> {
    let announced = body.size_hint().lower();
    let mut parts = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut is_too_large = announced > MAX_BODY as u64;
    while !is_too_large && let Some(part) = parts.next().await {
        let malformed = |error: axum::Error| {
            ApiError::bad_request("the body of the request", "a whole body", error.to_string(), "use an HTTP client")
        };
        bytes.extend_from_slice(&part.map_err(malformed)?);
        is_too_large = bytes.len() > MAX_BODY;
    }
    if !is_too_large {
        return Ok(bytes.into());
    }
    let _ = timeout(LINGER_TIME, async { while let Some(Ok(_)) = parts.next().await {} }).await;
    let (expected, found) =
        (format!("at most {MAX_BODY} bytes"), format!("{} bytes", announced.max(bytes.len() as u64)));
    let (status, next) = (StatusCode::PAYLOAD_TOO_LARGE, "split the request into several");
    Err(ApiError::new(status, "the body of the request", expected, found, next))
}

/// Returns true for `application/json` and its kin.
fn is_json(content_type: &[u8]) -> bool {
    let name = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
    name == b"application/json" || name.starts_with(b"application/") && name.ends_with(b"+json")
}

/// 400: parameters behind the `?` that are unknown in type.
impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        let next = "GET /openapi.json describes the parameters";
        Self::bad_request("the query", "parameters of their types", quote(&rejection.body_text()), next)
    }
}

/// 404: a path that is no text.
impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::no_such_path(&rejection.body_text())
    }
}
