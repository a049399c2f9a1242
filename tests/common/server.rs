//! A tiny HTTP server on the loopback that answers as a test tells it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    /// The first byte of a `Range: bytes=N-`.
    pub range: Option<usize>,
}

/// The response to a request.
#[derive(Debug, Clone)]
pub struct Reply {
    status: String,
    headers: Vec<String>,
    body: Vec<u8>,
    announces_length: bool,
    cut: usize,
}

impl Reply {
    /// Status 200 with a body.
    pub fn ok(body: &[u8]) -> Self {
        Self {
            status: "200 OK".into(),
            headers: Vec::new(),
            body: body.into(),
            announces_length: true,
            cut: usize::MAX,
        }
    }

    /// A file server's answer: the whole of it, or what a range asks for.
    pub fn file(file: &[u8], request: &Request) -> Self {
        let Some(start) = request.range else { return Self::ok(file) };
        let range = format!("Content-Range: bytes {start}-{}/{}", file.len() - 1, file.len());
        Self::ok(&file[start..]).status("206 Partial Content").header(&range)
    }

    pub fn status(mut self, status: &str) -> Self {
        self.status = status.into();
        self
    }

    pub fn header(mut self, line: &str) -> Self {
        self.headers.push(line.into());
        self
    }

    /// Says nothing of the body's length: it ends with the connection.
    pub fn without_length(mut self) -> Self {
        self.announces_length = false;
        self
    }

    /// Breaks the connection after so many bytes of the body.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = bytes;
        self
    }

    fn send(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", self.status);
        self.headers.iter().for_each(|line| head += &format!("{line}\r\n"));
        if self.announces_length {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        stream.write_all(&self.body[..self.cut.min(self.body.len())])
    }
}

/// A running server; it lives as long as the test's process.
pub struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                log.lock().unwrap().push(request.clone());
                // A client that hangs up early is part of some tests.
                let _ = answer(&request).send(stream);
            }
        });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let mut range = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            range = value.trim_end_matches('-').parse().ok();
        }
    }
    Some(Request { path, range })
}
