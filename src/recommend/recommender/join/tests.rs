//! Lists that join a running batch, against those that are written alone.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use tiller_models::generate::{ContinuousBatch, GenerateOptions, Sampling, SequenceSource};
use tiller_models::language_model::{InferenceModel, StorageOptions};

use super::*;
use crate::constrain::Mode;
use crate::data::Dataset;
use crate::recommend::answer::OutputFormat;
use crate::request::Request;
use crate::teacher::{Scorer, Teacher};

/// A tiny model of the tests, and its data set.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v0.1.0");

/// The ends of lists in their order: the number of a list, the text that was streamed, and the list.
type ListEnds = Arc<Mutex<Vec<(usize, String, Result<WrittenList>)>>>;

/// A receiver that records the end of its list.
struct Recorder {
    number: usize,
    prepared: PreparedRequest,
    guide: Option<(GuideWeight, Vec<f32>)>,
    /// The number of pieces after which nobody waits any more.
    patience: usize,
    streams: bool,
    pieces: Vec<String>,
    ends: ListEnds,
}

impl ListReceiver for Recorder {
    fn prepared(&self) -> &PreparedRequest {
        &self.prepared
    }

    fn guide(&self) -> Option<(GuideWeight, &[f32])> {
        self.guide.as_ref().map(|(weight, scores)| (*weight, scores.as_slice()))
    }

    fn streams(&self) -> bool {
        self.streams
    }

    fn text(&mut self, piece: &str) {
        self.pieces.push(piece.to_owned());
    }

    fn is_cancelled(&self) -> bool {
        self.pieces.len() >= self.patience
    }

    fn end(&mut self, list: Result<WrittenList>) {
        self.ends.lock().unwrap().push((self.number, self.pieces.concat(), list));
    }
}

/// A source whose lists join one by one.
struct OneByOne<'s> {
    waiting: VecDeque<(&'s Recommender<'s>, Recorder)>,
}

impl<'s> SequenceSource<'s> for OneByOne<'s> {
    fn next(&mut self, free: usize) -> Vec<NewSequence<'s>> {
        let next = (free > 0).then(|| self.waiting.pop_front()).flatten();
        next.and_then(|(recommender, receiver)| recommender.join(receiver)).into_iter().collect()
    }
}

/// The data set, the model and the teacher of these tests.
struct World {
    films: Dataset,
    model: InferenceModel,
    teacher: Teacher,
}

impl World {
    fn load() -> Self {
        let fixture = Path::new(FIXTURE);
        let films = Dataset::read(&fixture.join("films")).unwrap();
        let (sft, device) = (fixture.join("sft/model"), Device::flex());
        let model = InferenceModel::load(&sft, None, StorageOptions::default(), &device).unwrap();
        let teacher = Teacher::load(&fixture.join("films/teacher"), &films, &device).unwrap();
        Self { films, model, teacher }
    }

    fn recommender(&self, mode: Mode, k: u32) -> Recommender<'_> {
        let options = GenerateOptions { max_new_tokens: enough_tokens(k), sampling: Sampling::Greedy, seed: 0 };
        Recommender::new(&self.model, &self.films.catalogue, OutputFormat::Strict, options, mode).unwrap()
    }

    fn prepared(&self, user: usize, k: u32, mode: Mode) -> PreparedRequest {
        let request = Request { k, history: self.films.users[user].items.clone(), ..Request::default() };
        PreparedRequest::new(request, mode, &self.films.catalogue).unwrap()
    }

    /// Runs lists in a continuous batch. Returns their ends in order.
    fn run<'s>(
        &'s self,
        lists: Vec<(&'s Recommender<'s>, Recorder)>,
        max_batch: usize,
        ends: &ListEnds,
    ) -> Vec<(usize, String, Result<WrittenList>)> {
        let mut source = OneByOne { waiting: lists.into() };
        self.model.run_continuous(ContinuousBatch::new(&mut source, max_batch)).unwrap();
        assert!(source.waiting.is_empty());
        std::mem::take(&mut *ends.lock().unwrap())
    }
}

fn recorder(number: usize, prepared: PreparedRequest, ends: &ListEnds) -> Recorder {
    let (guide, pieces, ends) = (None, Vec::new(), ends.clone());
    Recorder { number, prepared, guide, patience: usize::MAX, streams: true, pieces, ends }
}

#[test]
fn a_list_that_joins_later_is_the_list_that_is_written_alone() {
    let world = World::load();
    let (free, constrained) = (world.recommender(Mode::Free, 0), world.recommender(Mode::Strict, 0));
    let weight = GuideWeight::try_from(0.3).unwrap();
    let (mut lists, mut expected, ends) = (Vec::new(), Vec::new(), ListEnds::default());
    for (number, k) in [12, 2, 1, 1, 3, 2, 4].into_iter().enumerate() {
        let mode = if number % 3 == 1 { Mode::Free } else { Mode::Strict };
        let (prepared, mut alone) = (world.prepared(number, k, mode), world.recommender(mode, k));
        let mut receiver = Recorder { streams: number > 2, ..recorder(number, prepared.clone(), &ends) };
        if number % 3 == 2 {
            alone = alone.guided_by(&world.teacher, weight);
            let histories = [prepared.request().history.as_slice()];
            let scores = world.teacher.answer(&histories, |_, scores| scores.to_vec()).unwrap().remove(0);
            receiver.guide = Some((weight, scores));
        }
        expected.push((alone.recommend(&[&prepared]).unwrap().remove(0), alone.prompt(&prepared).unwrap().len()));
        lists.push((if mode == Mode::Free { &free } else { &constrained }, receiver));
    }
    let mut found = world.run(lists, 2, &ends);
    found.sort_by_key(|(number, ..)| *number);
    assert_eq!(found.len(), expected.len());
    for ((number, streamed, found), (list, prompt_tokens)) in found.into_iter().zip(expected) {
        let WrittenList { list: found, traces, prompt_tokens: of_prompt } = found.unwrap();
        assert_eq!((&found.text, &found.items, found.tokens), (&list.text, &list.items, list.tokens), "list {number}");
        assert_eq!(format!("{:?}", found.guidance), format!("{:?}", list.guidance));
        assert_eq!(of_prompt, prompt_tokens);
        if found.guidance.is_some() {
            assert_eq!(streamed, if number > 2 { found.text.as_str() } else { "" });
            assert!(traces.len() >= found.items.len());
        }
    }
}

#[test]
fn short_lists_that_join_later_end_before_a_long_one() {
    let (world, ends) = (World::load(), ListEnds::default());
    let constrained = world.recommender(Mode::Strict, 0);
    let list = |(number, k)| (&constrained, recorder(number, world.prepared(number, k, Mode::Strict), &ends));
    let found = world.run([12, 1, 1].into_iter().enumerate().map(list).collect(), 2, &ends);
    assert_eq!(found.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1, 2, 0]);
}

#[test]
fn a_cancelled_list_frees_its_place() {
    let (world, ends) = (World::load(), ListEnds::default());
    let constrained = world.recommender(Mode::Strict, 0);
    let cancelled = Recorder { patience: 1, ..recorder(0, world.prepared(0, 10, Mode::Strict), &ends) };
    let next = recorder(1, world.prepared(1, 2, Mode::Strict), &ends);
    let found = world.run(vec![(&constrained, cancelled), (&constrained, next)], 1, &ends);
    let of = |at: usize| (found[at].0, found[at].2.as_ref().unwrap().list.clone());
    let ((first, cancelled), (second, list)) = (of(0), of(1));
    assert_eq!((first, cancelled.tokens), (0, 1), "it ends with its next token");
    assert_eq!((second, list.items.len()), (1, 2));
}

#[test]
fn a_prompt_that_is_too_long_fails_alone() {
    let (world, ends) = (World::load(), ListEnds::default());
    let (free, constrained) = (world.recommender(Mode::Free, 0), world.recommender(Mode::Strict, 0));
    let fits = |number| (&constrained, recorder(number, world.prepared(number, 2, Mode::Strict), &ends));
    let too_long = (&free, recorder(1, world.prepared(1, 40, Mode::Free), &ends));
    let found = world.run(vec![fits(0), too_long, fits(2)], 2, &ends);
    for (number, _, list) in &found {
        match list {
            Ok(written) => assert_eq!(written.list.items.len(), 2),
            Err(error) => assert!(*number == 1 && error.to_string().contains("the prompt"), "{error}"),
        }
    }
    assert_eq!(found.iter().filter(|(_, _, list)| list.is_err()).count(), 1);
}
