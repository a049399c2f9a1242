//! A language model at work on requests, a batch at a time.

use std::ops::ControlFlow;
use std::time::Instant;

use tiller_models::language_model::Speaker;
use tiller_models::llama::{GenerateOptions, Unguided};

use super::answer::{self, Form};
use super::check::{Checked, check};
use super::order::Order;
use crate::data::Catalogue;
use crate::decode::{Automaton, Drafter, Grammar, ListGuide, Mode, Statistics};
use crate::request::Request;
use crate::teacher::{Scorer, Teacher};
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
    /// What guidance did; `None` where the model wrote alone.
    pub guidance: Option<Statistics>,
    /// How long the request's batch took, in seconds.
    pub seconds: f64,
}

/// Answers requests about one catalogue with one model.
pub struct Recommender<'a> {
    model: &'a Speaker,
    catalogue: &'a Catalogue,
    form: Form,
    options: GenerateOptions,
    mode: Mode,
    /// All lists over the catalogue; `None` where the model writes alone.
    grammar: Option<Grammar>,
    /// Whose lists are proposed to the model.
    drafts: Option<&'a Teacher>,
    /// Whether guidance hears what the model would have liked to write.
    listens: bool,
}

/// An answer in tokens, and what guidance did to it.
type Answer = (Vec<u32>, Option<Statistics>);

/// How many tokens an answer of `k` items may need where the model writes alone.
pub fn enough_tokens(k: u32) -> usize {
    TOKENS_PER_ITEM.saturating_mul((k as usize).saturating_add(1))
}

impl<'a> Recommender<'a> {
    /// A recommender whose lists are kept in order as `mode` says. `form` is how `model` writes when it writes alone; how long an answer
    /// may get is for `options` to say in that case, and for the list itself in all others.
    ///
    /// # Errors
    /// A catalogue whose titles the model's tokenizer cannot write, a tokenizer without an end of the sequence.
    pub fn new(
        model: &'a Speaker,
        catalogue: &'a Catalogue,
        form: Form,
        options: GenerateOptions,
        mode: Mode,
    ) -> Result<Self> {
        let free = Self { model, catalogue, form, options, mode, grammar: None, drafts: None, listens: true };
        if mode == Mode::Free {
            return Ok(free);
        }
        let grammar = Some(Grammar::of(&model.words().tokenizer, catalogue)?);
        Ok(Self { form: Form::Tuned, grammar, ..free })
    }

    /// The recommender with the lists of `teacher`, each of which obeys its request, as drafts: the model confirms what it would have
    /// written anyway, several choices in one step. The lists stay the same.
    pub fn drafting(self, teacher: &'a Teacher) -> Self {
        Self { drafts: Some(teacher), ..self }
    }

    /// The recommender that scores only the tokens that may follow: what guidance does to the model's wishes stays unknown.
    pub fn deaf(self) -> Self {
        Self { listens: false, ..self }
    }

    /// What can be recommended.
    pub fn catalogue(&self) -> &'a Catalogue {
        self.catalogue
    }

    /// What keeps the lists in order.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The most tokens that the answer to a request may take.
    fn room(&self, request: &Request) -> usize {
        self.grammar.as_ref().map_or(self.options.max_new_tokens, |grammar| grammar.longest(request.k as usize))
    }

    /// An order's prompt in tokens.
    ///
    /// # Errors
    /// A prompt that leaves no room for the answer in the model's context.
    pub fn prompt(&self, order: &Order) -> Result<Vec<u32>> {
        let tokens = self.model.words().encode_chat(order.messages())?;
        let (context, answer) = (self.model.max_positions(), self.room(order.request()));
        if tokens.len().saturating_add(answer) <= context {
            return Ok(tokens);
        }
        Err(Error::bad_input("the prompt")
            .expected(format!("at most the model's {context} tokens of context, {answer} of them for the answer"))
            .found(format!("{} tokens", tokens.len()))
            .next("ask for fewer items (-k), give less history, or lower --max-new-tokens")
            .into())
    }

    /// An order's prompt as the model gets it, control tokens and all.
    ///
    /// # Errors
    /// As [`Recommender::prompt`].
    pub fn prompt_text(&self, order: &Order) -> Result<String> {
        self.model.words().tokenizer.decode(&self.prompt(order)?, false)
    }

    /// Answers `orders` together, one after another as they stand. They were made for this recommender's mode.
    ///
    /// # Errors
    /// A prompt that is too long, or a device that fails.
    pub fn recommend(&self, orders: &[&Order]) -> Result<Vec<List>> {
        let start = Instant::now();
        let answers = self.write(orders, &mut |_, _| ControlFlow::Continue(()))?;
        let seconds = start.elapsed().as_secs_f64();
        orders.iter().zip(answers).map(|(order, answer)| self.read(order.request(), answer, seconds)).collect()
    }

    /// Answers one order and hands the text on while it is written.
    ///
    /// # Errors
    /// As [`Recommender::recommend`].
    pub fn recommend_aloud(&self, order: &Order, hear: &mut dyn FnMut(&str)) -> Result<List> {
        let start = Instant::now();
        let mut decoder = self.model.words().tokenizer.stream();
        let mut decoded = Ok(());
        let answers = self.write(&[order], &mut |_, token| match decoder.push(token) {
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
        let answer = answers.into_iter().next().unwrap_or_default();
        self.read(order.request(), answer, start.elapsed().as_secs_f64())
    }

    /// Lets the model write, alone or guided.
    fn write(&self, orders: &[&Order], on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>) -> Result<Vec<Answer>> {
        let prompts = orders.iter().map(|order| self.prompt(order)).collect::<Result<Vec<_>>>()?;
        let Some(grammar) = &self.grammar else {
            let alone = |order: &&Order| Unguided { stream: Some(order.stream()) };
            let mut guides: Vec<Unguided> = orders.iter().map(alone).collect();
            let answers = self.model.generate_guided(&prompts, &mut guides, &self.options, on_token)?;
            return Ok(answers.into_iter().map(|tokens| (tokens, None)).collect());
        };
        let guide = |(order, drafter): (&&Order, Option<Drafter>)| {
            let constraints = order.constraints().ok_or_else(|| not_for(self.mode))?;
            let guide = ListGuide::new(Automaton::new(grammar, constraints)?).drawing_from(order.stream());
            let guide = if self.listens { guide } else { guide.deaf() };
            Ok(if let Some(drafter) = drafter { guide.drafting(drafter) } else { guide })
        };
        let drafters = self.drafters(orders, grammar)?;
        let mut guides = orders.iter().zip(drafters).map(guide).collect::<Result<Vec<_>>>()?;
        let room = orders.iter().map(|order| self.room(order.request())).max().unwrap_or(0);
        let options = GenerateOptions { max_new_tokens: room, ..self.options };
        let answers = self.model.generate_guided(&prompts, &mut guides, &options, on_token)?;
        Ok(answers.into_iter().zip(guides).map(|(tokens, guide)| (tokens, Some(guide.statistics()))).collect())
    }

    /// For each order, what the teacher thinks of the titles.
    fn drafters(&self, orders: &[&Order], grammar: &Grammar) -> Result<Vec<Option<Drafter>>> {
        let Some(teacher) = self.drafts else { return Ok(vec![None; orders.len()]) };
        let histories: Vec<_> = orders.iter().map(|order| order.request().history.as_slice()).collect();
        teacher.answer(&histories, |_, scores| Some(Drafter::new(scores, grammar)))
    }

    fn read(&self, request: &Request, (tokens, guidance): Answer, seconds: f64) -> Result<List> {
        let text = self.model.words().tokenizer.decode(&tokens, true)?;
        Ok(List { items: self.items(request, &text), text, tokens: tokens.len(), guidance, seconds })
    }

    /// The checked items of an answer, or of its beginning.
    pub fn items(&self, request: &Request, text: &str) -> Vec<Checked> {
        check(answer::parse(text, self.form, self.catalogue), request, self.catalogue)
    }
}

fn not_for(mode: Mode) -> Error {
    Error::Failed(format!("an order without constraints was given to a recommender that decodes by {mode:?}"))
}
