//! The page in a headless Chromium: what somebody does with it in the first minute.

use super::{model, teacher, two_categories};
use crate::common::browser::Browser;

const ENTER: &str = "\u{e007}";

#[test]
fn somebody_steers_a_list_by_chips_and_by_words() {
    for served in [teacher(), model()] {
        let browser = Browser::start();
        let [largest, second] = two_categories(&served);
        let page = format!("http://{}/", served.address);
        browser.open(&page);
        browser.wait_for("document.querySelectorAll('.item').length === 10 && !document.querySelector('.writing')");

        // A user, by typing and Enter.
        browser.write("input[aria-label='Choose a user']", "u7");
        browser.wait_for("document.querySelector('.options:not([hidden]) [role=option]')");
        browser.write("input[aria-label='Choose a user']", ENTER);
        browser.wait_for("document.querySelector('.chip.user')");
        browser.wait_for("document.querySelectorAll('.item').length === 10 && !document.querySelector('.writing')");

        // Chips: a press is "with", another "without".
        let toggle = format!(".toggle[data-category='{second}']");
        browser.click(&toggle);
        browser.wait_for(&format!("document.querySelector(\"{toggle}\").classList.contains('with')"));
        browser.click(&toggle);
        browser.wait_for(&format!("document.querySelector('#asked').innerText.includes('without {second}')"));
        let has = |category: &str| {
            format!(
                "[...document.querySelectorAll('.item .tags')].some((tags) => tags.innerText.includes('{category}'))"
            )
        };
        browser.wait_for(&format!("!document.querySelector('.writing') && !{}", has(&second)));

        // Words: understood at once, and what is not is named.
        browser.write("#words", &format!("six films, at least half {largest}, blorgly"));
        browser.wait_for(
            "document.querySelector('#understood .chip.share') && document.querySelector('#understood .gap')",
        );
        browser.write("#words", ENTER);
        browser.wait_for("document.querySelectorAll('.item').length === 6 && !document.querySelector('.writing')");
        browser.wait_for(&format!("document.querySelectorAll('.item .counts').length >= 3 && !{}", has(&second)));

        // The impossible is refused, with the nearest possible request as a button.
        browser.write("#words", &format!("only {largest}, at most 1 {largest}{ENTER}"));
        browser.wait_for("document.querySelector('.refusal .nearest')");
        browser.click(".refusal .nearest");
        browser.wait_for("!document.querySelector('.refusal') && document.querySelectorAll('.item').length > 0");

        // A liked item is taken: the next list has others. Undo brings it back.
        let first = "document.querySelector('.item .title')?.innerText";
        browser.wait_for("!document.querySelector('.writing')");
        let liked = browser.run(&format!("return {first}"));
        browser.click(".item .react.like");
        browser.wait_for(&format!("!document.querySelector('.writing') && {first} && {first} !== {liked}"));
        assert!(browser.run("return document.querySelector('.count').innerText").as_str().unwrap().contains("1 liked"));
        browser.click("#undo");
        browser.wait_for(&format!("!document.querySelector('.writing') && {first} === {liked}"));

        // By keys alone: an item is refused with x.
        browser.run("document.querySelector('.item').focus()");
        browser.write(".item", "x");
        browser.wait_for(&format!("!document.querySelector('.writing') && {first} && {first} !== {liked}"));

        // Side by side, and the runs.
        let writers = browser.run("return document.querySelectorAll('.writer input').length").as_u64().unwrap();
        browser.run("[...document.querySelectorAll('.writer input')].slice(1).forEach((box) => document.querySelectorAll('.writer input:not(:checked)')[0]?.click())");
        browser.wait_for(&format!(
            "document.querySelectorAll('.list').length === {writers} && !document.querySelector('.writing')"
        ));
        browser.click("#to-runs");
        browser.wait_for(
            "document.querySelector('#runs').innerText.length > 0 && document.querySelector('#steer-page').hidden",
        );

        // The refusal is the one message: browsers report every response of 4xx.
        for message in browser.console() {
            let text = message["message"].as_str().unwrap();
            assert!(text.contains("422 (Unprocessable"), "{message}");
        }
        let requested = browser.requested();
        assert!(requested.len() > 10, "{requested:?}");
        for url in requested {
            assert!(url.starts_with(&page) || url.starts_with("data:") || url.starts_with("blob:"), "{url}");
        }
    }
}

#[test]
fn every_control_has_a_name_and_text_is_never_markup() {
    let served = teacher();
    let browser = Browser::start();
    browser.open(&format!("http://{}/", served.address));
    browser.wait_for("document.querySelectorAll('.item').length === 10");
    let nameless = browser.run(
        "return [...document.querySelectorAll('button, input, select, a')].filter((control) => \
         !(control.getAttribute('aria-label') || control.innerText?.trim() || control.labels?.length)).map((control) => control.outerHTML)",
    );
    assert_eq!(nameless, serde_json::json!([]));
    let source = [
        include_str!("../../src/serve/page/dom.js"),
        include_str!("../../src/serve/page/lists.js"),
        include_str!("../../src/serve/page/steer.js"),
    ];
    assert!(source.iter().all(|script| !script.contains("innerHTML") && !script.contains("insertAdjacentHTML")));
}
