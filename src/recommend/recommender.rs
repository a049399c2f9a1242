//! A recommender: a language model that answers requests, a batch at a time.

mod answer_reader;
mod join;
mod rank;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use tiller_models::generate::{GenerateOptions, GenerateRequest, OnToken, TokenConstraint, Unconstrained};
use tiller_models::language_model::InferenceModel;

pub use self::join::{ListReceiver, WrittenList};

use self::answer_reader::{AnswerReader, AnswerText};
use super::answer::OutputFormat;
use super::check::CheckedItem;
use super::prepared::PreparedRequest;
use crate::constrain::{
    Automaton, ConstraintStats, DraftModel, Grammar, GuideWeight, LeafScores, ListConstraint, Mode, TeacherGuide,
};
use crate::data::Catalogue;
use crate::request::{CompiledRequest, Request};
use crate::teacher::{Scorer, Teacher};
use crate::{Error, Result};

/// Room for each item of a list, in tokens: an index, a title and a line break. The longest titles have 64.
const TOKENS_PER_ITEM: usize = 32;

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct List {
    /// The items, in the order of the answer.
    pub items: Vec<CheckedItem>,
    /// The answer as the model wrote it.
    pub text: String,
    /// The number of generated tokens.
    pub tokens: usize,
    /// Statistics of constrained decoding; `None` without constraints.
    pub guidance: Option<ConstraintStats>,
    /// The score of each item of a ranking: the log-probability of its title, in nats; `None` for a list that was written.
    pub log_probs: Option<Vec<f64>>,
    /// The duration of the request's batch, in seconds; in a continuous batch that of the list alone.
    pub seconds: f64,
}

/// Answers requests about one catalogue with one model. Clones share the grammar.
#[derive(Clone)]
pub struct Recommender<'a> {
    model: &'a InferenceModel,
    catalogue: &'a Catalogue,
    format: OutputFormat,
    options: GenerateOptions,
    mode: Mode,
    /// All lists over the catalogue; `None` where the model writes alone.
    grammar: Option<Arc<Grammar>>,
    /// The teacher that guides or drafts.
    teacher: Option<&'a Teacher>,
    /// The model's part in the choices, where the teacher guides.
    guide_weight: Option<GuideWeight>,
    /// The teacher's lists are proposed to the model.
    drafts: bool,
    /// Compute all logits, so that the statistics know the model's own choices.
    needs_logits: bool,
    /// The items are scored one by one instead of being written.
    ranks: bool,
}

/// An answer as the model generated it.
#[derive(Default)]
struct Generated {
    tokens: Vec<u32>,
    /// The statistics of its constraint.
    guidance: Option<ConstraintStats>,
    /// The scores of a ranking's items.
    log_probs: Option<Vec<f64>>,
}

/// The number of tokens that an unconstrained answer of `k` items may need.
pub fn enough_tokens(k: u32) -> usize {
    TOKENS_PER_ITEM.saturating_mul((k as usize).saturating_add(1))
}

impl<'a> Recommender<'a> {
    /// A recommender with the guarantees of `mode`. Without constraints, `format` is the format of the model's answers and `options` limits their
    /// length; with them, the length follows from the list.
    ///
    /// # Errors
    /// A catalogue whose titles the model's tokenizer cannot write, a tokenizer without an end of the sequence.
    pub fn new(
        model: &'a InferenceModel,
        catalogue: &'a Catalogue,
        format: OutputFormat,
        options: GenerateOptions,
        mode: Mode,
    ) -> Result<Self> {
        let free = Self {
            model,
            catalogue,
            format,
            options,
            mode,
            grammar: None,
            teacher: None,
            guide_weight: None,
            drafts: false,
            needs_logits: true,
            ranks: false,
        };
        if mode == Mode::Free {
            return Ok(free);
        }
        let grammar = Some(Arc::new(Grammar::of(&model.codec().tokenizer, catalogue)?));
        Ok(Self { format: OutputFormat::Strict, grammar, ..free })
    }

    /// Returns the recommender with speculative decoding: the lists of `teacher`, each of which satisfies its request, are the drafts. The model
    /// accepts several choices in one step. The lists stay the same.
    pub fn drafting(self, teacher: &'a Teacher) -> Self {
        Self { teacher: Some(teacher), drafts: true, ..self }
    }

    /// Returns the recommender with teacher-guided decoding: `teacher` takes part in every choice of a constrained list. A recommender
    /// without constraints stays as it is.
    pub fn guided_by(self, teacher: &'a Teacher, weight: GuideWeight) -> Self {
        match self.grammar {
            Some(_) => Self { teacher: Some(teacher), guide_weight: Some(weight), ..self },
            None => self,
        }
    }

    /// Returns the recommender with the guarantees of another constrained mode.
    pub fn in_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Returns the recommender that computes only the logits of allowed tokens, without statistics of the model's own choices.
    pub fn without_logprobs(self) -> Self {
        Self { needs_logits: false, ..self }
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &'a Catalogue {
        self.catalogue
    }

    /// The constraint mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The model's part in the choices, where a teacher guides.
    pub fn guide_weight(&self) -> Option<GuideWeight> {
        self.guide_weight
    }

    /// The most tokens that the answer to a request may take.
    fn room(&self, request: &Request) -> usize {
        self.grammar.as_ref().map_or(self.options.max_new_tokens, |grammar| grammar.longest(request.k as usize))
    }

    /// The tokens of a request's prompt.
    ///
    /// # Errors
    /// A prompt that leaves too little of the model's context for the answer.
    pub fn prompt(&self, prepared: &PreparedRequest) -> Result<Vec<u32>> {
        self.prompt_before(prepared, self.room(prepared.request()))
    }

    /// The tokens of the prompt before an answer of at most `answer` tokens.
    fn prompt_before(&self, prepared: &PreparedRequest, answer: usize) -> Result<Vec<u32>> {
        let encode = || self.model.codec().encode_chat(prepared.messages());
        let tokens = prepared.prompt().map_or_else(encode, |tokens| Ok(tokens.to_vec()))?;
        let context = self.model.max_positions();
        if tokens.len().saturating_add(answer) <= context {
            return Ok(tokens);
        }
        Err(Error::bad_input("the prompt")
            .expected(format!("at most the model's {context} tokens of context, {answer} of them for the answer"))
            .found(format!("{} tokens", tokens.len()))
            .next("ask for fewer items (-k), give less history, or lower --max-new-tokens")
            .into())
    }

    /// The text of a request's prompt, with the control tokens.
    ///
    /// # Errors
    /// As [`Recommender::prompt`].
    pub fn prompt_text(&self, prepared: &PreparedRequest) -> Result<String> {
        self.model.codec().tokenizer.decode(&self.prompt(prepared)?, false)
    }

    /// Answers requests in one batch, in their order. They were prepared for this recommender's mode.
    ///
    /// # Errors
    /// A prompt that is too long, or a device that fails.
    pub fn recommend(&self, prepared_requests: &[&PreparedRequest]) -> Result<Vec<List>> {
        let start = Instant::now();
        let answers = self.write(prepared_requests, &mut |_, _| ControlFlow::Continue(()))?;
        let (seconds, reader) = (start.elapsed().as_secs_f64(), self.reader());
        prepared_requests.iter().zip(answers).map(|(prepared, answer)| reader.list(prepared, answer, seconds)).collect()
    }

    /// Answers one request and streams the text to `on_text`.
    ///
    /// # Errors
    /// As [`Recommender::recommend`].
    pub fn recommend_streaming(&self, prepared: &PreparedRequest, on_text: &mut dyn FnMut(&str)) -> Result<List> {
        let start = Instant::now();
        let mut answer_text = AnswerText::new(&self.model.codec().tokenizer);
        let mut decoded = Ok(());
        let answers = self.write(&[prepared], &mut |_, token| match answer_text.push(token) {
            Ok(text) => {
                on_text(&text);
                ControlFlow::Continue(())
            }
            Err(error) => {
                decoded = Err(error);
                ControlFlow::Break(())
            }
        })?;
        decoded?;
        let answer = answers.into_iter().next().unwrap_or_default();
        self.reader().list(prepared, answer, start.elapsed().as_secs_f64())
    }

    /// Generates the answers, constrained or not.
    fn write(&self, prepared_requests: &[&PreparedRequest], on_token: OnToken) -> Result<Vec<Generated>> {
        if self.ranks {
            return self.rank(prepared_requests, on_token);
        }
        let prompts = prepared_requests.iter().map(|prepared| self.prompt(prepared)).collect::<Result<Vec<_>>>()?;
        let Some(grammar) = &self.grammar else {
            let alone = |prepared: &&PreparedRequest| Unconstrained { stream: Some(prepared.stream()) };
            let mut list_constraints: Vec<Unconstrained> = prepared_requests.iter().map(alone).collect();
            return self.generate(&prompts, self.options, &mut list_constraints, on_token);
        };
        let scores = self.leaf_scores(prepared_requests, grammar)?;
        let with_scores = prepared_requests.iter().zip(scores);
        let constraint =
            |(prepared, scores): (&&PreparedRequest, _)| self.constraint(grammar, prepared, scores, self.guide_weight);
        let mut list_constraints = with_scores.map(constraint).collect::<Result<Vec<_>>>()?;
        let room = prepared_requests.iter().map(|prepared| self.room(prepared.request())).max().unwrap_or(0);
        let options = GenerateOptions { max_new_tokens: room, ..self.options };
        let answers = self.generate(&prompts, options, &mut list_constraints, on_token)?;
        let with_statistics = |(answer, constraint): (Generated, ListConstraint)| Generated {
            guidance: Some(constraint.statistics()),
            ..answer
        };
        Ok(answers.into_iter().zip(list_constraints).map(with_statistics).collect())
    }

    /// Runs the model under constraints.
    fn generate<C: TokenConstraint>(
        &self,
        prompts: &[Vec<u32>],
        options: GenerateOptions,
        constraints: &mut [C],
        on_token: OnToken,
    ) -> Result<Vec<Generated>> {
        let request = GenerateRequest::new(prompts, options).on_token(on_token);
        let answers = self.model.generate(request.constrained_by(constraints))?;
        Ok(answers.into_iter().map(|tokens| Generated { tokens, ..Generated::default() }).collect())
    }

    /// The constraint of a list. The teacher's scores draft and, with a weight, guide.
    fn constraint<'g>(
        &self,
        grammar: &'g Grammar,
        prepared: &PreparedRequest,
        scores: Option<LeafScores>,
        guide_weight: Option<GuideWeight>,
    ) -> Result<ListConstraint<'g>> {
        let request = prepared.feasible().ok_or_else(|| no_proof(self.mode))?;
        let mut constraint = ListConstraint::new(Automaton::new(grammar, request)?).drawing_from(prepared.stream());
        if !self.needs_logits {
            constraint = constraint.without_logprobs();
        }
        let Some(scores) = scores else { return Ok(constraint) };
        if self.drafts {
            constraint = constraint.drafting(DraftModel::new(scores.clone()));
        }
        Ok(match guide_weight {
            Some(weight) => constraint.guided_by(TeacherGuide::new(scores, weight, self.options.sampling)),
            None => constraint,
        })
    }

    /// For each request, the teacher's scores of the titles.
    fn leaf_scores(
        &self,
        prepared_requests: &[&PreparedRequest],
        grammar: &Grammar,
    ) -> Result<Vec<Option<LeafScores>>> {
        let Some(teacher) = self.teacher else { return Ok(vec![None; prepared_requests.len()]) };
        let histories: Vec<_> =
            prepared_requests.iter().map(|prepared| prepared.request().history.as_slice()).collect();
        let scores = teacher.answer(&histories, |_, scores| LeafScores::new(scores, grammar))?;
        scores.into_iter().map(|scores| scores.map(Some)).collect()
    }

    /// The checked items of an answer, or of its beginning.
    pub fn items(&self, request: &CompiledRequest, text: &str) -> Vec<CheckedItem> {
        self.reader().items(request, text)
    }

    fn reader(&self) -> AnswerReader<'a> {
        AnswerReader { tokenizer: &self.model.codec().tokenizer, catalogue: self.catalogue, format: self.format }
    }
}

fn no_proof(mode: Mode) -> Error {
    Error::Failed(format!("a request without constraints was given to a recommender of mode {mode:?}"))
}
