//! Python's `%` between a text and values, which `minijinja` has as a filter.
//!
//! `'%s: %d' % (name, age)` becomes `'%s: %d'|percent((name, age))`. Only behind a quoted text is `%` certain to mean that; elsewhere it
//! stays the remainder of a division.

/// The name of the filter.
pub(super) const FILTER: &str = "percent";

/// The template `source` with the filter in place of the operator.
pub(super) fn as_filter(source: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(source.len()), source);
    while let Some(begin) = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min() {
        let (open, inside) = rest.split_at(begin + 2);
        text.push_str(open);
        rest = inside;
        if open.ends_with("{#") {
            let end = rest.find("#}").unwrap_or(rest.len());
            text.push_str(&rest[..end]);
            rest = &rest[end..];
        } else {
            let end = end_of_tag(rest);
            text.push_str(&in_expression(&rest[..end]));
            rest = &rest[end..];
        }
    }
    text + rest
}

/// The bytes before the "}}" or "%}" that ends a tag; quoted ones end none.
fn end_of_tag(tag: &str) -> usize {
    let mut at = 0;
    while at < tag.len() && !tag[at..].starts_with("%}") && !tag[at..].starts_with("}}") {
        at += length(&tag[at..]);
    }
    at
}

/// An expression with the filter in place of the operator.
fn in_expression(expression: &str) -> String {
    let (mut text, mut at, mut is_quoted) = (String::with_capacity(expression.len()), 0, false);
    while at < expression.len() {
        let rest = &expression[at..];
        if is_quoted && rest.starts_with('%') {
            let values = rest[1..].trim_start();
            let end = end_of_operand(values);
            text.truncate(text.trim_end().len());
            text.push_str(&format!("|{FILTER}({})", in_expression(&values[..end])));
            at = expression.len() - values.len() + end;
            continue;
        }
        let token = length(rest);
        if !rest.starts_with(char::is_whitespace) {
            is_quoted = rest.starts_with(['\'', '"']);
        }
        text.push_str(&rest[..token]);
        at += token;
    }
    text
}

/// The bytes of the operand that an expression begins with: a value with its attributes, calls and filters.
fn end_of_operand(expression: &str) -> usize {
    let mut at = expression.len() - expression.trim_start_matches(['-', '+']).len();
    let mut takes_word = true;
    while at < expression.len() {
        let rest = &expression[at..];
        let gap = rest.len() - rest.trim_start().len();
        let next = rest[gap..].chars().next().unwrap_or(' ');
        match next {
            '(' | '[' | '{' => at += gap + group(&rest[gap..]),
            '.' | '|' => {
                at += gap + 1;
                takes_word = true;
                continue;
            }
            _ if takes_word => at += gap + length(&rest[gap..]),
            _ => break,
        }
        takes_word = false;
    }
    at
}

/// The bytes of a group in brackets.
fn group(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += length(&text[at..]);
        if depth == 0 {
            break;
        }
    }
    at
}

/// The bytes of the first quoted text, word, or other character; 0 for an empty text.
fn length(text: &str) -> usize {
    let Some(first) = text.chars().next() else { return 0 };
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    if first == '\'' || first == '"' {
        let mut is_escaped = false;
        let end = text.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == first && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            ends
        });
        return end.map_or(text.len(), |(at, _)| at + 1);
    }
    match is_of_word(first) {
        true => text.find(|c| !is_of_word(c)).unwrap_or(text.len()),
        false => first.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_behind_a_quoted_text_is_a_filter() {
        for (source, expected) in [
            ("{{ '%s!' % name }}", "{{ '%s!'|percent(name) }}"),
            ("{{ \"%s-%d\" % (a.b, c['%}']) ~ x }}", "{{ \"%s-%d\"|percent((a.b, c['%}'])) ~ x }}"),
            ("{%- set x = '%s' % m.content | trim -%}", "{%- set x = '%s'|percent(m.content | trim) -%}"),
            ("{% if '%d' % (i % 2) == '1' %}", "{% if '%d'|percent((i % 2)) == '1' %}"),
            ("{{ '%s' % ('%d' % 3) }}", "{{ '%s'|percent(('%d'|percent(3))) }}"),
            ("{{ '%s' % f(x)[0].y(1) }}", "{{ '%s'|percent(f(x)[0].y(1)) }}"),
            ("{% if loop.index0 % 2 == 0 %}50 % 3 '%s' % x{# '%s' % y #}{% endif %}", ""),
            ("{{ 'a' }}{% set y = 'b' %}", ""),
        ] {
            assert_eq!(as_filter(source), if expected.is_empty() { source } else { expected });
        }
    }
}
