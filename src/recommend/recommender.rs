//! A language model at work on requests, a batch at a time.

use std::ops::ControlFlow;
use std::time::Instant;

use tiller_models::language_model::LanguageModel;
use tiller_models::llama::GenerateOptions;

use super::answer::{self, Form};
use super::check::{Checked, check};
use super::prompt;
use crate::data::Catalogue;
use crate::request::Request;
use crate::{Error, Result};

/// Room for each item of a list, in tokens: an index, a title and a line break. The longest titles have 64.
const TOKENS_PER_ITEM: usize = 32;

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct List {
    /// The items, in the order of the answer.
    pub items: Vec<Checked>,
    /// The answer as the model wrote it.
    pub text: String,
    /// How many tokens that took.
    pub tokens: usize,
    /// How long the request's batch took, in seconds.
    pub seconds: f64,
}

/// Answers requests about one catalogue with one model.
pub struct Recommender<'a> {
    /// The model.
    pub model: &'a LanguageModel,
    /// What can be recommended.
    pub catalogue: &'a Catalogue,
    /// How the model's answers are read.
    pub form: Form,
    /// How tokens are chosen, and how many at most.
    pub options: GenerateOptions,
}

/// How many tokens an answer of `k` items may need.
pub fn enough_tokens(k: u32) -> usize {
    TOKENS_PER_ITEM.saturating_mul((k as usize).saturating_add(1))
}

impl Recommender<'_> {
    /// The request's prompt in tokens.
    ///
    /// # Errors
    /// A prompt that leaves no room for the answer in the model's context.
    pub fn prompt(&self, request: &Request) -> Result<Vec<u32>> {
        let tokens = self.model.encode_chat(&prompt::render(request, self.catalogue, 0))?;
        let (context, answer) = (self.model.llama.config().max_positions, self.options.max_new_tokens);
        if tokens.len().saturating_add(answer) <= context {
            return Ok(tokens);
        }
        Err(Error::bad_input("the prompt")
            .expected(format!("at most the model's {context} tokens of context, {answer} of them for the answer"))
            .found(format!("{} tokens", tokens.len()))
            .next("ask for fewer items (-k), give less history, or lower --max-new-tokens")
            .into())
    }

    /// The request's prompt as the model gets it, control tokens and all.
    ///
    /// # Errors
    /// As [`Recommender::prompt`].
    pub fn prompt_text(&self, request: &Request) -> Result<String> {
        self.model.tokenizer.decode(&self.prompt(request)?, false)
    }

    /// Answers `requests` together, in their order.
    ///
    /// # Errors
    /// A prompt that is too long, or a device that fails.
    pub fn recommend(&self, requests: &[Request]) -> Result<Vec<List>> {
        let start = Instant::now();
        let prompts = requests.iter().map(|request| self.prompt(request)).collect::<Result<Vec<_>>>()?;
        let answers = self.model.generate(&prompts, &self.options, &mut |_, _| ControlFlow::Continue(()))?;
        let seconds = start.elapsed().as_secs_f64();
        requests.iter().zip(answers).map(|(request, tokens)| self.read(request, &tokens, seconds)).collect()
    }

    /// Answers one request and hands its text on while it is written.
    ///
    /// # Errors
    /// As [`Recommender::recommend`].
    pub fn recommend_aloud(&self, request: &Request, hear: &mut dyn FnMut(&str)) -> Result<List> {
        let start = Instant::now();
        let prompt = self.prompt(request)?;
        let mut decoder = self.model.tokenizer.stream();
        let mut decoded = Ok(());
        let answers = self.model.generate(&[prompt], &self.options, &mut |_, token| match decoder.push(token) {
            Ok(text) => {
                hear(&text);
                ControlFlow::Continue(())
            }
            Err(error) => {
                decoded = Err(error);
                ControlFlow::Break(())
            }
        })?;
        decoded?;
        let tokens = answers.into_iter().next().unwrap_or_default();
        self.read(request, &tokens, start.elapsed().as_secs_f64())
    }

    fn read(&self, request: &Request, tokens: &[u32], seconds: f64) -> Result<List> {
        let text = self.model.tokenizer.decode(tokens, true)?;
        Ok(List { items: self.items(request, &text), text, tokens: tokens.len(), seconds })
    }

    /// The checked items of an answer, or of its beginning.
    pub fn items(&self, request: &Request, text: &str) -> Vec<Checked> {
        check(answer::parse(text, self.form, self.catalogue), request, self.catalogue)
    }
}
