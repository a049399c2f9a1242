//! The page: its files, embedded in the program.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::serve::error::ApiError;

/// The content security policy of the page: its own files and this server's answers, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file with its headers.
type Reply = ([(HeaderName, &'static str); 3], &'static str);

/// A file of the page: name, content type, content.
type PageFile = (&'static str, &'static str, &'static str);

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! script {
    ($name:literal) => {
        ($name, SCRIPT, include_str!(concat!("../page/", $name)))
    };
}

const FILES: [PageFile; 13] = [
    ("style.css", "text/css; charset=utf-8", include_str!("../page/style.css")),
    ("icon.svg", "image/svg+xml", include_str!("../page/icon.svg")),
    script!("main.js"),
    script!("api.js"),
    script!("chips.js"),
    script!("combobox.js"),
    script!("dom.js"),
    script!("lists.js"),
    script!("runs.js"),
    script!("session.js"),
    script!("steer.js"),
    script!("teach.js"),
    script!("theme.js"),
];

/// The page itself.
pub async fn index() -> Reply {
    of("text/html; charset=utf-8", include_str!("../page/index.html"))
}

/// A file below `/page/`.
///
/// # Errors
/// 404 for any other name.
pub async fn file(name: Result<Path<String>, PathRejection>) -> Result<Reply, ApiError> {
    let Path(name) = name?;
    let (_, content_type, content) =
        FILES.iter().find(|(file, _, _)| *file == name).ok_or_else(|| ApiError::no_such_path(&name))?;
    Ok(of(content_type, content))
}

fn of(content_type: &'static str, content: &'static str) -> Reply {
    ([(CONTENT_TYPE, content_type), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-cache")], content)
}
