//! Access: the checks of Host, Origin and token before anything else of a request is looked at.
//!
//! A server on the loopback is reached by every page that the user's browser shows. DNS rebinding gives such a page a name of its own
//! for 127.0.0.1, which the Host header tells; another page's requests tell their Origin. With a token neither names are trusted nor
//! needed: a page that does not have the token gets nothing.

use std::net::SocketAddr;

use http::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::error::ApiError;
use super::http::{Call, Response};
use crate::data::input::quote;

/// The cookie in which the page keeps the token.
const COOKIE: &str = "tiller_token";

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

    /// Checks a call.
    ///
    /// # Errors
    /// 403 for another host or origin, 401 without the token.
    pub fn check(&self, call: &Call) -> Result<(), ApiError> {
        let host = self.host(call)?;
        self.origin(call, &host)?;
        if is_public(call) { Ok(()) } else { self.token(call) }
    }

    fn host(&self, call: &Call) -> Result<String, ApiError> {
        let mut hosts = call.headers.get_all("host").iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        let is_known = self.token.is_some() || self.hosts.contains(&host);
        if is_known && hosts.next().is_none() {
            return Ok(host);
        }
        let (expected, next) = (self.hosts.join(" or "), format!("open http://{}", self.hosts[1]));
        Err(ApiError::new(StatusCode::FORBIDDEN, "the header Host", expected, quote(&host), next))
    }

    fn origin(&self, call: &Call, host: &str) -> Result<(), ApiError> {
        let Some(origin) = call.headers.get("origin") else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let is_own = ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host));
        if is_own || self.origins.contains(&origin) {
            return Ok(());
        }
        let (expected, next) = ("this server's own page", "start with --allow-origin, if that page may ask");
        Err(ApiError::new(StatusCode::FORBIDDEN, "the header Origin", expected, quote(&origin), next))
    }

    fn token(&self, call: &Call) -> Result<(), ApiError> {
        let Some(token) = &self.token else { return Ok(()) };
        let bearer = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let cookies = call.header("cookie").into_iter().flat_map(|cookies| cookies.split(';'));
        let cookie = cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == COOKIE);
        // Digests are compared: the time tells nothing about the token.
        if bearer.or(cookie.map(|(_, value)| value)).is_some_and(|given| digest(given.trim()) == *token) {
            return Ok(());
        }
        let (expected, found) =
            ("Bearer and the token of --token-file", if bearer.is_some() { "another" } else { "none" });
        let next = "send the token with every request";
        Err(ApiError::new(StatusCode::UNAUTHORIZED, "the header Authorization", expected, found, next))
    }

    /// The answer to a browser that asks whether another page may call; `None` for any other call.
    pub fn preflight(&self, call: &Call) -> Option<Response> {
        is_preflight(call).then(|| Response::of("text/plain", "").with_status(StatusCode::NO_CONTENT))
    }

    /// Adds the headers that let an allowed page of `origin` read a reply.
    pub fn allow(&self, reply: Response, origin: Option<&str>) -> Response {
        match origin.filter(|origin| self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))) {
            None => reply,
            Some(origin) => reply
                .with_header("access-control-allow-origin", origin)
                .with_header("access-control-allow-methods", "GET, POST")
                .with_header("access-control-allow-headers", "authorization, content-type")
                .with_header("vary", "origin"),
        }
    }
}

/// Returns true for the page's own files, in which there is nothing to hide and from which the token is entered, and for preflights,
/// which never have a token.
fn is_public(call: &Call) -> bool {
    call.path == "/" || call.path.starts_with("/page/") || is_preflight(call)
}

fn is_preflight(call: &Call) -> bool {
    call.method == Method::OPTIONS && call.headers.contains_key("access-control-request-method")
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
