//! `POST /v1/feedback`: a user's word about an item, for the file of `--feedback`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::request::names;
use crate::serve::app::App;
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::extract::JsonBody;
use crate::serve::feedback::{FeedbackKind, FeedbackLine};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedbackCall {
    user: Option<String>,
    title: String,
    feedback: FeedbackKind,
}

#[derive(Serialize)]
pub struct Written {
    written: bool,
}

/// Appends a line to the file.
///
/// # Errors
/// 404 without `--feedback`, 400 for an unknown title.
pub async fn feedback(
    State(app): State<Arc<App>>,
    JsonBody(FeedbackCall { user, title, feedback }): JsonBody<FeedbackCall>,
) -> Result<Json<Written>, ApiError> {
    let Some(log) = &app.feedback else {
        let (expected, found) = ("a server with a file for feedback", "one without");
        let next = "start it with --feedback FILE";
        return Err(ApiError::new(StatusCode::NOT_FOUND, "feedback", expected, found, next));
    };
    let item = app.dataset.catalogue.item(names::item("title", &title, &app.dataset.catalogue)?);
    let timestamp = Timestamp::now().as_second();
    let line = FeedbackLine { timestamp, user: user.as_deref(), item: &item.key, title: &item.title, feedback };
    compute(|| log.write(&line))?;
    Ok(Json(Written { written: true }))
}
