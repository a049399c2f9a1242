//! A request as the routes see it.

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::data::input::quote;
use crate::serve::error::ApiError;

/// A request that was read to its end.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The decoded path.
    pub path: String,
    /// The query behind the `?`, still encoded.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// The value of a header; `None` where it is absent or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The decoded value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.into_iter().find(|(key, _)| decoded(key) == name)?.1;
        Some(decoded(value))
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// 400 with the place of the fault: text that is no JSON, a field that is unknown or of another type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("the body, line {} column {}", error.line(), error.column());
            let expected = "JSON as GET /openapi.json describes it";
            ApiError::bad_request(place, expected, quote(&error.to_string()), "compare it with the examples there")
        })
    }
}

/// Decodes a part of a query: `+` is a space, `%41` an A.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
