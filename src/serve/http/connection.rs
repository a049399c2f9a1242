//! A connection: its requests one after another, each read, answered and written within its limits.

use std::future::Future;
use std::io::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Call, IDLE_TIME, MAX_BODY, MAX_HEAD, MAX_HEADERS, READ_TIME, Response, ResponseBody, WRITE_TIME};
use crate::serve::error::ApiError;

/// The time to take what a refused client still sends, so that it reads the refusal.
const LINGER_TIME: Duration = Duration::from_millis(500);

/// The bytes of one read, at most.
const READ_SIZE: usize = 4 << 10;

/// An answer to calls.
pub trait Handler: Send + Sync {
    /// Answers a call. The future is dropped where the client goes away.
    fn handle(&self, call: Call) -> impl Future<Output = Response> + Send;
}

/// The end of a connection.
enum End {
    /// The client is gone, or silent for too long.
    Gone,
    /// A request that cannot be answered, nor any after it.
    Refused(ApiError),
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        End::Gone
    }
}

/// The head of a request.
struct Head {
    call: Call,
    length: usize,
    /// HTTP/1.1, which knows chunks.
    is_current: bool,
    keeps: bool,
}

/// Serves the requests of one client, until it goes away, is refused, or `stop` turns true.
pub async fn serve_connection(stream: TcpStream, handler: &impl Handler, mut stop: watch::Receiver<bool>) {
    let mut connection = Connection { stream, buffer: Vec::new() };
    // Small replies must not wait for each other.
    let _ = connection.stream.set_nodelay(true);
    loop {
        match connection.serve_one(handler, &mut stop).await {
            Ok(true) => {}
            Ok(false) | Err(End::Gone) => break,
            Err(End::Refused(error)) => {
                connection.refuse(error).await;
                break;
            }
        }
    }
}

/// Refuses a client before anything is read.
pub async fn refuse(stream: TcpStream, error: ApiError) {
    Connection { stream, buffer: Vec::new() }.refuse(error).await;
}

struct Connection {
    stream: TcpStream,
    /// Bytes that were read and not used yet.
    buffer: Vec<u8>,
}

impl Connection {
    /// Serves the next request. Returns true if another may follow.
    async fn serve_one(&mut self, handler: &impl Handler, stop: &mut watch::Receiver<bool>) -> Result<bool, End> {
        if self.buffer.is_empty() {
            self.buffer.reserve(READ_SIZE);
            let stopped = async { drop(stop.wait_for(|stops| *stops).await) };
            let idle = timeout(IDLE_TIME, self.stream.read_buf(&mut self.buffer));
            tokio::select! {
                read = idle => if !matches!(read, Ok(Ok(1..))) { return Err(End::Gone) },
                () = stopped => return Err(End::Gone),
            }
        }
        let Head { mut call, length, is_current, keeps } = self.head().await?;
        call.body = self.body(length).await?;
        let is_head = call.method == Method::HEAD;
        let reply = tokio::select! {
            reply = handler.handle(call) => reply,
            () = gone(&self.stream) => return Err(End::Gone),
        };
        let keeps = keeps && !*stop.borrow() && (is_current || matches!(reply.body, ResponseBody::Whole(_)));
        self.write(reply, is_head, is_current, keeps).await?;
        Ok(keeps)
    }

    /// Reads the head of a request, of which at least one byte is there.
    async fn head(&mut self) -> Result<Head, End> {
        let deadline = Instant::now() + READ_TIME;
        loop {
            if let Some((head, used)) = parse(&self.buffer).map_err(End::Refused)? {
                self.buffer.drain(..used);
                return Ok(head);
            }
            if self.buffer.len() >= MAX_HEAD {
                return Err(End::Refused(too_large_head(format!("{MAX_HEAD} bytes and no end"))));
            }
            self.more(deadline, "the head of the request").await?;
        }
    }

    /// Reads a body of `length` bytes.
    async fn body(&mut self, length: usize) -> Result<Vec<u8>, End> {
        let deadline = Instant::now() + READ_TIME;
        while self.buffer.len() < length {
            self.more(deadline, "the body of the request").await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Reads some more bytes before `deadline`.
    async fn more(&mut self, deadline: Instant, place: &str) -> Result<(), End> {
        self.buffer.reserve(READ_SIZE);
        match timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await {
            Ok(Ok(1..)) => Ok(()),
            Ok(_) => Err(End::Gone),
            Err(_) => {
                let expected = format!("all of it within {} s", READ_TIME.as_secs());
                let found = format!("{} bytes", self.buffer.len());
                let next = "send the request at once";
                Err(End::Refused(ApiError::new(StatusCode::REQUEST_TIMEOUT, place, expected, found, next)))
            }
        }
    }

    async fn write(&mut self, reply: Response, is_head: bool, is_current: bool, keeps: bool) -> Result<(), End> {
        let mut bytes = Vec::with_capacity(512);
        let reason = reply.status.canonical_reason().unwrap_or("");
        let _ = write!(bytes, "HTTP/1.1 {} {reason}\r\n", reply.status.as_u16());
        for (name, value) in &reply.headers {
            // A value never ends its line: it would begin another header.
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            let _ = write!(bytes, "{name}: {value}\r\n");
        }
        let _ = write!(bytes, "connection: {}\r\n", if keeps { "keep-alive" } else { "close" });
        match reply.body {
            ResponseBody::Whole(body) => {
                let _ = write!(bytes, "content-length: {}\r\n\r\n", body.len());
                if !is_head {
                    bytes.extend_from_slice(&body);
                }
                self.send(&bytes).await
            }
            ResponseBody::Events(_) if is_head => {
                bytes.extend_from_slice(b"\r\n");
                self.send(&bytes).await
            }
            ResponseBody::Events(mut events) => {
                bytes.extend_from_slice(if is_current { b"transfer-encoding: chunked\r\n\r\n" } else { b"\r\n" });
                self.send(&bytes).await?;
                loop {
                    let event = tokio::select! {
                        event = events.next() => event,
                        () = gone(&self.stream) => return Err(End::Gone),
                    };
                    match event {
                        Some(event) if is_current => self.send(chunk(&event).as_bytes()).await?,
                        Some(event) => self.send(event.as_bytes()).await?,
                        None => break,
                    }
                }
                if is_current { self.send(b"0\r\n\r\n").await } else { Ok(()) }
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        timeout(WRITE_TIME, self.stream.write_all(bytes)).await.map_err(|_| End::Gone)?.map_err(End::from)
    }

    /// Says why the connection ends, and takes what is still sent for a moment: a reset would destroy the answer.
    async fn refuse(&mut self, error: ApiError) {
        if self.write(error.response(), false, true, false).await.is_ok() && self.stream.shutdown().await.is_ok() {
            let mut sink = [0; 4096];
            let drain = async { while matches!(self.stream.read(&mut sink).await, Ok(1..)) {} };
            let _ = timeout(LINGER_TIME, drain).await;
        }
    }
}

/// One chunk of a chunked body.
fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// Completes once the client has closed the connection. A client that sends its next request meanwhile is there.
async fn gone(stream: &TcpStream) {
    if let Ok(1..) = stream.peek(&mut [0]).await {
        std::future::pending::<()>().await;
    }
}

/// Parses a head; `None` where it is not complete. Returns the number of bytes that it takes.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, ApiError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let used = match request.parse(bytes) {
        Ok(httparse::Status::Complete(used)) => used,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(too_large_head(format!("more than {MAX_HEADERS} headers"))),
        Err(error) => return Err(malformed(error.to_string())),
    };
    if used > MAX_HEAD {
        return Err(too_large_head(format!("{used} bytes")));
    }
    let is_current = request.version == Some(1);
    let method = Method::from_bytes(request.method.unwrap_or_default().as_bytes());
    let method = method.map_err(|error| malformed(error.to_string()))?;
    let mut map = HeaderMap::new();
    for header in request.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|error| malformed(error.to_string()))?;
        let value = HeaderValue::from_bytes(header.value).map_err(|error| malformed(error.to_string()))?;
        map.append(name, value);
    }
    let target = request.path.unwrap_or_default();
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !path.starts_with('/') {
        return Err(malformed(format!("the target {path:?}")));
    }
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let length = length(&map)?;
    let keeps =
        is_current && !map.get("connection").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
    let call = Call { method, path, query: query.to_owned(), headers: map, body: Vec::new() };
    Ok(Some((Head { call, length, is_current, keeps }, used)))
}

/// The length of the body that the headers announce.
fn length(headers: &HeaderMap) -> Result<usize, ApiError> {
    if headers.contains_key("transfer-encoding") {
        let status = StatusCode::LENGTH_REQUIRED;
        let (expected, next) = ("a body with a length", "send Content-Length instead");
        return Err(ApiError::new(status, "the header Transfer-Encoding", expected, "a body in chunks", next));
    }
    let mut values = headers.get_all("content-length").iter();
    let Some(value) = values.next() else { return Ok(0) };
    let digits = value.to_str().unwrap_or_default();
    if values.next().is_some() || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed(format!("Content-Length: {digits}")));
    }
    let too_large = || {
        let (expected, next) = (format!("at most {MAX_BODY} bytes"), "split the request into several");
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body of the request",
            expected,
            format!("{digits} bytes"),
            next,
        )
    };
    digits.parse().ok().filter(|length| *length <= MAX_BODY).ok_or_else(too_large)
}

fn malformed(found: String) -> ApiError {
    ApiError::bad_request("the head of the request", "HTTP/1.1", found, "use an HTTP client")
}

fn too_large_head(found: String) -> ApiError {
    let expected = format!("at most {MAX_HEAD} bytes and {MAX_HEADERS} headers");
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    ApiError::new(status, "the head of the request", expected, found, "send fewer or shorter headers")
}
