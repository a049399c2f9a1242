//! The words by which the field looks for things are there, and the glossary leads to them.

use super::{expect_none, files, relative, root};

const GLOSSARY: &str = "docs/glossary.md";

/// Words that somebody who knows the field searches for.
const SEARCHED: [&str; 18] = [
    "prefix cache",
    "continuous batching",
    "paged KV cache",
    "block table",
    "speculative decoding",
    "chunked prefill",
    "cross-entropy",
    "GEMM",
    "GEMV",
    "gradient accumulation",
    "reward shaping",
    "hallucinated item",
    "confidence interval",
    "reference model",
    "instruction tuning",
    "benchmark",
    "profiling",
    "scheduler",
];

#[test]
fn the_words_of_the_field_are_found_in_code_and_in_docs() {
    let code = read_all(&["src", "models/src", "kernels/src", "shaders"], &["rs", "wgsl"]);
    let docs = read_all(&["docs", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"], &["md"]);
    let missing = |place: &str, text: &str| -> Vec<String> {
        let absent = SEARCHED.iter().filter(|word| !text.contains(&word.to_lowercase()));
        absent.map(|word| format!("{place}: no \"{word}\"")).collect()
    };
    expect_none("the field's words", &[missing("code", &code), missing("docs", &docs)].concat());
}

#[test]
fn each_term_of_the_glossary_is_found_where_its_row_says() {
    let text = std::fs::read_to_string(root().join(GLOSSARY)).unwrap_or_default();
    let rows = (1..).zip(text.lines()).filter_map(|(number, line)| Some((number, row(line)?)));
    let mut findings = Vec::new();
    let mut count = 0;
    for (number, (terms, file)) in rows {
        count += 1;
        let Ok(content) = std::fs::read_to_string(root().join(&file)) else {
            findings.push(format!("{GLOSSARY}:{number}: no file {file}"));
            continue;
        };
        let content = plain(&content);
        let absent = terms.iter().filter(|term| !content.contains(&plain(term)));
        findings.extend(absent.map(|term| format!("{GLOSSARY}:{number}: \"{term}\" is not in {file}")));
    }
    if count == 0 {
        findings.push(format!("{GLOSSARY}: expected a table | term | meaning | file |, found none"));
    }
    expect_none("the glossary leads to the code", &findings);
}

/// The terms of a table's row, and the file in its last cell; `None` for other lines.
fn row(line: &str) -> Option<(Vec<String>, String)> {
    let cells: Vec<&str> = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let (first, last) = (cells.first()?, cells.last()?);
    let file = last.split(['`', '(', ')', '[', ']', ' ']).find(|word| word.contains('.') && word.contains('/'))?;
    let name = first.split('(').next()?.replace(['`', '*'], "");
    Some((
        name.split([',', '/']).map(|term| term.trim().to_owned()).collect(),
        file.trim_start_matches("../").to_owned(),
    ))
}

/// The contents of all files, in small letters, without line breaks.
fn read_all(within: &[&str], extensions: &[&str]) -> String {
    let within: Vec<&str> = within.iter().copied().filter(|path| root().join(path).exists()).collect();
    let found = files(&within, extensions).into_iter().filter(|path| relative(path) != GLOSSARY);
    found.map(|path| plain(&std::fs::read_to_string(path).unwrap()) + "\n").collect()
}

/// A text in small letters with single blanks, and without the marks of comments, so that phrases run on over lines.
fn plain(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches(['/', '!', '#', '>']));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ").to_lowercase()
}
