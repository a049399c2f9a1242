//! A response, whole or streamed.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::EventStream;

/// A response.
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Headers beside those of the framing.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: ResponseBody,
}

/// The body of a response.
pub enum ResponseBody {
    /// All of it.
    Whole(Bytes),
    /// Server-sent events, sent as they come.
    Events(Box<dyn EventStream>),
}

impl Response {
    /// A whole response of this type.
    pub fn of(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status: StatusCode::OK, headers, body: ResponseBody::Whole(body.into()) }
    }

    /// A value as JSON.
    pub fn json(value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}").into_bytes());
        Self::of("application/json", body).with_header("cache-control", "no-store")
    }

    /// A stream of server-sent events.
    pub fn events(events: impl EventStream + 'static) -> Self {
        let headers = vec![("content-type", "text/event-stream".to_owned()), ("cache-control", "no-store".to_owned())];
        Self { status: StatusCode::OK, headers, body: ResponseBody::Events(Box::new(events)) }
    }

    /// Returns the response with another status.
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Returns the response with another header.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
