//! `POST /v1/feedback`: a user's word about an item, for the file of `--feedback`.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::request::names;
use crate::serve::app::App;
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::feedback::{FeedbackKind, FeedbackLine};
use crate::serve::http::{Call, Response};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    user: Option<String>,
    title: String,
    feedback: FeedbackKind,
}

/// Appends a line to the file.
///
/// # Errors
/// 404 without `--feedback`, 400 for an unknown title.
pub fn feedback(app: &App, call: &Call) -> Result<Response, ApiError> {
    let Some(log) = &app.feedback else {
        let (expected, found) = ("a server with a file for feedback", "one without");
        let next = "start it with --feedback FILE";
        return Err(ApiError::new(StatusCode::NOT_FOUND, "feedback", expected, found, next));
    };
    let Word { user, title, feedback } = call.json()?;
    let item = app.dataset.catalogue.item(names::item("title", &title, &app.dataset.catalogue)?);
    let timestamp = Timestamp::now().as_second();
    let line = FeedbackLine { timestamp, user: user.as_deref(), item: &item.key, title: &item.title, feedback };
    compute(|| log.write(&line))?;
    Ok(Response::json(&json!({ "written": true })))
}
