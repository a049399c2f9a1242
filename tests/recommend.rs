//! `tiller recommend` from the command line, with a model whose answer is known.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::toy;

/// The model's answer: chatter, then each kind of item. An escape sequence stands for all that titles may smuggle.
const ANSWER: [&str; 7] = [
    "Here you go:\n",
    "1. Up (2009)\n",
    " 2. 12 Angry Men (1957)\n",
    " 3. No\u{1b}[2Jpe\n",
    " 4. 2. Fast\n",
    " 5. 2. Fast (Crime)\n",
    " 6. Heat (1995)\n",
];

struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        toy::write_data_set(&world.path("data"));
        toy::write_model(&world.path("model"), &ANSWER, 2048);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `tiller recommend data --model model ARGUMENTS` on the CPU, where the model writes alone unless the arguments say otherwise.
    fn recommend(&self, arguments: &[&str]) -> Output {
        let alone: &[&str] = if arguments.contains(&"--decode") { &[] } else { &["--decode", "free"] };
        self.recommend_with(&self.path("model"), &[alone, arguments].concat())
    }

    fn recommend_with(&self, model: &Path, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.arg(self.path("data")).arg("--model").arg(model).args(arguments);
        command.output().unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiller"));
        command.args(["--device", "cpu", "recommend"]).env("TILLER_HOME", self.path("home"));
        command
    }

    /// The JSON lines of a successful call.
    fn lists(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.recommend(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn statuses(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["status"].as_str().unwrap()).collect()
}

#[test]
fn every_item_of_a_list_has_its_key_and_its_status() {
    let world = World::new();
    let lists = world.lists(&["--user", "anna", "-k", "5", "--more", "Drama", "--less", "Crime"]);
    let [list] = lists.as_slice() else { panic!("{lists:?}") };
    assert_eq!(list["user"], "anna");
    let expected = json!({ "k": 5, "history": ["Up (2009)", "Ran (1985)"], "exclude": [], "must": [], "candidates": null,
        "more": ["Drama"], "less": ["Crime"], "where": [], "share": [] });
    assert_eq!(list["request"], expected);
    assert_eq!(statuses(list), ["in-history", "ok", "not-exist", "ok", "repeat", "surplus"]);
    let breaks: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["breaks"].clone()).collect();
    assert_eq!(breaks[..4], [json!(null), json!(null), json!(null), json!("in Drama")]);
    let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [json!("u"), json!("a"), json!(null), json!("f"), json!("f"), json!("h")]);
    assert_eq!(list["text"], ANSWER.concat());
    assert_eq!(list["tokens"], ANSWER.len() + 1, "the end counts too");
    assert_eq!((&list["decode"], &list["guidance"]), (&json!("free"), &json!(null)));
    assert!(list["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn every_line_of_a_tuned_model_counts_as_an_item() {
    let world = World::new();
    let adapter = world.path("adapter");
    toy::write_adapter(&adapter);
    let list = &world.lists(&["--user", "bert", "-k", "3", "--adapter", adapter.to_str().unwrap()])[0];
    assert_eq!(list["items"][0]["title"], "Here you go:");
    assert_eq!(statuses(list), ["not-exist", "ok", "ok", "surplus", "surplus", "surplus", "surplus"]);
}

#[test]
fn batches_change_nothing_but_the_time() {
    let world = World::new();
    let without_time = |arguments: &[&str]| -> Vec<Value> {
        let mut lists = world.lists(arguments);
        lists.iter_mut().for_each(|list| list["seconds"] = json!(0));
        lists
    };
    let together = without_time(&["--user", "all", "-k", "3"]);
    let users: Vec<_> = together.iter().map(|list| list["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["anna", "bert", "cleo"]);
    assert_eq!(statuses(&together[2])[..3], ["ok", "in-history", "not-exist"]);
    assert_eq!(without_time(&["--user", "all", "-k", "3", "--batch", "2"]), together);

    let file = world.path("users.txt");
    std::fs::write(&file, "cleo\nanna\n").unwrap();
    let named = without_time(&["--user", file.to_str().unwrap(), "-k", "3"]);
    assert_eq!(named, [together[2].clone(), together[0].clone()]);
}

#[test]
fn people_read_what_is_wrong_and_no_title_reaches_the_terminal_raw() {
    let world = World::new();
    let output = world.recommend(&["--history", "Ran (1985)", "Heat (1995)", "-k", "5", "--less", "Crime", "--prompt"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "I chose these items before: 'Ran (1985)' → 'Heat (1995)'.",
        "'Crime'",
        "<|assistant|>",
        "  2. 12 Angry Men (1957)\n",
        "  3. No [2Jpe  [not in the catalogue]\n",
        "  4. 2. Fast  [breaks: not in Crime]\n",
        "  5. 2. Fast  [repeated]\n",
        "  6. Heat (1995)  [more than asked for]\n",
        "5 asked for: 2 good, 1 against the request, 1 not in the catalogue, 1 repeated, 1 more than asked for\n",
    ] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn sampling_flags_that_leave_no_choice_give_the_greedy_list() {
    let world = World::new();
    let greedy = world.lists(&["--user", "bert"])[0]["text"].clone();
    for flags in [&["--temperature", "0"][..], &["--top-k", "1", "--temperature", "3", "--seed", "7"]] {
        assert_eq!(world.lists(&[&["--user", "bert"], flags].concat())[0]["text"], greedy, "{flags:?}");
    }
    assert_eq!(world.lists(&["--user", "bert", "--max-new-tokens", "2"])[0]["text"], ANSWER[..2].concat());
}

#[test]
fn a_constrained_list_satisfies_its_request_whatever_the_model_prefers() {
    let world = World::new();
    let one = |arguments: &[&str]| world.lists(&[&["--decode", "strict"], arguments].concat()).remove(0);
    let titles = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    };
    let list = one(&["--user", "anna", "-k", "3"]);
    assert_eq!((statuses(&list), &list["decode"]), (vec!["ok"; 3], &json!("strict")));
    let guidance = |name: &str| list["guidance"][name].as_u64().unwrap();
    assert_eq!(guidance("steps"), guidance("choices"));
    assert_eq!(list["tokens"].as_u64().unwrap(), guidance("choices") + guidance("forced"));
    assert!(guidance("changed") > 0 && list["guidance"]["removed_mass"].as_f64().unwrap() > 0.0);

    let list = one(&[
        "--history",
        "Up (2009)",
        "-k",
        "2",
        "--must",
        "Heat (1995)",
        "--share",
        "Crime<=1",
        "--exclude",
        "Ran (1985)",
    ]);
    let mut found = titles(&list);
    found.sort();
    assert_eq!(found, ["12 Angry Men (1957)", "Heat (1995)"]);

    let file = world.path("candidates.txt");
    std::fs::write(&file, "Ran (1985)\n2. Fast\n").unwrap();
    let list =
        one(&["--user", "bert", "-k", "1", "--candidates", file.to_str().unwrap(), "--where", "category!=Drama"]);
    assert_eq!(titles(&list), ["2. Fast"]);
    assert_eq!(list["request"]["where"], json!(["category!=Drama"]));

    let everybody =
        world.lists(&["--decode", "catalogue", "--user", "all", "-k", "3", "--less", "Drama", "--temperature", "2"]);
    assert!(everybody.iter().all(|list| statuses(list) == ["ok"; 3]), "{everybody:?}");
}

#[test]
fn a_request_in_english_is_printed_as_flags_and_satisfied() {
    let world = World::new();
    let text = "two films with dinosaurs, no crime, like Up";
    let output =
        world.recommend(&["--ask", text, "--exclude", "Ran (1985)", "-k", "2", "--decode", "strict", "--json"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let flags = "-k 2 --history 'Up (2009)' --less Crime --exclude 'Ran (1985)'";
    for part in [&format!("understood: {flags}\n"), "  not understood: \"dinosaurs\"\n", "1 not in Crime"] {
        assert!(stderr.contains(part), "{part:?} is missing in {stderr}");
    }
    assert_eq!(output.status.code(), Some(2));

    let list = &world.lists(&["--ask", "one film, nothing from the crime shelf", "--decode", "strict"])[0];
    assert_eq!((&list["request"]["k"], &list["request"]["less"]), (&json!(1), &json!(["Crime"])));
    assert_eq!(list["ask"]["not_understood"], json!([{ "text": "shelf", "why": null }]));
    assert_eq!((statuses(list), &list["user"]), (vec!["ok"], &json!(null)));
    let list = &world.lists(&["--ask", "crime", "--user", "anna", "-k", "2", "--decode", "strict"])[0];
    assert_eq!(list["request"]["history"], json!(["Up (2009)", "Ran (1985)"]));
    refused(world.recommend(&["--ask", "dramas, but no dramas", "--decode", "strict"]), &["in which there is none"]);
}

#[test]
fn what_cannot_be_met_is_refused_before_the_model_is_loaded() {
    let world = World::new();
    std::fs::write(world.path("model/model.safetensors"), "damaged").unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["-k", "4"], &["3 not in the history", "-k 3"]),
        (&["-k", "2", "--less", "Crime"], &["1 not in Crime", "-k 1"]),
        (&["-k", "2", "--share", "Drama=50%", "--less", "Drama"], &["-k"]),
        (&["-k", "2", "--must", "Ran (1985)"], &["\"Ran (1985)\""]),
        (&["-k", "101"], &["-k", "at most 100"]),
        (&["-k", "2", "--share", "Dramas<=1"], &["did you mean \"Drama\""]),
        (&["-k", "2", "--where", "year>2000"], &["the fields are category"]),
        (&["-k", "2", "--must", "Heat"], &["--must", "\"Heat (1995)\""]),
        (&["-k", "2", "--max-new-tokens", "5"], &["--max-new-tokens", "--decode free"]),
    ];
    for (arguments, parts) in cases {
        let arguments = [&["--user", "anna", "--decode", "strict"], *arguments].concat();
        refused(world.recommend(&arguments), parts);
    }
}

#[test]
fn whoever_cannot_be_answered_is_named_and_the_others_are_answered() {
    let world = World::new();
    // Of five films, anna and cleo took two, and bert one.
    let output = world.recommend(&["--decode", "strict", "--user", "all", "-k", "4", "--json"]);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let users: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["user"].clone()).collect();
    assert_eq!((output.status.code(), users), (Some(2), vec![json!("bert")]), "{stderr}");
    for part in ["user anna: ", "user cleo: ", "3 not in the history", "2 who cannot"] {
        assert!(stderr.contains(part), "{part:?} is missing in {stderr}");
    }

    std::fs::write(world.path("model/model.safetensors"), "damaged").unwrap();
    let nobody = world.recommend(&["--decode", "strict", "--user", "all", "-k", "5"]);
    refused(nobody, &["user anna: ", "user bert: ", "user cleo: ", "3 who cannot"]);
}

#[test]
fn a_sampled_list_is_the_users_own_in_any_batch() {
    let world = World::new();
    let texts = |arguments: &[&str]| -> Vec<(Value, Value)> {
        let sampled = ["--decode", "catalogue", "-k", "3", "--temperature", "2"];
        let lists = world.lists(&[&sampled, arguments].concat());
        lists.into_iter().map(|list| (list["user"].clone(), list["text"].clone())).collect()
    };
    let together = texts(&["--user", "all"]);
    assert_eq!(texts(&["--user", "all", "--batch", "1"]), together);
    for (user, text) in &together {
        assert_eq!(texts(&["--user", user.as_str().unwrap()]), [(user.clone(), text.clone())]);
    }
    assert_ne!(texts(&["--user", "all", "--seed", "1"]), together);
}

#[test]
fn an_answer_without_a_list_is_shown_as_it_is() {
    let world = World::new();
    let model = world.path("chatty");
    toy::write_model(&model, &["I cannot\n", "help you.\u{7}\n"], 2048);
    let output = world.recommend_with(&model, &["--user", "anna", "--decode", "free"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "user anna\n  | I cannot\n  | help you.\n10 asked for: 0 good\n");
}

#[test]
fn wrong_usage_names_the_flag_and_the_next_step() {
    let world = World::new();
    let short = world.path("short");
    toy::write_model(&short, &ANSWER, 128);
    let bad_users = world.path("users.txt");
    std::fs::write(&bad_users, "anna\nannna\n").unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--user", "ana"], &["--user", "\"anna\"", "--user all"]),
        (&["--user", bad_users.to_str().unwrap()], &["line 2", "\"anna\""]),
        (&["--history", "heat"], &["--history", "\"Heat (1995)\""]),
        (&["--history", ""], &["--history", "at least one"]),
        (&[], &["--user ID", "--history TITLE", "--ask TEXT"]),
        (&["--ask", "xyzzy, please"], &["--ask", "xyzzy", "tiller data stats"]),
        (&["--ask", "three dramas", "-k", "4"], &["-k", "expected 3", "found 4"]),
        (&["--ask", "0 films"], &["-k", "at least 1"]),
        (&["--user", "anna", "--more", "Dramas"], &["--more", "\"Drama\""]),
        (&["--user", "anna", "--less", "Western"], &["--less", "tiller data stats"]),
        (&["--user", "anna", "--more", "Drama", "--less", "Drama"], &["--less", "--more"]),
        (&["--user", "anna", "-k", "0"], &["-k", "at least 1"]),
        (&["--user", "anna", "-k", "1000"], &["the prompt", "fewer items (-k)"]),
        (&["--user", "anna", "--temperature", "-1"], &["temperature"]),
        (&["--user", "anna", "--top-p", "1.5"], &["top-p"]),
        (&["--user", "anna", "--history", "Heat (1995)"], &["cannot be used with"]),
        (&["--user", "anna", "--decode", "magic"], &["free"]),
    ];
    for (arguments, parts) in cases {
        refused(world.recommend(arguments), parts);
    }
    refused(
        world.recommend_with(&short, &["--user", "anna", "-k", "1", "--decode", "free"]),
        &["the prompt", "128 tokens of context"],
    );
    refused(
        world.recommend_with(&world.path("nowhere"), &["--user", "anna"]),
        &["--model", "tiller pull smollm2-135m"],
    );
    refused(world.recommend_with(Path::new("smollm2-135m"), &["--user", "anna"]), &["next: tiller pull smollm2-135m"]);
    let without_model = world.command().arg(world.path("data")).args(["--user", "anna"]).output().unwrap();
    refused(without_model, &["--model", "tiller pull smollm2-135m"]);
}

/// The call ended with code 2, printed nothing to stdout, and said all of `parts` on stderr.
fn refused(output: Output, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{part:?} is missing in {stderr}");
    }
}
