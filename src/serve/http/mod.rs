//! HTTP/1.1 over TCP, in which every phase of a request has a limit in bytes and in time.
//!
//! Heads are parsed by httparse, the parser of hyper. What a server on the loopback needs beside it is here: bodies with a length,
//! kept connections, streamed replies, and the end of a request whose client goes away.

mod body;
mod call;
mod connection;
mod response;

pub use body::EventStream;
pub use call::Call;
pub use connection::{Handler, refuse, serve_connection};
pub use response::{Response, ResponseBody};

use std::time::Duration;

/// The largest head of a request, in bytes (431).
pub const MAX_HEAD: usize = 16 << 10;

/// The most headers of a request (431).
pub const MAX_HEADERS: usize = 64;

/// The largest body of a request, in bytes (413).
pub const MAX_BODY: usize = 256 << 10;

/// The time for the rest of a head after its first byte, and for a body (408).
pub const READ_TIME: Duration = Duration::from_secs(10);

/// The time that a kept connection may be silent.
pub const IDLE_TIME: Duration = Duration::from_secs(60);

/// The time in which a client has to take each part of a reply.
pub const WRITE_TIME: Duration = Duration::from_secs(10);
