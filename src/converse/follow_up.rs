//! Turns that speak to the program, or about the list as a whole. Everything else is a request.

/// A turn that is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// Another list of the same kind.
    More,
    /// A longer list.
    Longer,
    /// A shorter list.
    Shorter,
    /// The other reading of the last turn.
    Other,
    /// Take the last turn back.
    Undo,
    /// Forget every wish.
    StartOver,
    /// Say what is asked for.
    Show,
    /// Say what can be said.
    Help,
    /// A courtesy.
    Thanks,
    /// Enough.
    End,
}

/// Parses a follow-up; `None` where the turn is a request. Every word of a follow-up has to be understood.
pub fn understand(text: &str) -> Option<FollowUp> {
    use FollowUp::{End, Help, Longer, More, Other, Shorter, Show, StartOver, Thanks, Undo};
    let lower = text.trim().to_lowercase().replace('’', "'");
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    let content: Vec<&str> = words.iter().copied().filter(|word| !is_filler(word)).collect();
    match content.as_slice() {
        [] if lower.starts_with('?') => Some(Help),
        [] if words.is_empty() => Some(More),
        [one] => match *one {
            "more" | "next" | "others" | "other" | "again" | "else" | "different" | "another" => Some(More),
            "longer" | "list" if words.contains(&"longer") => Some(Longer),
            "shorter" | "fewer" if one == &"fewer" || words.contains(&"list") => Some(Shorter),
            "undo" | "back" => Some(Undo),
            "reset" | "restart" => Some(StartOver),
            "show" | "status" => Some(Show),
            "help" => Some(Help),
            "thanks" | "thank" | "perfect" | "great" | "nice" | "good" | "cool" | "awesome" | "excellent"
            | "wonderful" => Some(Thanks),
            "quit" | "exit" | "bye" | "goodbye" | "end" | "enough" | "stop" | "done" | "finished" => Some(End),
            _ => None,
        },
        ["longer", "list"] | ["more", "items" | "suggestions"] => Some(Longer),
        ["shorter", "list"] | ["fewer", "items" | "suggestions"] => Some(Shorter),
        ["something" | "anything", "else" | "different"] | ["more", "other" | "others"] => Some(More),
        ["none", "these" | "those" | "them"] | ["show" | "see", "more"] => Some(More),
        ["other" | "different" | "new" | "another", "ones" | "list" | "suggestions"] => Some(More),
        ["other", "reading" | "meaning"] | ["meant", "other"] => Some(Other),
        ["go" | "take", "back"] | ["take", "back", "last"] => Some(Undo),
        ["start", "over" | "again"] | ["forget", "everything" | "all"] => Some(StartOver),
        ["no", "more"] | ["enough" | "done", "now"] => Some(End),
        [first, .., last] if is_thanks(first) && matches!(*last, "bye" | "goodbye" | "enough" | "all") => Some(End),
        several if several.iter().all(|word| is_thanks(word)) => Some(Thanks),
        _ => None,
    }
}

fn is_thanks(word: &str) -> bool {
    matches!(
        word,
        "thanks" | "thank" | "great" | "perfect" | "good" | "nice" | "cool" | "awesome" | "wonderful" | "excellent"
    )
}

/// Words that change nothing.
fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "the"
            | "a"
            | "an"
            | "some"
            | "please"
            | "i"
            | "me"
            | "give"
            | "us"
            | "you"
            | "that"
            | "that's"
            | "it"
            | "very"
            | "so"
            | "much"
            | "and"
            | "to"
            | "of"
            | "is"
            | "for"
            | "now"
            | "any"
            | "can"
            | "could"
            | "ok"
            | "okay"
            | "i'm"
            | "i'd"
            | "want"
            | "very much"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_what_they_want() {
        use FollowUp::*;
        let table = [
            ("", Some(More)),
            ("more", Some(More)),
            ("Some more, please!", Some(More)),
            ("something else", Some(More)),
            ("different ones", Some(More)),
            ("another list", Some(More)),
            ("show me more", Some(More)),
            ("none of these", Some(More)),
            ("a longer list", Some(Longer)),
            ("fewer", Some(Shorter)),
            ("undo", Some(Undo)),
            ("take that back", Some(Undo)),
            ("start over", Some(StartOver)),
            ("?", Some(Help)),
            ("show me", Some(Show)),
            ("the other reading", Some(Other)),
            ("great, thanks", Some(Thanks)),
            ("that's enough", Some(End)),
            ("no more", Some(End)),
            ("thanks, bye", Some(End)),
            ("more comedies", None),
            ("more like the second", None),
            ("older", None),
            ("longer", Some(Longer)),
            ("no sequels", None),
            ("2", None),
        ];
        for (text, wanted) in table {
            assert_eq!(understand(text), wanted, "{text:?}");
        }
    }
}
