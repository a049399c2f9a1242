//! A running `tiller serve`, and clients of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::program::command;

/// A server; it ends with the value.
pub struct Served {
    child: Child,
    /// "127.0.0.1:40123".
    pub address: String,
}

impl Served {
    /// Starts `tiller serve ARGUMENTS` in `folder` on a free port, and waits until it answers.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let arguments = [&["serve"], arguments, &["--port", "0", "--json"]].concat();
        let mut child = command(folder, &arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{arguments:?} printed {line:?}"));
        let address = told["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        Self { child, address }
    }

    /// The response to a GET.
    pub fn get(&self, path: &str) -> HttpAnswer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address))
    }

    /// The response to a POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> HttpAnswer {
        self.post_text(path, &body.to_string())
    }

    /// The response to a POST of any body.
    pub fn post_text(&self, path: &str, body: &str) -> HttpAnswer {
        let (address, length) = (&self.address, body.len());
        let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n");
        self.send(format!("{head}Content-Type: application/json\r\nConnection: close\r\n\r\n{body}"))
    }

    /// The response to these bytes; the connection is expected to end.
    pub fn send(&self, bytes: impl AsRef<[u8]>) -> HttpAnswer {
        let mut stream = self.connect();
        // A server that refuses early may close before all is written.
        let _ = stream.write_all(bytes.as_ref());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        HttpAnswer::parse(&answer)
    }

    /// An open connection.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// The process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl HttpAnswer {
    /// The response in these bytes; status 0 where there is none.
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let head = head.to_ascii_lowercase();
        let body = if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_owned() };
        Self { status, head, body }
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body as JSON, of a successful response, which it has to be.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// The events of a stream, as (name, data).
    pub fn events(&self) -> Vec<(String, String)> {
        let field = |event: &str, name: &str| {
            event.lines().find_map(|line| Some(line.strip_prefix(name)?.to_owned())).unwrap_or_default()
        };
        let events = self.body.split("\n\n").filter(|event| !event.is_empty());
        events.map(|event| (field(event, "event: "), field(event, "data: "))).collect()
    }
}

/// The body in a series of chunks.
fn unchunked(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let Some(size) = usize::from_str_radix(size, 16).ok().filter(|size| *size > 0) else { break };
        body += &rest[..size];
        chunks = rest[size..].trim_start_matches("\r\n");
    }
    body
}
