//! Access: the checks of Host, Origin and token before anything else of a request is looked at.
//!
//! A server on the loopback is reached by every page that the user's browser shows. DNS rebinding gives such a page a name of its own
//! for 127.0.0.1, which the Host header tells; another page's requests tell their Origin. With a token neither names are trusted nor
//! needed: a page that does not have the token gets nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, COOKIE, HOST, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::error::ApiError;
use crate::data::input::quote;

/// The cookie in which the page keeps the token.
const TOKEN_COOKIE: &str = "tiller_token";

/// The rules of access.
#[derive(Debug, Clone)]
pub struct Access {
    /// The names and ports of this server.
    hosts: Vec<String>,
    /// Origins of other pages that may ask.
    origins: Vec<String>,
    /// The digest of the token that every request needs.
    token: Option<[u8; 32]>,
}

/// Middleware: refuses requests for other hosts and from other pages, and answers the preflights of allowed ones.
///
/// # Errors
/// 400 for the target of a proxy, 403 for another host or origin.
pub async fn check_page(State(access): State<Arc<Access>>, request: Request, next: Next) -> Result<Response, ApiError> {
    access.check_page(request.uri(), request.headers())?;
    let origin = request.headers().get(ORIGIN).cloned();
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let response = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    Ok(match origin.filter(|origin| access.allows(origin)) {
        Some(origin) => (readable_by(origin), response).into_response(),
        None => response,
    })
}

/// Middleware: refuses requests without the token, if there is one.
///
/// # Errors
/// 401 without the token.
pub async fn check_token(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    access.check_token(request.headers())?;
    Ok(next.run(request).await)
}

impl Access {
    /// The rules of a server at `address`, for its own page and for pages of `origins`.
    pub fn new(address: SocketAddr, origins: Vec<String>, token: Option<&str>) -> Self {
        let port = address.port();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        let own = names.iter().map(|name| format!("{name}:{port}")).chain([address.to_string()]);
        // Port 80 is left out of the header.
        let hosts = if port == 80 { own.chain(names.clone()).collect() } else { own.collect() };
        Self { hosts, origins, token: token.map(digest) }
    }

    fn check_page(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        if let Some(host) = uri.authority() {
            let found = quote(host.as_str());
            return Err(ApiError::bad_request("the target of the request", "a path", found, "this is no proxy"));
        }
        let host = self.host(headers)?;
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let of_host = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let is_own = ["http://", "https://"].iter().any(|scheme| of_host.strip_prefix(scheme) == Some(&host));
        if is_own || self.allows(origin) {
            return Ok(());
        }
        let (expected, next) = ("this server's own page", "start with --allow-origin, if that page may ask");
        Err(ApiError::new(StatusCode::FORBIDDEN, "the header Origin", expected, quote(&of_host), next))
    }

    /// The one Host of a request.
    fn host(&self, headers: &HeaderMap) -> Result<String, ApiError> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        let is_known = self.token.is_some() || self.hosts.contains(&host);
        if is_known && hosts.next().is_none() {
            return Ok(host);
        }
        let (expected, next) = (self.hosts.join(" or "), format!("open http://{}", self.hosts[1]));
        Err(ApiError::new(StatusCode::FORBIDDEN, "the header Host", expected, quote(&host), next))
    }

    /// Returns true for an origin of --allow-origin.
    fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Some(token) = &self.token else { return Ok(()) };
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let cookies = text(COOKIE).into_iter().flat_map(|cookies| cookies.split(';'));
        let cookie = cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == TOKEN_COOKIE);
        // Digests are compared: the time tells nothing about the token.
        if bearer.or(cookie.map(|(_, value)| value)).is_some_and(|given| digest(given.trim()) == *token) {
            return Ok(());
        }
        let (expected, found) =
            ("Bearer and the token of --token-file", if bearer.is_some() { "another" } else { "none" });
        let next = "send the token with every request";
        Err(ApiError::new(StatusCode::UNAUTHORIZED, "the header Authorization", expected, found, next))
    }
}

/// The headers that let a page of `origin` read a response.
fn readable_by(origin: HeaderValue) -> [(HeaderName, HeaderValue); 4] {
    [
        (ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type")),
        (VARY, HeaderValue::from_static("origin")),
    ]
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
