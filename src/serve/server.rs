//! The server: connections on one side, the batcher on the other, until Ctrl-C.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use super::app::{App, MAX_CONNECTIONS};
use super::batcher::Writers;
use super::connection::{TimedWrites, http};
use super::error::ApiError;
use super::routes::router;
use crate::{Error, Result};

/// The time that running replies have after Ctrl-C.
const STOP_TIME: Duration = Duration::from_millis(1500);

/// The time in which a refused client reads that there are too many.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

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
    let running = GracefulShutdown::new();
    let until = async {
        while !stops() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = until => {}
        () = accept(&app, &listener, &running) => {}
    }
    drop(listener);
    let _ = timeout(STOP_TIME, running.shutdown()).await;
}

async fn accept(app: &Arc<App>, listener: &tokio::net::TcpListener, running: &GracefulShutdown) {
    let http = http();
    let service = TowerToHyperService::new(router(app.clone()));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No file descriptors: some come back when connections end.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Small replies must not wait for each other.
        let _ = stream.set_nodelay(true);
        let stream = TokioIo::new(TimedWrites::new(stream));
        match app.connections.clone().try_acquire_owned() {
            Ok(place) => {
                let connection = running.watch(http.serve_connection(stream, service.clone()));
                tokio::spawn(async move {
                    // A client that breaks its connection off is no error of the server.
                    let _ = connection.await;
                    drop(place);
                });
            }
            Err(_) => {
                let refuse = service_fn(async |_| Ok::<_, Infallible>(too_many_connections().into_response()));
                let connection = http.clone().keep_alive(false).serve_connection(stream, refuse);
                tokio::spawn(timeout(REFUSAL_TIME, connection));
            }
        }
    }
}

fn too_many_connections() -> ApiError {
    let (expected, next) = (format!("at most {MAX_CONNECTIONS} connections"), "try again a little later");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    ApiError::new(status, "the server", expected, "one more", next).retry_after(1)
}
