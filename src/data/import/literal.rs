//! A parser of Python literals, one per line, as in the UCSD files: `{u'id': u'10', 'price': 4.99}`.
//!
//! It accepts dictionaries with string keys, lists, tuples, strings, numbers, True, False and None; also the words of
//! JSON for these, and NaN, which programs write where JSON has no word for a missing number.

use serde_json::{Map, Number, Value};

/// The maximum nesting depth: far deeper than any real line, far from a stack overflow.
const DEEPEST: usize = 32;

/// Reads one literal that fills the whole text.
///
/// # Errors
/// A message with the expected token and the byte position.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_spaces();
    if parser.at < text.len() { parser.expected("the end of the line") } else { Ok(value) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn expected<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("{what} expected at byte {}", self.at + 1))
    }

    fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    /// Takes `token`, after spaces, if it comes next.
    fn take(&mut self, token: &str) -> bool {
        self.skip_spaces();
        let comes = self.rest().starts_with(token);
        if comes {
            self.at += token.len();
        }
        comes
    }

    fn take_one_of(&mut self, tokens: [&str; 2]) -> bool {
        tokens.iter().any(|token| self.take(token))
    }

    fn next_char(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return self.expected("a value that nests less deeply");
        }
        self.skip_spaces();
        match self.rest().as_bytes() {
            [b'{', ..] => self.dictionary(depth + 1),
            [b'[', ..] => self.sequence("[", "]", depth + 1),
            [b'(', ..] => self.sequence("(", ")", depth + 1),
            [b'\'' | b'"', ..] | [b'u' | b'U', b'\'' | b'"', ..] => Ok(Value::String(self.string()?)),
            [b'0'..=b'9' | b'-' | b'.', ..] => self.number(),
            _ if self.take_one_of(["True", "true"]) => Ok(Value::Bool(true)),
            _ if self.take_one_of(["False", "false"]) => Ok(Value::Bool(false)),
            _ if self.take_one_of(["None", "null"]) || self.take_one_of(["NaN", "nan"]) => Ok(Value::Null),
            _ => self.expected("a value"),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Value, String> {
        self.take("{");
        let mut map = Map::new();
        while !self.take("}") {
            if !map.is_empty() && !self.take(",") {
                return self.expected("`,` or `}`");
            }
            if !map.is_empty() && self.take("}") {
                break;
            }
            self.skip_spaces();
            let key = self.string()?;
            if !self.take(":") {
                return self.expected("`:`");
            }
            map.insert(key, self.value(depth)?);
        }
        Ok(Value::Object(map))
    }

    fn sequence(&mut self, open: &str, close: &str, depth: usize) -> Result<Value, String> {
        self.take(open);
        let mut values = Vec::new();
        while !self.take(close) {
            if !values.is_empty() && !self.take(",") {
                return self.expected(&format!("`,` or `{close}`"));
            }
            if !values.is_empty() && self.take(close) {
                break;
            }
            values.push(self.value(depth)?);
        }
        Ok(Value::Array(values))
    }

    fn number(&mut self) -> Result<Value, String> {
        let length = self.rest().bytes().take_while(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)).count();
        let text = &self.rest()[..length];
        let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok();
        let Some(number) = whole.or_else(|| Number::from_f64(text.parse().ok()?)) else {
            return self.expected("a number");
        };
        self.at += length;
        Ok(Value::Number(number))
    }

    /// Parses a string in single or double quotes, with or without the `u` of Python 2.
    fn string(&mut self) -> Result<String, String> {
        if self.rest().starts_with(['u', 'U']) {
            self.at += 1;
        }
        let Some(quote @ ('\'' | '"')) = self.rest().chars().next() else { return self.expected("text in quotes") };
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.next_char() {
                Some(end) if end == quote => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(character) => text.push(character),
                None => return self.expected("a closing quote"),
            }
        }
    }

    /// Parses an escape sequence after its backslash.
    fn escape(&mut self) -> Result<char, String> {
        match self.next_char() {
            Some(same @ ('\\' | '\'' | '"' | '/')) => Ok(same),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('a') => Ok('\u{7}'),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('v') => Ok('\u{b}'),
            Some('x') => self.code(2),
            Some('u') => self.code(4),
            Some('U') => self.code(8),
            Some('0') => Ok('\0'),
            _ => self.expected("an escape that Python writes"),
        }
    }

    /// A character by its hexadecimal code. Python 2 wrote characters beyond U+FFFF as two surrogates; one without its
    /// partner becomes U+FFFD.
    fn code(&mut self, digits: usize) -> Result<char, String> {
        let code = self.hexadecimal(digits)?;
        if (0xd800..0xdc00).contains(&code) && self.rest().starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            let low = self.hexadecimal(4)?;
            if (0xdc00..0xe000).contains(&low) {
                let joined = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<u32, String> {
        let code = self.rest().get(..digits).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()) {
            Some(code) => {
                self.at += digits;
                Ok(code)
            }
            None => self.expected(&format!("{digits} hexadecimal digits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_the_files_hold_is_read() {
        let line = r#"{u'id': u'761140', 'price': 4.99, u"o'k": [u'Action', 'Indie',], 't': (1, -2), 'early': False,
            'none': None, 'e': {}}"#
            .replace('\n', "");
        let expected = json!({"id": "761140", "price": 4.99, "o'k": ["Action", "Indie"], "t": [1, -2], "early": false,
            "none": null, "e": {}});
        assert_eq!(parse(&line).unwrap(), expected);
    }

    #[test]
    fn the_words_of_json_and_missing_numbers_are_read() {
        let line = r#"{"a": true, "b": false, "c": null, "d": NaN, "e": "x\/y", "f": [nan]}"#;
        let expected = json!({"a": true, "b": false, "c": null, "d": null, "e": "x/y", "f": [null]});
        assert_eq!(parse(line).unwrap(), expected);
    }

    #[test]
    fn escapes_are_undone() {
        let text = r"u'\xe9\u2122\U0001f600\ud83d\ude00 \ud83d! \'\\\n\t'";
        assert_eq!(parse(text).unwrap(), json!("é™😀😀 \u{fffd}! '\\\n\t"));
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        for (text, expected) in [
            ("", "a value expected at byte 1"),
            ("{'a': 1} x", "the end of the line expected at byte 10"),
            ("{'a': 1", "`,` or `}` expected at byte 8"),
            ("{1: 2}", "text in quotes expected at byte 2"),
            ("{'a' 1}", "`:` expected at byte 6"),
            ("[1 2]", "`,` or `]` expected at byte 4"),
            ("[,]", "a value expected at byte 2"),
            ("'open", "a closing quote expected at byte 6"),
            (r"'\q'", "an escape that Python writes expected"),
            (r"'\u12'", "4 hexadecimal digits expected"),
            (r"'\uü234'", "4 hexadecimal digits expected"),
            ("1-2", "a number expected at byte 1"),
            ("1e999", "a number expected"),
            ("__import__('os')", "a value expected at byte 1"),
            ("b'x'", "a value expected"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(parse(&"[".repeat(1_000_000)).unwrap_err().contains("nests less deeply"));
    }

    /// Spells a value as Python would.
    fn spell(value: &Value) -> String {
        match value {
            Value::Null => "None".into(),
            Value::Bool(true) => "True".into(),
            Value::Bool(false) => "False".into(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => spell_text(text),
            Value::Array(values) => format!("[{}]", values.iter().map(spell).collect::<Vec<_>>().join(", ")),
            Value::Object(map) => {
                let pairs = map.iter().map(|(key, value)| format!("{}: {}", spell_text(key), spell(value)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn spell_text(text: &str) -> String {
        let escaped = text.chars().map(|character| match character {
            '\\' | '\'' => format!("\\{character}"),
            ' '..='~' => character.to_string(),
            _ => character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        });
        format!("u'{}'", escaped.collect::<String>())
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_gives_back_what_python_would_write(value in values()) {
            prop_assert_eq!(parse(&spell(&value)), Ok(value));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[{('u\"\\\\x0-9ü,: }\\])a-e]{0,40}") {
            let _ = parse(&text);
        }
    }
}
