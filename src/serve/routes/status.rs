//! The state of the server, its description, and the runs of its folder.

use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;

use crate::serve::app::App;
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::http::Response;
use crate::serve::runs;

/// The content security policy of a report: nothing but its own style.
const REPORT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// `GET /health`.
pub fn health(app: &App) -> Response {
    let mut health: Map<String, Value> = Map::from_iter([("status".to_owned(), "ok".into())]);
    if let Value::Object(about) = json!(app.about) {
        health.extend(about);
    }
    health.insert("dataset".into(), app.dataset.name.clone().into());
    health.insert("waiting".into(), app.queue.len().into());
    health.insert("feedback".into(), app.feedback.is_some().into());
    Response::json(&health)
}

/// `GET /metrics`.
pub fn metrics(app: &App) -> Response {
    let text = app.metrics.text(app.queue.len(), app.connections.load(Ordering::Relaxed));
    Response::of("text/plain; version=0.0.4", text)
}

/// `GET /openapi.json`.
pub fn openapi() -> Response {
    Response::of("application/json", include_str!("../openapi.json"))
}

/// `GET /v1/runs`.
pub fn runs(app: &App) -> Response {
    Response::json(&compute(|| runs::list(&app.workspace.root)))
}

/// `GET /runs/NAME`: the report of a run, of all runs without a name; `None` where there is no such run.
///
/// # Errors
/// The report cannot be rendered.
pub fn report(app: &App, name: &str) -> Result<Option<Response>, ApiError> {
    let html = compute(|| runs::report(&app.workspace.root, name))?;
    Ok(html.map(|html| {
        Response::of("text/html; charset=utf-8", html).with_header("content-security-policy", REPORT_POLICY)
    }))
}
