//! Many clients at once: every request is answered, and every list satisfies its request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{expect_valid, model, teacher, two_categories};
use crate::common::served::Served;

/// Requests to each server; `LOAD=2000` sends more. Clients: 64, or as many as there are requests.
fn count() -> usize {
    std::env::var("LOAD").map_or(160, |number| number.parse().unwrap())
}

#[test]
fn no_list_is_lost_or_wrong_under_load() {
    for (name, served) in [("teacher", teacher()), ("model", model())] {
        let categories = two_categories(&served);
        let (next, total, clients) = (AtomicUsize::new(0), count(), count().min(64));
        let start = Instant::now();
        let mut times: Vec<Duration> = std::thread::scope(|scope| {
            let client = || {
                let mut kept = Kept::open(&served);
                let mut times = Vec::new();
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= total {
                        return times;
                    }
                    let start = Instant::now();
                    ask(&mut kept, number, &categories);
                    times.push(start.elapsed());
                }
            };
            let running: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
            running.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(times.len(), total);
        times.sort();
        let at = |part: f64| times[((total - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
        println!(
            "{name}: {total} requests of {clients} clients in {seconds:.1} s, {:.1}/s; ms: median {:.0}, p95 {:.0}, p99 {:.0}, most {:.0}",
            total as f64 / seconds,
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0)
        );
    }
}

/// Sends request `number`, of one of several kinds, and checks its answer.
fn ask(kept: &mut Kept, number: usize, [largest, second]: &[String; 2]) {
    let user = format!("u{}", number % 60 + 1);
    let (k, share) = (3 + number % 5, format!("{largest}>=50%"));
    let list = |body: Value, kept: &mut Kept| {
        let answer: Value = kept.post("/v1/recommend", &body, number);
        expect_valid(&answer);
        assert_eq!(answer["request"]["k"], json!(k));
        answer
    };
    match number % 6 {
        0 => drop(list(json!({ "user": user, "k": k }), kept)),
        1 => {
            let answer = list(json!({ "user": user, "k": k, "less": [second] }), kept);
            let items = answer["items"].as_array().unwrap();
            assert!(items.iter().all(|item| !item["categories"].as_array().unwrap().contains(&json!(second))));
        }
        2 => {
            let answer = list(json!({ "user": user, "k": k, "share": [share], "by": "teacher" }), kept);
            let in_largest = |item: &&Value| item["categories"].as_array().unwrap().contains(&json!(largest));
            assert!(2 * answer["items"].as_array().unwrap().iter().filter(in_largest).count() >= k, "{answer}");
        }
        3 => {
            let answers =
                kept.post("/v1/recommend", &json!([{ "user": user, "k": k }, { "k": k, "more": [largest] }]), number);
            answers.as_array().unwrap().iter().for_each(expect_valid);
        }
        4 => {
            let understood = kept.post("/v1/understand", &json!({ "text": format!("{k} films, no {second}") }), number);
            assert_eq!(understood["understood"]["less"], json!([second]));
        }
        _ => {
            let call = json!({ "messages": [{ "role": "user", "content": format!("three films, only {largest}") }] });
            let completion = kept.post("/v1/chat/completions", &call, number);
            assert!(completion["choices"][0]["message"]["content"].as_str().unwrap().contains("\n3. "), "{completion}");
        }
    }
}

/// A kept connection.
struct Kept {
    address: String,
    reader: BufReader<TcpStream>,
}

impl Kept {
    fn open(served: &Served) -> Self {
        Self { address: served.address.clone(), reader: BufReader::new(served.connect()) }
    }

    /// Sends a request until it is not refused for want of room, and returns its JSON.
    fn post(&mut self, path: &str, body: &Value, number: usize) -> Value {
        loop {
            let body = body.to_string();
            let head =
                format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", self.address, body.len());
            self.reader.get_mut().write_all(format!("{head}{body}").as_bytes()).unwrap();
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let begin = head.len();
                assert!(self.reader.read_line(&mut head).unwrap() > 0, "request {number} was lost: {head}");
                if let Some(value) = head[begin..].strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            self.reader.read_exact(&mut body).unwrap();
            match &head[9..12] {
                "200" => return serde_json::from_slice(&body).unwrap(),
                "429" => std::thread::sleep(Duration::from_millis(50)),
                _ => panic!("request {number}: {head}{}", String::from_utf8_lossy(&body)),
            }
        }
    }
}
