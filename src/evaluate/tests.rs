//! Evaluations of systems whose answers are known.

use std::cell::RefCell;

use super::*;
use crate::Result;
use crate::constrain::Mode;
use crate::data::split::Split;
use crate::data::synth::{self, generate};
use crate::data::{Catalogue, Dataset};
use crate::instruct::Preset;
use crate::run::progress::Progress;
use crate::task::{EvalTask, Metric, Task};
use crate::teacher::Popularity;
use crate::teacher::evaluate::evaluate;

fn films() -> Dataset {
    generate(&synth::SynthConfig { users: 40, items: 80, length: 12, seed: 7 }, "films").unwrap().0
}

fn of(names: &[&str]) -> EvalConfig {
    let tasks = names.iter().map(|name| name.parse().unwrap()).collect();
    EvalConfig { tasks, replicates: 100, ..EvalConfig::default() }
}

/// Evaluates `systems` with popularity as the teacher.
fn evaluate_systems(dataset: &Dataset, config: EvalConfig, systems: &[&dyn System]) -> Evaluation {
    let teacher = Popularity::of(dataset);
    let mut evaluator = Evaluator::new(dataset, &teacher, config, "no device".into()).unwrap();
    systems.iter().for_each(|system| evaluator.evaluate(*system, None, &Progress::silent()).unwrap());
    evaluator.finish()
}

/// Answers by a rule, and remembers what it was asked.
struct Rule<F> {
    name: &'static str,
    rule: F,
    asked: RefCell<Vec<EvalQuery>>,
}

fn rule<F: Fn(&EvalQuery) -> Vec<String>>(name: &'static str, rule: F) -> Rule<F> {
    Rule { name, rule, asked: RefCell::default() }
}

impl<F: Fn(&EvalQuery) -> Vec<String>> System for Rule<F> {
    fn name(&self) -> &str {
        self.name
    }

    fn mode(&self) -> Option<Mode> {
        Some(Mode::Free)
    }

    fn answer(&self, questions: &[EvalQuery]) -> Result<(Vec<SystemAnswer>, Speed)> {
        self.asked.borrow_mut().extend_from_slice(questions);
        let answer = |query: &EvalQuery| SystemAnswer { titles: (self.rule)(query), text: String::new() };
        let speed = Speed { lists: questions.len(), tokens: 30, steps: 20, seconds: 0.5, ..Speed::default() };
        Ok((questions.iter().map(answer).collect(), speed))
    }
}

fn mean(evaluation: &Evaluation, row: &str, task: &str, metric: Metric) -> Option<f64> {
    let figures = evaluation.row(row)?.figures(task.parse().unwrap())?;
    Some(figures.exact.get(&metric)?.mean)
}

/// The first ten titles, whatever is asked.
fn first_ten(catalogue: &Catalogue) -> impl Fn(&EvalQuery) -> Vec<String> {
    let titles: Vec<String> = catalogue.items()[..10].iter().map(|item| item.title.clone()).collect();
    move |_| titles.clone()
}

#[test]
fn a_plain_recommender_satisfies_every_request() {
    let dataset = films();
    let popularity = Popularity::of(&dataset);
    let scores = ScorerSystem { name: "popularity".into(), catalogue: &dataset.catalogue, scorer: &popularity };
    let config = EvalConfig { replicates: 50, ..EvalConfig::default() };
    let evaluation = evaluate_systems(&dataset, config, &[&scores]);
    assert_eq!(evaluation.tasks.len(), EvalTask::all().len());
    for asked in &evaluation.tasks {
        assert_eq!(asked.users + asked.left_out, 40);
        assert!(asked.users > 0, "{}", asked.task);
        let name = asked.task.to_string();
        let figure = |metric| mean(&evaluation, "popularity", &name, metric);
        for (metric, expected) in [
            (Metric::ConstraintsMet, 1.0),
            (Metric::CorrectCount, 1.0),
            (Metric::RepeatItem, 0.0),
            (Metric::NonExist, 0.0),
            (Metric::InHistory, 0.0),
            (Metric::Empty, 0.0),
        ] {
            assert_eq!(figure(metric), Some(expected), "{name} {metric}");
        }
        assert!(figure(Metric::CPA).is_none_or(|cpa| cpa == 1.0));
        let of_kind = if asked.task.task.prefers_high(Metric::TCP) { 1.0 } else { 0.0 };
        assert!(asked.task.task.key_metric() != Metric::TCP || figure(Metric::TCP) == Some(of_kind), "{name}");
    }
    let share = evaluation.row("popularity").unwrap().figures("MP50".parse().unwrap()).unwrap();
    assert!(
        share.plain_list[&Metric::CPA].mean < share.exact[&Metric::CPA].mean,
        "a plain list rarely meets a request"
    );
}

#[test]
fn every_user_counts_once_however_many_seeds_there_are() {
    let dataset = films();
    // Right for everybody under one seed's wording, and for nobody under the other's.
    let target = |query: &EvalQuery| vec![dataset.catalogue.title(query.example.target.unwrap()).to_owned()];
    let oracle = rule("oracle", target);
    let config = EvalConfig { seeds: vec![1, 2, 3], users: Some(25), ..of(&["I0", "+C"]) };
    let evaluation = evaluate_systems(&dataset, config, &[&oracle]);
    assert_eq!(mean(&evaluation, "oracle free", "I0", Metric::HR), Some(1.0));
    assert!((mean(&evaluation, "oracle free", "+C", Metric::TCP).unwrap() - 0.1).abs() < 1e-12);
    let asked = oracle.asked.into_inner();
    let users: std::collections::BTreeSet<&str> = asked.iter().map(|query| query.user.as_str()).collect();
    assert_eq!(users.len(), 25);
    assert_eq!((evaluation.protocol.base.users, evaluation.protocol.users_with_case), (25, 40));
    let speed = evaluation.rows[0].speed;
    assert_eq!((speed.lists, speed.tokens, speed.seconds), (asked.len(), 180, 3.0));

    let seldom = rule("seldom", |query: &EvalQuery| {
        let phrasing_is_fifth = query.example.messages[3].content.contains("would suit me best");
        if phrasing_is_fifth { target(query) } else { vec!["nothing".to_owned()] }
    });
    let config = EvalConfig { seeds: (0..40).collect(), ..of(&["+C"]) };
    let evaluation = evaluate_systems(&dataset, config, &[&seldom]);
    let interval = evaluation.rows[0].tasks[0].exact[&Metric::HR];
    assert!((interval.mean - 0.5).abs() < 0.05 && interval.high - interval.low < 0.08, "{interval:?}");
}

#[test]
fn no_answer_is_a_failure_and_by_the_authors_rules_nothing() {
    let dataset = films();
    let silent = rule("silent", |_: &EvalQuery| Vec::new());
    let evaluation = evaluate_systems(&dataset, of(&["I0", "+C", "-C", "LP20"]), &[&silent]);
    for (task, metric, expected) in [
        ("I0", Metric::HR, 0.0),
        ("I0", Metric::Empty, 1.0),
        ("I0", Metric::CorrectCount, 0.0),
        ("+C", Metric::TCP, 0.0),
        ("-C", Metric::TCP, 1.0),
        ("LP20", Metric::CPA, 0.0),
    ] {
        assert_eq!(mean(&evaluation, "silent free", task, metric), Some(expected), "{task} {metric}");
    }
    let paper = EvalConfig { preset: Preset::Paper, ..of(&["+C"]) };
    let evaluation = evaluate_systems(&dataset, paper, &[&silent]);
    assert!(evaluation.rows[0].tasks.iter().all(|figures| figures.exact.is_empty()));
    assert_eq!(evaluation.tasks[0].task, EvalTask::of(Task::Sequential), "which these rules start with");
}

#[test]
fn misspelt_titles_count_in_the_forgiving_figures_alone() {
    let dataset = films();
    let misspelt = rule("misspelt", |query: &EvalQuery| {
        vec![format!("{}!", dataset.catalogue.title(query.example.target.unwrap()))]
    });
    let evaluation = evaluate_systems(&dataset, of(&["I0"]), &[&misspelt]);
    let figures = &evaluation.rows[0].tasks[0];
    assert_eq!((figures.exact[&Metric::HR].mean, figures.exact[&Metric::NonExist].mean), (0.0, 1.0));
    // Short titles have to be right.
    assert!(figures.fuzzy[&Metric::HR].mean > 0.6 && figures.fuzzy[&Metric::NonExist].mean < 0.4, "{figures:?}");
}

#[test]
fn a_system_that_ignores_requests_has_the_metrics_of_its_plain_list() {
    let dataset = films();
    let ignoring = rule("ignoring", first_ten(&dataset.catalogue));
    let evaluation = evaluate_systems(&dataset, of(&["+C", "-C", "EP30", "I0"]), &[&ignoring]);
    assert_eq!(evaluation.tasks[0].task.to_string(), "I0", "it comes first");
    for (task, metric) in [("+C", Metric::TCP), ("-C", Metric::TCP), ("EP30", Metric::CPA)] {
        let figures = evaluation.rows[0].figures(task.parse().unwrap()).unwrap();
        assert_eq!(figures.exact[&metric], figures.plain_list[&metric], "{task}");
    }
    assert!(evaluation.rows[0].figures("I0".parse().unwrap()).unwrap().plain_list.is_empty());
}

#[test]
fn all_systems_get_the_same_queries_unless_the_rules_are_the_authors() {
    let dataset = films();
    let unwanted = |preset: Preset| {
        let last_ten: Vec<String> = dataset.catalogue.items()[70..].iter().map(|item| item.title.clone()).collect();
        let (one, other) =
            (rule("one", first_ten(&dataset.catalogue)), rule("other", move |_: &EvalQuery| last_ten.clone()));
        evaluate_systems(&dataset, EvalConfig { preset, ..of(&["I0", "-C"]) }, &[&one, &other]);
        [one.asked.into_inner(), other.asked.into_inner()].map(|asked| {
            let requests = asked.into_iter().filter_map(|query| query.example.request);
            requests.flat_map(|request| request.none_in).collect::<Vec<_>>()
        })
    };
    let [one, other] = unwanted(Preset::Default);
    assert!(!one.is_empty() && one == other);
    let [one, other] = unwanted(Preset::Paper);
    assert!(!one.is_empty() && one != other);
}

#[test]
fn rows_of_one_kind_are_compared_user_by_user() {
    let dataset = films();
    let popularity = Popularity::of(&dataset);
    let scores = ScorerSystem { name: "popularity".into(), catalogue: &dataset.catalogue, scorer: &popularity };
    let (ignoring, twin) =
        (rule("ignoring", first_ten(&dataset.catalogue)), rule("twin", first_ten(&dataset.catalogue)));
    let evaluation = evaluate_systems(&dataset, of(&["I0", "+C"]), &[&scores, &ignoring, &twin]);
    let find = |row: &str, with: &str, task: &str, metric: Metric| {
        let task: EvalTask = task.parse().unwrap();
        let is_it = |c: &&SystemComparison| c.row == row && c.with == with && c.task == task && c.metric == metric;
        evaluation.comparisons.iter().find(is_it).map(|comparison| comparison.difference)
    };
    let same = find("twin free", "ignoring free", "+C", Metric::TCP).unwrap();
    assert_eq!((same.low, same.mean, same.high, same.users), (0.0, 0.0, 0.0, evaluation.tasks[1].users));
    let worse = find("ignoring free", "popularity", "+C", Metric::TCP).unwrap();
    let expected = mean(&evaluation, "ignoring free", "+C", Metric::TCP).unwrap() - 1.0;
    assert!((worse.mean - expected).abs() < 1e-6 && worse.high < 0.0);
    assert_eq!(find("ignoring free", "twin free", "+C", Metric::TCP), None, "once for each pair");
    assert_eq!(find("twin free", "ignoring free", "I0", Metric::TCP), None, "no kind, no figure");

    let mean_of = |metric: Metric| {
        let is_it = |c: &&MeanComparison| c.row == "ignoring free" && c.with == "popularity" && c.metric == metric;
        evaluation.mean_comparisons.iter().find(is_it).map(|comparison| comparison.difference)
    };
    let tcp = mean_of(Metric::TCP).unwrap();
    assert_eq!((tcp.mean, tcp.users), (worse.mean, worse.users), "one task has the metric");
    let ndcg = mean_of(Metric::NDCG).unwrap();
    let [sequential, control] =
        ["I0", "+C"].map(|task| find("ignoring free", "popularity", task, Metric::NDCG).unwrap());
    assert_eq!(ndcg.users, sequential.users.max(control.users), "a user counts with one task or two");
}

#[test]
fn a_ranking_leaves_out_all_that_the_user_took_before() {
    let dataset = films();
    let popularity = Popularity::of(&dataset);
    let scores = || ScorerSystem { name: "popularity".into(), catalogue: &dataset.catalogue, scorer: &popularity };
    let ranking = FullRanking { system: scores(), catalogue: &dataset.catalogue };
    let evaluation = evaluate_systems(&dataset, of(&["I0", "+C"]), &[&scores(), &ranking]);
    let expected = evaluate(&popularity, &dataset, Split::Test, &Progress::silent()).unwrap().at(10).unwrap();
    let found = |metric| mean(&evaluation, "popularity rank", "I0", metric).unwrap();
    assert!((found(Metric::HR) - expected.hr).abs() < 1e-12 && (found(Metric::NDCG) - expected.ndcg).abs() < 1e-12);
    assert_eq!(mean(&evaluation, "popularity rank", "+C", Metric::TCP), Some(1.0));
    assert!(dataset.users.iter().any(|user| user.items.len() > 11), "some histories are longer than prompts show");
    assert!(evaluation.comparisons.is_empty(), "a list and a ranking are not alike");
}

#[test]
fn a_slice_has_the_figures_of_its_users_alone() {
    let dataset = films();
    // Right for users with an even number of items before the target.
    let target = |query: &EvalQuery| dataset.catalogue.title(query.example.target.unwrap()).to_owned();
    let even = rule("even", |query: &EvalQuery| match query.earlier.len() % 2 {
        0 => vec![target(query)],
        _ => vec!["nothing".to_owned()],
    });
    let teacher = Popularity::of(&dataset);
    let evaluator = Evaluator::new(&dataset, &teacher, of(&["I0"]), "no device".into()).unwrap();
    let mut evaluator = evaluator.with_slices();
    evaluator.evaluate(&even, None, &Progress::silent()).unwrap();
    let evaluation = evaluator.finish();
    let figures = &evaluation.rows[0].tasks[0];
    let histories = evaluation.slices.iter().filter_map(|slice| Some((slice, slice.slice.strip_prefix("history ")?)));
    let mut users = 0;
    for (slice, lengths) in histories {
        let (least, most) = lengths.split_once('–').unwrap_or((lengths, lengths));
        let within = least.parse().unwrap()..=most.parse().unwrap();
        let lengths: Vec<usize> = dataset.users.iter().map(|user| user.items.len() - 1).collect();
        let of_slice: Vec<usize> = lengths.into_iter().filter(|length| within.contains(length)).collect();
        let right = of_slice.iter().filter(|length| length.is_multiple_of(2)).count();
        let hr = figures.slices[&slice.slice][&Metric::HR];
        assert_eq!((hr.users, slice.users), (of_slice.len(), of_slice.len()), "{slice:?}");
        assert!((hr.mean - right as f64 / of_slice.len() as f64).abs() < 1e-12, "{slice:?}");
        users += slice.users;
    }
    assert_eq!(users, 40);
    let mean = Evaluation::mean(&[evaluation.clone(), evaluation.clone()]).unwrap();
    assert_eq!(mean.rows[0].tasks[0].slices, figures.slices);
}

#[test]
fn an_evaluation_is_read_back_as_it_was_and_shown_whole() {
    let dataset = films();
    let ignoring = rule("ignoring", first_ten(&dataset.catalogue));
    let evaluation = evaluate_systems(&dataset, of(&["I0", "-C", "LP20:ambiguous"]), &[&ignoring]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/eval.json");
    evaluation.write(&path).unwrap();
    // JSON's numbers are read to within their last bit.
    assert_eq!(format!("{:.9?}", Evaluation::read(&path).unwrap()), format!("{evaluation:.9?}"));
    std::fs::write(&path, "{}").unwrap();
    assert_eq!(Evaluation::read(&path).unwrap_err().exit_code(), 2);

    let table = evaluation.table().to_string();
    for part in
        ["ignoring free", "I0 NDCG", "-C TCP (low is good)", "LP20:ambiguous CPA", "NonExist, all tasks", "tokens/list"]
    {
        assert!(table.contains(part), "{part} is missing in\n{table}");
    }
    assert!(!table.contains("chat perplexity"), "nobody talked");
    let samples = &evaluation.rows[0].samples;
    assert_eq!(samples.len(), 6, "two of each subject");
    assert!(samples.iter().all(|sample| sample.items.len() == 10 && !sample.question.is_empty()));
    let unwanted = samples.iter().filter(|sample| sample.task.to_string() == "-C").flat_map(|sample| &sample.items);
    assert!(unwanted.clone().all(|item| item.of_kind.is_some()) && unwanted.clone().count() == 20);
}

#[test]
fn evaluations_without_queries_are_refused() {
    let dataset = films();
    let teacher = Popularity::of(&dataset);
    for (config, part) in [
        (EvalConfig { tasks: Vec::new(), ..EvalConfig::default() }, "--tasks"),
        (EvalConfig { seeds: Vec::new(), ..EvalConfig::default() }, "--seeds"),
        (EvalConfig { k: 0, ..EvalConfig::default() }, "--k"),
        (EvalConfig { users: Some(0), ..EvalConfig::default() }, "films"),
    ] {
        let error = Evaluator::new(&dataset, &teacher, config, String::new()).map(drop).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().starts_with(part), "{error}");
    }
}
