//! The page: its files, embedded in the program.

use crate::serve::http::Response;

/// The content security policy of the page: its own files and this server's answers, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page: name, content type, content.
type PageFile = (&'static str, &'static str, &'static str);

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! script {
    ($name:literal) => {
        ($name, SCRIPT, include_str!(concat!("../page/", $name)))
    };
}

const FILES: [PageFile; 12] = [
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
    script!("theme.js"),
];

/// The page itself.
pub fn index() -> Response {
    of("text/html; charset=utf-8", include_str!("../page/index.html"))
}

/// A file below `/page/`; `None` where there is none.
pub fn file(path: &str) -> Option<Response> {
    let name = path.strip_prefix("/page/")?;
    FILES.iter().find(|(file, _, _)| *file == name).map(|(_, content_type, content)| of(content_type, content))
}

fn of(content_type: &'static str, content: &'static str) -> Response {
    Response::of(content_type, content)
        .with_header("content-security-policy", POLICY)
        .with_header("cache-control", "no-cache")
}
