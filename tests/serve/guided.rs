//! Guided lists, and texts with two readings.

use serde_json::{Value, json};

use super::{expect_valid, model, teacher, titles, two_categories, world};
use crate::common::browser::Browser;
use crate::common::openapi::expect;
use crate::common::program::{fail, succeed};
use crate::common::served::Served;

#[test]
fn the_teacher_guides_on_request() {
    let served = model();
    assert_eq!(served.get("/health").ok()["guide"], json!({ "usual": null, "auto": null }));
    let list = |more: Value| {
        let mut asked = json!({ "user": "u3", "k": 6 });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let list = served.post("/v1/recommend", &asked).ok();
        expect("List", &list);
        expect_valid(&list);
        list
    };
    let (alone, by_teacher) = (list(json!({})), list(json!({ "by": "teacher" })));
    assert_ne!(titles(&alone), titles(&by_teacher));
    assert!(alone["guide_weight"].is_null());
    let guided = |weight: f64| list(json!({ "guide": "teacher", "guide_weight": weight }));
    assert_eq!(titles(&guided(0.0)), titles(&by_teacher));
    assert_eq!(titles(&guided(1.0)), titles(&alone));
    let half = guided(0.5);
    assert_eq!((&half["guide_weight"], &half["by"]), (&json!(0.5), &json!("model")));
    for (asked, status) in [
        (json!({ "guide": "teacher" }), 400),
        (json!({ "guide_weight": 2 }), 400),
        (json!({ "guide_weight": 0.5, "decode": "free" }), 400),
        (json!({ "guide": "teacher", "by": "teacher" }), 400),
    ] {
        let answer = served.post("/v1/recommend", &asked);
        assert_eq!(answer.status, status, "{asked}: {answer:?}");
        expect("Error", &answer.json());
    }
}

#[test]
fn the_servers_guide_is_that_of_the_command_line() {
    fail(world(), &["serve", "films", "--guide-weight", "0.3"], 2, "--model");
    let guided = ["--model", "sft/model", "--guide-weight", "0.3"];
    let served = Served::start(world(), &[&["films"], &guided[..]].concat());
    let weight = json!(0.3);
    assert_eq!(served.get("/health").ok()["guide"], json!({ "usual": weight, "auto": weight }));
    let asked = ["recommend", "films", "--user", "u4", "-k", "5", "--json"];
    let printed: Value = serde_json::from_str(&succeed(world(), &[&asked[..], &guided].concat())).unwrap();
    let list = served.post("/v1/recommend", &json!({ "user": "u4", "k": 5 })).ok();
    assert_eq!((titles(&list), &list["guide_weight"]), (titles(&printed), &printed["guide_weight"]));
    assert_eq!(list["guide_weight"], weight);
    let alone = served.post("/v1/recommend", &json!({ "user": "u4", "k": 5, "guide": "none" })).ok();
    assert!(alone["guide_weight"].is_null());
}

/// A text that has two readings: the years belong to both categories, or to the last one.
fn ambiguous([largest, second]: &[String; 2]) -> String {
    format!("{largest} or {second} from before 1990")
}

#[test]
fn the_second_reading_of_a_text_is_told() {
    let served = teacher();
    let text = ambiguous(&two_categories(&served));
    let understood = served.post("/v1/understand", &json!({ "text": text, "k": 3 })).ok();
    expect("Understood", &understood);
    let other = &understood["other"];
    assert!(other.is_object() && other["understood"] != understood["understood"], "{understood:#}");
    let list = served.post("/v1/recommend", &json!({ "ask": text, "k": 3 })).ok();
    assert_eq!(&list["ask"]["other"], other);
    // The other reading is a request.
    expect_valid(&served.post("/v1/recommend", &other["understood"]).ok());
    let clear = served.post("/v1/understand", &json!({ "text": "ten films" })).ok();
    expect("Understood", &clear);
    assert!(clear["other"].is_null());
}

#[test]
fn the_page_lets_choose_between_two_readings() {
    let served = teacher();
    let browser = Browser::start();
    let text = ambiguous(&two_categories(&served));
    browser.open(&format!("http://{}/", served.address));
    browser.write("#words", &text);
    browser.wait_for("document.querySelectorAll('#understood .reading').length === 2");
    browser.run("document.querySelectorAll('#understood .reading')[1].click()");
    // In the other reading the year is a matter of one category: a share, where the first reading has a condition.
    browser.wait_for("document.querySelector('#asked .chip.share')");
}
