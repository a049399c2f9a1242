//! Which curves are shown, under which names, and who is drawn together.

use serde::Serialize;

use super::chart::{COLOURS, Chart, LineSeries, line_chart};
use super::run::{Run, RunKind};
use super::series::MetricSeries;

/// The curves of runs of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct Curves {
    /// What the runs did.
    pub title: String,
    /// The names of the runs.
    pub runs: Vec<String>,
    /// The charts that tell most.
    pub main: Vec<TitledChart>,
    /// All others.
    pub further: Vec<TitledChart>,
}

/// A chart under its title.
#[derive(Debug, Clone, Serialize)]
pub struct TitledChart {
    /// The title.
    pub title: String,
    /// What is to be seen, in a sentence.
    pub about: &'static str,
    /// The drawing.
    pub chart: Chart,
}

/// A place in the report for the numbers of a path; `*` is any one part of it, which then names the line.
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

/// In the order of the report. What stands nowhere here is shown behind it, under its path.
const CURVES: [CurveSpec; 42] = [
    main("objective/scores", "Reward", "The mean list reward of the sampled answers."),
    main("reward/*", "Reward by task", "The mean list reward of each task."),
    main("loss", "Loss", "What is minimised, in nats per token where it is a likelihood."),
    main("objective/kl", "KL to the reference, per answer", "How far the policy has gone from where it began."),
    main("validation/*/reward", "Reward on held-out questions", "Greedy answers, wordings never practised."),
    main("validation/*/NDCG", "NDCG@10 on held-out questions", "How high the next item stands in the list."),
    main("validation/*/HR", "HR@10 on held-out questions", "How often the next item is in the list."),
    main(
        "validation/*/TCP",
        "TCP on held-out questions",
        "The part of the list that is of the kind: high for +C, low for -C.",
    ),
    main("validation/*/CPA", "CPA on held-out questions", "How often the share that was asked for is met."),
    main("validation/*/ndcg", "NDCG on the validation split", "How high the next item is ranked."),
    main("validation/*/hr", "Hit rate on the validation split", "How often the next item is among the first."),
    main("validation/*/Obeyed", "Constraints met", "The part of the lists that are all that was asked for."),
    main("validation/*/CorrectCount", "Lists of the right length", "Free answers, nothing keeps them in order."),
    main("validation/*/NonExist", "Invented titles per list", "Free answers; none would be best."),
    main("validation/*/RepeatItem", "Repeated titles per list", "Free answers; none would be best."),
    main("validation/*/InHistory", "Known titles per list", "Items that the user had taken before."),
    main("entropy", "Entropy", "Of the next token, in nats: a policy that has made up its mind has little."),
    main("reference_kl", "KL to the reference, per token", "The estimate k3, never negative."),
    main("clipfrac", "Clipped ratios", "The part of the tokens that moved further than one step allows."),
    main("explained_variance", "Explained variance", "How much of the returns the critic foresaw."),
    further("policy_loss", "Loss of the policy", ""),
    further("value_loss", "Loss of the critic", ""),
    further("approx_kl", "KL within an iteration", "From the policy that sampled to the one that learns."),
    further("ratio", "Ratio of probabilities", "In the last epoch of an iteration."),
    further("objective/rlhf_reward", "Reward less the price of leaving the reference", ""),
    further("objective/non_score_reward", "The price of leaving the reference", ""),
    further("objective/entropy", "−log π of an answer", ""),
    further("item_reward", "Reward of a line", ""),
    further(
        "lists/*",
        "Measures of the sampled lists",
        "Sampled at a temperature, so not the figures of greedy answers.",
    ),
    further("validation/*/MRR", "MRR on held-out questions", ""),
    further("validation/*/TCPDistinct", "TCP, each item once", ""),
    further("validation/*/CPADistinct", "CPA, each item once", ""),
    further("validation/*/Empty", "Empty answers", ""),
    further("answer_tokens", "Tokens of an answer", ""),
    further("unfinished", "Answers cut off", "The part that reached the limit of tokens."),
    further("ppo_epochs", "Epochs of an iteration", "Fewer where the policy had moved far enough."),
    further("steps", "Steps of an iteration", ""),
    further("lr", "Learning rate", ""),
    further("grad_norm", "Norm of the gradients", "Before clipping."),
    further("tokens_per_second", "Tokens per second", ""),
    further("memory_bytes", "Memory in GiB", "Main memory of the process."),
    further("beta", "Penalty β", ""),
];

/// The curves of all runs, kind by kind.
pub fn of(runs: &[Run]) -> Vec<Curves> {
    let kinds = [
        (RunKind::Teacher, "The teacher"),
        (RunKind::Sft, "Supervised fine-tuning"),
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

/// The part of `path` that stands in the place of the pattern's `*`, empty where it has none; `None` where it does not fit.
fn part(pattern: &str, path: &str) -> Option<String> {
    match pattern.split_once('*') {
        None => (pattern == path).then(String::new),
        Some((before, after)) => {
            let part = path.strip_prefix(before)?.strip_suffix(after)?;
            (!part.is_empty() && !part.contains('/')).then(|| part.to_owned())
        }
    }
}

/// The paths that no place takes, in order.
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

/// The chart of all series that `part` takes: one colour for each part, or for each run where there are no parts.
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
