//! The tokens of a tag.

/// Words that are no operands.
const KEYWORDS: [&str; 8] = ["and", "or", "not", "in", "is", "if", "else", "recursive"];

/// Returns true where a value begins: a name, a quoted text, a number, or a bracket.
pub(super) fn starts_operand(text: &str) -> bool {
    text.starts_with(|c: char| is_of_word(c) || "'\"([{".contains(c)) && !KEYWORDS.contains(&word(text))
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The name that a text begins with, or nothing.
pub(super) fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_of_word(c)).unwrap_or(text.len())]
}

/// The bytes of a number.
pub(super) fn number(text: &str) -> usize {
    let mut before = ' ';
    let end = text.find(|c: char| {
        let is_sign = matches!(before, 'e' | 'E') && matches!(c, '+' | '-');
        before = c;
        !is_of_word(c) && c != '.' && !is_sign
    });
    end.unwrap_or(text.len())
}

/// The bytes of the first quoted text, word, or other character; 0 for an empty text.
pub(super) fn length(text: &str) -> usize {
    let Some(first) = text.chars().next() else { return 0 };
    if first == '\'' || first == '"' {
        let mut is_escaped = false;
        let end = text.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == first && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            ends
        });
        return end.map_or(text.len(), |(at, _)| at + 1);
    }
    word(text).len().max(first.len_utf8())
}
