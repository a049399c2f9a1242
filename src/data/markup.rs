//! Text as web pages hold it: HTML entities, tags, and scraps of scripts where a crawler missed the title.

use std::borrow::Cow;

use html_escape::decode_html_entities;

use super::titles::clean;

/// Rounds of decoding: text that was escaped at every step of its way holds `&amp;amp;#39;`.
const ROUNDS: usize = 4;

/// The longest name of an entity, with its `&`.
const LONGEST_ENTITY: usize = 40;

/// Entities that old pages write without the semicolon.
const OPEN_ENTITIES: [&str; 5] = ["amp", "quot", "lt", "gt", "nbsp"];

/// The characters that Windows-1252 has at 0x80 to 0x9F, which pages mean by `&#150;`.
const WINDOWS_1252: [char; 32] = [
    '€', ' ', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', ' ', 'Ž', ' ', ' ', '‘', '’', '“', '”', '•', '–',
    '—', '˜', '™', 'š', '›', 'œ', ' ', 'ž', 'Ÿ',
];

/// Elements that stand within a word or a line.
const INLINE: [&str; 18] = [
    "a", "abbr", "b", "big", "code", "em", "font", "i", "label", "s", "small", "span", "strong", "sub", "sup", "tt",
    "u", "wbr",
];

/// Elements that part words.
const BLOCKS: [&str; 30] = [
    "blockquote",
    "body",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "hr",
    "html",
    "img",
    "input",
    "li",
    "link",
    "meta",
    "ol",
    "option",
    "p",
    "pre",
    "table",
    "tbody",
    "td",
    "tr",
    "ul",
];

/// Elements whose content no reader of a page sees.
const UNSEEN: [&str; 3] = ["script", "style", "noscript"];

/// Words of scripts and style sheets. With a brace or a semicolon beside it, one of them makes a text a script.
const SCRIPT_WORDS: [&str; 10] =
    ["function(", "function (", "new Date(", ".getTime(", "document.", "window.", "ue_t0", "jQuery", "$(", "display:"];

/// Replaces HTML entities by their characters: named and numbered ones, also where they were escaped repeatedly.
pub fn decode_entities(text: &str) -> Cow<'_, str> {
    let mut current = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        if !current.contains('&') {
            break;
        }
        let next = decode_once(&current);
        if next == current {
            break;
        }
        current = Cow::Owned(next);
    }
    current
}

/// The visible text of a piece of a page, cleaned; `None` for a script, and where tags hold no text.
pub fn visible_text(page: &str) -> Option<String> {
    let text = clean(&without_tags(&decode_entities(page)));
    let only_tags = text.is_empty() && !page.trim().is_empty();
    (!only_tags && !is_script(&text)).then_some(text)
}

fn decode_once(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let (characters, length) = entity(rest).unwrap_or((Cow::Borrowed("&"), 1));
        decoded.push_str(&characters);
        rest = &rest[length..];
    }
    decoded + rest
}

/// The characters of the entity that a text starts with, and its length in bytes.
fn entity(text: &str) -> Option<(Cow<'_, str>, usize)> {
    if let Some(number) = text.strip_prefix("&#") {
        return numbered(number).map(|(character, length)| (String::from(character).into(), "&#".len() + length));
    }
    let name = text[1..].bytes().take(LONGEST_ENTITY).take_while(u8::is_ascii_alphanumeric).count();
    let end = 1 + name;
    if text[end..].starts_with(';') {
        let whole = &text[..=end];
        return Some((decode_html_entities(whole), whole.len())).filter(|(decoded, _)| decoded != whole);
    }
    let open = OPEN_ENTITIES.contains(&&text[1..end]);
    open.then(|| (decode_html_entities(&format!("{};", &text[..end])).into_owned().into(), end))
}

/// The character of a number such as `39;` or `x27;`, with its length.
fn numbered(text: &str) -> Option<(char, usize)> {
    let (radix, digits) = text.strip_prefix(['x', 'X']).map_or((10, text), |digits| (16, digits));
    let length = digits.chars().take_while(|digit| digit.is_digit(radix)).count();
    let code = u32::from_str_radix(&digits[..length], radix).ok()?;
    let character = match code {
        0x80..=0x9f => WINDOWS_1252[code as usize - 0x80],
        _ => char::from_u32(code)?,
    };
    let closed = usize::from(digits[length..].starts_with(';'));
    Some((character, text.len() - digits.len() + length + closed))
}

/// The text without HTML tags, comments and scripts. Words that a `<br>` or a `</p>` parts stay apart.
fn without_tags(text: &str) -> Cow<'_, str> {
    let Some(last_end) = text.rfind('>') else { return Cow::Borrowed(text) };
    let lower = text.to_ascii_lowercase();
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(start) = text[at..=last_end].find('<').map(|start| at + start) {
        kept.push_str(&text[at..start]);
        let tag = &lower[start..];
        let name = tag[1..].trim_start_matches('/');
        let name = &name[..name.bytes().take_while(u8::is_ascii_alphanumeric).count()];
        let closing = if tag.starts_with("<!--") {
            Some("-->".to_owned())
        } else if UNSEEN.contains(&name) && !tag.starts_with("</") {
            Some(format!("</{name}>"))
        } else {
            [&INLINE[..], &BLOCKS, &UNSEEN].concat().contains(&name).then(|| ">".to_owned())
        };
        let Some(closing) = closing else {
            kept.push('<');
            at = start + 1;
            continue;
        };
        if !INLINE.contains(&name) {
            kept.push(' ');
        }
        at = tag.find(&closing).map_or(text.len(), |end| start + end + closing.len());
        if at > last_end {
            break;
        }
    }
    kept.push_str(&text[at..]);
    Cow::Owned(kept)
}

fn is_script(text: &str) -> bool {
    let assigns = text.starts_with("var ") && text.contains('=');
    text.contains(['{', ';']) && (assigns || SCRIPT_WORDS.iter().any(|word| text.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entities_of_every_kind_are_decoded() {
        for (text, decoded) in [
            ("Caf&eacute; &ndash; L&#39;&Eacute;t&#xE9;", "Café – L'Été"),
            ("Salt &amp; Ember &quot;Set&quot;", "Salt & Ember \"Set\""),
            ("AT&T &AMP; sons; R&B", "AT&T & sons; R&B"),
            ("Rock &amp;amp; Roll&amp;#33;", "Rock & Roll!"),
            ("a &#150; b &#x92;", "a – b ’"),
            ("Don&#39t &amp go", "Don't & go"),
            ("Tin&trade; 2&nbsp;Disc", "Tin™ 2\u{a0}Disc"),
            ("&nosuch; &#xd800; &#; &", "&nosuch; &#xd800; &#; &"),
        ] {
            assert_eq!(decode_entities(text), decoded, "{text}");
        }
    }

    #[test]
    fn tags_fall_away_and_their_text_stays() {
        for (page, text) in [
            ("<span id=\"productTitle\" class=\"a-size-large\">Velvet Trench</span>", Some("Velvet Trench")),
            ("&lt;b&gt;V&lt;/b&gt;elvet", Some("Velvet")),
            ("One<br/>Two<!-- x > y --> Three", Some("One Two Three")),
            ("Kept<script>var x = 1;</script>", Some("Kept")),
            ("I <3 C++ vector<int>", Some("I <3 C++ vector<int>")),
            ("", Some("")),
            ("<img src=\"x.png\"/>", None),
            ("<SCRIPT>open", None),
            ("var aPageStart = (new Date()).getTime(); ue_t0=ue_t0||+new Date();", None),
            (".aok-hidden { display:none; }", None),
            ("Window.Shopping", Some("Window.Shopping")),
        ] {
            assert_eq!(visible_text(page).as_deref(), text, "{page}");
        }
    }

    #[test]
    fn long_pages_of_open_tags_and_ampersands_are_read_in_good_time() {
        let tags = format!("{}>", "<span ".repeat(1 << 20));
        assert_eq!(visible_text(&tags), None);
        let nested = format!("&{}", "amp;".repeat(1 << 20));
        assert!(decode_entities(&nested).len() < nested.len());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[<>&;#/!a-dxü0-9 \"=-]{0,60}") {
            let _ = visible_text(&text);
        }

        #[test]
        fn text_without_marks_stays_as_it_is(text in "[A-Za-zü0-9 .,']{0,40}") {
            prop_assert_eq!(decode_entities(&text), text.as_str());
        }
    }
}
