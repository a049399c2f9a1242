//! One word in its forms, and words that are meant although they are misspelt.

/// A name in the singular and in the plural, itself first.
pub(super) fn forms(name: &str) -> Vec<String> {
    let mut forms = vec![name.to_owned()];
    let (before, last) = name.rsplit_once(' ').map_or(("", name), |(before, last)| (before, last));
    let space = if before.is_empty() { "" } else { " " };
    for form in [plural(last), singular(last)].into_iter().flatten() {
        forms.push(format!("{before}{space}{form}"));
    }
    forms
}

fn plural(word: &str) -> Option<String> {
    let vowel_before = |end: &str| word.strip_suffix(end).is_some_and(|stem| stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    match word {
        word if word.chars().count() < 3 => None,
        word if word.ends_with('y') && !vowel_before("y") => Some(format!("{}ies", &word[..word.len() - 1])),
        word if ends(&["s", "x", "ch", "sh", "z"]) => Some(format!("{word}es")),
        word => Some(format!("{word}s")),
    }
}

fn singular(word: &str) -> Option<String> {
    let stem = |end: &str| word.strip_suffix(end).filter(|stem| stem.chars().count() > 2);
    if let Some(stem) = stem("ies") {
        return Some(format!("{stem}y"));
    }
    let hissing = |stem: &&str| ["s", "x", "ch", "sh", "z"].iter().any(|end| stem.ends_with(end));
    stem("es").filter(hissing).or_else(|| stem("s").filter(|stem| !stem.ends_with('s'))).map(str::to_owned)
}

/// Returns true for a word of its own that is like the name of a kind: "chill" is no misspelt "child".
pub(super) fn is_other_word(word: &str) -> bool {
    const WORDS: [&str; 14] = [
        "cries", "dreams", "chill", "chilly", "chilled", "auction", "thrilled", "thrill", "thrills", "puzzled",
        "raving", "raring", "dreamy", "wares",
    ];
    WORDS.contains(&word)
}

/// Corrects `word`: the one name within the edits that its length allows, with the same first letter.
///
/// Names that mean the same count as one; where two of different meaning are equally near, nothing was meant.
pub(super) fn near_enough<'a, T: PartialEq>(
    word: &str,
    names: impl Iterator<Item = (&'a str, T)>,
) -> Option<(&'a str, T)> {
    let forgiven = edits(word)?;
    let (first, length) = (word.chars().next()?, word.chars().count());
    let mut best: Option<(usize, &str, T)> = None;
    let mut tied = false;
    for (name, meaning) in names {
        if !name.starts_with(first) || name.chars().count().abs_diff(length) > forgiven {
            continue;
        }
        let distance = strsim::osa_distance(word, name);
        match &best {
            _ if distance > forgiven => {}
            Some((least, _, _)) if distance > *least => {}
            Some((least, known, same)) if distance == *least => {
                tied |= *same != meaning;
                // The order of names is that of a hash map: the answer must not be.
                if name < *known && *same == meaning {
                    best = Some((distance, name, meaning));
                }
            }
            _ => {
                best = Some((distance, name, meaning));
                tied = false;
            }
        }
    }
    best.filter(|_| !tied).map(|(_, name, meaning)| (name, meaning))
}

/// The number of wrong, missing, surplus or exchanged letters that are allowed; none in short words.
fn edits(word: &str) -> Option<usize> {
    match word.chars().count() {
        0..5 => None,
        5..10 => Some(1),
        _ => Some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_singular_and_a_plural() {
        assert_eq!(forms("comedy")[1..], ["comedies"]);
        assert_eq!(forms("sports")[1..], ["sportses", "sport"]);
        assert_eq!(forms("film noir")[1..], ["film noirs"]);
        assert_eq!(forms("documentaries")[1..], ["documentarieses", "documentary"]);
        assert_eq!(forms("romance")[1..], ["romances"]);
        assert_eq!(forms("fantasy")[1..], ["fantasies"]);
        assert_eq!(forms("essay")[1..], ["essays"]);
        assert_eq!(forms("sci fi")[1..], Vec::<String>::new(), "two letters have no plural");
    }

    #[test]
    fn only_long_words_are_mended_and_only_where_one_thing_can_be_meant() {
        const NAMES: [(&str, u8); 6] =
            [("comedy", 0), ("comedies", 0), ("horror", 1), ("war", 2), ("music", 3), ("musical", 4)];
        let meant = |word: &str| near_enough(word, NAMES.into_iter()).map(|(_, meaning)| meaning);
        for (word, meaning) in [
            ("comdies", Some(0)),
            ("coemdy", Some(0)),
            ("horor", Some(1)),
            ("wra", None),
            ("warr", None),
            ("eastern", None),
            ("corror", None),
            ("horrible", None),
            ("musica", None),
        ] {
            assert_eq!(meant(word), meaning, "{word}");
        }
    }
}
