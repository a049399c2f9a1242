//! A request made ready for a recommender: put into words, worked out over the catalogue, and with chance of its own.

use sha2::{Digest, Sha256};
use tiller_models::chat::Message;

use super::prompt;
use crate::Result;
use crate::constrain::{Constraints, Mode};
use crate::data::Catalogue;
use crate::request::Request;

/// A request that can be answered.
#[derive(Debug, Clone)]
pub struct PreparedRequest {
    request: Request,
    messages: Vec<Message>,
    constraints: Option<Constraints>,
    stream: u64,
}

impl PreparedRequest {
    /// A request for a recommender that keeps lists in order as `mode` says.
    ///
    /// # Errors
    /// A request that the mode has to obey and that no list satisfies, with the nearest one that can be met.
    pub fn new(request: Request, mode: Mode, catalogue: &Catalogue) -> Result<Self> {
        let constraints = mode.constraints(&request, catalogue)?;
        let messages = prompt::render(&request, catalogue, 0);
        Ok(Self { request, messages, constraints, stream: 0 })
    }

    /// The order with another wording of its request.
    pub fn in_words(self, messages: Vec<Message>) -> Self {
        Self { messages, ..self }
    }

    /// The order with chance that depends on the user's key: whoever else asks, the user's samples are the same.
    pub fn of_user(self, key: &str) -> Self {
        let digest = Sha256::digest(key);
        let stream = digest.iter().take(8).fold(0, |stream, &byte| stream << 8 | u64::from(byte));
        Self { stream, ..self }
    }

    /// What is asked for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The conversation that asks for it.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// What the list has to obey; `None` where the model writes alone.
    pub fn constraints(&self) -> Option<&Constraints> {
        self.constraints.as_ref()
    }

    /// The stream of random numbers that a sampled list draws from.
    pub fn stream(&self) -> u64 {
        self.stream
    }
}
