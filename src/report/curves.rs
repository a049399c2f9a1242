//! The training curves of a report: selection, titles and grouping.

use serde::Serialize;

use super::chart::{COLOURS, Chart, LineSeries, line_chart};
use super::run::{Run, RunKind};
use super::series::MetricSeries;

/// The curves of runs of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct Curves {
    /// The kind of the runs.
    pub title: String,
    /// The names of the runs.
    pub runs: Vec<String>,
    /// The main charts.
    pub main: Vec<TitledChart>,
    /// All other charts.
    pub further: Vec<TitledChart>,
}

/// A chart under its title.
#[derive(Debug, Clone, Serialize)]
pub struct TitledChart {
    /// The title.
    pub title: String,
    /// A one-sentence description.
    pub about: &'static str,
    /// The drawing.
    pub chart: Chart,
}

/// The chart of a metric path; `*` matches one part of the path, which then labels the line.
struct CurveSpec {
    path: &'static str,
    title: &'static str,
    about: &'static str,
    is_main: bool,
}

const fn main(path: &'static str, title: &'static str, about: &'static str) -> CurveSpec {
    CurveSpec { path, title, about, is_main: true }
}

const fn further(path: &'static str, title: &'static str, about: &'static str) -> CurveSpec {
    CurveSpec { path, title, about, is_main: false }
}

/// The known charts in the order of the report. Other metrics follow, titled by their path.
const CURVES: [CurveSpec; 43] = [
    main("objective/scores", "Reward", "Mean list reward of the sampled answers."),
    main("reward/*", "Reward by task", "Mean list reward of each training task."),
    main("loss", "Loss", "The training loss, in nats per token for likelihoods."),
    main("objective/kl", "KL to the reference, per answer", "Divergence of the policy from its starting point."),
    main("validation/*/reward", "Reward on held-out queries", "Greedy answers to wordings outside the training data."),
    main("validation/*/NDCG", "NDCG@10 on held-out queries", "Rank of the next item in the list."),
    main("validation/*/HR", "HR@10 on held-out queries", "Fraction of lists with the next item."),
    main(
        "validation/*/TCP",
        "TCP on held-out queries",
        "Fraction of the list in the category: high for +C, low for -C.",
    ),
    main("validation/*/CPA", "CPA on held-out queries", "Fraction of lists that meet the requested share."),
    main("validation/*/ndcg", "NDCG on the validation split", "Rank of the next item."),
    main("validation/*/hr", "Hit rate on the validation split", "Fraction of users with a hit among the first items."),
    main("validation/*/Obeyed", "Constraints met", "Fraction of lists that satisfy the request."),
    main("validation/*/CorrectCount", "Lists of the right length", "Unconstrained decoding."),
    main("validation/*/NonExist", "Hallucinated items per list", "Unconstrained decoding; lower is better."),
    main("validation/*/RepeatItem", "Repeated items per list", "Unconstrained decoding; lower is better."),
    main("validation/*/InHistory", "Known items per list", "Items of the user's history."),
    main("entropy", "Entropy", "Entropy of the next token, in nats."),
    main("reference_kl", "KL to the reference, per token", "The k3 estimator, never negative."),
    main("clipfrac", "Clipped ratios", "Fraction of tokens with a clipped ratio."),
    main("explained_variance", "Explained variance", "Variance of the returns explained by the critic."),
    main("whole", "Whole lists", "Fraction of the sampled answers that the teacher followed to their end."),
    further("policy_loss", "Policy loss", ""),
    further("value_loss", "Value loss", ""),
    further("approx_kl", "KL within an iteration", "From the sampling policy to the current policy."),
    further("ratio", "Probability ratio", "Mean of the last epoch of an iteration."),
    further("objective/rlhf_reward", "Reward minus KL penalty", ""),
    further("objective/non_score_reward", "KL penalty", ""),
    further("objective/entropy", "−log π of an answer", ""),
    further("item_reward", "Item reward", ""),
    further(
        "lists/*",
        "Metrics of the sampled lists",
        "Sampled at a temperature, so not comparable with greedy answers.",
    ),
    further("validation/*/MRR", "MRR on held-out queries", ""),
    further("validation/*/TCPDistinct", "TCP, each item once", ""),
    further("validation/*/CPADistinct", "CPA, each item once", ""),
    further("validation/*/Empty", "Empty answers", ""),
    further("answer_tokens", "Tokens per answer", ""),
    further("unfinished", "Truncated answers", "Fraction that reached the token limit."),
    further("ppo_epochs", "PPO epochs per iteration", "Fewer after early stopping by KL."),
    further("steps", "Steps per iteration", ""),
    further("lr", "Learning rate", ""),
    further("grad_norm", "Gradient norm", "Before clipping."),
    further("tokens_per_second", "Tokens per second", ""),
    further("memory_bytes", "Memory in GiB", "Main memory of the process."),
    further("beta", "KL coefficient β", ""),
];

/// The curves of all runs by kind.
pub fn of(runs: &[Run]) -> Vec<Curves> {
    let kinds = [
        (RunKind::Teacher, "The teacher"),
        (RunKind::Sft, "Supervised fine-tuning"),
        (RunKind::Distill, "On-policy distillation"),
        (RunKind::Ppo, "Reinforcement learning"),
        (RunKind::Other, "Other runs"),
    ];
    let curves = kinds.into_iter().map(|(kind, title)| {
        let of_kind: Vec<&Run> = runs.iter().filter(|run| run.kind() == kind && !run.series.is_empty()).collect();
        of_runs(title, &of_kind)
    });
    curves.filter(|curves| !curves.runs.is_empty()).collect()
}

fn of_runs(title: &str, runs: &[&Run]) -> Curves {
    let names = runs.iter().map(|run| run.name.clone()).collect();
    let mut curves = Curves { title: title.to_owned(), runs: names, main: Vec::new(), further: Vec::new() };
    for place in &CURVES {
        if let Some(chart) = chart(place.title, runs, |path| part(place.path, path)) {
            let titled = TitledChart { title: place.title.into(), about: place.about, chart };
            if place.is_main { curves.main.push(titled) } else { curves.further.push(titled) }
        }
    }
    for path in unplaced(runs) {
        let same = |other: &str| (other == path).then(String::new);
        if let Some(chart) = chart(&path, runs, same) {
            curves.further.push(TitledChart { title: path.clone(), about: "", chart });
        }
    }
    curves
}

/// The part of `path` that matches the pattern's `*` (empty without `*`); `None` if the path does not match.
fn part(pattern: &str, path: &str) -> Option<String> {
    match pattern.split_once('*') {
        None => (pattern == path).then(String::new),
        Some((before, after)) => {
            let part = path.strip_prefix(before)?.strip_suffix(after)?;
            (!part.is_empty() && !part.contains('/')).then(|| part.to_owned())
        }
    }
}

/// The metric paths without a known chart, in order.
fn unplaced(runs: &[&Run]) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for series in runs.iter().flat_map(|run| &run.series) {
        let placed = CURVES.iter().any(|place| part(place.path, &series.path).is_some());
        if !placed && !paths.contains(&series.path) {
            paths.push(series.path.clone());
        }
    }
    paths
}

/// The chart of all series that `part` matches: one colour per part, or per run without parts.
fn chart(title: &str, runs: &[&Run], part: impl Fn(&str) -> Option<String>) -> Option<Chart> {
    let found: Vec<(usize, &MetricSeries, String)> = runs
        .iter()
        .enumerate()
        .flat_map(|(number, run)| run.series.iter().map(move |series| (number, series)))
        .filter_map(|(number, series)| Some((number, series, part(&series.path)?)))
        .collect();
    let axis = found.first()?.1.axis.label();
    let mut parts: Vec<&str> = Vec::new();
    for (_, _, part) in &found {
        if !parts.contains(&part.as_str()) {
            parts.push(part);
        }
    }
    let several = runs.len() > 1;
    let line = |(number, series, part): &(usize, &MetricSeries, String)| {
        let run = &runs[*number].name;
        let label = match (part.as_str(), several) {
            ("", _) => run.clone(),
            (part, false) => part.to_owned(),
            (part, true) => format!("{run} {part}"),
        };
        let place = parts.iter().position(|other| other == part).unwrap_or(0);
        let (colour, dashed) = if part.is_empty() { (*number, false) } else { (place, number % 2 == 1) };
        LineSeries { label, colour, dashed: dashed || colour >= COLOURS, points: points(series) }
    };
    let drawn: Vec<LineSeries> = found.iter().map(line).collect();
    Some(line_chart(title, axis, &drawn))
}

fn points(series: &MetricSeries) -> Vec<(f64, f64)> {
    const GIB: f64 = (1u64 << 30) as f64;
    let unit = if series.path == "memory_bytes" { GIB } else { 1.0 };
    series.points.iter().map(|&(x, y)| (x, y / unit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_the_part_that_it_leaves_open() {
        assert_eq!(part("validation/*/HR", "validation/+C/HR").as_deref(), Some("+C"));
        assert_eq!(part("reward/*", "reward/LP").as_deref(), Some("LP"));
        assert_eq!(part("loss", "loss").as_deref(), Some(""));
        for (pattern, path) in
            [("validation/*/HR", "validation/HR"), ("reward/*", "reward/a/b"), ("loss", "value_loss")]
        {
            assert_eq!(part(pattern, path), None, "{path}");
        }
    }
}
