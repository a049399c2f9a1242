//! The throughput of a Llama: the tests of llama-bench, batches, and lists.

use std::time::Instant;

use serde::Serialize;
use tiller_models::generate::{Allowed, GenerateOptions, GenerateRequest, Sampling, TokenConstraint, TokenLogprob};
use tiller_models::language_model::Backend;

use crate::Result;

/// A test to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LlmTest {
    /// Reading a prompt of so many tokens: llama-bench's "pp".
    Prompt(usize),
    /// Writing so many tokens, in so many sequences side by side: llama-bench's "tg".
    Write(usize, usize),
    /// Lists of ten for so many users at once: a prompt of 256 tokens, of which 192 are in common, and a list of 130 tokens, of which 25
    /// are choices among 16.
    Lists(usize),
    /// Shorter lists: prompts of 32 tokens, of which 24 are in common, and lists of 16 tokens, of which 4 are choices.
    ShortLists(usize),
}

impl LlmTest {
    /// Sequences side by side.
    pub fn rows(self) -> usize {
        match self {
            LlmTest::Prompt(_) => 1,
            LlmTest::Write(_, rows) | LlmTest::Lists(rows) | LlmTest::ShortLists(rows) => rows,
        }
    }

    /// Tokens of a sequence, prompt and answer.
    pub fn tokens(self) -> usize {
        match self {
            LlmTest::Prompt(tokens) => tokens + 1,
            LlmTest::Write(tokens, _) => tokens + 1,
            LlmTest::Lists(_) => LISTS.tokens(),
            LlmTest::ShortLists(_) => SHORT_LISTS.tokens(),
        }
    }

    /// The name that llama-bench gives it.
    pub fn name(self) -> String {
        match self {
            LlmTest::Prompt(tokens) => format!("pp{tokens}"),
            LlmTest::Write(tokens, 1) => format!("tg{tokens}"),
            LlmTest::Write(tokens, rows) => format!("tg{tokens} b{rows}"),
            LlmTest::Lists(rows) => format!("lists b{rows}"),
            LlmTest::ShortLists(rows) => format!("short lists b{rows}"),
        }
    }
}

/// A result.
#[derive(Debug, Clone, Serialize)]
pub struct Throughput {
    /// The test.
    pub test: String,
    /// The unit that is counted: tokens or lists.
    pub unit: &'static str,
    /// Units in a second: the median of the repetitions.
    pub per_second: f64,
    /// The slowest repetition.
    pub least: f64,
    /// The fastest.
    pub most: f64,
}

/// The cost of decoding one token of one sequence on a GPU.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TokenCost {
    /// Dispatches.
    pub launches: f64,
    /// Dispatches for each layer of the model, including those between the embedding and the choice.
    pub launches_per_layer: f64,
    /// Bytes of weights and cache that are read.
    pub bytes: f64,
    /// Bytes that the weights have, and on average the keys and values of the tokens so far.
    pub needed_bytes: f64,
}

/// A model to measure, on a GPU or on the CPU.
pub struct BenchModel(pub Backend);

/// The lengths of a prompt and its list, in tokens.
#[derive(Debug, Clone, Copy)]
struct ListShape {
    prompt: usize,
    /// The start of the prompt, which all prompts of a batch share.
    in_common: usize,
    list: usize,
    /// Choices of a list, evenly spread among its tokens.
    choices: usize,
}

impl ListShape {
    fn tokens(self) -> usize {
        self.prompt + self.list
    }
}

const LISTS: ListShape = ListShape { prompt: 256, in_common: 192, list: 130, choices: 25 };
const SHORT_LISTS: ListShape = ListShape { prompt: 32, in_common: 24, list: 16, choices: 4 };

/// A list in outline: choices among a few tokens, and between them a token that follows.
struct ListOutline {
    shape: ListShape,
    written: usize,
    follows: [u32; 1],
    list: [u32; 16],
}

impl TokenConstraint for ListOutline {
    fn allowed(&self) -> Allowed<'_> {
        let choices_before = |written: usize| (written * self.shape.choices).div_ceil(self.shape.list);
        match choices_before(self.written) < choices_before(self.written + 1) {
            true => Allowed::OneOf(&self.list),
            false => Allowed::Forced(&self.follows),
        }
    }

    fn accept(&mut self, _token: u32, _logprob: Option<&TokenLogprob>) -> Result<()> {
        self.written += 1;
        Ok(())
    }
}

impl BenchModel {
    /// Runs a test once to warm up, then `repetitions` times.
    ///
    /// # Errors
    /// A device that fails or has too little memory.
    pub fn measure(&mut self, test: LlmTest, repetitions: usize) -> Result<Throughput> {
        let mut rates = Vec::new();
        for repetition in 0..=repetitions {
            let start = Instant::now();
            let count = self.run(test, repetition as u32)?;
            rates.push(count as f64 / start.elapsed().as_secs_f64());
        }
        let mut rates = rates.split_off(1);
        rates.sort_by(f64::total_cmp);
        let unit = if matches!(test, LlmTest::Lists(_)) { "lists" } else { "tokens" };
        let (least, most) = (rates[0], rates[rates.len() - 1]);
        Ok(Throughput { test: test.name(), unit, per_second: rates[rates.len() / 2], least, most })
    }

    /// Runs a test once to warm up, then until `seconds` have passed, once at least. Returns the units a second of the fastest run, which
    /// other work on the machine has slowed down least.
    ///
    /// # Errors
    /// A device that fails or has too little memory.
    pub fn fastest(&mut self, test: LlmTest, seconds: f64) -> Result<f64> {
        self.run(test, 0)?;
        let (begin, mut repetition, mut fastest) = (Instant::now(), 0, 0.0_f64);
        while repetition == 0 || begin.elapsed().as_secs_f64() < seconds {
            repetition += 1;
            let start = Instant::now();
            let count = self.run(test, repetition)?;
            fastest = fastest.max(count as f64 / start.elapsed().as_secs_f64());
        }
        Ok(fastest)
    }

    /// The cost of a token while `tokens` are generated behind a prompt of one; `None` on a CPU, which counts nothing.
    ///
    /// # Errors
    /// A device that fails or has too little memory.
    pub fn cost(&mut self, tokens: usize) -> Result<Option<TokenCost>> {
        let Backend::Engine(engine) = &self.0 else { return Ok(None) };
        let before = engine.work();
        self.run(LlmTest::Write(tokens, 1), 0)?;
        let Backend::Engine(engine) = &self.0 else { return Ok(None) };
        let after = engine.work();
        let per_step = |of: usize| of as f64 / (after.steps - before.steps).max(1) as f64;
        let launches = per_step(after.launches - before.launches);
        let cache = engine.kv_bytes_per_token() as f64 * (tokens + 1) as f64 / 2.0;
        Ok(Some(TokenCost {
            launches,
            launches_per_layer: launches / engine.config().n_layers as f64,
            bytes: per_step(after.bytes - before.bytes),
            needed_bytes: engine.weight_bytes() as f64 + cache,
        }))
    }

    /// Runs a test; says how much was done. No repetition shares its prompt with another.
    fn run(&mut self, test: LlmTest, repetition: u32) -> Result<usize> {
        let vocabulary = self.vocabulary();
        let token = |row: usize, at: usize| {
            let number = (row * 7919 + at * 104_729 + repetition as usize * 31_337) % vocabulary as usize;
            number as u32
        };
        match test {
            LlmTest::Prompt(tokens) => {
                let prompt = (0..tokens).map(|at| token(0, at)).collect();
                self.generate(GenerateRequest::new(&[prompt], options(1)))?;
                Ok(tokens)
            }
            LlmTest::Write(tokens, rows) => {
                let prompts: Vec<Vec<u32>> = (0..rows).map(|row| vec![token(row, 0)]).collect();
                self.generate(GenerateRequest::new(&prompts, options(tokens)))?;
                Ok(rows * tokens)
            }
            LlmTest::Lists(rows) => self.write_lists(rows, LISTS, token),
            LlmTest::ShortLists(rows) => {
                self.write_lists(rows, SHORT_LISTS, token)?;
                Ok(rows * SHORT_LISTS.tokens())
            }
        }
    }

    /// Writes a list for each row, of tokens that `token` draws for a row and a place; returns the number of lists.
    fn write_lists(&mut self, rows: usize, shape: ListShape, token: impl Fn(usize, usize) -> u32) -> Result<usize> {
        let vocabulary = self.vocabulary();
        let row_of = |row: usize, at: usize| if at < shape.in_common { 0 } else { row + 1 };
        let prompts: Vec<Vec<u32>> =
            (0..rows).map(|row| (0..shape.prompt).map(|at| token(row_of(row, at), at)).collect()).collect();
        let outline = |row: usize| {
            let mut list: [u32; 16] =
                std::array::from_fn(|i| (row + i * (vocabulary as usize / 16)) as u32 % vocabulary);
            list.sort_unstable();
            ListOutline { shape, written: 0, follows: [token(row, 0)], list }
        };
        let mut guides: Vec<ListOutline> = (0..rows).map(outline).collect();
        self.generate(GenerateRequest::new(&prompts, options(shape.list)).constrained_by(&mut guides))?;
        Ok(rows)
    }

    fn vocabulary(&self) -> u32 {
        self.0.config().vocab_size as u32
    }

    fn generate(&mut self, request: GenerateRequest) -> Result<()> {
        self.0.generator().generate(request).map(drop)
    }
}

fn options(max_new_tokens: usize) -> GenerateOptions {
    GenerateOptions { max_new_tokens, sampling: Sampling::Greedy, seed: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_spreads_its_choices_over_its_tokens() {
        for shape in [LISTS, SHORT_LISTS] {
            let list = std::array::from_fn(|i| i as u32);
            let mut outline = ListOutline { shape, written: 0, follows: [1], list };
            let mut choices = 0;
            while outline.written < shape.list {
                choices += usize::from(matches!(outline.allowed(), Allowed::OneOf(_)));
                outline.accept(1, None).unwrap();
            }
            assert_eq!(choices, shape.choices);
        }
    }
}
