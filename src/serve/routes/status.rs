//! The state of the server, its description, and the runs of its folder.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::Html;
use serde_json::{Map, Value, json};

use crate::serve::app::App;
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::runs::{self, ServedRun};

/// The content security policy of a report: nothing but its own style.
const REPORT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// `GET /health`.
pub async fn health(State(app): State<Arc<App>>) -> Json<Map<String, Value>> {
    let mut health: Map<String, Value> = Map::from_iter([("status".to_owned(), "ok".into())]);
    if let Value::Object(about) = json!(app.about) {
        health.extend(about);
    }
    health.insert("dataset".into(), app.dataset.name.clone().into());
    health.insert("waiting".into(), app.queue.len().into());
    health.insert("feedback".into(), app.feedback.is_some().into());
    health.insert("can_learn".into(), app.about.can_learn().into());
    health.insert("taught".into(), app.metrics.is_taught().into());
    Json(health)
}

/// `GET /metrics`.
pub async fn metrics(State(app): State<Arc<App>>) -> ([(HeaderName, &'static str); 1], String) {
    let text = app.metrics.text(app.queue.len(), app.open_connections());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// `GET /openapi.json`.
pub async fn openapi() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "application/json")], include_str!("../openapi.json"))
}

/// `GET /v1/runs`.
pub async fn runs(State(app): State<Arc<App>>) -> Json<Vec<ServedRun>> {
    Json(compute(|| runs::list(&app.workspace.root)))
}

/// A report with its headers.
type Page = ([(HeaderName, &'static str); 1], Html<String>);

/// `GET /runs/`: the report of all runs.
///
/// # Errors
/// 404 without a run, a report that cannot be rendered.
pub async fn all_reports(State(app): State<Arc<App>>) -> Result<Page, ApiError> {
    page(&app, "")
}

/// `GET /runs/NAME`: the report of a run.
///
/// # Errors
/// 404 without such a run, a report that cannot be rendered.
pub async fn report(State(app): State<Arc<App>>, name: Result<Path<String>, PathRejection>) -> Result<Page, ApiError> {
    page(&app, &name?)
}

fn page(app: &App, name: &str) -> Result<Page, ApiError> {
    let html = compute(|| runs::report(&app.workspace.root, name))?.ok_or_else(|| ApiError::no_such_path(name))?;
    Ok(([(CONTENT_SECURITY_POLICY, REPORT_POLICY)], Html(html)))
}
