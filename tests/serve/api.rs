//! The API: lists, texts, names, runs, and OpenAI's routes.

use serde_json::{Value, json};

use super::{expect_valid, model, teacher, titles, two_categories, world};
use crate::common::openapi::expect;
use crate::common::program::succeed;

#[test]
fn the_teacher_answers_without_a_model() {
    let served = teacher();
    let health = served.get("/health").ok();
    expect("Health", &health);
    assert_eq!((&health["model"], &health["teacher"]), (&Value::Null, &json!(true)));
    expect("Catalogue", &served.get("/v1/catalogue").ok());

    let users = served.get("/v1/users?query=u1&limit=3").ok();
    assert_eq!(users.as_array().unwrap().len(), 3);
    users.as_array().unwrap().iter().for_each(|user| expect("UserHit", user));
    let items = served.get("/v1/items?query=the").ok();
    items.as_array().unwrap().iter().for_each(|item| expect("ItemHit", item));
    assert_eq!(served.get("/v1/items?limit=0").status, 400);

    let [largest, second] = two_categories(&served);
    let share = format!("{largest}>=50%");
    let ask = json!({ "user": "u1", "k": 6, "less": [second], "share": [share] });
    let list = served.post("/v1/recommend", &ask).ok();
    expect("List", &list);
    expect_valid(&list);
    assert_eq!((&list["by"], &list["decode"], &list["user"]), (&json!("teacher"), &json!("strict"), &json!("u1")));
    for item in list["items"].as_array().unwrap() {
        let categories = item["categories"].as_array().unwrap();
        assert!(!categories.contains(&json!(second)), "{item}");
        let counts = item["why"]["counts_for"].as_array().unwrap();
        assert_eq!(counts.is_empty(), !categories.contains(&json!(largest)), "{item}");
    }

    // The request of an answer is a request: the same one.
    let again = served.post("/v1/recommend", &list["request"]).ok();
    assert_eq!(titles(&again), titles(&list));
    assert_eq!(again["request"], list["request"]);
}

#[test]
fn the_teachers_plain_list_is_that_of_topk() {
    let served = teacher();
    let list = served.post("/v1/recommend", &json!({ "user": "u2", "k": 5, "decode": "catalogue" })).ok();
    let topk = succeed(world(), &["sasrec", "topk", "films", "--user", "u2", "-k", "5", "--json"]);
    titles(&list).iter().for_each(|title| assert!(topk.contains(title), "{title} is missing in {topk}"));
    let ranks: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|item| &item["why"]["rank"]).collect();
    assert_eq!(json!(ranks), json!([1, 2, 3, 4, 5]));
    assert!(list["items"].as_array().unwrap().iter().all(|item| item["why"]["wanted"].is_null()));
}

#[test]
fn a_request_that_no_list_satisfies_comes_back_with_the_nearest() {
    let served = teacher();
    let [largest, _] = two_categories(&served);
    let ask = json!({ "k": 10, "more": [largest], "share": [format!("{largest}<=20%")] });
    let answer = served.post("/v1/recommend", &ask);
    assert_eq!(answer.status, 422, "{answer:?}");
    let error = answer.json();
    expect("Error", &error);
    let nearest = error["error"]["nearest"].as_array().unwrap();
    assert!(!nearest.is_empty(), "{error:#}");
    for request in nearest {
        expect_valid(&served.post("/v1/recommend", request).ok());
    }
}

#[test]
fn many_requests_are_answered_in_their_order_each_for_itself() {
    let served = teacher();
    let asks =
        json!([{ "user": "u1", "k": 3 }, { "user": "nobody" }, { "user": "u2", "k": 4 }, { "more": ["Nonsense"] }]);
    let answers = served.post("/v1/recommend", &asks).ok();
    let answers = answers.as_array().unwrap();
    assert_eq!((titles(&answers[0]).len(), titles(&answers[2]).len()), (3, 4));
    for (at, place) in [(1, "user"), (3, "more")] {
        expect("Error", &answers[at]);
        assert_eq!(answers[at]["error"]["place"], place);
    }
    let too_many = json!(vec![json!({ "k": 1 }); 65]);
    assert_eq!(served.post("/v1/recommend", &too_many).status, 413);
}

#[test]
fn what_is_wrong_is_said_in_four_parts() {
    let served = teacher();
    for (body, status, part) in [
        ("{\"k\": 0}", 400, "at least 1 item"),
        ("{\"k\": 101}", 400, "100"),
        ("{\"kk\": 1}", 400, "unknown field"),
        ("{\"k\": -1}", 400, "line 1"),
        ("{", 400, "the body, line 1"),
        ("", 400, "the body"),
        ("{\"user\": \"nobody\"}", 400, "a user of the data set"),
        ("{\"where\": [\"colour=red\"]}", 400, "the fields are"),
        ("{\"share\": [\"Drama<30%\"]}", 400, "at most"),
        ("{\"must\": [\"Nothing (1900)\"]}", 400, "a title of the catalogue"),
        ("{\"ask\": \"qwertz\"}", 400, "in which there is none"),
        ("{\"by\": \"model\"}", 404, "--model"),
        ("{\"decode\": \"free\"}", 400, "strict or catalogue"),
    ] {
        let answer = served.post_text("/v1/recommend", body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        expect("Error", &answer.json());
        assert!(answer.body.contains(part), "{body}: {part:?} is missing in {}", answer.body);
    }
}

#[test]
fn words_become_a_request_and_gaps_are_named() {
    let served = teacher();
    let [largest, second] = two_categories(&served);
    let text = format!("seven films, at least half {largest}, no {second}, blorgly");
    let understood = served.post("/v1/understand", &json!({ "text": text })).ok();
    expect("Understood", &understood);
    assert_eq!((&understood["understood"]["k"], &understood["understood"]["less"]), (&json!(7), &json!([second])));
    assert!(understood["not_understood"].to_string().contains("blorgly"), "{understood:#}");
    let list = served.post("/v1/recommend", &json!({ "user": "u3", "ask": text })).ok();
    expect("List", &list);
    expect_valid(&list);
    assert_eq!(list["ask"], understood);
}

#[test]
fn a_model_writes_what_the_command_line_writes() {
    let served = model();
    let user = ["recommend", "films", "--model", "sft/model", "--user", "u4", "-k", "5", "--json"];
    for decode in ["strict", "catalogue", "free"] {
        let printed = succeed(world(), &[&user[..], &["--decode", decode]].concat());
        let printed: Value = serde_json::from_str(&printed).unwrap();
        let list = served.post("/v1/recommend", &json!({ "user": "u4", "k": 5, "decode": decode })).ok();
        expect("List", &list);
        assert_eq!(list["by"], "model");
        for key in ["user", "request", "decode", "text", "tokens", "guidance"] {
            assert_eq!(list[key], printed[key], "{decode} {key}");
        }
        for (served, printed) in list["items"].as_array().unwrap().iter().zip(printed["items"].as_array().unwrap()) {
            printed.as_object().unwrap().iter().for_each(|(key, value)| assert_eq!(&served[key], value, "{key}"));
            assert!(served["why"]["rank"].is_u64() || served["id"].is_null(), "{served}");
        }
    }
    let strict = served.post("/v1/recommend", &json!({ "user": "u4", "k": 5 })).ok();
    expect_valid(&strict);
    let probabilities =
        strict["items"].as_array().unwrap().iter().filter_map(|item| item["why"]["probability"].as_f64());
    assert!(probabilities.clone().count() > 0 && probabilities.clone().all(|part| (0.0..=1.0).contains(&part)));
    let stats = &strict["guidance"];
    let changed = strict["items"].as_array().unwrap().iter().filter(|item| item["why"]["wanted"].is_object()).count();
    assert_eq!(changed > 0, stats["changed"].as_u64().unwrap() > 0, "{strict:#}");
}

#[test]
fn a_list_streams_item_by_item() {
    for served in [teacher(), model()] {
        let whole = served.post("/v1/recommend", &json!({ "user": "u5", "k": 4 })).ok();
        let streamed = served.post("/v1/recommend", &json!({ "user": "u5", "k": 4, "stream": true }));
        let events = streamed.events();
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["item", "item", "item", "item", "list"]);
        let items: Vec<Value> = events[..4].iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
        items.iter().for_each(|item| expect("Item", item));
        let last: Value = serde_json::from_str(&events[4].1).unwrap();
        expect("List", &last);
        assert_eq!(titles(&last), titles(&whole));
        assert_eq!(items.iter().map(|item| item["title"].as_str().unwrap()).collect::<Vec<_>>(), titles(&whole));
    }
}

#[test]
fn openais_clients_are_answered() {
    let served = model();
    let models = served.get("/v1/models").ok();
    expect("Models", &models);
    let names: Vec<&Value> = models["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(json!(names), json!(["sft", "teacher"]));

    let [largest, _] = two_categories(&served);
    let first = json!({ "role": "user", "content": format!("four films, only {largest}") });
    let call = json!({ "model": "teacher", "user": "u6", "temperature": 0.3, "messages": [{ "role": "system", "content": "x" }, first] });
    let completion = served.post("/v1/chat/completions", &call).ok();
    expect("Completion", &completion);
    let list = completion["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let lines = |text: &str| text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    assert_eq!(lines(&list), 4, "{list}");

    // The second turn is about the list of the first: none of its titles comes again.
    let next = json!([first, { "role": "assistant", "content": list }, { "role": "user", "content": [{ "type": "text", "text": "more" }] }]);
    let second = served.post("/v1/chat/completions", &json!({ "model": "sft", "user": "u6", "messages": next })).ok();
    let more = second["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(lines(more), 4, "{more}");
    let title = |line: &str| line.split_once(". ").map(|(_, title)| title.to_owned());
    assert!(list.lines().filter_map(title).all(|title| !more.contains(&title)), "{list}\n{more}");
    assert!(second["usage"]["completion_tokens"].as_u64().unwrap() > 0);

    let streamed = served.post("/v1/chat/completions", &json!({ "messages": [first], "stream": true }));
    let events = streamed.events();
    assert_eq!(events.last().unwrap().1, "[DONE]");
    let chunk = |data: &str| serde_json::from_str::<Value>(data).unwrap()["choices"][0]["delta"]["content"].clone();
    let text: String =
        events[..events.len() - 1].iter().filter_map(|(_, data)| chunk(data).as_str().map(str::to_owned)).collect();
    assert_eq!(lines(&text), 4, "{text}");

    for (call, status) in [(json!({ "messages": [] }), 400), (json!({ "model": "gpt", "messages": [first] }), 404)] {
        let answer = served.post("/v1/chat/completions", &call);
        assert_eq!(answer.status, status);
        expect("Error", &answer.json());
    }
}

#[test]
fn runs_and_counters_are_served() {
    let served = crate::common::served::Served::start(world(), &["."]);
    let runs = served.get("/v1/runs").ok();
    runs.as_array().unwrap().iter().for_each(|run| expect("Run", run));
    assert!(runs.to_string().contains("/runs/sft"), "{runs}");
    let report = served.get("/runs/sft");
    assert!(report.status == 200 && report.body.contains("<html") && report.head.contains("content-security-policy"));
    for path in ["/runs/nowhere", "/runs/..%2f..", "/runs/sft/config.toml", "/page/../mod.rs", "/page/nothing.js", "/x"]
    {
        assert_eq!(served.get(path).status, 404, "{path}");
    }
    assert_eq!(served.get("/v1/recommend").status, 405);
    let text = served.get("/metrics").body;
    assert!(text.contains("tiller_responses_total{route=\"/runs/{name}\",status=\"200\"} 1"), "{text}");
    // A connection that has ended may still be counted for a moment.
    assert!(text.contains("tiller_lists_waiting 0") && text.contains("\ntiller_connections "), "{text}");
}
