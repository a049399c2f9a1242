//! Sample lists: the answers of all systems to the same query, and a policy's answers before and after training.

use serde::Serialize;
use serde_json::Value;

use super::run::Run;
use super::text::number;
use crate::evaluate::{ListSample, SampleItem};
use crate::recommend::Status;

/// A query and its answers.
#[derive(Debug, Serialize)]
pub struct QuestionView {
    /// The task.
    pub subject: String,
    /// The user, or empty.
    pub user: String,
    /// The user's last turn.
    pub question: String,
    /// The target item.
    pub target: String,
    /// The answers, in the order of the table.
    pub answers: Vec<AnswerView>,
}

/// An answer.
#[derive(Debug, Serialize)]
pub struct AnswerView {
    /// The system or the training iteration.
    pub by: String,
    /// The outcome: constraint satisfaction or reward.
    pub verdict: String,
    /// True if the list satisfies the request; `None` if unknown.
    pub constraints_met: Option<bool>,
    /// The items.
    pub items: Vec<ItemView>,
    /// The raw text of an answer without items.
    pub text: String,
}

/// An item of a list.
#[derive(Debug, Serialize)]
pub struct ItemView {
    /// The title as the answer has it.
    pub title: String,
    /// The CSS class of its status.
    pub class: &'static str,
    /// The status text; empty for a valid item.
    pub status: String,
    /// True for the target item.
    pub is_target: bool,
    /// Its reward; empty if unknown.
    pub reward: String,
}

/// The maximum number of queries shown.
const MOST: usize = 24;

/// The sampled queries of the evaluations, each with the answers of all systems.
pub fn of_evaluations(runs: &[Run]) -> Vec<QuestionView> {
    let mut questions: Vec<QuestionView> = Vec::new();
    let rows = runs.iter().flat_map(|run| &run.evaluations).flat_map(|(_, evaluation)| &evaluation.rows);
    for (row, sample) in rows.flat_map(|row| row.samples.iter().map(move |sample| (row, sample))) {
        let subject = sample.task.to_string();
        let answer = answer(row.label(), sample);
        let same = |question: &&mut QuestionView| {
            question.subject == subject && question.user == sample.user && question.question == sample.question
        };
        match questions.iter_mut().find(same) {
            // A row shared by several evaluations, such as the teacher's, is listed once.
            Some(question)
                if question.answers.iter().any(|other| other.by == answer.by && same_items(other, &answer)) => {}
            Some(question) => question.answers.push(answer),
            None => questions.push(QuestionView {
                subject,
                user: sample.user.clone(),
                question: sample.question.clone(),
                target: sample.target.clone(),
                answers: vec![answer],
            }),
        }
    }
    questions.truncate(MOST);
    questions
}

fn same_items(a: &AnswerView, b: &AnswerView) -> bool {
    a.items.iter().map(|item| &item.title).eq(b.items.iter().map(|item| &item.title))
}

fn answer(by: String, sample: &ListSample) -> AnswerView {
    let verdict = if sample.constraints_met { "satisfies the request" } else { "violates the request" };
    let items: Vec<ItemView> = sample.items.iter().map(judged).collect();
    let text = if items.is_empty() { sample.text.clone() } else { String::new() };
    AnswerView { by, verdict: verdict.into(), constraints_met: Some(sample.constraints_met), items, text }
}

fn judged(item: &SampleItem) -> ItemView {
    let (class, status) = match (mark(item.status), &item.breaks) {
        ((_, ""), Some(rule)) => ("breaks", format!("breaks: {rule}")),
        ((class, ""), None) if item.of_kind == Some(true) => (class, "matches the request".to_owned()),
        ((class, status), _) => (class, status.to_owned()),
    };
    ItemView { title: item.title.clone(), class, status, is_target: item.is_target, reward: String::new() }
}

/// The CSS class and the text of a status.
fn mark(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Ok => ("ok", ""),
        Status::Surplus => ("surplus", "surplus"),
        Status::NotExist => ("invented", "hallucinated"),
        Status::Repeat => ("repeat", "repeated"),
        Status::InHistory => ("known", "in the history"),
    }
}

/// The first and the last answer of each task of a run that keeps samples.jsonl.
pub fn before_and_after(run: &Run) -> Vec<QuestionView> {
    let mut practices: Vec<(&str, Vec<&Value>)> = Vec::new();
    for line in &run.samples {
        let practice = line["practice"].as_str().unwrap_or("?");
        match practices.iter_mut().find(|(name, _)| *name == practice) {
            Some((_, lines)) => lines.push(line),
            None => practices.push((practice, vec![line])),
        }
    }
    let question = |(practice, lines): &(&str, Vec<&Value>)| {
        let (first, last) = (lines.first()?, lines.last()?);
        let shown = if lines.len() == 1 { vec![first] } else { vec![first, last] };
        let answers: Vec<AnswerView> = shown.iter().map(|line| practised(line)).collect();
        let asked = shown.iter().map(|line| wish(&line["request"])).collect::<Vec<_>>().join(" · ");
        Some(QuestionView {
            subject: (*practice).to_owned(),
            user: String::new(),
            question: asked,
            target: shown.iter().filter_map(|line| line["target"].as_str()).collect::<Vec<_>>().join(" · "),
            answers,
        })
    };
    practices.iter().filter_map(question).collect()
}

/// Converts a line of samples.jsonl to an answer.
fn practised(line: &Value) -> AnswerView {
    let text = line["answer"].as_str().unwrap_or_default();
    let target = line["target"].as_str();
    let status = |at: usize| serde_json::from_value::<Status>(line["statuses"][at].clone()).ok();
    let written = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let items = written.enumerate().map(|(at, written)| {
        let title = after_index(written);
        let (class, status) = status(at).map_or(("", ""), mark);
        let reward = line["items"][at].as_f64().map(|reward| format!("{reward:+.2}"));
        ItemView {
            title: title.to_owned(),
            class,
            status: status.to_owned(),
            is_target: Some(title) == target,
            reward: reward.unwrap_or_default(),
        }
    });
    let reward = line["list"].as_f64().map(|reward| format!("reward {}", number(reward)));
    let step = line["step"].as_u64().map(|step| format!("iteration {step}"));
    AnswerView {
        by: step.unwrap_or_default(),
        verdict: reward.unwrap_or_default(),
        constraints_met: None,
        items: items.collect(),
        text: String::new(),
    }
}

fn after_index(line: &str) -> &str {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == line.len() { line } else { rest.strip_prefix('.').map_or(line, str::trim_start) }
}

/// A short description of a request: its flags.
fn wish(request: &Value) -> String {
    let list = |key: &str| -> Vec<String> {
        let values = request[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        values
            .map(|value| if key == "share" || key == "where" { value.to_owned() } else { format!("{key} {value}") })
            .collect()
    };
    let wishes: Vec<String> =
        ["more", "less", "where", "share", "must", "exclude"].iter().flat_map(|key| list(key)).collect();
    let k = request["k"].as_u64().map(|k| format!("{k} items")).unwrap_or_default();
    [vec![k], wishes].concat().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rollout_has_its_statuses_and_its_rewards() {
        let line = json!({ "step": 3, "practice": "+C", "target": "Up (2009)", "list": 4.25, "items": [1.0, -1.0],
            "statuses": ["ok", "not-exist", "surplus"], "answer": "1. Up (2009)\n 2. 12 Monkeys\n2. x\n",
            "request": { "k": 2, "more": ["Drama"], "share": ["at most 30% War"] } });
        let answer = practised(&line);
        let items: Vec<_> =
            answer.items.iter().map(|i| (i.title.as_str(), i.class, i.reward.as_str(), i.is_target)).collect();
        assert_eq!(
            items,
            [
                ("Up (2009)", "ok", "+1.00", true),
                ("12 Monkeys", "invented", "-1.00", false),
                ("x", "surplus", "", false)
            ]
        );
        assert_eq!((answer.by.as_str(), answer.verdict.as_str()), ("iteration 3", "reward 4.250"));
        assert_eq!(wish(&line["request"]), "2 items, more Drama, at most 30% War");
        assert!(practised(&json!({ "answer": 5, "statuses": "x" })).items.is_empty());
    }
}
