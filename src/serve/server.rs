//! The server: connections on one side, the batcher on the other, until Ctrl-C.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use http::StatusCode;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::app::App;
use super::batcher::Writers;
use super::error::ApiError;
use super::http::{Call, Handler, Response, refuse, serve_connection};
use super::routes;
use crate::{Error, Result};

/// The most connections at a time (503).
const MAX_CONNECTIONS: usize = 256;

/// The time in which a request is answered, or its stream begins (503).
const REQUEST_TIME: Duration = Duration::from_secs(120);

/// The time that running replies have after Ctrl-C.
const STOP_TIME: Duration = Duration::from_millis(1500);

/// Threads that read and write. Lists are written by the batcher.
const IO_THREADS: usize = 2;

/// Serves `app` on `listener`, with lists of `writers` in batches of `most`, until `stops` returns true.
///
/// # Errors
/// The listener cannot be used, threads cannot be started.
pub fn serve(app: App, writers: &Writers, listener: TcpListener, most: usize, stops: fn() -> bool) -> Result<()> {
    let failed = |error: std::io::Error| Error::Failed(format!("the server cannot start: {error}"));
    listener.set_nonblocking(true).map_err(failed)?;
    let runtime = Builder::new_multi_thread().worker_threads(IO_THREADS).enable_io().enable_time().build();
    let runtime = runtime.map_err(failed)?;
    let (queue, metrics, app) = (app.queue.clone(), app.metrics.clone(), Arc::new(app));
    thread::scope(|scope| {
        scope.spawn(|| {
            runtime.block_on(accept_until(app, listener, stops));
            // What still runs has no one to answer: its tickets go, and its jobs end with their next token.
            runtime.shutdown_background();
            queue.close();
        });
        writers.run(&queue, &metrics, most);
    });
    Ok(())
}

/// Accepts connections until `stops` returns true, then lets running replies end.
async fn accept_until(app: Arc<App>, listener: TcpListener, stops: fn() -> bool) {
    // The listener was made nonblocking, which is all that this needs.
    let listener = tokio::net::TcpListener::from_std(listener).expect("a nonblocking listener inside a runtime");
    let (stop, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let until = async {
        while !stops() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = until => {}
        () = accept(&app, &listener, &places, &stopped) => {}
    }
    drop(listener);
    let _ = stop.send(true);
    let _ = timeout(STOP_TIME, places.acquire_many(MAX_CONNECTIONS as u32)).await;
}

async fn accept(
    app: &Arc<App>,
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
    stop: &watch::Receiver<bool>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No file descriptors: some come back when connections end.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (app, stop) = (app.clone(), stop.clone());
        match places.clone().try_acquire_owned() {
            Ok(place) => drop(tokio::spawn(async move {
                let _open = Counted::new(&app.connections);
                serve_connection(stream, &AppHandler(&app), stop).await;
                drop(place);
            })),
            Err(_) => drop(tokio::spawn(refuse(stream, too_many_connections()))),
        }
    }
}

fn too_many_connections() -> ApiError {
    let (expected, next) = (format!("at most {MAX_CONNECTIONS} connections"), "try again a little later");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    ApiError::new(status, "the server", expected, "one more", next).retry_after(1)
}

/// A connection in the count.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Checks access, answers within the time, and counts.
struct AppHandler<'a>(&'a App);

impl Handler for AppHandler<'_> {
    async fn handle(&self, call: Call) -> Response {
        let app = self.0;
        let abandoned = Abandoned { app, is_answered: false };
        let answer = async {
            app.access.check(&call)?;
            match app.access.preflight(&call) {
                Some(reply) => Ok(reply),
                None => routes::answer(app, &call).await,
            }
        };
        let answer = timeout(REQUEST_TIME, answer).await.unwrap_or_else(|_| Err(too_slow()));
        abandoned.answered();
        let reply = answer.unwrap_or_else(|error: ApiError| error.response());
        app.metrics.response(routes::name(&call), reply.status.as_u16());
        let reply =
            reply.with_header("x-content-type-options", "nosniff").with_header("referrer-policy", "no-referrer");
        app.access.allow(reply, call.header("origin"))
    }
}

fn too_slow() -> ApiError {
    let (expected, found) = (format!("an answer within {} s", REQUEST_TIME.as_secs()), "none yet");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    ApiError::new(status, "the server", expected, found, "ask for fewer or shorter lists").retry_after(5)
}

/// Counts a request whose future is dropped before its answer.
struct Abandoned<'a> {
    app: &'a App,
    is_answered: bool,
}

impl Abandoned<'_> {
    fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.app.metrics.abandoned();
        }
    }
}
