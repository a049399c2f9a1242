//! Access and limits.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{teacher, titles, world};
use crate::common::openapi::expect;
use crate::common::program::fail;
use crate::common::served::Served;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A GET of `path` with these further lines in its head.
fn get(served: &Served, host: &str, path: &str, lines: &str) -> crate::common::served::HttpAnswer {
    served.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Connection: close\r\n\r\n"))
}

#[test]
fn another_host_or_origin_gets_nothing() {
    let served = teacher();
    let own = served.address.clone();
    let port = own.rsplit(':').next().unwrap();
    for host in ["evil.example", &format!("evil.example:{port}"), "127.0.0.1:1", ""] {
        for path in ["/", "/v1/catalogue", "/page/main.js", "/metrics"] {
            let answer = get(&served, host, path, "");
            assert_eq!(answer.status, 403, "{host} {path}");
            expect("Error", &answer.json());
        }
    }
    assert_eq!(get(&served, &own, "/health", "Host: evil.example\r\n").status, 403, "two hosts");
    assert_eq!(get(&served, &format!("localhost:{port}"), "/health", "").status, 200);
    for origin in ["http://evil.example", "null", &format!("http://evil.example:{port}"), "http://127.0.0.1:1"] {
        let answer = get(&served, &own, "/health", &format!("Origin: {origin}\r\n"));
        assert_eq!(answer.status, 403, "{origin}");
        assert!(!answer.head.contains("access-control"), "{}", answer.head);
    }
    assert_eq!(get(&served, &own, "/health", &format!("Origin: http://{own}\r\n")).status, 200);
}

#[test]
fn an_allowed_origin_may_read() {
    let served = Served::start(world(), &["films", "--allow-origin", "http://localhost:3000"]);
    let own = served.address.clone();
    let answer = get(&served, &own, "/health", "Origin: http://localhost:3000\r\n");
    assert!(answer.status == 200 && answer.head.contains("access-control-allow-origin: http://localhost:3000"));
    let preflight = format!(
        "OPTIONS /v1/recommend HTTP/1.1\r\nHost: {own}\r\nOrigin: http://localhost:3000\r\n\
         Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    );
    let answer = served.send(preflight);
    assert!(answer.status == 204 && answer.head.contains("access-control-allow-headers"), "{answer:?}");
}

#[test]
fn another_address_needs_a_token_and_every_request_has_it() {
    fail(world(), &["serve", "films", "--host", "0.0.0.0"], 2, "--token-file");
    std::fs::write(world().join("short"), "secret\n").unwrap();
    fail(world(), &["serve", "films", "--token-file", "short"], 2, "at least 16 characters");
    std::fs::write(world().join("token"), format!("{TOKEN}\n")).unwrap();
    let served = Served::start(world(), &["films", "--host", "0.0.0.0", "--token-file", "token"]);
    let ask = |lines: &str| get(&served, "some.name", "/health", lines).status;
    assert_eq!(ask(""), 401);
    assert_eq!(ask("Authorization: Bearer 0123456789abcdef0123456789abcdee\r\n"), 401);
    assert_eq!(ask(&format!("Authorization: Bearer {TOKEN}\r\n")), 200);
    assert_eq!(ask(&format!("Cookie: a=b; tiller_token={TOKEN}\r\n")), 200);
    assert_eq!(ask(&format!("Authorization: Bearer {TOKEN}\r\nOrigin: http://evil.example\r\n")), 403);
    assert_eq!(get(&served, "some.name", "/", "").status, 200, "the page asks for the token itself");
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let served = teacher();
    let host = format!("Host: {}\r\nConnection: close\r\n", served.address);
    let post = |lines: &str| format!("POST /v1/recommend HTTP/1.1\r\n{host}{lines}\r\n");
    let many: String = (0..80).map(|number| format!("X-{number}: x\r\n")).collect();
    // A head that is not HTTP/1.1 or too large gets a status alone.
    for (request, status, has_parts) in [
        (post("Content-Length: 262145\r\n"), 413, true),
        (format!("{}{}", post("Content-Length: 300000\r\n"), "x".repeat(300_000)), 413, true),
        (post("Content-Length: 99999999999999999999999\r\n"), 400, false),
        (post("Content-Length: -1\r\n"), 400, false),
        (post("Content-Length: 1\r\nContent-Length: 2\r\n"), 400, false),
        (post(&many), 431, false),
        (format!("GET /{} HTTP/1.1\r\n{host}\r\n", "x".repeat(20_000)), 431, false),
        (format!("GET / HTTP/1.1\r\n{host}X: {}", "x".repeat(20_000)), 431, false),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400, false),
        ("nonsense\r\n\r\n".to_owned(), 400, false),
        ("GET http://evil.example/ HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), 400, true),
        (format!("GET http://evil.example/ HTTP/1.1\r\n{host}\r\n"), 400, true),
        (post("Content-Length: 2\r\nContent-Type: text/plain\r\n"), 415, true),
    ] {
        let answer = served.send(&request);
        assert_eq!(answer.status, status, "{}: {answer:?}", &request[..request.len().min(120)]);
        match has_parts {
            true => expect("Error", &answer.json()),
            false => assert_eq!(answer.body, ""),
        }
    }
    assert_eq!(served.get("/health").status, 200);
}

#[test]
fn a_body_in_chunks_is_read_within_the_limit() {
    let served = teacher();
    let head = format!(
        "POST /v1/recommend HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        served.address
    );
    let answer = served.send(format!("{head}6\r\n{{\"k\": \r\n2\r\n2}}\r\n0\r\n\r\n"));
    assert_eq!(titles(&answer.ok()).len(), 2);
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    let answer = served.send(format!("{head}{}0\r\n\r\n", chunk.repeat(9)));
    assert_eq!(answer.status, 413);
    expect("Error", &answer.json());
}

#[test]
fn slow_senders_are_closed_and_hold_nobody_up() {
    let served = teacher();
    let begin = |text: &str| {
        let mut stream = served.connect();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let host = format!("Host: {}\r\n", served.address);
    let head = begin(&format!("GET /health HTTP/1.1\r\n{host}"));
    let body = begin(&format!("POST /v1/recommend HTTP/1.1\r\n{host}Content-Length: 10\r\n\r\n{{"));
    let _half_open: Vec<_> = (0..100).map(|_| served.connect()).collect();
    let start = Instant::now();
    assert_eq!(served.post("/v1/recommend", &json!({ "user": "u1", "k": 2 })).status, 200);
    for (mut stream, status) in [(body, "HTTP/1.1 408 "), (head, "")] {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(status) && answer.is_empty() == status.is_empty(), "{answer}");
    }
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn connections_beyond_the_limit_are_told_so() {
    let served = teacher();
    let open: Vec<_> = (0..256).map(|_| served.connect()).collect();
    let refused = || served.get("/health").status == 503;
    let until = Instant::now() + Duration::from_secs(20);
    while !refused() {
        assert!(Instant::now() < until, "more connections than the limit are served");
    }
    drop(open);
    while served.get("/health").status != 200 {
        assert!(Instant::now() < until, "closed connections free no places");
    }
}
