//! `POST /v1/understand`: a text as a request, without a list.

use serde::Deserialize;

use crate::request::ask::USUAL_LENGTH;
use crate::serve::app::App;
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::http::{Call, Response};
use crate::serve::understand::Understood;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
    /// The length of the list where the text does not say one.
    k: Option<u32>,
}

/// Says what was understood of a text, what was assumed, and what was not understood.
///
/// # Errors
/// 400 for a body without a text.
pub fn understand(app: &App, call: &Call) -> Result<Response, ApiError> {
    let Text { text, k } = call.json()?;
    let k = k.unwrap_or(USUAL_LENGTH);
    Ok(Response::json(&compute(|| Understood::read(&text, k, &app.parser, &app.dataset.catalogue))))
}
