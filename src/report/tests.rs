//! Whole reports of small runs: everything is in them, nothing is fetched, and no title becomes markup.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Report;
use crate::evaluate::SCHEMA;

/// A title that tries everything.
const HOSTILE: &str =
    "</script><script>alert('x')</script>\"><img src=http://x onerror=\"y\">\u{1b}[2J\u{202e}{{ 7*7 }}";

fn write(folder: &Path, file: &str, content: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(file), content).unwrap();
}

fn lines(values: impl IntoIterator<Item = Value>) -> String {
    values.into_iter().map(|value| format!("{value}\n")).collect()
}

/// A run of supervised fine-tuning with one evaluation.
fn sft(folder: &Path) {
    write(folder, "config.toml", "model = \"smol\"\nseed = 7 # <b>\n[lora]\nrank = 8\n");
    let train = (1..=100).map(|step| {
        json!({ "step": step, "epoch": f64::from(step) / 50.0, "seconds": step, "loss": 3.0 / f64::from(step), "lr": 1e-3,
            "grad_norm": 1.0, "tokens_per_second": 900.0, "memory_bytes": 3u64 << 30 })
    });
    let validation = [0, 50, 100].map(|step| {
        let figures = json!({ "lists": 8, "HR": 0.1, "NDCG": f64::from(step) / 1000.0, "NonExist": 0.5 });
        json!({ "step": step, "seconds": step, "validation": { "I0": figures, "+C": figures } })
    });
    write(folder, "metrics.jsonl", &lines(train.chain(validation)));
    write(folder, "eval.json", &evaluation("sft").to_string());
}

/// A run of reinforcement learning with samples.
fn ppo(folder: &Path) {
    let train = (1..=30).map(|step| {
        json!({ "step": step, "seconds": step, "policy_loss": 0.1, "loss": 0.2, "entropy": 1.5, "approx_kl": 0.01, "clipfrac": 0.1,
            "objective": { "kl": 0.2, "scores": step }, "reward": { "I0": 1.0, "LP": 2.0 }, "reference_kl": 0.3,
            "lists": { "lists": 4, "HR": 0.25 }, "something_new": 4.5 })
    });
    write(folder, "metrics.jsonl", &lines(train));
    let sample = |step: u32, answer: &str| {
        json!({ "step": step, "practice": "LP", "request": { "k": 2, "share": ["at most 30% <War>"] }, "target": HOSTILE,
            "answer": answer, "statuses": ["not-exist", "ok"], "items": [-1.0, 0.5], "list": 2.5 })
    };
    write(folder, "samples.jsonl", &lines([sample(1, &format!("1. {HOSTILE}\n 2. Up")), sample(30, "1. Up\n 2. Ran")]));
    write(folder, "eval.json", &evaluation("ppo").to_string());
}

fn evaluation(name: &str) -> Value {
    let interval = |mean: f64| json!({ "mean": mean, "low": mean - 0.05, "high": mean + 0.05, "users": 20 });
    let figures = |subject: &str, mean: f64| {
        let metrics = json!({ "HR": interval(mean), "NDCG": interval(mean / 2.0), "TCP": interval(mean), "Obeyed": interval(mean),
            "NonExist": interval(mean) });
        json!({ "subject": subject, "exact": metrics, "fuzzy": {}, "plain_list": { "TCP": interval(0.125) } })
    };
    let sample = json!({ "subject": "-C", "user": "<u&1>", "question": format!("Not {HOSTILE}"), "request": {}, "target": HOSTILE,
        "text": "", "obeyed": false, "items": [
            { "title": HOSTILE, "status": "not-exist", "of_kind": null, "is_target": false },
            { "title": "Up", "status": "ok", "breaks": "not in <War>", "of_kind": true, "is_target": true },
            { "title": "Ran", "status": "repeat", "of_kind": false, "is_target": false } ] });
    let row = |name: &str, decode: Value, mean: f64| {
        json!({ "name": name, "decode": decode, "subjects": [figures("I0", mean), figures("-C", mean)], "samples": [sample],
            "speed": { "lists": 40, "tokens": 400, "steps": 100, "seconds": 8.0 } })
    };
    json!({ "schema": SCHEMA,
        "protocol": { "dataset": "films", "split": "test", "users": 20, "users_with_case": 30, "items": 99, "k": 10,
            "recipe": "default", "seeds": [1], "replicates": 1000, "device": "the <CPU>", "version": "0.1.0" },
        "subjects": [{ "subject": "I0", "about": "the next item", "users": 20, "left_out": 0 },
            { "subject": "-C", "about": "none of a category", "users": 18, "left_out": 2 }],
        "rows": [row("SASRec", Value::Null, 0.3), row(name, json!("free"), if name == "sft" { 0.2 } else { 0.4 })],
        "comparisons": [{ "row": name, "with": "SASRec", "subject": "I0", "metric": "HR", "difference": interval(0.1) }] })
}

fn report(folders: &[PathBuf]) -> (String, Vec<String>) {
    let report = Report::read(folders).unwrap();
    (report.html().unwrap(), report.problems().map(str::to_owned).collect())
}

/// The text of a page without its style sheet.
fn body(html: &str) -> &str {
    html.split_once("</style>").unwrap().1
}

#[test]
fn a_report_holds_every_series_every_figure_and_every_list() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["sft", "ppo"].map(|name| folder.path().join(name));
    sft(&a);
    ppo(&b);
    let (html, problems) = report(&[a, b]);
    assert!(problems.is_empty(), "{problems:?}");
    for part in [
        // Curves under their titles, and what no title is known for.
        "<strong>Loss</strong>",
        "<strong>Reward</strong>",
        "<strong>KL to the reference, per answer</strong>",
        "Learning rate",
        "<strong>NDCG@10 on held-out queries</strong>",
        "<strong>something_new</strong>",
        "Memory in GiB",
        "Metrics of the sampled lists",
        // The table, with one row for the teacher that both evaluations have.
        "films, test split, leave-one-out, 20 of 30 users",
        "0.250–0.350",
        "plain list 0.125",
        "-C: 2 users left out",
        "+0.100 (+0.050 to +0.150)",
        "lists per second",
        "lower is better",
        "At a glance",
        "<h1>sft · ppo</h1>\n<p class=\"made\">",
        "<th scope=\"col\">Control",
        // Bars and lists.
        "<strong>I0: NDCG</strong>",
        "<strong>-C: TCP (lower is better)</strong>",
        "iteration 1",
        "iteration 30",
        "reward 2.500",
        "at most 30% &lt;War&gt;",
        "breaks: not in &lt;War&gt;",
        "hallucinated",
        "repeated",
        "target",
        // Configuration and facts.
        "seed = 7 # &lt;b&gt;",
        "3.00 GiB",
        "the &lt;CPU&gt;",
    ] {
        assert!(html.contains(part), "{part:?} is missing");
    }
    assert_eq!(html.matches("<th scope=\"col\">SASRec").count(), 1);
    let comparison = html.split_once("id=\"comparison\"").unwrap().1;
    let table = comparison.split_once("<thead>").unwrap().1.split_once("</thead>").unwrap().0;
    let order: Vec<usize> = ["SASRec", "sft", "ppo"].iter().map(|name| table.find(name).unwrap()).collect();
    assert!(order.is_sorted());
}

#[test]
fn a_report_fetches_nothing_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    ppo(&folder.path().join("p"));
    let (html, _) = report(&[folder.path().join("p")]);
    // What stands between a "<" and a ">" is markup; titles are text.
    let markup: String =
        html.split('<').skip(1).filter_map(|tag| Some(format!("<{}>", tag.split_once('>')?.0))).collect();
    for part in
        ["<script", "<img", "<link", "<iframe", " src=", " onerror", " onclick", "javascript:", "http:", "https:", "//"]
    {
        assert!(!markup.contains(part), "{part} in {:?}", markup.split('<').find(|tag| tag.contains(part)));
    }
    assert!(!html.contains("@import") && !html.contains("url("));
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn no_title_becomes_markup_and_all_tags_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["s", "<p onclick='x'>"].map(|name| folder.path().join(name));
    sft(&a);
    ppo(&b);
    let (html, _) = report(&[a, b]);
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)") && html.contains("{{ 7*7 }}"));
    assert!(!html.contains(['\u{1b}', '\u{202e}']));
    let mut open: Vec<&str> = vec!["html", "head"];
    let mut rest = body(&html);
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, later) = after.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        match () {
            () if tag.starts_with('/') => {
                assert_eq!(open.pop(), Some(name), "before {:?}", &later[..later.len().min(80)])
            }
            () if tag.ends_with('/') => {}
            () => open.push(name),
        }
        rest = later;
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn what_is_missing_or_torn_is_said_and_fails_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [empty, torn, good] = ["empty", "torn", "good"].map(|name| folder.path().join(name));
    std::fs::create_dir_all(&empty).unwrap();
    sft(&good);
    write(&torn, "config.toml", "not [ toml \u{0}");
    let torn_lines = "{\"step\": 1, \"loss\": 2.0}\n\u{fffd}\n[1]\n\n{\"step\": 2, \"lo";
    std::fs::write(torn.join("metrics.jsonl"), [torn_lines.as_bytes(), &[0xff, 0xfe]].concat()).unwrap();
    write(&torn, "eval.json", "{\"schema\": 1}");
    write(&torn, "samples.jsonl", "{\"practice\": 3}\nno\n");
    let (html, problems) = report(&[empty.clone(), torn.clone(), good]);
    let said = |part: &str| problems.iter().any(|problem| problem.contains(part));
    assert!(said("neither config.toml nor metrics.jsonl nor eval.json"), "{problems:?}");
    assert!(said("metrics.jsonl line 2 and others are no whole lines of JSON; 3 left out"), "{problems:?}");
    assert!(said("tiller-eval/1") && said("samples.jsonl line 2 is no whole line"), "{problems:?}");
    assert_eq!(html.matches("class=\"problem\"").count(), problems.len());
    assert!(html.contains("not [ toml \u{fffd}"));
    report(&[empty]);

    let error = Report::read(&[torn.join("metrics.jsonl")]).err().unwrap();
    assert_eq!((error.exit_code(), error.to_string().contains("found a file")), (2, true));
    assert_eq!(Report::read(&[folder.path().join("nowhere")]).err().unwrap().exit_code(), 2);
}

#[test]
fn runs_of_one_name_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let folders = ["a/run", "b/run", "b/run"].map(|name| folder.path().join(name));
    folders.iter().for_each(|folder| sft(folder));
    let (html, _) = report(&folders);
    for name in ["<h3>a/run</h3>", "<h3>b/run</h3>", "<h3>b/run (2)</h3>"] {
        assert!(html.contains(name), "{name}");
    }
}
