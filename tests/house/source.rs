//! A Rust file as text: its code without comments, strings and test modules, line by line.

use std::path::{Path, PathBuf};

use super::{files, relative};

/// The folders of the three crates' sources.
pub const CRATES: [&str; 3] = ["src", "models/src", "kernels/src"];

/// A Rust file.
pub struct Source {
    /// The path below the workspace.
    pub path: String,
    pub text: String,
    /// The text with blanks in place of comments, of the contents of strings, and of `#[cfg(test)]` items. Offsets agree.
    pub code: String,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let code = without_test_items(&without_comments(&text));
        Self { path: relative(path), text, code }
    }

    /// "src/lib.rs:12" for an offset into the text.
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.text[..offset].matches('\n').count() + 1)
    }
}

/// The Rust files below the given folders.
pub fn sources(within: &[&str]) -> Vec<Source> {
    files(within, &["rs"]).iter().map(|path| Source::read(path)).collect()
}

/// The Rust files of the crates that are not compiled for tests alone.
pub fn product() -> Vec<Source> {
    let all = sources(&CRATES);
    let tests: Vec<PathBuf> = all.iter().flat_map(test_modules).collect();
    let is_test = |path: &Path| tests.iter().any(|test| path.with_extension("").starts_with(test));
    all.into_iter().filter(|source| !is_test(Path::new(&source.path))).collect()
}

/// The files, without extension, of the modules that a file declares for tests alone.
fn test_modules(source: &Source) -> Vec<PathBuf> {
    let path = Path::new(&source.path);
    let folder = match path.file_stem().unwrap().to_str().unwrap() {
        "mod" | "lib" | "main" => path.parent().unwrap().to_path_buf(),
        _ => path.with_extension(""),
    };
    let plain = without_comments(&source.text);
    let declared = plain.split("#[cfg(test)]").skip(1).filter_map(|rest| {
        let (item, _) = rest.split_once(';')?;
        let (visibility, name) = item.split_once("mod ")?;
        let is_declaration = matches!(visibility.trim(), "" | "pub" | "pub(crate)" | "pub(super)");
        (is_declaration && is_identifier(name)).then(|| folder.join(name))
    });
    declared.collect()
}

/// Returns `true` for an identifier.
pub fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The text with blanks in place of comments and of the contents of strings and characters.
fn without_comments(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => at + text[at..].find('\n').unwrap_or(bytes.len() - at),
            b'/' if bytes[at..].starts_with(b"/*") => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'r' if !follows_a_name(bytes, at) && raw_hashes(&bytes[at + 1..]).is_some() => raw_string_end(text, at),
            b'\'' => character_end(text, at),
            _ => at + 1,
        };
        if end > at + 1 {
            out[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        at = end;
    }
    String::from_utf8(out).unwrap()
}

fn follows_a_name(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') && bytes[at - 1] != b'b'
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start + 2, 1);
    while depth > 0 && at < bytes.len() {
        match &bytes[at..] {
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            _ => at += 1,
        }
    }
    at
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The number of `#` before the quote, where the bytes behind an `r` open a raw string.
fn raw_hashes(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
    (rest.get(hashes) == Some(&b'"')).then_some(hashes)
}

fn raw_string_end(text: &str, start: usize) -> usize {
    let hashes = raw_hashes(&text.as_bytes()[start + 1..]).unwrap();
    let open = start + hashes + 2;
    let close = format!("\"{}", "#".repeat(hashes));
    text[open..].find(&close).map_or(text.len(), |found| open + found + close.len())
}

/// The end of a character literal; one byte further for a lifetime.
fn character_end(text: &str, start: usize) -> usize {
    let rest = &text[start + 1..];
    if rest.starts_with('\\') {
        return rest[2..].find('\'').map_or(start + 1, |found| start + found + 4);
    }
    let Some(character) = rest.chars().next() else { return start + 1 };
    let behind = start + 1 + character.len_utf8();
    if text[behind..].starts_with('\'') { behind + 1 } else { start + 1 }
}

/// The code with blanks in place of `#[cfg(test)]` items.
fn without_test_items(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let end = item_end(&out, start);
        let blank: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        // Offsets are in bytes.
        let wide = end - start - blank.len();
        out.replace_range(start..end, &(blank + &" ".repeat(wide)));
    }
    out
}

/// The end of the item at `start`: its semicolon, or the brace that closes it.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0;
    for (at, character) in code[start..].char_indices() {
        match character {
            ';' if depth == 0 => return start + at + 1,
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return start + at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}
