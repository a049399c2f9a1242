//! Text cut into words, numbers, signs and quoted names, each with its place.

use std::ops::Range;

/// A piece of text and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub what: TokenKind,
    /// Bytes of the text.
    pub at: Range<usize>,
}

/// The kind of a token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A word as [`normal`] has it.
    Word(String),
    Number(f64),
    Percent,
    /// A currency sign.
    Money,
    /// A dash between two numbers.
    Dash,
    Comma,
    /// The end of a sentence.
    Stop,
    /// Text in quotes.
    Quoted(String),
    /// A condition as the flags have it: `year>=2010`.
    Condition(String),
}

/// The names that the lexer looks up.
pub(super) trait NameLookup {
    /// Returns true for the name of something.
    fn is_name(&self, text: &str) -> bool;

    /// The length of the condition that `text` begins with.
    fn condition(&self, text: &str) -> Option<usize>;
}

/// Opening quotes with their closing ones.
const QUOTES: [(char, char); 7] =
    [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('«', '»'), ('„', '“'), ('`', '`')];

/// Cuts `text` into tokens. Signs that say nothing are left out, and "don't" is two words, "do not".
pub(super) fn tokens(text: &str, names: &dyn NameLookup) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let length = match read(text, at, names) {
            Some((TokenKind::Word(word), length)) => {
                let words =
                    apart(&word).map(|word| Token { what: TokenKind::Word(word.to_owned()), at: at..at + length });
                tokens.extend(words);
                length
            }
            Some((what, length)) => {
                tokens.push(Token { what, at: at..at + length });
                length
            }
            None => c.len_utf8(),
        };
        at += length;
    }
    tokens
}

/// The token at a place of the text, and its length; `None` where there is nothing to read.
fn read(text: &str, at: usize, names: &dyn NameLookup) -> Option<(TokenKind, usize)> {
    let rest = &text[at..];
    let c = rest.chars().next()?;
    let before = text[..at].chars().next_back();
    let opens = before.is_none_or(|before| !before.is_alphanumeric());
    if let Some(&(_, close)) = QUOTES.iter().find(|(open, _)| *open == c && opens) {
        let inside = quoted(&rest[c.len_utf8()..], close, names);
        // "before '80 or after '90" quotes nothing, but "'12 Angry Men'" does.
        if let Some(digits) = short_year(&rest[c.len_utf8()..])
            && is_apostrophe(c)
            && !inside.is_some_and(|inside| names.is_name(inside))
        {
            return Some((TokenKind::Word(format!("'{digits}")), c.len_utf8() + digits.len()));
        }
        let length = |inside: &str| c.len_utf8() + inside.len() + close.len_utf8();
        return inside.map(|inside| (TokenKind::Quoted(inside.to_owned()), length(inside)));
    }
    if opens
        && c.is_alphanumeric()
        && let Some(length) = names.condition(rest)
    {
        return Some((TokenKind::Condition(rest[..length].to_owned()), length));
    }
    // "-horror", "!horror"
    let starts = before.is_none_or(|before| before.is_whitespace() || before == '(');
    if starts && matches!(c, '-' | '!' | '−') && rest[c.len_utf8()..].starts_with(char::is_alphabetic) {
        return Some((TokenKind::Word("without".into()), c.len_utf8()));
    }
    let with = rest.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("w/"));
    if opens && with && rest[2..].starts_with(char::is_whitespace) {
        return Some((TokenKind::Word("with".into()), 2));
    }
    if opens
        && rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("w/o"))
        && !rest[3..].starts_with(char::is_alphanumeric)
    {
        return Some((TokenKind::Word("without".into()), 3));
    }
    if c.is_ascii_digit() {
        return Some(number(rest));
    }
    if c.is_alphanumeric() {
        let length = word_length(rest);
        return Some((TokenKind::Word(normal(&rest[..length])), length));
    }
    let what = match c {
        ',' => TokenKind::Comma,
        // "no: comedies" answers and "I am sick of it: comedies" goes on, while "horror: no" and "5 films: no horror" do not.
        ':' if ends_clause(&text[..at]) || speaks(&rest[1..]) || is_told(&text[..at]) => TokenKind::Comma,
        '.' if ends_in_abbreviation(&text[..at]) && !rest[1..].trim_start().is_empty() => return None,
        '.' | '!' | '?' | ';' | '\n' => TokenKind::Stop,
        '%' => TokenKind::Percent,
        '$' | '€' | '£' | '¥' => TokenKind::Money,
        '-' | '–' | '—'
            if before.is_some_and(|c| c.is_ascii_digit() || c.is_whitespace()) && next_is_digit(rest, c) =>
        {
            TokenKind::Dash
        }
        '-' | '–' | '—' if before.is_some_and(char::is_whitespace) && rest[c.len_utf8()..].starts_with(' ') => {
            TokenKind::Comma
        }
        '+' if before.is_some_and(|c| c.is_ascii_digit()) && !rest[1..].starts_with(char::is_alphanumeric) => {
            TokenKind::Word("+".into())
        }
        '#' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => TokenKind::Word("number".into()),
        '/' if is_ratio(text, at) => TokenKind::Word("outof".into()),
        // "-war +comedies"
        '+' if starts && rest[1..].starts_with(char::is_alphabetic) && marks_refusals(&text[..at]) => TokenKind::Stop,
        '&' | '+' => TokenKind::Word("and".into()),
        '/' | '|' => TokenKind::Word("or".into()),
        '<' | '>' | '=' | '~' | '^' | '*' | '@' => TokenKind::Word(c.to_string()),
        // Dashes, brackets and colons part words; other signs may mean something, and are no word that anybody knows.
        c if c.is_whitespace() || c.is_ascii_punctuation() || "–—…→·•’‘“”«»".contains(c) => {
            return None;
        }
        // Colours and forms of the sign before them.
        '\u{fe0f}' | '\u{200d}' | '\u{1f3fb}'..='\u{1f3ff}' => return None,
        '👎' | '❌' | '🚫' | '⛔' | '🙅' | '✖' => TokenKind::Word("no".into()),
        '👍' | '✅' | '✔' => TokenKind::Word("yes".into()),
        c => TokenKind::Word(c.to_string()),
    };
    Some((what, c.len_utf8()))
}

/// True for a face that may turn round what stands beside it: "dramas 😴".
pub(super) fn is_verdict(sign: &str) -> bool {
    const FACES: &str = "🤮🤢🥱😴💤💩😒🙄😑😡🤬💀";
    !sign.is_empty() && FACES.contains(sign)
}

/// True where a word of a text is refused by a sign before it.
fn marks_refusals(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let bare = word.trim_start_matches(['-', '!', '−']);
        bare.len() < word.len() && bare.starts_with(char::is_alphabetic)
    })
}

fn next_is_digit(rest: &str, dash: char) -> bool {
    rest[dash.len_utf8()..].trim_start().starts_with(|c: char| c.is_ascii_digit())
}

/// The text before a closing quote: the longest name, or else the text up to the first quote that may close.
fn quoted<'a>(rest: &'a str, close: char, names: &dyn NameLookup) -> Option<&'a str> {
    const LONGEST: usize = 600;
    let closes = |end: &usize| {
        let after = rest[end + close.len_utf8()..].chars().next();
        after.is_none_or(|after| !after.is_alphanumeric())
    };
    let ends: Vec<usize> =
        rest.match_indices(close).map(|(end, _)| end).take_while(|end| *end <= LONGEST).filter(closes).collect();
    let name = ends.iter().rev().find(|end| names.is_name(&rest[..**end]));
    let plausible = |end: &&usize| !rest[..**end].ends_with(char::is_whitespace) && **end > 0;
    name.or_else(|| ends.iter().find(plausible)).map(|end| &rest[..*end])
}

/// A number such as 12, 1,000 or 19.99; a word where letters follow at once: 90s, 3rd.
fn number(rest: &str) -> (TokenKind, usize) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(rest);
    while length <= 15 && rest[length..].starts_with(',') && digits(&rest[length + 1..]) == 3 {
        length += 4;
    }
    if rest[length..].starts_with('.') && digits(&rest[length + 1..]) > 0 {
        length += 1 + digits(&rest[length + 1..]);
    }
    let whole = word_length(rest);
    if whole > length && !GLUED_UNITS.contains(&rest[length..whole].to_lowercase().as_str()) {
        return (TokenKind::Word(normal(&rest[..whole])), whole);
    }
    let value = rest[..length].replace(',', "").parse().unwrap_or(f64::INFINITY);
    (TokenKind::Number(value), length)
}

/// True at the stroke of "2/10" and "1/3"; years and prices beside a stroke are alternatives.
fn is_ratio(text: &str, stroke: usize) -> bool {
    const PARTS: [u32; 10] = [2, 3, 4, 5, 6, 8, 10, 20, 25, 100];
    let before = text[..stroke].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let behind = &text[stroke + 1..];
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let ends = !behind[digits..].starts_with(|c: char| c.is_alphanumeric() || c == '/');
    match (before.parse::<u32>(), behind[..digits].parse::<u32>()) {
        (Ok(some), Ok(all)) => ends && some < all && PARTS.contains(&all),
        _ => false,
    }
}

/// True where a text ends in a word that answers what stands before it, or points back to it.
fn ends_clause(text: &str) -> bool {
    const LAST: [&str; 9] = ["no", "nope", "nah", "sorry", "wait", "correction", "it", "them", "that"];
    let word = text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let before = text[..text.len() - word.len()].trim_end();
    !before.is_empty() && LAST.contains(&word.to_lowercase().as_str())
}

/// True where the sentence that a text ends in is told by somebody rather than named: "I hope this is no stupid question: …".
fn is_told(text: &str) -> bool {
    const SUBJECTS: [&str; 14] =
        ["i", "i'm", "i've", "i'd", "we", "we're", "we've", "we'd", "my", "our", "it's", "this", "there", "please"];
    const ITEMS: [&str; 8] = ["films", "movies", "games", "titles", "items", "list", "following", "these"];
    let sentence =
        text.rsplit(['.', '!', '?', ';', ',', '\n']).next().unwrap_or_default().to_lowercase().replace('’', "'");
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let told = words.first().is_some_and(|first| SUBJECTS.contains(first)) && words.len() > 3;
    told && !words.last().is_some_and(|last| ITEMS.contains(last))
}

/// True where a text begins with the person who asks: "5 films: I don't like horror".
fn speaks(text: &str) -> bool {
    const SPEAKERS: [&str; 6] = ["i ", "i'", "i’", "we ", "we'", "we’"];
    let text: String = text.trim_start().chars().take(3).flat_map(char::to_lowercase).collect();
    SPEAKERS.iter().any(|speaker| text.starts_with(speaker))
}

/// True where a text ends in a word that is cut off by a full stop: "max. 90 minutes".
fn ends_in_abbreviation(text: &str) -> bool {
    let word = text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    ["max", "min", "approx", "ca"].contains(&word.to_lowercase().as_str())
}

/// Units that may follow a number without a space.
const GLUED_UNITS: [&str; 10] = ["min", "mins", "minutes", "h", "hr", "hrs", "hours", "usd", "eur", "gbp"];

/// The two digits of a year such as '85, behind its apostrophe.
fn short_year(rest: &str) -> Option<&str> {
    let digits = rest.get(..2)?;
    let is_year = digits.bytes().all(|b| b.is_ascii_digit()) && !rest[2..].starts_with(char::is_alphanumeric);
    is_year.then_some(digits)
}

/// Words that are written short, above all those with "not".
const CONTRACTIONS: [(&str, [&str; 2]); 39] = [
    ("tho", ["though", ""]),
    ("u", ["you", ""]),
    ("ur", ["your", ""]),
    ("smth", ["something", ""]),
    ("gr8", ["great", ""]),
    ("gud", ["good", ""]),
    ("wat", ["what", ""]),
    ("tonite", ["tonight", ""]),
    ("luv", ["love", ""]),
    ("cuz", ["because", ""]),
    ("abt", ["about", ""]),
    ("w", ["with", ""]),
    ("cept", ["except", ""]),
    ("xcept", ["except", ""]),
    ("outof", ["out", "of"]),
    ("dont", ["do", "not"]),
    ("doesnt", ["does", "not"]),
    ("didnt", ["did", "not"]),
    ("isnt", ["is", "not"]),
    ("arent", ["are", "not"]),
    ("aint", ["is", "not"]),
    ("wasnt", ["was", "not"]),
    ("werent", ["were", "not"]),
    ("wont", ["will", "not"]),
    ("cant", ["can", "not"]),
    ("cannot", ["can", "not"]),
    ("couldnt", ["could", "not"]),
    ("wouldnt", ["would", "not"]),
    ("shouldnt", ["should", "not"]),
    ("mustnt", ["must", "not"]),
    ("neednt", ["need", "not"]),
    ("havent", ["have", "not"]),
    ("hasnt", ["has", "not"]),
    ("hadnt", ["had", "not"]),
    ("dnt", ["do", "not"]),
    ("shant", ["shall", "not"]),
    ("gonna", ["going", "to"]),
    ("wanna", ["want", "to"]),
    ("gotta", ["got", "to"]),
];

/// The words of a contraction; the word itself where it is none.
fn apart(word: &str) -> impl Iterator<Item = &str> {
    let words = CONTRACTIONS.iter().find(|(contraction, _)| *contraction == word).map(|(_, words)| *words);
    let [first, second] = words.unwrap_or([word, ""]);
    std::iter::once(first).chain((!second.is_empty()).then_some(second))
}

/// Letters and digits, and the apostrophes between them.
fn word_length(rest: &str) -> usize {
    let mut end = 0;
    let mut characters = rest.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let inside = is_apostrophe(c) && characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if !(c.is_alphanumeric() || (inside && at > 0)) {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// A word without what people leave out when they type: case, accents, apostrophes.
pub(super) fn normal(word: &str) -> String {
    word.chars().filter(|c| !is_apostrophe(*c)).flat_map(char::to_lowercase).fold(String::new(), |mut plain, c| {
        match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' => plain.push('a'),
            'è'..='ë' | 'ē' | 'ę' | 'ě' => plain.push('e'),
            'ì'..='ï' | 'ī' => plain.push('i'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => plain.push('o'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => plain.push('u'),
            'ý' | 'ÿ' => plain.push('y'),
            'ç' | 'ć' | 'č' => plain.push('c'),
            'ñ' | 'ń' | 'ň' => plain.push('n'),
            'š' | 'ś' | 'ş' => plain.push('s'),
            'ž' | 'ź' | 'ż' => plain.push('z'),
            'ł' => plain.push('l'),
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            c => plain.push(c),
        }
        plain
    })
}

/// The words of a name as they are looked up: normal, one space between them, signs left out.
pub(super) fn key(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric() && !is_apostrophe(c)).map(normal);
    let words: Vec<String> = words.flat_map(|word| apart(&word).map(str::to_owned).collect::<Vec<_>>()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Few;

    impl NameLookup for Few {
        fn is_name(&self, text: &str) -> bool {
            ["Schindler's List", "It's a 'Trap'", "Heat"].contains(&text)
        }

        fn condition(&self, text: &str) -> Option<usize> {
            text.starts_with("year>=2010").then_some(10)
        }
    }

    fn read(text: &str) -> Vec<TokenKind> {
        tokens(text, &Few).into_iter().map(|token| token.what).collect()
    }

    fn word(text: &str) -> TokenKind {
        TokenKind::Word(text.into())
    }

    #[test]
    fn words_lose_what_people_leave_out() {
        assert_eq!(
            read("Don't SAY “Amélie”-like"),
            [word("do"), word("not"), word("say"), TokenKind::Quoted("Amélie".into()), word("like")]
        );
        assert_eq!(key("Schindler's List (1993)"), "schindlers list 1993");
        assert_eq!(key("  Sci-Fi & Fantasy "), "sci fi fantasy");
    }

    #[test]
    fn numbers_come_whole_and_decades_as_words() {
        use TokenKind::*;
        assert_eq!(read("$1,000.50"), [Money, Number(1000.5)]);
        assert_eq!(
            read("the '90s, 1990-1999."),
            [word("the"), word("90s"), Comma, Number(1990.0), Dash, Number(1999.0), Stop]
        );
        assert_eq!(read("30 % or 5."), [Number(30.0), Percent, word("or"), Number(5.0), Stop]);
        assert_eq!(
            read("'85, 2010+ or 90min"),
            [word("'85"), Comma, Number(2010.0), word("+"), word("or"), Number(90.0), word("min")]
        );
        assert_eq!(read("year>=2010, yes"), [Condition("year>=2010".into()), Comma, word("yes")]);
    }

    #[test]
    fn a_quoted_name_may_hold_quotes_itself() {
        let quoted = |text: &str| TokenKind::Quoted(text.into());
        assert_eq!(read("'Schindler's List', 'Heat'"), [quoted("Schindler's List"), TokenKind::Comma, quoted("Heat")]);
        assert_eq!(read("'It's a 'Trap''"), [quoted("It's a 'Trap'")]);
        assert_eq!(read("'Nobody knows' it"), [quoted("Nobody knows"), word("it")]);
        assert_eq!(read("the '90s and '80s"), [word("the"), word("90s"), word("and"), word("80s")]);
    }

    #[test]
    fn signs_that_nobody_knows_stay_visible() {
        assert_eq!(read("(fun)… 🎬"), [word("fun"), word("🎬")]);
        assert_eq!(read("fun - or not"), [word("fun"), TokenKind::Comma, word("or"), word("not")]);
    }
}
