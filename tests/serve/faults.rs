//! Faults that a server survives: malformed requests, clients that go away, Ctrl-C and kill -9.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{expect_valid, model, teacher, titles, world};
use crate::common::mutate::damage;
use crate::common::served::Served;

/// Malformed requests of one run of the tests; `MALFORMED=10000` sends more.
fn count() -> usize {
    std::env::var("MALFORMED").map_or(400, |number| number.parse().unwrap())
}

#[test]
fn malformed_requests_get_answers_or_their_connection_ends() {
    let served = teacher();
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let body = json!({ "user": "u1", "k": 5, "more": ["Drama"], "share": ["Comedy<=30%"], "where": ["year>=1990"], "ask": "ten films" });
    let body = body.to_string();
    for number in 0..count() {
        let (damaged, told) = damage(body.as_bytes(), &mut rng);
        let path = ["/v1/recommend", "/v1/understand", "/v1/chat/completions", "/v1/feedback"][number % 4];
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            served.address,
            damaged.len()
        );
        let mut request = [head.as_bytes(), &damaged].concat();
        let mut in_head = String::new();
        if rng.random() {
            (request, in_head) = damage(&request, &mut rng);
        }
        let mut stream = served.connect();
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.get(9..12).unwrap_or("none");
        assert!(!matches!(status, "500" | "503"), "{told}; {in_head}: {answer}");
    }
    expect_valid(&served.post("/v1/recommend", &json!({ "user": "u1", "k": 5 })).ok());
}

/// The value of a counter.
fn counter(served: &Served, name: &str) -> f64 {
    let text = served.get("/metrics").body;
    let line =
        text.lines().find(|line| line.starts_with(&format!("tiller_{name} "))).unwrap_or_else(|| panic!("{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Waits until `holds`.
#[track_caller]
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn clients_that_go_away_leave_no_list_behind() {
    let served = model();
    for round in 0..12 {
        let body = json!({ "user": "u1", "k": 12, "stream": round % 2 == 0 }).to_string();
        let mut stream = served.connect();
        let head = format!(
            "POST /v1/recommend HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            served.address,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        if round % 3 == 0 {
            // In mid-stream.
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
        }
    }
    wait_until("lists of clients that are gone", || {
        counter(&served, "lists_running") + counter(&served, "lists_waiting") == 0.0
    });
    wait_until("connections that stay open", || counter(&served, "connections") == 1.0);
    expect_valid(&served.post("/v1/recommend", &json!({ "user": "u2", "k": 5 })).ok());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_within_two_seconds() {
    for mut served in [teacher(), model()] {
        let body = json!({ "user": "u1", "k": 20, "stream": true }).to_string();
        let mut stream = served.connect();
        let head = format!(
            "POST /v1/recommend HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            served.address,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let _idle = served.connect();
        let mut answer = [0; 64];
        let _ = stream.read(&mut answer).unwrap();
        let id = served.child().id().to_string();
        let start = Instant::now();
        std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
        let end = served.child().wait().unwrap();
        println!("ended after {:?}", start.elapsed());
        assert!(end.success(), "{end}");
        // Far above the two seconds it takes: a busy machine is no failure.
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn no_answered_feedback_is_lost_by_a_kill() {
    let file = world().join("feedback.jsonl");
    let start = || Served::start(world(), &["films", "--feedback", "feedback.jsonl"]);
    let mut served = start();
    let list = served.post("/v1/recommend", &json!({ "user": "u1", "k": 8 })).ok();
    let titles: Vec<String> = titles(&list).into_iter().map(str::to_owned).collect();
    let address = served.address.clone();
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (address, titles) = (address.clone(), titles.clone());
            std::thread::spawn(move || answered(&address, client, &titles))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(400));
    served.child().kill().unwrap();
    let answered: Vec<String> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    assert!(!answered.is_empty());
    // A truncated last line, as a full disk leaves it, is removed by the next start.
    let written = std::fs::read(&file).unwrap();
    std::fs::write(&file, [&written[..], b"{\"timestamp\": 17"].concat()).unwrap();
    let served = start();
    let word = json!({ "user": "me", "title": titles[0], "feedback": "not" });
    assert_eq!(served.post("/v1/feedback", &word).status, 200);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for user in &answered {
        assert!(lines.iter().any(|line| line["user"] == json!(user)), "{user} was answered and is lost");
    }
    assert_eq!(lines.last().unwrap()["feedback"], "not");
    println!("{} answered before the kill", answered.len());
}

/// Sends likes one after another until the server is gone. Returns the names under which they were answered.
fn answered(address: &str, client: usize, titles: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for number in 0.. {
        let name = format!("{client}-{number}");
        let body = json!({ "user": name, "title": titles[number % titles.len()], "feedback": "like" }).to_string();
        let head = format!(
            "POST /v1/feedback HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let Ok(mut stream) = std::net::TcpStream::connect(address) else { break };
        let mut answer = String::new();
        let sent =
            stream.write_all(format!("{head}{body}").as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        if sent.is_err() || !answer.starts_with("HTTP/1.1 200 ") {
            break;
        }
        names.push(name);
    }
    names
}
