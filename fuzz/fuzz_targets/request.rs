//! The request grammar: sentences about a small catalogue.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tiller::data::Dataset;
use tiller::request::ask::AskParser;

static FILMS: LazyLock<Dataset> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("items.csv", "item,title,categories,year\nh,Heat (1995),Crime|Drama,1995\nu,Up (2009),Animation,2009\n"),
        ("interactions.csv", "user,item,timestamp\nanna,u,1\nanna,h,2\n"),
        ("dataset.json", r#"{"name":"films"}"#),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Dataset::read(folder.path()).unwrap()
});

static PARSER: LazyLock<AskParser<'static>> = LazyLock::new(|| AskParser::new(&FILMS.catalogue));

fuzz_target!(|sentence: &str| {
    let _ = PARSER.read(sentence, 10);
});
