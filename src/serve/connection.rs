//! Connections: hyper's HTTP/1.1 with limits, over sockets whose clients have to take what they are sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The largest head of a request, in bytes (431).
const MAX_HEAD: usize = 16 << 10;

/// The most headers of a request (431).
const MAX_HEADERS: usize = 64;

/// The time for the next head on a connection: one that is silent or slower ends.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// The time in which a client has to take each part of a reply.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// HTTP/1.1 within the limits of heads.
pub fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    http.header_read_timeout(HEAD_TIME).max_header_size(MAX_HEAD).max_headers(MAX_HEADERS);
    http
}

/// A stream that fails once its other end takes nothing for some time.
pub struct TimedWrites<S> {
    stream: S,
    limit: Duration,
    /// The end of a write that waits.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedWrites<S> {
    /// A client's stream.
    pub fn new(stream: S) -> Self {
        Self { stream, limit: WRITE_TIME, deadline: None }
    }

    /// The outcome of a write: it waits until the deadline, which every progress moves.
    fn within<T>(&mut self, context: &mut Context, write: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.deadline = None;
            return write;
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedWrites<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context, buffer: &mut ReadBuf) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedWrites<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within(context, write)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.stream).poll_flush(context);
        self.within(context, flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        let shutdown = Pin::new(&mut self.stream).poll_shutdown(context);
        self.within(context, shutdown)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_write_fails_once_nothing_is_taken() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (server, mut client) = tokio::io::duplex(16);
            let mut server = TimedWrites { limit: Duration::from_millis(50), ..TimedWrites::new(server) };
            server.write_all(&[7; 16]).await.unwrap();
            let mut taken = [0; 8];
            client.read_exact(&mut taken).await.unwrap();
            let error = server.write_all(&[7; 64]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            client.read_exact(&mut taken).await.unwrap();
            server.write_all(&[7; 8]).await.unwrap();
        });
    }
}
