//! Lists to look at: the same question to all that are compared, and a policy's answers before and after.

use serde::Serialize;
use serde_json::Value;

use super::run::Run;
use super::text::number;
use crate::evaluate::{ListSample, SampleItem};
use crate::recommend::Status;

/// One question and the lists that answered it.
#[derive(Debug, Serialize)]
pub struct QuestionView {
    /// The task.
    pub subject: String,
    /// Whose it is, or nobody's.
    pub user: String,
    /// The user's last turn.
    pub question: String,
    /// What the user took next.
    pub target: String,
    /// The answers, in the order of the table.
    pub answers: Vec<AnswerView>,
}

/// One list.
#[derive(Debug, Serialize)]
pub struct AnswerView {
    /// Who gave it, or when.
    pub by: String,
    /// What it came to: whether it satisfies the request, its reward.
    pub verdict: String,
    /// Whether it is all that was asked for; none where nobody said.
    pub constraints_met: Option<bool>,
    /// The items.
    pub items: Vec<ItemView>,
    /// The answer as it was written, where no item was found in it.
    pub text: String,
}

/// An item of a list.
#[derive(Debug, Serialize)]
pub struct ItemView {
    /// The title as the answer has it.
    pub title: String,
    /// The class of its status in the style sheet.
    pub class: &'static str,
    /// The status in words, or nothing where all is well.
    pub status: String,
    /// Whether it is what the user took next.
    pub is_target: bool,
    /// Its reward, or nothing.
    pub reward: String,
}

/// Questions that are shown; an evaluation keeps more.
const MOST: usize = 24;

/// The questions that evaluations have kept, each with the answers of all rows.
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
            // A row that several evaluations share, as the teacher's, answers once.
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
    let verdict = if sample.constraints_met { "all that was asked for" } else { "not all that was asked for" };
    let items: Vec<ItemView> = sample.items.iter().map(judged).collect();
    let text = if items.is_empty() { sample.text.clone() } else { String::new() };
    AnswerView { by, verdict: verdict.into(), constraints_met: Some(sample.constraints_met), items, text }
}

fn judged(item: &SampleItem) -> ItemView {
    let (class, status) = match (mark(item.status), &item.breaks) {
        ((_, ""), Some(rule)) => ("breaks", format!("breaks: {rule}")),
        ((class, ""), None) if item.of_kind == Some(true) => (class, "of the kind".to_owned()),
        ((class, status), _) => (class, status.to_owned()),
    };
    ItemView { title: item.title.clone(), class, status, is_target: item.is_target, reward: String::new() }
}

/// A status as the style sheet and as people call it.
fn mark(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Ok => ("ok", ""),
        Status::Surplus => ("surplus", "more than asked for"),
        Status::NotExist => ("invented", "invented"),
        Status::Repeat => ("repeat", "repeated"),
        Status::InHistory => ("known", "already taken"),
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

/// A line of samples.jsonl as an answer.
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

/// A request in few words: the flags that were used.
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
    fn a_practised_answer_has_its_statuses_and_its_rewards() {
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
