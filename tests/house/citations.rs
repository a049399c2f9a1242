//! "method §8.4" and "method B21" name a heading of docs/method.md, and stay out of what users read in a terminal.

use super::{expect_none, files, relative, root};

const METHOD: &str = "docs/method.md";
const REFERENCE: &str = "docs/reference.md";

#[test]
fn every_cited_part_of_the_method_has_its_heading() {
    let headings = headings();
    let mut findings = Vec::new();
    for path in files(
        &["src", "models/src", "kernels/src", "shaders", "tests", "docs", "README.md", "ARCHITECTURE.md"],
        &["rs", "wgsl", "md"],
    ) {
        let (path, text) = (relative(&path), std::fs::read_to_string(&path).unwrap());
        if path == METHOD || path.starts_with("tests/house/") {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            let cited = citations(line);
            let unknown = cited.iter().filter(|part| !headings.contains(part));
            findings.extend(unknown.map(|part| format!("{path}:{number}: {part} has no heading in {METHOD}")));
            let sections = cited.iter().filter(|part| part.starts_with('§')).count();
            if sections < line.matches('§').count() {
                findings.push(format!("{path}:{number}: a § without \"method\" before it: {}", line.trim()));
            }
        }
    }
    expect_none("a citation names a heading", &findings);
}

#[test]
fn help_cites_no_part_of_the_method() {
    let text = std::fs::read_to_string(root().join(REFERENCE)).unwrap();
    let citing = (1..).zip(text.lines()).filter(|(_, line)| line.contains('§') || !citations(line).is_empty());
    let findings: Vec<String> = citing.map(|(number, line)| format!("{REFERENCE}:{number}: {}", line.trim())).collect();
    expect_none("help and reference cite no document", &findings);
}

/// The numbered headings of the method, as they are cited: "§8.4", "B21".
fn headings() -> Vec<String> {
    let text = std::fs::read_to_string(root().join(METHOD)).unwrap_or_default();
    let titles = text.lines().filter_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()));
    let numbers = titles.filter_map(|title| {
        let number = title.split_whitespace().next()?.trim_end_matches(['.', ':']);
        let number = number.strip_prefix('§').unwrap_or(number);
        let first = number.chars().next()?;
        if first.is_ascii_digit() { Some(format!("§{number}")) } else { is_point(number).then(|| number.to_owned()) }
    });
    numbers.collect()
}

/// Returns `true` for the number of an open point, such as B21.
fn is_point(word: &str) -> bool {
    word.strip_prefix('B').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The parts that a line cites: "method §7.5–7.6, §8 and B14" cites §7.5, §7.6, §8 and B14.
fn citations(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in line.split("method").skip(1) {
        let mut rest = rest.strip_prefix("'s").unwrap_or(rest);
        let mut in_range = false;
        loop {
            rest = rest.trim_start_matches([' ', ',']);
            rest = rest.strip_prefix("and ").unwrap_or(rest);
            let (is_section, number) = match rest.strip_prefix('§') {
                Some(number) => (true, number),
                None => (in_range, rest),
            };
            let end = number.find(|c: char| !c.is_alphanumeric() && c != '.').unwrap_or(number.len());
            let word = number[..end].trim_end_matches('.');
            if is_section && word.starts_with(|c: char| c.is_ascii_digit()) {
                found.push(format!("§{word}"));
            } else if is_point(word) {
                found.push(word.to_owned());
            } else {
                break;
            }
            rest = &number[word.len()..];
            in_range = rest.starts_with('–');
            rest = rest.trim_start_matches('–');
        }
    }
    found
}

#[test]
fn citations_are_read_off_a_line() {
    assert_eq!(citations("/// The rewards (method §7.5–7.6, §8 and B14)."), ["§7.5", "§7.6", "§8", "B14"]);
    assert_eq!(citations("the method's §13, and B7; a method B"), ["§13", "B7"]);
    assert!(citations("a method of B2B shops").is_empty());
}
