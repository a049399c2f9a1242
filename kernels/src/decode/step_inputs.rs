//! The inputs of a step, in the words that `lib/step_inputs.wgsl` reads: tokens, block tables of the paged KV
//! cache, and requests for logits.

use std::collections::BTreeSet;

use super::heads::{Heads, Queries, Splits, split_keys};
use super::matmul::ROWS;

/// Words of the head.
const HEAD: usize = 16;

/// Words of a sampled token, see [`SampledToken`].
pub const SAMPLED_TOKEN_WORDS: usize = 8;

/// Marks a token that was sampled on the GPU and that the host has not read back yet.
const FROM_SAMPLED: u32 = 1 << 31;

/// The source of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSource {
    /// An id from the host.
    Id(u32),
    /// The last sampled token in this slot.
    Sampled(usize),
}

/// Tokens of one sequence that follow each other in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSpan<'a> {
    /// The tokens.
    pub tokens: &'a [TokenSource],
    /// The position of the first.
    pub position: usize,
    /// The block table: the pages of the sequence's positions, from 0 to the last of these tokens.
    pub pages: &'a [u32],
    /// The adapter of the sequence, counted from 1; 0 for none.
    pub adapter: usize,
}

/// A request for the token that follows a token of the step.
#[derive(Debug, Clone, PartialEq)]
pub struct LogitsRequest<'a> {
    /// The token's number in the step.
    pub token: usize,
    /// The slot of the sampled token.
    pub slot: usize,
    /// The tokens that may follow (the logits mask); `None` for all.
    pub list: Option<&'a [u32]>,
    /// The logit bias of a list; `None` for the logits themselves.
    pub bias: Option<ListBias<'a>>,
    /// True if the whole vocabulary is scored, as it must be without a list.
    pub full: bool,
    /// A uniform number in [0, 1): the point of the cumulative probabilities at which a random token is
    /// taken.
    pub uniform: f64,
}

/// The logit bias of listed tokens: among them the score `weight · logit + bias` decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ListBias<'a> {
    /// The factor of the logits.
    pub weight: f32,
    /// One bias for each token of the list.
    pub biases: &'a [f32],
}

/// The parameters of random sampling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplingParams {
    /// Divides the logits.
    pub temperature: f32,
    /// The number of likeliest tokens to keep; 0 for all.
    pub top_k: usize,
    /// The smallest set of likeliest tokens whose probabilities reach this.
    pub top_p: f32,
}

impl SamplingParams {
    /// The unmodified probabilities.
    pub const PLAIN: SamplingParams = SamplingParams { temperature: 1.0, top_k: 0, top_p: 1.0 };
}

/// The counts of a step's inputs, from which the grids of its launches are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// Tokens.
    pub tokens: usize,
    /// Tiles of neighbouring tokens.
    pub tiles: usize,
    /// Parts into which the keys are split.
    pub splits: usize,
    /// Requests.
    pub requests: usize,
    /// Requests that score the whole vocabulary.
    pub full: usize,
    /// Chunks of listed tokens.
    pub chunks: usize,
    /// Keys that are read, summed over the tiles.
    pub keys: usize,
    /// Keys that are seen, summed over the tokens.
    pub pairs: usize,
    /// Adapters that some token has.
    pub adapters: usize,
}

/// The inputs of a step: their words and counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepInputs {
    /// The content of the buffer of step inputs.
    pub words: Vec<u32>,
    /// The counts.
    pub counts: StepCounts,
    /// The split of the keys among workgroups.
    pub splits: Splits,
}

/// The token that was sampled for a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampledToken {
    /// The token.
    pub token: u32,
    /// Its logit.
    pub logit: f32,
    /// log Σ exp of all logits, where all were scored.
    pub log_sum: f32,
    /// log Σ exp of the logits of the tokens that may follow.
    pub log_sum_allowed: f32,
    /// The likeliest token of all, where all were scored.
    pub argmax_token: u32,
    /// True if no logit was NaN or infinite.
    pub finite: bool,
}

impl SampledToken {
    /// The sampled token in a slot's words.
    pub fn of(words: &[u32]) -> Self {
        let number = |i: usize| f32::from_bits(words[i]);
        SampledToken {
            token: words[0],
            logit: number(1),
            log_sum: number(2),
            log_sum_allowed: number(3),
            argmax_token: words[4],
            finite: words[5] != 0,
        }
    }
}

impl StepInputs {
    /// The inputs of a step that continues the sequences of `token_spans` and answers `requests`: those for
    /// the whole vocabulary first.
    ///
    /// # Panics
    /// No tokens; requests in another order; another number of biases than of listed tokens.
    pub fn new(token_spans: &[TokenSpan], requests: &[LogitsRequest], params: SamplingParams, heads: Heads) -> Self {
        let queries = heads.queries_for(token_spans.iter().map(|span| span.tokens.len()));
        Self::taking(queries, token_spans, requests, params, heads)
    }

    /// [`new`](StepInputs::new) with the given kind of tile.
    pub(super) fn taking(
        queries: Queries,
        token_spans: &[TokenSpan],
        requests: &[LogitsRequest],
        params: SamplingParams,
        heads: Heads,
    ) -> Self {
        assert!(requests.is_sorted_by_key(|q| !q.full), "requests of the whole vocabulary come first");
        let tile = heads.tile(queries);
        let tiles = token_spans.iter().map(|span| span.tokens.len().div_ceil(tile)).sum();
        let longest = token_spans.iter().map(|span| span.position + span.tokens.len()).max().unwrap_or(0);
        let splits = Splits { spans: heads.spans(queries, tiles, longest), queries };
        let mut step_inputs = StepInputs { words: vec![0; HEAD], counts: StepCounts::default(), splits };
        let tables: Vec<usize> = token_spans.iter().map(|span| step_inputs.push(span.pages.iter().copied())).collect();
        let lists: Vec<usize> =
            requests.iter().map(|q| step_inputs.push(q.list.into_iter().flatten().copied())).collect();
        let biases: Vec<usize> = requests.iter().map(|request| step_inputs.push_biases(request)).collect();

        let tokens = step_inputs.words.len();
        for (span, &table) in token_spans.iter().zip(&tables) {
            for (i, source) in span.tokens.iter().enumerate() {
                let source = match *source {
                    TokenSource::Id(id) => id,
                    TokenSource::Sampled(slot) => FROM_SAMPLED | slot as u32,
                };
                step_inputs.words.extend([source, (span.position + i) as u32, table as u32, span.adapter as u32]);
                step_inputs.counts.tokens += 1;
                step_inputs.counts.pairs += span.position + i + 1;
            }
        }
        assert!(step_inputs.counts.tokens > 0, "a step has tokens");
        let adapters: BTreeSet<usize> =
            token_spans.iter().map(|span| span.adapter).filter(|adapter| *adapter > 0).collect();
        step_inputs.counts.adapters = adapters.len();

        let tiles = step_inputs.words.len();
        let mut first = 0;
        for (span, &table) in token_spans.iter().zip(&tables) {
            for (i, part) in span.tokens.chunks(tile).enumerate() {
                let position = span.position + i * tile;
                step_inputs.words.extend([first, part.len(), position, table].map(|word| word as u32));
                first += part.len();
                step_inputs.counts.tiles += 1;
                step_inputs.counts.keys += position + part.len();
            }
        }
        step_inputs.counts.splits = longest.div_ceil(split_keys(step_inputs.splits.spans));

        let asked = step_inputs.words.len();
        for ((request, &list), &biases) in requests.iter().zip(&lists).zip(&biases) {
            let count = request.list.map_or(0, <[u32]>::len);
            let weight = request.bias.map_or(1.0, |bias| bias.weight);
            let offsets = [request.token, request.slot, list, count].map(|word| word as u32);
            step_inputs.words.extend(offsets);
            step_inputs.words.extend([(request.uniform as f32).to_bits(), weight.to_bits(), biases as u32]);
            step_inputs.counts.requests += 1;
            step_inputs.counts.full += usize::from(request.full);
        }

        let chunks = step_inputs.words.len();
        for (q, (request, &list)) in requests.iter().zip(&lists).enumerate().filter(|(_, (q, _))| !q.full) {
            for start in (0..request.list.map_or(0, <[u32]>::len)).step_by(ROWS) {
                step_inputs.words.extend([q as u32, (list + start) as u32]);
                step_inputs.counts.chunks += 1;
            }
        }

        let StepCounts { tokens: n, tiles: t, splits, requests: q, full, chunks: c, .. } = step_inputs.counts;
        let head = [n, tokens, t, tiles, splits, q, asked, full, c, chunks].map(|word| word as u32);
        step_inputs.words[..head.len()].copy_from_slice(&head);
        step_inputs.words[10..13].copy_from_slice(&[
            params.temperature.to_bits(),
            params.top_k as u32,
            params.top_p.to_bits(),
        ]);
        step_inputs
    }

    /// Appends the biases of a request and returns their offset; 0, where the head lies, without biases.
    fn push_biases(&mut self, request: &LogitsRequest) -> usize {
        let Some(ListBias { biases, .. }) = request.bias else { return 0 };
        assert_eq!(biases.len(), request.list.map_or(0, <[u32]>::len), "a bias for each listed token");
        self.push(biases.iter().map(|bias| bias.to_bits()))
    }

    /// Appends words and returns their offset.
    fn push(&mut self, words: impl Iterator<Item = u32>) -> usize {
        let at = self.words.len();
        self.words.extend(words);
        at
    }
}
