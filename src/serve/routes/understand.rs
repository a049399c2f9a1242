//! `POST /v1/understand`: a text as a request, without a list.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::request::ask::USUAL_LENGTH;
use crate::serve::app::App;
use crate::serve::compute::compute;
use crate::serve::extract::JsonBody;
use crate::serve::understand::Understood;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    text: String,
    /// The length of the list where the text does not say one.
    k: Option<u32>,
}

/// Says what was understood of a text, what was assumed, and what was not understood.
pub async fn understand(State(app): State<Arc<App>>, JsonBody(Text { text, k }): JsonBody<Text>) -> Json<Understood> {
    let k = k.unwrap_or(USUAL_LENGTH);
    Json(compute(|| Understood::read(&text, k, &app.parser, &app.dataset.catalogue)))
}
