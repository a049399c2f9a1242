//! A Llama of random weights under guidance: every promise is kept, and greedy lists are those of the reference.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use tiller_models::generate::{GenerateOptions, GenerateRequest, Generator, GraphGenerator, Sampling};
use tiller_models::llama::{Batch, Llama};

use super::guarantees::satisfies;
use super::samples::{CUTS, Shop, kinds, random_request, titles};
use crate::constrain::masked::{Pace, Picker, decode};
use crate::constrain::{Automaton, DraftModel, FeasibleRequest, LeafScores, ListConstraint, Mode};
use crate::data::ItemId;
use crate::request::Request;

const WIDTH: usize = 16;
const HALF: usize = WIDTH / 2;

/// A Llama of one block with random weights, for `vocabulary` tokens.
pub fn random_llama(vocabulary: usize, seed: u64) -> Llama {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({ "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": HALF, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "max_position_embeddings": 2048, "vocab_size": vocabulary, "tie_word_embeddings": true,
        "attention_bias": false, "mlp_bias": false });
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    write_weights(&folder.path().join("model.safetensors"), vocabulary, seed);
    Llama::load(folder.path(), &Device::flex()).unwrap()
}

fn write_weights(path: &Path, vocabulary: usize, seed: u64) {
    let layer = |name: &str| format!("model.layers.0.{name}.weight");
    let shapes = [
        ("model.embed_tokens.weight".to_owned(), vec![vocabulary, WIDTH]),
        ("model.norm.weight".to_owned(), vec![WIDTH]),
        (layer("input_layernorm"), vec![WIDTH]),
        (layer("post_attention_layernorm"), vec![WIDTH]),
        (layer("self_attn.q_proj"), vec![WIDTH, WIDTH]),
        (layer("self_attn.k_proj"), vec![HALF, WIDTH]),
        (layer("self_attn.v_proj"), vec![HALF, WIDTH]),
        (layer("self_attn.o_proj"), vec![WIDTH, WIDTH]),
        (layer("mlp.gate_proj"), vec![WIDTH, WIDTH]),
        (layer("mlp.up_proj"), vec![WIDTH, WIDTH]),
        (layer("mlp.down_proj"), vec![WIDTH, WIDTH]),
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut random = |shape: &[usize]| -> Vec<u8> {
        (0..shape.iter().product()).flat_map(|_| rng.random_range(-0.8f32..0.8).to_le_bytes()).collect()
    };
    let bytes: Vec<_> = shapes.into_iter().map(|(name, shape)| (name, random(&shape), shape)).collect();
    let views =
        bytes.iter().map(|(name, bytes, shape)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// The model's logits after a context, computed anew from its first token.
pub fn logits(model: &Llama, context: &[u32]) -> Vec<f32> {
    let all: Vec<f32> = model.forward(&Batch::right_padded(&[context])).try_into_vec_as().unwrap();
    all[all.len() - model.config().vocab_size..].to_vec()
}

/// Stop ids of a model whose files are wrong: tokens of titles, line starts and line breaks, and the end of a list.
fn stops(shop: &Shop, drawn: &[Index]) -> Vec<u32> {
    let all: Vec<ItemId> = shop.catalogue.ids().collect();
    let tokens = shop.grammar.tokens(&all).unwrap();
    drawn.iter().map(|index| *index.get(&tokens)).collect()
}

/// The lists of a batch: prompt r has r + 1 tokens.
pub fn guided<'a>(
    shop: &'a Shop,
    model: &Llama,
    all: &[FeasibleRequest],
    stop_ids: &[u32],
    sampling: Sampling,
    how: impl Fn(ListConstraint<'a>) -> ListConstraint<'a>,
) -> (Vec<Vec<u32>>, Vec<ListConstraint<'a>>) {
    let prompts: Vec<Vec<u32>> = (0..all.len()).map(prompt).collect();
    let constraint = |request| how(ListConstraint::new(Automaton::new(&shop.grammar, request).unwrap()));
    let mut guides: Vec<_> = all.iter().map(constraint).collect();
    let room = all.iter().map(|request| shop.grammar.longest(request.k() as usize)).max().unwrap_or(0);
    let options = GenerateOptions { max_new_tokens: room, sampling, seed: 5 };
    let request = GenerateRequest::new(&prompts, options).constrained_by(&mut guides).stop_at(stop_ids);
    let lists = GraphGenerator::new(model).generate(request).unwrap();
    (lists, guides)
}

pub fn prove(mode: Mode, request: &Request, shop: &Shop) -> crate::Result<Option<FeasibleRequest>> {
    mode.prove(&request.compile(&shop.catalogue), &shop.catalogue)
}

fn drafting<'a>(guide: ListConstraint<'a>, draft_model: &DraftModel, without_logprobs: bool) -> ListConstraint<'a> {
    let guide = guide.drafting(draft_model.clone());
    if without_logprobs { guide.without_logprobs() } else { guide }
}

pub fn prompt(row: usize) -> Vec<u32> {
    (0..=row as u32).map(|token| 40 + token).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_batch_of_constrained_lists_satisfies_its_requests_and_greedy_ones_are_the_references(
        titles in titles(3..8),
        kinds in kinds(),
        cut in select(CUTS.to_vec()),
        drawn in vec(random_request(4), 6),
        stop_ids in vec(any::<Index>(), 0..6),
        seed: u64,
    ) {
        let shop = Shop::new(&titles, &kinds, cut);
        let stop_ids = stops(&shop, &stop_ids);
        let model = random_llama(shop.toy.vocabulary() + 1, seed);
        for mode in [Mode::Catalogue, Mode::Strict] {
            let requests: Vec<Request> = drawn.iter().map(|request| request.over(&shop.catalogue)).collect();
            let possible: Vec<(Request, FeasibleRequest)> = requests
                .into_iter()
                .filter_map(|request| Some((request.clone(), prove(mode, &request, &shop).ok()??)))
                .collect();
            let feasible: Vec<FeasibleRequest> = possible.iter().map(|(_, feasible)| feasible.clone()).collect();
            for sampling in [Sampling::Greedy, Sampling::Random { temperature: 1.5, top_k: 0, top_p: 1.0 }] {
                let (lists, guides) = guided(&shop, &model, &feasible, &stop_ids, sampling, |guide| guide);
                for (row, ((request, feasible), (tokens, guide))) in possible.iter().zip(lists.iter().zip(&guides)).enumerate() {
                    let items = guide.automaton().items();
                    let promised = match mode {
                        Mode::Strict => request.clone(),
                        _ => Request { k: request.k, history: request.history.clone(), ..Request::default() },
                    };
                    prop_assert!(satisfies(&promised, &shop.catalogue, items));
                    prop_assert_eq!(tokens, &shop.grammar.tokens(items).unwrap());
                    let statistics = guide.statistics();
                    prop_assert_eq!(statistics.forced + statistics.choices, tokens.len());

                    if sampling == Sampling::Greedy {
                        let automaton = Automaton::new(&shop.grammar, feasible).unwrap();
                        let greedy = Picker::<ChaCha8Rng>::Greedy;
                        let reference =
                            decode(automaton, &prompt(row), Pace::Jump, None, greedy, |context| logits(&model, context)).unwrap();
                        prop_assert_eq!(tokens, &reference.tokens);
                        prop_assert_eq!(
                            (statistics.steps, statistics.changed),
                            (reference.statistics.steps, reference.statistics.changed)
                        );
                        prop_assert!((statistics.removed_mass - reference.statistics.removed_mass).abs() < 1e-3);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn drafts_and_skipped_logits_change_no_list(
        titles in titles(3..8),
        kinds in kinds(),
        cut in select(CUTS.to_vec()),
        drawn in vec(random_request(4), 6),
        scores in vec(0f32..1.0, 8),
        stop_ids in vec(any::<Index>(), 0..6),
        seed: u64,
    ) {
        let shop = Shop::new(&titles, &kinds, cut);
        let stop_ids = stops(&shop, &stop_ids);
        let model = random_llama(shop.toy.vocabulary() + 1, seed);
        let requests = drawn.iter().map(|request| request.over(&shop.catalogue));
        let feasible: Vec<FeasibleRequest> =
            requests.filter_map(|request| prove(Mode::Strict, &request, &shop).ok()?).collect();
        for sampling in [Sampling::Greedy, Sampling::Random { temperature: 1.5, top_k: 0, top_p: 1.0 }] {
            let (plain, by_choice) = guided(&shop, &model, &feasible, &stop_ids, sampling, |guide| guide);
            let (without_logprobs, _) = guided(&shop, &model, &feasible, &stop_ids, sampling, ListConstraint::without_logprobs);
            prop_assert_eq!(&without_logprobs, &plain);
            let draft_model = DraftModel::new(LeafScores::new(&scores, &shop.grammar).unwrap());
            for without_logprobs in [false, true] {
                let (drafted, by_draft) =
                    guided(&shop, &model, &feasible, &stop_ids, sampling, |guide| drafting(guide, &draft_model, without_logprobs));
                prop_assert_eq!(&drafted, &plain);
                for (by_draft, by_choice) in by_draft.iter().zip(&by_choice) {
                    let (ours, theirs) = (by_draft.statistics(), by_choice.statistics());
                    prop_assert_eq!((ours.choices, ours.forced), (theirs.choices, theirs.forced));
                    prop_assert_eq!(ours.observed, if without_logprobs { 0 } else { theirs.observed });
                    prop_assert!(ours.confirmed <= ours.drafted);
                    // Every step makes a choice of its own, but for the last one where its draft has come true to the end.
                    let own = ours.choices - ours.confirmed;
                    prop_assert!(ours.steps == own || ours.steps == own + 1, "{:?}", ours);
                }
            }
        }
    }
}

#[test]
fn a_draft_of_what_the_model_writes_takes_it_in_leaps() {
    let titles: BTreeSet<String> = (0..30).map(|n| format!("Film {n}")).collect();
    let shop = Shop::new(&titles, &[(1, 0)], CUTS[0]);
    let model = random_llama(shop.toy.vocabulary() + 1, 3);
    let request = Request { k: 12, ..Request::default() };
    let feasible = [prove(Mode::Strict, &request, &shop).unwrap().unwrap()];
    let (plain, guides) = guided(&shop, &model, &feasible, &[], Sampling::Greedy, |guide| guide);
    let mut scores = vec![0.0; shop.catalogue.len()];
    for (place, item) in guides[0].automaton().items().iter().enumerate() {
        scores[item.index() - 1] = 100.0 - place as f32;
    }
    let draft_model = DraftModel::new(LeafScores::new(&scores, &shop.grammar).unwrap());
    let (drafted, by_draft) =
        guided(&shop, &model, &feasible, &[], Sampling::Greedy, |guide| guide.drafting(draft_model.clone()));
    assert_eq!(drafted, plain);
    let statistics = by_draft[0].statistics();
    // 4, 8, 16, … choices of drafts, and one behind each.
    assert!(statistics.choices > 15 && statistics.steps <= 3, "{statistics:?}");
    assert_eq!(statistics.confirmed, statistics.drafted);
}

#[test]
fn a_sequence_without_a_choice_needs_no_step() {
    let shop = Shop::new(&BTreeSet::from(["Amélie (2001)".to_owned()]), &[(1, 0)], CUTS[0]);
    let model = random_llama(shop.toy.vocabulary() + 1, 1);
    let request = Request { k: 1, ..Request::default() };
    let feasible = prove(Mode::Strict, &request, &shop).unwrap().unwrap();
    let (lists, guides) = guided(&shop, &model, &[feasible], &[], Sampling::Greedy, |guide| guide);
    assert_eq!((guides[0].statistics().steps, lists[0].len()), (0, guides[0].statistics().forced));
}
