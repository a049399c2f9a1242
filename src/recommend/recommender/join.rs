//! Lists in a continuous batch: each joins by itself, is followed while it is written, and ends by itself.

use std::time::Instant;

use tiller_models::generate::{
    Allowed, DraftTokens, LiveSequence, LogitBias, NewSequence, TokenConstraint, TokenLogprob, Unconstrained,
};

use super::answer_reader::{AnswerReader, AnswerText};
use super::{Generated, List, Recommender, enough_tokens};
use crate::Result;
use crate::constrain::{GuideWeight, LeafScores, ListConstraint};
use crate::recommend::PreparedRequest;
use crate::recommend::trace::{LineTrace, TracedChoice, line_traces};

/// The receiver of a list in a continuous batch.
pub trait ListReceiver: Send {
    /// The request of the list.
    fn prepared(&self) -> &PreparedRequest;

    /// The teacher's part in the choices of a constrained list: the model's weight, and the teacher's scores of all items, item 1 first.
    fn guide(&self) -> Option<(GuideWeight, &[f32])>;

    /// Returns true where the pieces of the answer are wanted as they are written.
    fn streams(&self) -> bool;

    /// Takes a new piece of the answer.
    fn text(&mut self, piece: &str);

    /// Returns true once nobody waits for the list: it ends with its next token.
    fn is_cancelled(&self) -> bool;

    /// Takes the list, or the error that ended it. Called once.
    fn end(&mut self, list: Result<WrittenList>);
}

/// A list that was written in a continuous batch.
#[derive(Debug, Clone)]
pub struct WrittenList {
    /// The list.
    pub list: List,
    /// The model's own view of each line.
    pub traces: Vec<LineTrace>,
    /// The number of tokens of the prompt.
    pub prompt_tokens: usize,
}

impl Recommender<'_> {
    /// The sequence of a list that joins a continuous batch; `None` where it cannot begin, such as behind a prompt that is too long. Its
    /// receiver knows by then. The guide is the receiver's, and the length follows from the request alone.
    pub fn join<'s, R: ListReceiver + 's>(&'s self, mut receiver: R) -> Option<NewSequence<'s>> {
        let (prompt, max_new_tokens, writer) = match self.begin(&receiver) {
            Ok(begun) => begun,
            Err(error) => {
                receiver.end(Err(error));
                return None;
            }
        };
        let reader = self.reader();
        let live = ListInProgress {
            text: receiver.streams().then(|| AnswerText::new(reader.tokenizer)),
            reader,
            receiver,
            writer,
            prompt_tokens: prompt.len(),
            start: Instant::now(),
            accepted: 0,
            choices: Vec::new(),
            is_cancelled: false,
        };
        Some(NewSequence { prompt, max_new_tokens, live: Box::new(live) })
    }

    /// The prompt of a list, the most tokens of its answer, and its constraint.
    fn begin(&self, receiver: &impl ListReceiver) -> Result<(Vec<u32>, usize, ListWriter<'_>)> {
        let prepared = receiver.prepared();
        let Some(grammar) = &self.grammar else {
            let room = enough_tokens(prepared.request().k);
            let free = Unconstrained { stream: Some(prepared.stream()) };
            return Ok((self.prompt_before(prepared, room)?, room, ListWriter::Free(free)));
        };
        let guide = receiver.guide();
        let scores = guide.map(|(_, scores)| LeafScores::new(scores, grammar)).transpose()?;
        let constraint = self.constraint(grammar, prepared, scores, guide.map(|(weight, _)| weight))?;
        let room = self.room(prepared.request());
        Ok((self.prompt_before(prepared, room)?, room, ListWriter::Constrained(Box::new(constraint))))
    }
}

/// The constraint of a list.
enum ListWriter<'a> {
    Free(Unconstrained),
    Constrained(Box<ListConstraint<'a>>),
}

impl ListWriter<'_> {
    fn constraint(&self) -> &dyn TokenConstraint {
        match self {
            Self::Free(free) => free,
            Self::Constrained(constraint) => &**constraint,
        }
    }

    fn constraint_mut(&mut self) -> &mut dyn TokenConstraint {
        match self {
            Self::Free(free) => free,
            Self::Constrained(constraint) => &mut **constraint,
        }
    }
}

/// A list that is being written.
struct ListInProgress<'a, R> {
    reader: AnswerReader<'a>,
    receiver: R,
    writer: ListWriter<'a>,
    prompt_tokens: usize,
    start: Instant,
    /// The text so far, where the receiver wants its pieces.
    text: Option<AnswerText<'a>>,
    /// The number of tokens so far.
    accepted: usize,
    /// The choices whose log-probabilities are known.
    choices: Vec<TracedChoice>,
    /// Set with a token only: between two tokens, `allowed` must not change its mind.
    is_cancelled: bool,
}

impl<R: ListReceiver> ListInProgress<'_, R> {
    /// The list of these tokens.
    fn written(&self, tokens: Vec<u32>) -> Result<WrittenList> {
        let traces = line_traces(&tokens, &self.choices, self.reader.tokenizer)?;
        let guidance = match &self.writer {
            ListWriter::Free(_) => None,
            ListWriter::Constrained(constraint) => Some(constraint.statistics()),
        };
        let (answer, seconds) = (Generated { tokens, guidance, log_probs: None }, self.start.elapsed().as_secs_f64());
        let list = self.reader.list(self.receiver.prepared(), answer, seconds)?;
        Ok(WrittenList { list, traces, prompt_tokens: self.prompt_tokens })
    }
}

impl<R: ListReceiver> TokenConstraint for ListInProgress<'_, R> {
    fn allowed(&self) -> Allowed<'_> {
        if self.is_cancelled { Allowed::Forced(&[]) } else { self.writer.constraint().allowed() }
    }

    fn accept(&mut self, token: u32, logprob: Option<&TokenLogprob>) -> Result<()> {
        if let Some(&logprob) = logprob {
            self.choices.push(TracedChoice::new(self.accepted, logprob, self.writer.constraint().allowed()));
        }
        self.accepted += 1;
        self.writer.constraint_mut().accept(token, logprob)?;
        if let Some(text) = &mut self.text {
            self.receiver.text(&text.push(token)?);
        }
        self.is_cancelled = self.receiver.is_cancelled();
        Ok(())
    }

    fn needs_logits(&self) -> bool {
        self.writer.constraint().needs_logits()
    }

    fn logit_bias(&self) -> Option<LogitBias> {
        self.writer.constraint().logit_bias()
    }

    fn lookahead(&self) -> usize {
        self.writer.constraint().lookahead()
    }

    fn draft(&mut self) -> Vec<DraftTokens> {
        self.writer.constraint_mut().draft()
    }

    fn stream(&self) -> Option<u64> {
        self.writer.constraint().stream()
    }
}

impl<R: ListReceiver> LiveSequence for ListInProgress<'_, R> {
    fn end(&mut self, tokens: Result<Vec<u32>>) {
        let list = tokens.and_then(|tokens| self.written(tokens));
        self.receiver.end(list);
    }
}

#[cfg(test)]
mod tests;
