//! Lists that join the batch of others, and end by themselves.

use serde_json::{Value, json};

use super::{expect_valid, titles, world};
use crate::common::served::Served;

/// The value of a counter.
fn counter(served: &Served, name: &str) -> u64 {
    let text = served.get("/metrics").body;
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("tiller_{name} ")));
    value.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[test]
fn short_lists_join_the_batch_of_a_long_one_and_end_before_it() {
    let served = Served::start(world(), &["films", "--model", "sft/model", "--batch", "2"]);
    let asked = |user: &str, k: u32, more: Value| {
        let mut asked = json!({ "user": user, "k": k });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    };
    // In the same batch: other modes, and the teacher as a guide.
    let requests = [
        asked("u1", 40, json!({})),
        asked("u2", 1, json!({ "decode": "catalogue" })),
        asked("u3", 2, json!({ "guide": "teacher", "guide_weight": 0.5 })),
        asked("u4", 1, json!({})),
    ];
    let lists = served.post("/v1/recommend", &json!(requests)).ok();
    assert_eq!(counter(&served, "batches_total"), 1, "the later lists joined the batch of the first ones");
    assert_eq!([counter(&served, "lists_running"), counter(&served, "lists_waiting")], [0, 0]);
    let lists = lists.as_array().unwrap();
    lists.iter().for_each(expect_valid);
    let seconds = |at: usize| lists[at]["seconds"].as_f64().unwrap();
    assert!((1..4).all(|short| seconds(short) < seconds(0)), "{lists:?}");
    for (request, list) in requests.iter().zip(lists) {
        let alone = served.post("/v1/recommend", request).ok();
        assert_eq!(titles(&alone), titles(list));
        assert_eq!((&alone["tokens"], &alone["guidance"]), (&list["tokens"], &list["guidance"]));
    }
    assert_eq!(counter(&served, "batches_total"), 5);
    assert_eq!(counter(&served, "lists_total{by=\"model\"}"), 8);
}
