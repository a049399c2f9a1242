//! The routes: a path and a method to each function.

mod chat;
mod feedback;
mod lookup;
mod page;
mod recommend;
mod status;
mod understand;

use http::{Method, StatusCode};

use super::app::App;
use super::error::ApiError;
use super::http::{Call, Response};
use crate::data::input::quote;

/// The routes of the API with their methods. `openapi.json` describes each of them; a test compares the two.
pub const ROUTES: [(&str, &str); 14] = [
    ("POST", "/v1/recommend"),
    ("POST", "/v1/understand"),
    ("GET", "/v1/catalogue"),
    ("GET", "/v1/items"),
    ("GET", "/v1/users"),
    ("POST", "/v1/feedback"),
    ("GET", "/v1/runs"),
    ("GET", "/runs/{name}"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/"),
];

/// The route of a call, as the metrics name it.
pub fn name(call: &Call) -> &'static str {
    match call.path.as_str() {
        path if path.starts_with("/runs/") => "/runs/{name}",
        path if path.starts_with("/page/") => "/page/{file}",
        path => ROUTES.iter().map(|(_, route)| *route).find(|route| *route == path).unwrap_or("other"),
    }
}

/// Answers a call.
///
/// # Errors
/// 404 for an unknown path, 405 for another method, and the errors of the routes.
pub async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    // HEAD is GET without the body.
    let method = if call.method == Method::HEAD { "GET" } else { call.method.as_str() };
    match (method, call.path.as_str()) {
        ("POST", "/v1/recommend") => recommend::recommend(app, call).await,
        ("POST", "/v1/understand") => understand::understand(app, call),
        ("GET", "/v1/catalogue") => Ok(lookup::catalogue(app)),
        ("GET", "/v1/items") => lookup::items(app, call),
        ("GET", "/v1/users") => lookup::users(app, call),
        ("POST", "/v1/feedback") => feedback::feedback(app, call),
        ("GET", "/v1/runs") => Ok(status::runs(app)),
        ("POST", "/v1/chat/completions") => chat::completions(app, call).await,
        ("GET", "/v1/models") => Ok(chat::models(app)),
        ("GET", "/health") => Ok(status::health(app)),
        ("GET", "/metrics") => Ok(status::metrics(app)),
        ("GET", "/openapi.json") => Ok(status::openapi()),
        ("GET", "/") => Ok(page::index()),
        ("GET", path) if path.starts_with("/page/") => page::file(path).ok_or_else(|| not_found(call)),
        ("GET", path) if path.starts_with("/runs/") => {
            status::report(app, &path["/runs/".len()..])?.ok_or_else(|| not_found(call))
        }
        _ if name(call) != "other" => Err(ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            quote(&call.path),
            "the method that GET /openapi.json names",
            call.method.as_str(),
            "use that method",
        )),
        _ => Err(not_found(call)),
    }
}

fn not_found(call: &Call) -> ApiError {
    let (expected, next) = ("a path of this server", "GET /openapi.json lists all of them");
    ApiError::new(StatusCode::NOT_FOUND, "the path", expected, quote(&call.path), next)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let description: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let paths = description["paths"].as_object().unwrap();
        let methods = |(path, methods): (&String, &Value)| {
            let methods: Vec<String> = methods.as_object().unwrap().keys().cloned().collect();
            methods.into_iter().map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        };
        let described: BTreeSet<(String, String)> = paths.iter().flat_map(methods).collect();
        let routes = ROUTES.iter().map(|(method, path)| (method.to_string(), path.to_string())).collect();
        assert_eq!(described, routes);
    }
}
