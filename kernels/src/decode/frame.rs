//! The frame of a step: what the host wants of it, in the words that `lib/frame.wgsl` reads.

use std::collections::BTreeSet;

use super::attention::{Heads, Queries, Splits, split_keys};
use super::score;

/// Words of the frame's head.
const HEAD: usize = 16;

/// Words of an answer, see [`Answer`].
pub const ANSWER_WORDS: usize = 8;

/// Marks a token whose id is an answer that only the GPU knows yet.
const FROM_ANSWER: u32 = 1 << 31;

/// Where a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The host names it.
    Id(u32),
    /// The last answer in this slot.
    Answer(usize),
}

/// Tokens of one sequence that follow each other in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run<'a> {
    /// The tokens.
    pub tokens: &'a [Source],
    /// The position of the first.
    pub position: usize,
    /// The pages of the sequence's positions, from 0 to the last of these tokens.
    pub pages: &'a [u32],
    /// The adapter that the sequence goes through, counted from 1; 0 for none.
    pub adapter: usize,
}

/// What is to be chosen behind a token of the step.
#[derive(Debug, Clone, PartialEq)]
pub struct Question<'a> {
    /// The token's number in the step.
    pub token: usize,
    /// Where the answer goes.
    pub slot: usize,
    /// The tokens that may follow; nothing for all.
    pub list: Option<&'a [u32]>,
    /// Whether the whole vocabulary is scored: it is where there is no list.
    pub full: bool,
    /// In [0, 1): where in the summed probabilities a random answer is taken.
    pub chance: f64,
}

/// How random answers are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// Divides the logits.
    pub temperature: f32,
    /// Only so many of the likeliest; 0 for all.
    pub top_k: usize,
    /// Only the likeliest that together have this probability.
    pub top_p: f32,
}

impl Chance {
    /// The plain probabilities.
    pub const PLAIN: Chance = Chance { temperature: 1.0, top_k: 0, top_p: 1.0 };
}

/// How much there is of everything in a frame: what the grids of a step's launches are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens.
    pub tokens: usize,
    /// Tiles of neighbouring tokens.
    pub tiles: usize,
    /// Parts into which the keys are split.
    pub splits: usize,
    /// Questions.
    pub questions: usize,
    /// Questions that score the whole vocabulary.
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

/// The words of a frame, and its counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// What goes into the frame's buffer.
    pub words: Vec<u32>,
    /// How much there is.
    pub counts: Counts,
    /// How attention takes the keys.
    pub splits: Splits,
}

/// The model's answer to a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The token.
    pub token: u32,
    /// Its logit.
    pub logit: f32,
    /// log Σ exp of all logits, where all were scored.
    pub log_sum: f32,
    /// log Σ exp of the logits of the tokens that may follow.
    pub log_sum_allowed: f32,
    /// The likeliest token of all, where all were scored.
    pub wish: u32,
    /// Whether all logits were numbers.
    pub sound: bool,
}

impl Answer {
    /// The answer in a slot's words.
    pub fn of(words: &[u32]) -> Self {
        let number = |i: usize| f32::from_bits(words[i]);
        Answer {
            token: words[0],
            logit: number(1),
            log_sum: number(2),
            log_sum_allowed: number(3),
            wish: words[4],
            sound: words[5] != 0,
        }
    }
}

impl Frame {
    /// The frame of a step in which the sequences of `runs` go on and `questions` are asked: those of the whole vocabulary first.
    ///
    /// # Panics
    /// No tokens; questions in another order.
    pub fn new(runs: &[Run], questions: &[Question], chance: Chance, heads: Heads) -> Self {
        let queries = heads.queries_for(runs.iter().map(|run| run.tokens.len()));
        Self::taking(queries, runs, questions, chance, heads)
    }

    /// The same, with the queries taken as is said.
    pub(super) fn taking(queries: Queries, runs: &[Run], questions: &[Question], chance: Chance, heads: Heads) -> Self {
        assert!(questions.is_sorted_by_key(|q| !q.full), "questions of the whole vocabulary come first");
        let tile = heads.tile(queries);
        let tiles = runs.iter().map(|run| run.tokens.len().div_ceil(tile)).sum();
        let longest = runs.iter().map(|run| run.position + run.tokens.len()).max().unwrap_or(0);
        let splits = Splits { spans: heads.spans(queries, tiles, longest), queries };
        let mut frame = Frame { words: vec![0; HEAD], counts: Counts::default(), splits };
        let tables: Vec<usize> = runs.iter().map(|run| frame.push(run.pages.iter().copied())).collect();
        let lists: Vec<usize> = questions.iter().map(|q| frame.push(q.list.into_iter().flatten().copied())).collect();

        let tokens = frame.words.len();
        for (run, &table) in runs.iter().zip(&tables) {
            for (i, source) in run.tokens.iter().enumerate() {
                let source = match *source {
                    Source::Id(id) => id,
                    Source::Answer(slot) => FROM_ANSWER | slot as u32,
                };
                frame.words.extend([source, (run.position + i) as u32, table as u32, run.adapter as u32]);
                frame.counts.tokens += 1;
                frame.counts.pairs += run.position + i + 1;
            }
        }
        assert!(frame.counts.tokens > 0, "a step has tokens");
        let adapters: BTreeSet<usize> = runs.iter().map(|run| run.adapter).filter(|adapter| *adapter > 0).collect();
        frame.counts.adapters = adapters.len();

        let tiles = frame.words.len();
        let mut first = 0;
        for (run, &table) in runs.iter().zip(&tables) {
            for (i, part) in run.tokens.chunks(tile).enumerate() {
                let position = run.position + i * tile;
                frame.words.extend([first, part.len(), position, table].map(|word| word as u32));
                first += part.len();
                frame.counts.tiles += 1;
                frame.counts.keys += position + part.len();
            }
        }
        frame.counts.splits = longest.div_ceil(split_keys(frame.splits.spans));

        let asked = frame.words.len();
        for (question, &list) in questions.iter().zip(&lists) {
            let count = question.list.map_or(0, <[u32]>::len);
            let chance = (question.chance as f32).to_bits();
            frame.words.extend([question.token as u32, question.slot as u32, list as u32, count as u32, chance]);
            frame.counts.questions += 1;
            frame.counts.full += usize::from(question.full);
        }

        let chunks = frame.words.len();
        for (q, (question, &list)) in questions.iter().zip(&lists).enumerate().filter(|(_, (q, _))| !q.full) {
            for start in (0..question.list.map_or(0, <[u32]>::len)).step_by(score::ROWS) {
                frame.words.extend([q as u32, (list + start) as u32]);
                frame.counts.chunks += 1;
            }
        }

        let Counts { tokens: n, tiles: t, splits, questions: q, full, chunks: c, .. } = frame.counts;
        let head = [n, tokens, t, tiles, splits, q, asked, full, c, chunks].map(|word| word as u32);
        frame.words[..head.len()].copy_from_slice(&head);
        frame.words[10..13].copy_from_slice(&[
            chance.temperature.to_bits(),
            chance.top_k as u32,
            chance.top_p.to_bits(),
        ]);
        frame
    }

    /// Appends words and says where they begin.
    fn push(&mut self, words: impl Iterator<Item = u32>) -> usize {
        let at = self.words.len();
        self.words.extend(words);
        at
    }
}
