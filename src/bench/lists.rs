//! The benchmark of constrained decoding: plain masked decoding beside jump-forward decoding and speculative drafts, in one run.

use std::str::FromStr;
use std::time::Instant;

use serde::Serialize;
use tiller_models::generate::{GenerateOptions, GenerateRequest, Sampling, TokenConstraint};
use tiller_models::language_model::InferenceModel;

use crate::constrain::{
    Automaton, ConstraintStats, DraftModel, Grammar, LeafScores, ListConstraint, MaskedBaseline, Mode,
};
use crate::data::Dataset;
use crate::recommend::PreparedRequest;
use crate::request::Request;
use crate::teacher::{Scorer, Teacher};
use crate::{Error, Result};

/// A way to decode lists under constraints. All of them write the same lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DecodeMethod {
    /// Plain masked decoding: one step for each token, all logits, those that may not follow masked
    Masked,
    /// A step for each choice: what follows without one is appended, and read together with the next choice
    Jump,
    /// That, and only the tokens that may follow are scored
    Fast,
    /// That, and the teacher's list is proposed, so that a step may make several choices
    Drafts,
}

impl DecodeMethod {
    /// All methods, the baseline first.
    pub const ALL: [Self; 4] = [Self::Masked, Self::Jump, Self::Fast, Self::Drafts];

    /// The name in flags and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Jump => "jump",
            Self::Fast => "fast",
            Self::Drafts => "drafts",
        }
    }
}

impl FromStr for DecodeMethod {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|method| method.name() == name);
        known.ok_or_else(|| Error::bad_input("--way").expected("masked, jump, fast or drafts").found(name).into())
    }
}

/// Lists to be written: users of a data set, and what is known of them.
pub struct ListBench<'a> {
    model: &'a InferenceModel,
    grammar: Grammar,
    prepared_requests: Vec<PreparedRequest>,
    prompts: Vec<Vec<u32>>,
    draft_models: Vec<DraftModel>,
}

/// The measurements of one method; counts are means over its lists.
#[derive(Debug, Clone, Serialize)]
pub struct ListTiming {
    /// The decoding method.
    pub way: DecodeMethod,
    /// The batch size.
    pub batch: usize,
    /// The number of lists of each repetition.
    pub lists: usize,
    /// Tokens of a prompt.
    pub prompt: f64,
    /// Tokens of a list, its end with it.
    pub tokens: f64,
    /// Tokens that were chosen among several.
    pub choices: f64,
    /// Calls of the model, the prompt's with them.
    pub steps: f64,
    /// Choices that drafts contained.
    pub drafted: f64,
    /// Drafted choices that the model accepted.
    pub confirmed: f64,
    /// Lists in a second, prompts and all: the median of the repetitions.
    pub per_second: f64,
    /// The slowest repetition.
    pub least: f64,
    /// The fastest.
    pub most: f64,
    /// Lists that are not those of the first way: none, but for logits that are alike up to rounding.
    pub differing: usize,
}

impl<'a> ListBench<'a> {
    /// Plain lists of `k` items for `count` users of `dataset`, by `model`, with drafts by `teacher`.
    ///
    /// # Errors
    /// Fewer users, a catalogue that the model's tokenizer cannot write, a device that fails.
    pub fn new(model: &'a InferenceModel, dataset: &Dataset, teacher: &Teacher, k: u32, count: usize) -> Result<Self> {
        let catalogue = &dataset.catalogue;
        let grammar = Grammar::of(&model.codec().tokenizer, catalogue)?;
        let users = dataset.users.get(..count).ok_or_else(|| {
            Error::bad_input(&dataset.name)
                .expected(format!("{count} users, one for each list of the largest batch"))
                .found(dataset.users.len())
                .next("give a smaller -b")
        })?;
        let prepared = |history: &[_]| {
            let request = Request { k, history: history.to_vec(), ..Request::default() };
            PreparedRequest::new(request, Mode::Strict, catalogue)
        };
        let prepared_requests = users.iter().map(|user| prepared(&user.items)).collect::<Result<Vec<_>>>()?;
        let prompts = prepared_requests
            .iter()
            .map(|prepared| model.codec().encode_chat(prepared.messages()))
            .collect::<Result<_>>()?;
        let histories: Vec<_> = users.iter().map(|user| user.items.as_slice()).collect();
        let draft_models = teacher
            .answer(&histories, |_, scores| Ok(DraftModel::new(LeafScores::new(scores, &grammar)?)))?
            .into_iter()
            .collect::<Result<_>>()?;
        Ok(Self { model, grammar, prepared_requests, prompts, draft_models })
    }

    /// Writes the first `lists` lists, `batch` at a time, once to warm up and then `repetitions` times. `expected` holds the lists of
    /// another way, or gets those of this one.
    ///
    /// # Errors
    /// A device that fails.
    pub fn measure(
        &self,
        way: DecodeMethod,
        (lists, batch): (usize, usize),
        repetitions: usize,
        expected: &mut Option<Vec<Vec<u32>>>,
    ) -> Result<ListTiming> {
        let (mut statistics, mut rates, mut differing) = (ConstraintStats::default(), Vec::new(), 0);
        for _ in 0..=repetitions {
            let start = Instant::now();
            let (written, counted) = self.write(way, lists, batch)?;
            rates.push(lists as f64 / start.elapsed().as_secs_f64());
            statistics = counted;
            let expected = expected.get_or_insert_with(|| written.clone());
            differing = expected.iter().zip(&written).filter(|(theirs, ours)| theirs != ours).count();
        }
        let mut rates = rates.split_off(1);
        rates.sort_by(f64::total_cmp);
        let mean = |count: usize| count as f64 / lists as f64;
        Ok(ListTiming {
            way,
            batch,
            lists,
            prompt: mean(self.prompts[..lists].iter().map(Vec::len).sum()),
            tokens: mean(statistics.choices + statistics.forced),
            choices: mean(statistics.choices),
            steps: mean(statistics.steps),
            drafted: mean(statistics.drafted),
            confirmed: mean(statistics.confirmed),
            per_second: rates[rates.len() / 2],
            least: rates[0],
            most: rates[rates.len() - 1],
            differing,
        })
    }

    /// The first lists, and what was counted.
    fn write(&self, way: DecodeMethod, lists: usize, batch: usize) -> Result<(Vec<Vec<u32>>, ConstraintStats)> {
        let (mut written, mut statistics) = (Vec::with_capacity(lists), ConstraintStats::default());
        for start in (0..lists).step_by(batch) {
            let places = start..lists.min(start + batch);
            let constraint = |place: usize| -> Result<ListConstraint> {
                let request = self.prepared_requests[place].feasible();
                let request = request.ok_or_else(|| Error::Failed("a strict request has no proof".into()))?;
                Ok(ListConstraint::new(Automaton::new(&self.grammar, request)?))
            };
            let list_constraints = places.clone().map(constraint).collect::<Result<Vec<_>>>()?;
            let prompts = &self.prompts[places.clone()];
            let list_constraints: Vec<ListConstraint> = match way {
                DecodeMethod::Masked => {
                    let mut list_constraints: Vec<MaskedBaseline> =
                        list_constraints.into_iter().map(MaskedBaseline).collect();
                    written.extend(self.continue_all(prompts, &mut list_constraints)?);
                    list_constraints.into_iter().map(|MaskedBaseline(constraint)| constraint).collect()
                }
                DecodeMethod::Jump | DecodeMethod::Fast | DecodeMethod::Drafts => {
                    let set_up = |(place, constraint)| self.set_up(way, place, constraint);
                    let mut list_constraints = places.zip(list_constraints).map(set_up).collect::<Vec<_>>();
                    written.extend(self.continue_all(prompts, &mut list_constraints)?);
                    list_constraints
                }
            };
            list_constraints.iter().for_each(|constraint| statistics.add(constraint.statistics()));
        }
        Ok((written, statistics))
    }

    fn set_up<'g>(&self, way: DecodeMethod, place: usize, constraint: ListConstraint<'g>) -> ListConstraint<'g> {
        match way {
            DecodeMethod::Masked | DecodeMethod::Jump => constraint,
            DecodeMethod::Fast => constraint.without_logprobs(),
            DecodeMethod::Drafts => constraint.without_logprobs().drafting(self.draft_models[place].clone()),
        }
    }

    fn continue_all<G: TokenConstraint>(
        &self,
        prompts: &[Vec<u32>],
        list_constraints: &mut [G],
    ) -> Result<Vec<Vec<u32>>> {
        let longest = self.prepared_requests.iter().map(|prepared| prepared.request().k as usize).max().unwrap_or(0);
        let room = self.grammar.longest(longest);
        let how = GenerateOptions { max_new_tokens: room, sampling: Sampling::Greedy, seed: 0 };
        self.model.generate(GenerateRequest::new(prompts, how).constrained_by(list_constraints))
    }
}
