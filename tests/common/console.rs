//! The console blocks of the documents: commands behind `$ `, what is typed into them behind `> `, and what they print.

use std::path::Path;

/// A fenced block whose language is `console`.
pub struct Block {
    /// "docs/guide.md line 12".
    pub place: String,
    /// A requirement beside this machine and a few seconds: the word behind `needs=`.
    pub needs: Option<String>,
    pub commands: Vec<Typed>,
}

/// A command of a block.
pub struct Typed {
    pub line: String,
    pub words: Vec<String>,
    /// The lines that are typed into it.
    pub input: String,
}

/// The console blocks of a document.
pub fn blocks(root: &Path, document: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(root.join(document)).unwrap_or_else(|e| panic!("{document}: {e}"));
    let mut blocks = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```console") else { continue };
        let place = format!("{document} line {number}");
        let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
        let needs = match info.split_whitespace().collect::<Vec<_>>()[..] {
            [] => None,
            [word] => Some(word.strip_prefix("needs=").unwrap_or_else(|| panic!("{place}: {word}")).to_owned()),
            _ => panic!("{place}: more than one word behind `console`"),
        };
        blocks.push(Block { commands: commands(&body, &place), place, needs });
    }
    blocks
}

fn commands(body: &[&str], place: &str) -> Vec<Typed> {
    let mut commands: Vec<Typed> = Vec::new();
    let mut lines = body.iter();
    while let Some(line) = lines.next() {
        if let Some(typed) = line.strip_prefix("$ ") {
            let mut typed = typed.to_owned();
            while let Some(rest) = typed.strip_suffix('\\') {
                typed = format!("{rest} {}", lines.next().unwrap_or(&"").trim());
            }
            commands.push(Typed { words: words(&typed, place), line: typed, input: String::new() });
        } else if let Some(said) = line.strip_prefix("> ") {
            commands.last_mut().unwrap_or_else(|| panic!("{place}: input before any command")).input +=
                &format!("{said}\n");
        }
    }
    commands
}

/// The words of a command as a shell cuts them, as far as documents need a shell: quotes, and comments at the end.
fn words(line: &str, place: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in line.chars() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (None, '|' | '>' | '<' | '&' | ';' | '$' | '`') => panic!("{place}: {line}: {character} needs a shell"),
            _ => word.get_or_insert_default().push(character),
        }
    }
    assert!(quote.is_none(), "{place}: {line}: an open quote");
    words.extend(word);
    words
}
