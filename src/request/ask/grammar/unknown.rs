//! Words that nobody knows: each is named, and a clause in which one may be a verb says nothing else.

use super::StatementParser;
use super::opening::Opening;
use crate::request::ask::description::ItemDescription;
use crate::request::ask::terms::Sense;
use crate::request::ask::tokens::is_verdict;
use crate::request::ask::tree::{Head, Joint, Statement};
use crate::request::ask::vocabulary::{Word, is_adverb, is_modifier, is_occasion};

/// Kinds without a plural, which a verb may stand before as well as an adjective: "boycott romance".
const UNCOUNTED: [&str; 14] = [
    "romance",
    "horror",
    "war",
    "drama",
    "action",
    "crime",
    "animation",
    "adventure",
    "fantasy",
    "suspense",
    "sci-fi",
    "scifi",
    "science fiction",
    "violence",
];

impl StatementParser<'_> {
    /// True for an unknown word that may say anything about what follows it: "boycott romance", "save me from romance", "scared by
    /// romance", but not "a dark romance" or "robots in space". `named` is true where a word before it, such as an article, says that a
    /// name follows.
    pub(super) fn may_be_verb(&self, at: usize, named: bool) -> bool {
        let text = self.text_of(at).to_lowercase();
        let describes = is_modifier(&text) || is_occasion(&text) || is_adverb(&text);
        if describes || self.is_hyphenated(at) || !text.contains(char::is_alphabetic) {
            return false;
        }
        let end = (at + 1..).find(|&at| !matches!(self.sense(at), Some(Sense::Unknown))).unwrap_or(at + 1);
        let object = self.text_of(end).to_lowercase();
        match self.sense(end) {
            Some(Sense::Kind { adjective, .. }) => {
                let any_number = object.ends_with('s') || UNCOUNTED.contains(&object.as_str());
                !named && (*adjective || any_number || end > at + 1)
            }
            Some(Sense::Titles(_) | Sense::Either(..) | Sense::Value { .. }) => !named,
            Some(Sense::Word(word)) => self.may_govern(*word, &object, &text, named) && self.names_something(end),
            _ => false,
        }
    }

    /// True where an unknown word and the small word behind it may be a verb with its preposition or object.
    fn may_govern(&self, small: Word, behind: &str, unknown: &str, named: bool) -> bool {
        const DIRECTED: [&str; 6] = ["of", "to", "from", "at", "by", "against"];
        match small {
            Word::Preposition | Word::About | Word::With | Word::To | Word::Article if named => {
                unknown.ends_with("ed") || DIRECTED.contains(&behind)
            }
            Word::Preposition | Word::About | Word::With | Word::To => !unknown.ends_with('s'),
            Word::Article | Word::Anything | Word::Every | Word::Some | Word::Clause | Word::Subject => true,
            _ => false,
        }
    }

    /// True where a kind or a title follows in the clause.
    fn names_something(&self, at: usize) -> bool {
        self.clause(at)
            .any(|at| matches!(self.sense(at), Some(Sense::Kind { .. } | Sense::Titles(_) | Sense::Either(..))))
    }

    /// Names an unknown word; with it a measure that it may compare with: "sans-$10".
    pub(super) fn name_unknown(&mut self, at: usize) {
        let next = self.text_of(at + 1);
        let is_sum =
            next.starts_with(['$', '€', '£']) || (next.starts_with(|c: char| c.is_ascii_digit()) && next.contains(' '));
        let measure = matches!(self.sense(at + 1), Some(Sense::Range { .. })) && is_sum;
        let last = if measure { at + 1 } else { at };
        self.at = last;
        let place = self.terms[at].at.start..self.terms[last].at.end;
        self.gap(place, None);
    }

    /// True for an unknown word with a negative prefix: "uninterested", "displeased".
    pub(super) fn is_negative(&self, at: usize) -> bool {
        let text = self.text_of(at).to_lowercase();
        ["un", "dis"].iter().any(|prefix| text.starts_with(prefix)) && !is_modifier(&text)
    }

    /// True for an unknown word between "anything" and a name, which may except the name: "anything barring horror".
    pub(super) fn may_except(&self, at: usize) -> bool {
        const ALL: [&str; 6] = ["anything", "everything", "all", "whatever", "any", "every"];
        let before = at.checked_sub(1).map(|before| self.text_of(before).to_lowercase());
        before.is_some_and(|before| ALL.contains(&before.as_str()))
            && matches!(self.sense(at + 1), Some(Sense::Kind { .. } | Sense::Titles(_)))
            && !is_modifier(&self.text_of(at).to_lowercase())
    }

    /// True for a verb of dislike, whose negation is no wish: "don't hate", unlike "don't skip".
    pub(super) fn is_dislike(&self) -> bool {
        const STEMS: [&str; 10] =
            ["hate", "hating", "dislike", "detest", "loathe", "despise", "abhor", "object to", "dread", "resent"];
        let text = self.text_of(self.at).to_lowercase();
        STEMS.iter().any(|stem| text.starts_with(stem))
    }

    /// True for "it", "them", "those": what stands before.
    pub(super) fn is_pronoun_object(&self, at: usize) -> bool {
        matches!(self.text_of(at).to_lowercase().as_str(), "it" | "them" | "those" | "these" | "that")
    }

    /// True for a sign that may turn round what stands beside it: "drama > comedy", "horror 😴".
    pub(super) fn is_sign(&self, at: usize) -> bool {
        matches!(self.text_of(at), "<" | ">" | "=" | "~" | "^") || is_verdict(self.text_of(at))
    }

    /// True where a name rather than a verb follows a word of an opening: behind "a", "some", "want", not behind "we", "could you".
    pub(super) fn says_that_a_name_follows(&self, at: usize, word: Word, named: bool) -> bool {
        const VERB_FOLLOWS: [&str; 30] = [
            "must",
            "should",
            "shall",
            "might",
            "may",
            "will",
            "would",
            "could",
            "can",
            "do",
            "does",
            "did",
            "can you",
            "could you",
            "would you",
            "will you",
            "why do not you",
            "why don't you",
            "why don't we",
            "lets",
            "let's",
            "help me",
            "help",
            "be sure",
            "make sure",
            "ensure",
            "us",
            "me",
            "i think",
            "i guess",
        ];
        match word {
            Word::Courtesy | Word::Filler | Word::Copula | Word::Part => named,
            Word::Subject | Word::To => false,
            Word::Clause => !VERB_FOLLOWS.contains(&self.text_of(at).to_lowercase().as_str()),
            _ => true,
        }
    }

    /// True for a statement that hangs on a condition before it: "if it is a comedy, it must be short". Notes such a condition.
    pub(super) fn depends_on_condition(
        &mut self,
        start: usize,
        joint: Joint,
        opening: &Opening,
        statement: &Statement,
    ) -> bool {
        let joints = (0..start).rev().take_while(|&at| self.is_boundary(at));
        if joint == Joint::Fresh || joints.into_iter().any(|at| matches!(self.sense(at), Some(Sense::Stop))) {
            self.conditional = false;
        }
        let text = |at: usize| self.text_of(at).to_lowercase();
        let goes_back =
            matches!(text(start).as_str(), "it" | "its" | "it's" | "they" | "them" | "then" | "those" | "that");
        // "a list of crime films without horror in them" needs nothing from before.
        let names = |at: usize| self.is_content(at) || self.word(at) == Some(Word::Items);
        let mut open = (start..self.at).take_while(|&at| !names(at));
        let within = open.any(|at| matches!(text(at).as_str(), "it" | "them" | "those"));
        // "if there is a western, only one"
        let counts = !opening.amounts.is_empty() && !statement.has_content() && statement.head == Head::Missing;
        // "comedies and, if there's room, one western"
        let wished = self.statements.last().is_some_and(Statement::has_content);
        let counts = counts || (!opening.amounts.is_empty() && statement.has_content() && self.wished);
        let corrects = joint == Joint::Correction && !self.means;
        let depends = self.conditional && (goes_back || self.then || within || counts || corrects);
        let unless = text(start).starts_with("unless");
        let condition = unless || self.is_condition(start);
        self.wished = if condition { wished } else { self.wished && self.conditional };
        self.conditional |= condition;
        depends
    }

    /// True for a word that begins a condition.
    pub(super) fn is_condition(&self, at: usize) -> bool {
        matches!(self.text_of(at).to_lowercase().as_str(), "if" | "when" | "whether")
    }

    /// True for a verb that asks for a list: "recommend", "show me".
    pub(super) fn asks(&self, at: usize) -> bool {
        const VERBS: [&str; 6] = ["give", "gimme", "recommend", "suggest", "show", "find"];
        let text = self.text_of(at).to_lowercase();
        text.split(' ').next().is_some_and(|verb| VERBS.contains(&verb))
    }

    /// True for "could you", "do you have".
    pub(super) fn is_request(&self, at: usize) -> bool {
        const STARTS: [&str; 6] = ["can", "could", "would you", "will you", "do you", "have you"];
        let text = self.text_of(at).to_lowercase();
        let asked =
            matches!(text.as_str(), "do" | "would" | "will" | "have") && self.word(at + 1) == Some(Word::Subject);
        self.word(at) == Some(Word::Clause) && (asked || STARTS.iter().any(|start| text.starts_with(start)))
    }

    /// True for "my grandmother grew up in the fifties": a clause about somebody that asks for nothing.
    pub(super) fn is_about_somebody(&self, start: usize) -> bool {
        let possessive = matches!(self.text_of(start).to_lowercase().as_str(), "my" | "our" | "his" | "her" | "their");
        let unknown = |at: usize| matches!(self.sense(at), Some(Sense::Unknown));
        let kind = (start..self.at).any(|at| matches!(self.sense(at), Some(Sense::Kind { .. } | Sense::Titles(_))));
        possessive && !kind && unknown(start + 1) && unknown(start + 2)
    }

    /// True for a part of a word with hyphens, such as "slow-burn".
    fn is_hyphenated(&self, at: usize) -> bool {
        let glued = |first: usize| {
            let (Some(one), Some(next)) = (self.terms.get(first), self.terms.get(first + 1)) else { return false };
            self.text.get(one.at.end..next.at.start) == Some("-")
        };
        at.checked_sub(1).is_some_and(glued) || glued(at)
    }

    /// True for a copula that begins a relative clause: "that is".
    pub(super) fn is_relative(&self, copula: usize) -> bool {
        let text = self.text_of(copula).to_lowercase();
        let before = copula.checked_sub(1).map(|before| self.text_of(before).to_lowercase());
        let relative = |text: &str| matches!(text.split(' ').next(), Some("that" | "which" | "who"));
        relative(&text) || before.is_some_and(|before| relative(&before))
    }

    /// Takes in a word that was not understood.
    pub(super) fn unknown(&mut self, description: &mut ItemDescription, refused: bool) {
        let small = |at: &usize| matches!(self.word(*at), Some(Word::Article | Word::Filler));
        let before = (0..self.at).rev().find(|at| !small(at));
        let follows = before.is_some_and(|at| {
            self.is_content(at)
                || matches!(self.word(at), Some(Word::Items | Word::Subject | Word::Clause | Word::Role(_)))
        });
        let precedes =
            matches!(self.sense(self.at + 1), Some(Sense::Kind { .. })) || self.word(self.at + 1) == Some(Word::Items);
        // "horror sucks", "horror is for losers": behind a name a word may say anything about it.
        // "romance beats war": between two kinds it may compare them.
        let noun = |at: usize| matches!(self.sense(at), Some(Sense::Kind { adjective: false, .. }));
        let text = self.text_of(self.at).to_lowercase();
        let between = !refused && noun(self.at.wrapping_sub(1)) && noun(self.at + 1) && !is_modifier(&text);
        description.broken |= between && self.text_of(self.at).contains(char::is_alphabetic);
        let is_word = self.text_of(self.at).contains(char::is_alphabetic);
        // "I watched Heat last Easter": what was seen was seen.
        let told = self.tells && !description.has_elements();
        // "comedies on Friday night", but "crime has had its day"
        let predicate =
            description.judged || matches!(self.word(self.at.wrapping_sub(1)), Some(Word::Clause | Word::Copula));
        let occasion = is_occasion(&text) && !predicate;
        let turns = is_word && !told && !occasion && (description.judged || (follows && !precedes));
        description.broken |= description.has_content() && (turns || self.is_sign(self.at));
        description.unknown = true;
        self.name_unknown(self.at);
        self.at += 1;
    }

    /// A word that would mean something elsewhere.
    pub(super) fn lost_word(&mut self, description: &mut ItemDescription) -> bool {
        let place = self.terms[self.at].at.clone();
        description.unknown = true;
        self.gap(place, None);
        self.at += 1;
        true
    }
}
