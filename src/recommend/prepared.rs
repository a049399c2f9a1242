//! A request prepared for a recommender: compiled, proven to be feasible, put into words, and with a stream of random numbers of its own.

use sha2::{Digest, Sha256};
use tiller_models::chat::Message;
use tiller_models::language_model::TextCodec;

use super::prompt;
use crate::Result;
use crate::constrain::{FeasibleRequest, Mode};
use crate::data::Catalogue;
use crate::request::{CompiledRequest, Request};

/// A request that can be answered.
#[derive(Debug, Clone)]
pub struct PreparedRequest {
    request: Request,
    compiled: CompiledRequest,
    feasible: Option<FeasibleRequest>,
    messages: Vec<Message>,
    /// The tokens of the conversation, where they were computed ahead.
    prompt: Option<Vec<u32>>,
    stream: u64,
}

impl PreparedRequest {
    /// Prepares a request for a recommender of this mode.
    ///
    /// # Errors
    /// A request that the mode guarantees and that no list satisfies, with the nearest one that can be met.
    pub fn new(request: Request, mode: Mode, catalogue: &Catalogue) -> Result<Self> {
        let compiled = request.compile(catalogue);
        Self::from_compiled(request, compiled, mode, catalogue)
    }

    /// Prepares a request that was compiled over `catalogue` before.
    ///
    /// # Errors
    /// As [`PreparedRequest::new`].
    pub fn from_compiled(
        request: Request,
        compiled: CompiledRequest,
        mode: Mode,
        catalogue: &Catalogue,
    ) -> Result<Self> {
        let feasible = mode.prove(&compiled, catalogue)?;
        let messages = prompt::render(&request, catalogue, 0);
        Ok(Self { request, compiled, feasible, messages, prompt: None, stream: 0 })
    }

    /// Returns the request with another wording.
    pub fn in_words(self, messages: Vec<Message>) -> Self {
        Self { messages, prompt: None, ..self }
    }

    /// Returns the request with its prompt encoded for the model of `codec`, which alone is to answer it.
    ///
    /// # Errors
    /// As [`TextCodec::encode_chat`].
    pub fn encoded_by(self, codec: &TextCodec) -> Result<Self> {
        Ok(Self { prompt: Some(codec.encode_chat(&self.messages)?), ..self })
    }

    /// Returns the request with a random stream that depends on the user's key alone: the user's samples do not depend on the other users.
    pub fn of_user(self, key: &str) -> Self {
        let digest = Sha256::digest(key);
        let stream = digest.iter().take(8).fold(0, |stream, &byte| stream << 8 | u64::from(byte));
        Self { stream, ..self }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The request compiled over the catalogue.
    pub fn compiled(&self) -> &CompiledRequest {
        &self.compiled
    }

    /// The proof that a list exists; `None` where the model writes alone.
    pub fn feasible(&self) -> Option<&FeasibleRequest> {
        self.feasible.as_ref()
    }

    /// The conversation that states the request.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The tokens of the conversation, where they were computed ahead.
    pub fn prompt(&self) -> Option<&[u32]> {
        self.prompt.as_deref()
    }

    /// The stream of random numbers that a sampled list draws from.
    pub fn stream(&self) -> u64 {
        self.stream
    }
}
