//! Ranking: every item that a request allows is scored as the next one, and the best ones are the list.
//!
//! The score of an item is the log-probability of its title behind the prompt and the first line's start: the sum over the tokens of the title,
//! its line break included. It is not divided by the number of tokens. The sum is the probability that the model writes this title and no
//! other; a mean would prefer long titles, whose last tokens follow from the first.

use std::ops::ControlFlow;

use tiller_models::generate::OnToken;

use super::{Generated, Recommender, no_proof};
use crate::Result;
use crate::constrain::{FeasibleRequest, Grammar, greedy_fill};
use crate::data::ItemId;
use crate::recommend::PreparedRequest;

impl Recommender<'_> {
    /// Returns the recommender that ranks: its lists are the items of the highest scores, as far as the request allows. They are not what
    /// the model would write, where one title follows another.
    pub fn ranking(self) -> Self {
        Self { ranks: true, ..self }
    }

    /// Returns true if the lists are rankings.
    pub fn is_ranking(&self) -> bool {
        self.ranks
    }

    /// For each request, the score of every item that it allows, in the order of ids: the log-probability of its title as the next one, in
    /// nats.
    ///
    /// # Errors
    /// A prompt that is too long, or a device that fails.
    pub fn item_scores(&self, prepared_requests: &[&PreparedRequest]) -> Result<Vec<Vec<(ItemId, f64)>>> {
        let (mut prompts, mut allowed, mut titles) = (Vec::new(), Vec::new(), Vec::new());
        for prepared in prepared_requests {
            let (grammar, request) = self.constrained(prepared)?;
            prompts.push([self.prompt(prepared)?.as_slice(), grammar.line_start(0)].concat());
            let mut items: Vec<ItemId> = request.classes().iter().flat_map(|class| class.iter()).collect();
            items.sort_unstable();
            titles.push(items.iter().filter_map(|&item| grammar.titles().tokens(item)).collect::<Vec<_>>());
            allowed.push(items);
        }
        let scores = self.model.score_continuations(&prompts, &titles)?;
        Ok(allowed.into_iter().zip(scores).map(|(items, scores)| items.into_iter().zip(scores).collect()).collect())
    }

    /// The lists of the best items.
    pub(super) fn rank(&self, prepared_requests: &[&PreparedRequest], on_token: OnToken) -> Result<Vec<Generated>> {
        let mut answers = Vec::with_capacity(prepared_requests.len());
        for (prepared, scores) in prepared_requests.iter().zip(self.item_scores(prepared_requests)?) {
            let (grammar, request) = self.constrained(prepared)?;
            let mut of_item = vec![f64::NEG_INFINITY; self.catalogue.len()];
            scores.iter().for_each(|&(item, score)| of_item[item.index() - 1] = score);
            let items = greedy_fill(&of_item.iter().map(|&score| score as f32).collect::<Vec<_>>(), request);
            let log_probs = Some(items.iter().map(|item| of_item[item.index() - 1]).collect());
            answers.push(Generated { tokens: grammar.tokens(&items)?, log_probs, ..Generated::default() });
        }
        for (number, answer) in answers.iter().enumerate() {
            if answer.tokens.iter().try_for_each(|&token| on_token(number, token)) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(answers)
    }

    /// The grammar of the lists, and the proof that one satisfies the request.
    fn constrained<'p>(&self, prepared: &'p PreparedRequest) -> Result<(&Grammar, &'p FeasibleRequest)> {
        self.grammar.as_deref().zip(prepared.feasible()).ok_or_else(|| no_proof(self.mode))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::Device;
    use tiller_kernels::test_gpu;
    use tiller_models::generate::{GenerateOptions, Sampling};
    use tiller_models::language_model::{InferenceModel, LanguageModel, StorageOptions};
    use tiller_models::train::{ForwardOptions, Sample};

    use super::*;
    use crate::constrain::Mode;
    use crate::data::{CategoryId, Dataset};
    use crate::recommend::answer::OutputFormat;
    use crate::request::Request;

    /// A tiny model of the tests, and its data set.
    const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v0.1.0");

    /// The log-probability of a title behind a prompt, read as one text.
    fn by_itself(model: &LanguageModel, prompt: &[u32], title: &[u32]) -> f64 {
        let tokens = [prompt, title].concat();
        let samples = [Sample { scored: prompt.len()..tokens.len(), tokens }];
        let log_probs = model.llama.score(&samples, &ForwardOptions::default()).log_probs;
        log_probs.try_into_vec_as::<f32>().unwrap().into_iter().map(f64::from).sum()
    }

    #[test]
    fn a_ranking_is_that_of_all_titles_scored_one_by_one() {
        let (films, model) = (Path::new(FIXTURE).join("films"), Path::new(FIXTURE).join("sft/model"));
        let films = Dataset::read(&films).unwrap();
        let catalogue = &films.catalogue;
        let alone = LanguageModel::load(&model, None, &Device::flex()).unwrap();
        let grammar = Grammar::of(&alone.codec.tokenizer, catalogue).unwrap();
        let requests: Vec<PreparedRequest> = [(0, Vec::new()), (1, vec![CategoryId(0)])]
            .into_iter()
            .map(|(user, none_in)| Request {
                k: 3,
                history: films.users[user].items.clone(),
                none_in,
                ..Request::default()
            })
            .map(|request| PreparedRequest::new(request, Mode::Strict, catalogue).unwrap())
            .collect();
        for device in [Device::flex(), test_gpu().device] {
            let model = InferenceModel::load(&model, None, StorageOptions::default(), &device).unwrap();
            let options = GenerateOptions { max_new_tokens: 1, sampling: Sampling::Greedy, seed: 0 };
            let recommender = Recommender::new(&model, catalogue, OutputFormat::Strict, options, Mode::Strict).unwrap();
            let recommender = recommender.ranking();
            let batch: Vec<&PreparedRequest> = requests.iter().collect();
            let (scores, lists) = (recommender.item_scores(&batch).unwrap(), recommender.recommend(&batch).unwrap());
            for ((prepared, scores), list) in requests.iter().zip(scores).zip(lists) {
                let prompt = [recommender.prompt(prepared).unwrap().as_slice(), grammar.line_start(0)].concat();
                let request = prepared.compiled();
                let allowed = |item: &ItemId| request.broken_rule(*item).is_none() && !request.in_history(*item);
                let of_item = |item: ItemId| by_itself(&alone, &prompt, &grammar.titles().tokens(item).unwrap());
                let mut expected: Vec<(ItemId, f64)> =
                    catalogue.ids().filter(allowed).map(|item| (item, of_item(item))).collect();
                assert_eq!(scores.len(), expected.len());
                for ((item, found), (same, expected)) in scores.iter().zip(&expected) {
                    assert!(item == same && (found - expected).abs() < 1e-3, "{item:?}: {found}, expected {expected}");
                }
                expected.sort_by(|(_, one), (_, other)| other.total_cmp(one));
                let best: Vec<Option<ItemId>> = expected.iter().take(3).map(|(item, _)| Some(*item)).collect();
                assert_eq!(list.items.iter().map(|item| item.item).collect::<Vec<_>>(), best);
                let (best, log_probs) = (expected[0].1, list.log_probs.unwrap());
                assert!((log_probs[0] - best).abs() < 1e-3 && log_probs.is_sorted_by(|one, other| one >= other));
            }
        }
    }
}
