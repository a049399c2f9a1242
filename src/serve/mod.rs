//! The server: one resident model and teacher for a page to steer by and an API that other clients speak.
//!
//! A request passes [`connection`] (HTTP/1.1 by hyper, with limits), [`watch`] (time and counters), [`access`] (who may ask), [`routes`]
//! (axum's router) and, if it asks for a list, [`queue`] and [`batcher`] (one thread with the model). [`server`] ties them together;
//! [`answer`] is what comes back.

pub mod access;
pub mod answer;
pub mod app;
pub mod asked;
pub mod batcher;
mod compute;
mod connection;
pub mod error;
mod extract;
pub mod feedback;
mod job_answer;
mod job_source;
mod list_job;
pub mod metrics;
mod nearest;
pub mod queue;
mod routes;
pub mod runs;
pub mod server;
pub mod student;
mod teacher_lists;
mod teacher_view;
mod ticket;
pub mod understand;
mod watch;
pub mod workspace;

pub use access::Access;
pub use app::{About, App, Guides};
pub use batcher::Writers;
pub use feedback::FeedbackLog;
pub use server::serve;
pub use student::Student;
pub use workspace::Workspace;
