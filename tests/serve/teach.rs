//! Teaching: the model learns from a feedback in memory, and forgets it to the bit.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{expect_valid, model, teacher, titles, world};
use crate::common::browser::Browser;
use crate::common::openapi::expect;
use crate::common::program::succeed;
use crate::common::served::Served;
use crate::common::world::ADAPT;

/// A feedback of user u7: two likes that are far from the teacher's best, and a refusal.
fn feedback(served: &Served) -> Value {
    let plain =
        served.post("/v1/recommend", &json!({ "user": "u7", "k": 40, "decode": "catalogue", "by": "teacher" })).ok();
    let titles = titles(&plain);
    json!({ "user": "u7", "history": [titles[39], titles[38]], "refused": [titles[0]], "steps": 30 })
}

/// A list after that feedback, without what differs from run to run.
fn list(served: &Served, feedback: &Value) -> Value {
    let asked = json!({ "user": "u7", "k": 8, "history": feedback["history"], "exclude": feedback["refused"] });
    let mut list = served.post("/v1/recommend", &asked).ok();
    expect("List", &list);
    expect_valid(&list);
    list.as_object_mut().unwrap().remove("seconds");
    list
}

#[test]
fn a_feedback_is_learnt_and_forgotten_to_the_bit() {
    succeed(world(), ADAPT);
    for adapter in [&[][..], &["--adapter", "adapted/adapter"]] {
        let served = Served::start(world(), &[&["films", "--model", "sft/model"], adapter].concat());
        let feedback = feedback(&served);
        let before = list(&served, &feedback);
        assert_eq!(before["taught"], false);

        let mut streamed = feedback.clone();
        streamed["stream"] = json!(true);
        let events = served.post("/v1/teach", &streamed).events();
        let steps: Vec<Value> = events[..30].iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
        assert!(events[..30].iter().all(|(name, _)| name == "step") && events.len() == 31, "{events:?}");
        steps.iter().for_each(|step| expect("TeachStep", step));
        let taught: Value = serde_json::from_str(&events[30].1).unwrap();
        expect("Taught", &taught);
        println!("{taught}");
        assert_eq!(taught["loss_before"], steps[0]["loss"]);
        assert!(taught["loss_after"].as_f64().unwrap() < taught["loss_before"].as_f64().unwrap(), "{taught}");
        let after = list(&served, &feedback);
        assert_eq!(after["taught"], true);
        assert_ne!(after["items"], before["items"], "the probabilities of the items, if not the items");

        // Every teaching begins with the model as it was loaded.
        let again = served.post("/v1/teach", &feedback).ok();
        assert_eq!((&again["loss_before"], &again["loss_after"]), (&taught["loss_before"], &taught["loss_after"]));
        assert_eq!(list(&served, &feedback), after);

        assert_eq!(served.send(delete(&served)).ok(), json!({ "taught": false }));
        assert_eq!(list(&served, &feedback), before);
        assert_eq!(served.get("/health").ok()["taught"], false);
    }
}

#[test]
fn lists_are_answered_between_the_steps_of_a_teaching() {
    let served = model();
    let mut feedback = feedback(&served);
    (feedback["steps"], feedback["stream"]) = (json!(100), json!(true));
    let body = feedback.to_string();
    let head = format!("POST /v1/teach HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", served.address, body.len());
    let mut stream = served.connect();
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.find(|line| line == "event: step").unwrap();
    assert_eq!(list(&served, &feedback)["taught"], false, "by the model as it was before");
    lines.find(|line| line == "event: taught").unwrap();
    assert_eq!(list(&served, &feedback)["taught"], true);
}

fn delete(served: &Served) -> String {
    format!("DELETE /v1/teach HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", served.address)
}

/// The files below a folder, and when each was written.
fn files(folder: &Path) -> BTreeMap<String, SystemTime> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let times = entries.flat_map(|entry| match entry.file_type().unwrap().is_dir() {
        true => files(&entry.path()),
        false => BTreeMap::from([(entry.path().display().to_string(), entry.metadata().unwrap().modified().unwrap())]),
    });
    times.collect()
}

#[test]
fn what_cannot_be_learnt_is_refused_and_nothing_is_written() {
    let before = files(&world().join("sft"));
    let served = model();
    let mut small = feedback(&served);
    small["steps"] = json!(1);
    served.post("/v1/teach", &small).ok();
    assert_eq!(files(&world().join("sft")), before);
    for (feedback, status) in [
        (json!({}), 400),
        (json!({ "user": "u7", "steps": 0 }), 400),
        (json!({ "user": "u7", "steps": 1000 }), 400),
        (json!({ "user": "nobody" }), 400),
        (json!({ "user": "u7", "refused": ["Nothing (1900)"] }), 400),
        (json!({ "user": "u7", "likes": [] }), 400),
    ] {
        let answer = served.post("/v1/teach", &feedback);
        assert_eq!(answer.status, status, "{feedback}: {answer:?}");
        expect("Error", &answer.json());
    }
    let teacher = teacher();
    assert_eq!(teacher.get("/health").ok()["can_learn"], false);
    assert_eq!(teacher.post("/v1/teach", &json!({ "user": "u7" })).status, 404);
}

#[test]
fn the_page_teaches_and_forgets() {
    let served = model();
    let browser = Browser::start();
    browser.open(&format!("http://{}/", served.address));
    browser.wait_for("document.querySelectorAll('.item').length === 10 && !document.querySelector('.writing')");
    assert_eq!(browser.run("return document.querySelector('#teach').disabled"), true);
    browser.click(".item .react.like");
    browser.wait_for("!document.querySelector('#teach').disabled && !document.querySelector('.writing')");
    browser.click("#teach");
    browser.wait_for("!document.querySelector('#forget').hidden && !document.querySelector('.writing')");
    assert_eq!(served.get("/health").ok()["taught"], true);
    browser.click("#forget");
    browser.wait_for("document.querySelector('#forget').hidden && !document.querySelector('.writing')");
    assert_eq!(served.get("/health").ok()["taught"], false);
    assert_eq!(json!(browser.console()), json!([]));
}
