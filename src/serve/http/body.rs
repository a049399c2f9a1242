//! Streamed bodies: server-sent events.

use std::future::Future;
use std::pin::Pin;

/// A source of server-sent events.
pub trait EventStream: Send {
    /// The next event in the format of `text/event-stream`; `None` at the end.
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<String>> + Send + '_>>;
}
