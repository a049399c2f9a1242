//! The state that all routes share.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use serde::Serialize;
use tiller_models::language_model::TextCodec;
use tokio::sync::Semaphore;

use super::access::Access;
use super::answer::Recommends;
use super::error::ApiError;
use super::feedback::FeedbackLog;
use super::metrics::Metrics;
use super::queue::{Job, JobEvent, Queue, Writing};
use super::ticket::Ticket;
use super::workspace::Workspace;
use crate::constrain::{GuideWeight, Mode};
use crate::data::{Dataset, User};
use crate::recommend::PreparedRequest;
use crate::request::ask::AskParser;

/// The most connections at a time (503).
pub const MAX_CONNECTIONS: usize = 256;

/// The state of a server. The data set lives as long as the process, because requests outlive every scope.
pub struct App {
    /// The data set.
    pub dataset: &'static Dataset,
    /// The parser of requests in words.
    pub parser: AskParser<'static>,
    /// The tokenizer and the chat template of the served model.
    pub codec: Option<Arc<TextCodec>>,
    /// The description of what is served.
    pub about: About,
    /// The folders that are served.
    pub workspace: Workspace,
    /// The jobs that wait for the batcher.
    pub queue: Arc<Queue>,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// The rules of access.
    pub access: Arc<Access>,
    /// The file of the users' feedback.
    pub feedback: Option<FeedbackLog>,
    /// The places of connections.
    pub connections: Arc<Semaphore>,
    users: HashMap<&'static str, &'static User>,
}

/// The description of what is served.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// The version of the program.
    pub version: &'static str,
    /// The device.
    pub device: String,
    /// The name of the language model; null without one.
    pub model: Option<String>,
    /// True where the teacher can be asked.
    pub teacher: bool,
    /// The weights of guided lists.
    pub guide: Guides,
}

impl About {
    /// Returns true where the model can be taught.
    pub fn can_learn(&self) -> bool {
        self.model.is_some() && self.teacher
    }
}

/// The guide weights of the served model.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Guides {
    /// The weight of requests that name no guide; null for the model alone.
    pub usual: Option<GuideWeight>,
    /// The weight of requests that name the teacher without a weight.
    pub auto: Option<GuideWeight>,
}

impl App {
    /// The state of a server.
    pub fn new(
        dataset: &'static Dataset,
        about: About,
        workspace: Workspace,
        access: Access,
        feedback: Option<FeedbackLog>,
    ) -> Self {
        Self {
            dataset,
            parser: AskParser::new(&dataset.catalogue),
            codec: None,
            about,
            workspace,
            queue: Arc::default(),
            metrics: Arc::default(),
            access: Arc::new(access),
            feedback,
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            users: dataset.users.iter().map(|user| (user.key.as_str(), user)).collect(),
        }
    }

    /// The state with the codec of the served model.
    pub fn with_codec(self, codec: Arc<TextCodec>) -> Self {
        Self { codec: Some(codec), ..self }
    }

    /// A job and its ticket. The prompt of a list by the model is encoded here, so that the batcher's thread need not.
    ///
    /// # Errors
    /// A prompt that the model cannot read.
    pub fn job(
        &self,
        prepared: PreparedRequest,
        user: Option<String>,
        writing: Writing,
    ) -> Result<(Job, Ticket<JobEvent>), ApiError> {
        let codec = self.codec.as_deref().filter(|_| writing.by == Recommends::Model);
        let prepared = match codec {
            Some(codec) => prepared.encoded_by(codec)?,
            None => prepared,
        };
        Ok(Job::new(prepared, user, writing))
    }

    /// The user of a key.
    pub fn user(&self, key: &str) -> Option<&'static User> {
        self.users.get(key).copied()
    }

    /// The number of open connections.
    pub fn open_connections(&self) -> usize {
        MAX_CONNECTIONS - self.connections.available_permits()
    }

    /// The writer of lists for requests that name none.
    pub fn usual_writer(&self) -> Recommends {
        if self.about.model.is_some() { Recommends::Model } else { Recommends::Teacher }
    }

    /// The usual way for `by` to write a list.
    pub fn usual_writing(&self, by: Recommends) -> Writing {
        let guide = self.about.guide.usual.filter(|_| by == Recommends::Model);
        Writing { by, decode: Mode::Strict, guide }
    }

    /// Puts jobs into the queue, all or none.
    ///
    /// # Errors
    /// 429 where there is no room.
    pub fn enqueue(&self, jobs: Vec<Job>) -> Result<(), ApiError> {
        self.queue.push(jobs).map_err(|jobs| {
            let (waiting, most) = (self.queue.len(), super::queue::MAX_QUEUE);
            let (expected, found) =
                (format!("room for {} more lists", jobs.len()), format!("{waiting} of {most} waiting"));
            let status = StatusCode::TOO_MANY_REQUESTS;
            ApiError::new(status, "the queue", expected, found, "try again a little later").retry_after(1)
        })
    }
}
