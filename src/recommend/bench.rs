//! How fast lists come, by plain masked decoding and by each thing that tiller does about it, all in one run.

use std::ops::ControlFlow;
use std::time::Instant;

use serde::Serialize;
use tiller_models::language_model::Speaker;
use tiller_models::llama::{GenerateOptions, Guide, Sampling};

use super::Order;
use crate::data::Dataset;
use crate::decode::{Automaton, Drafter, Grammar, ListGuide, Masked, Mode, Statistics};
use crate::request::Request;
use crate::teacher::{Scorer, Teacher};
use crate::{Error, Result};

/// How lists are written. The lists are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Plain masked decoding: one step for each token, all logits, those that may not follow masked
    Masked,
    /// A step for each choice: what follows without one is appended, and read together with the next choice
    Jump,
    /// That, and only the tokens that may follow are scored
    Fast,
    /// That, and the teacher's list is proposed, so that a step may make several choices
    Drafts,
}

/// Lists to be written: users of a data set, and what is known of them.
pub struct Bench<'a> {
    model: &'a Speaker,
    grammar: Grammar,
    orders: Vec<Order>,
    prompts: Vec<Vec<u32>>,
    drafters: Vec<Drafter>,
}

/// What a way took, a mean of each count over its lists.
#[derive(Debug, Clone, Serialize)]
pub struct Took {
    /// How the lists were written.
    pub way: Way,
    /// How many at a time.
    pub batch: usize,
    /// How many were written in each repetition.
    pub lists: usize,
    /// Tokens of a prompt.
    pub prompt: f64,
    /// Tokens of a list, its end with it.
    pub tokens: f64,
    /// Tokens that were chosen among several.
    pub choices: f64,
    /// Calls of the model, the prompt's with them.
    pub steps: f64,
    /// Choices that drafts foresaw.
    pub drafted: f64,
    /// Those that came as foreseen.
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

impl<'a> Bench<'a> {
    /// Plain lists of `k` items for `count` users of `dataset`, by `model`, with drafts by `teacher`.
    ///
    /// # Errors
    /// Fewer users, a catalogue that the model's tokenizer cannot write, a device that fails.
    pub fn new(model: &'a Speaker, dataset: &Dataset, teacher: &Teacher, k: u32, count: usize) -> Result<Self> {
        let catalogue = &dataset.catalogue;
        let grammar = Grammar::of(&model.words().tokenizer, catalogue)?;
        let users = dataset.users.get(..count).ok_or_else(|| {
            Error::bad_input(&dataset.name)
                .expected(format!("{count} users, one for each list of the largest batch"))
                .found(dataset.users.len())
                .next("give a smaller -b")
        })?;
        let order = |history: &[_]| {
            let request = Request { k, history: history.to_vec(), ..Request::default() };
            Order::new(request, Mode::Strict, catalogue)
        };
        let orders = users.iter().map(|user| order(&user.items)).collect::<Result<Vec<_>>>()?;
        let prompts = orders.iter().map(|order| model.words().encode_chat(order.messages())).collect::<Result<_>>()?;
        let histories: Vec<_> = users.iter().map(|user| user.items.as_slice()).collect();
        let drafters = teacher.answer(&histories, |_, scores| Drafter::new(scores, &grammar))?;
        Ok(Self { model, grammar, orders, prompts, drafters })
    }

    /// Writes the first `lists` lists, `batch` at a time, once to warm up and then `repetitions` times. `expected` holds the lists of
    /// another way, or gets those of this one.
    ///
    /// # Errors
    /// A device that fails.
    pub fn measure(
        &self,
        way: Way,
        (lists, batch): (usize, usize),
        repetitions: usize,
        expected: &mut Option<Vec<Vec<u32>>>,
    ) -> Result<Took> {
        let (mut statistics, mut rates, mut differing) = (Statistics::default(), Vec::new(), 0);
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
        Ok(Took {
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
    fn write(&self, way: Way, lists: usize, batch: usize) -> Result<(Vec<Vec<u32>>, Statistics)> {
        let (mut written, mut statistics) = (Vec::with_capacity(lists), Statistics::default());
        for start in (0..lists).step_by(batch) {
            let places = start..lists.min(start + batch);
            let guide = |place: usize| -> Result<ListGuide> {
                let constraints = self.orders[place].constraints();
                let constraints = constraints.ok_or_else(|| Error::Failed("a strict order has constraints".into()))?;
                Ok(ListGuide::new(Automaton::new(&self.grammar, constraints)?))
            };
            let guides = places.clone().map(guide).collect::<Result<Vec<_>>>()?;
            let prompts = &self.prompts[places.clone()];
            let guides: Vec<ListGuide> = match way {
                Way::Masked => {
                    let mut guides: Vec<Masked> = guides.into_iter().map(Masked).collect();
                    written.extend(self.continue_all(prompts, &mut guides)?);
                    guides.into_iter().map(|Masked(guide)| guide).collect()
                }
                Way::Jump | Way::Fast | Way::Drafts => {
                    let set_up = |(place, guide)| self.set_up(way, place, guide);
                    let mut guides = places.zip(guides).map(set_up).collect::<Vec<_>>();
                    written.extend(self.continue_all(prompts, &mut guides)?);
                    guides
                }
            };
            guides.iter().for_each(|guide| statistics.add(guide.statistics()));
        }
        Ok((written, statistics))
    }

    fn set_up<'g>(&self, way: Way, place: usize, guide: ListGuide<'g>) -> ListGuide<'g> {
        match way {
            Way::Masked | Way::Jump => guide,
            Way::Fast => guide.deaf(),
            Way::Drafts => guide.deaf().drafting(self.drafters[place].clone()),
        }
    }

    fn continue_all<G: Guide>(&self, prompts: &[Vec<u32>], guides: &mut [G]) -> Result<Vec<Vec<u32>>> {
        let longest = self.orders.iter().map(|order| order.request().k as usize).max().unwrap_or(0);
        let room = self.grammar.longest(longest);
        let how = GenerateOptions { max_new_tokens: room, sampling: Sampling::Greedy, seed: 0 };
        self.model.generate_guided(prompts, guides, &how, &mut |_, _| ControlFlow::Continue(()))
    }
}
