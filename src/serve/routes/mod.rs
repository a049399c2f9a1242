//! The routes: a path and a method to each function.

mod chat;
mod feedback;
mod lookup;
mod page;
mod recommend;
mod status;
mod teach;
mod understand;

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

use super::access::{check_page, check_token};
use super::app::App;
use super::error::ApiError;
use super::watch::watch;
use crate::data::input::quote;

/// All routes of `app`. The page is open to everybody on its own host: it asks for the token that the API needs.
pub fn router(app: Arc<App>) -> Router {
    open()
        .merge(api().route_layer(from_fn_with_state(app.access.clone(), check_token)))
        .fallback(async |uri: Uri| ApiError::no_such_path(uri.path()))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.access.clone(), check_page))
        .layer(from_fn_with_state(app.metrics.clone(), watch))
        .with_state(app)
}

/// The files of the page, in which there is nothing to hide.
fn open() -> Router<Arc<App>> {
    Router::new().route("/", get(page::index)).route("/page/{file}", get(page::file))
}

/// The API. `openapi.json` describes each of its routes; a test compares the two.
fn api() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/recommend", post(recommend::recommend))
        .route("/v1/understand", post(understand::understand))
        .route("/v1/catalogue", get(lookup::catalogue))
        .route("/v1/items", get(lookup::items))
        .route("/v1/users", get(lookup::users))
        .route("/v1/feedback", post(feedback::feedback))
        .route("/v1/teach", post(teach::teach))
        .route("/v1/teach", delete(teach::undo))
        .route("/v1/runs", get(status::runs))
        .route("/runs/", get(status::all_reports))
        .route("/runs/{name}", get(status::report))
        .route("/v1/chat/completions", post(chat::completions))
        .route("/v1/models", get(chat::models))
        .route("/health", get(status::health))
        .route("/metrics", get(status::metrics))
        .route("/openapi.json", get(status::openapi))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let (status, expected) = (StatusCode::METHOD_NOT_ALLOWED, "the method that GET /openapi.json names");
    ApiError::new(status, quote(uri.path()), expected, method.as_str(), "use that method")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    /// Routes that the description leaves out: the files of the page, and the report of all runs.
    const APART: [&str; 2] = ["/page/{file}", "/runs/"];

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let description: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let paths = description["paths"].as_object().unwrap();
        let methods = |(path, methods): (&String, &Value)| {
            let methods: Vec<String> = methods.as_object().unwrap().keys().cloned().collect();
            methods.into_iter().map(|method| format!("{method} {path}")).collect::<Vec<_>>()
        };
        let described: BTreeSet<String> = paths.iter().flat_map(methods).collect();
        // A router does not list its routes: this file does.
        let source = include_str!("mod.rs").split(".route(\"").skip(1);
        let route = |call: &str| {
            let (path, handlers) = call.split_once("\", ")?;
            let method = handlers.split('(').next()?;
            (!APART.contains(&path)).then(|| format!("{method} {path}"))
        };
        let routes: BTreeSet<String> = source.filter_map(route).collect();
        assert_eq!(described, routes);
    }
}
