//! Requests in plain English: "a few comedies from the nineties, nothing violent".
//!
//! Rules over the catalogue's own categories, attributes and titles, no model: the same words always mean the same. A text becomes
//! [`tokens`], these become [`terms`] with the sense that the catalogue or the language gives them, a [`grammar`] reads the terms into
//! a [`tree`] of statements, and [`resolve`] turns the statements into a request.
//!
//! ```text
//! text        = { sentence "." }
//! sentence    = statement { joint statement }
//! joint       = "," | "and" | "or" | "but" | "with" | correction
//! statement   = { opening } description [ amount ]
//! opening     = refusal | quantifier | [ comparison ] amount | role | courtesy
//! description = alternative { ( "," | "and" | "or" ) alternative }
//! alternative = { adjective | value | range } { name } { value | range | nested | predicate }
//! nested      = ( "without" | "that are not" | "except" | "unless" ) description
//! predicate   = "is fine" | "bores me" | "no" | "only if" description
//! ```
//!
//! Principles
//! - Every word has a meaning, is known to mean nothing, or is named among the words that were not understood.
//! - A refusal has a scope: the description behind it, or the one before it at the end of a clause. Within its scope nothing can become
//!   a wish, except by a refusal in the refusal: conditions are logic ([`formula`]), and two noes make a yes.
//! - Kinds side by side in a refusal are a list where one follows ("no horror action or sci-fi"), one thing where the last names items
//!   ("no war comedies"), and else a refusal of the first, with the second named ("without war comedies").
//! - What "and" or "or" joins to a refusal without a word that asks for it is refused, or named: "no war and everything sad".
//! - Clauses that others say ("but my mum doesn't"), reasons ("as my kids are here") and complaints ("there were no westerns") are named.
//! - A kind with qualifiers of its own beside another kind is an alternative: "80s comedies and 90s dramas".
//! - A denied dislike, a denied refusal and "not that I mind" are neither wishes nor refusals.
//! - A clause with a word that nobody knows and that may govern its names is not guessed at: "boycott romance", "scared by romance". Words
//!   that only describe ([`vocabulary`]) leave the rest of the clause as it is: "a dark romance".
//! - Scores, questions and what hangs on a condition are no wishes. A kind that is wanted and refused at once is neither.
//! - Amounts count the description beside them. A number is the length of the list only beside a word for items or for a kind.
//! - Where a qualifier may reach over one name or over a whole list, both readings are kept and the likelier one is taken.
//!
//! Everything that `tiller` itself writes into a prompt is read back as the request that it came from.

mod amounts;
mod courtesies;
mod description;
mod formula;
mod grammar;
mod lexicon;
mod measures;
mod places;
mod resolve;
mod scales;
mod sequels;
mod spelling;
mod stretches;
mod synonyms;
mod terms;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;
mod vocabulary;
mod years;

use std::ops::Range;

use serde::Serialize;

use self::description::Reach;
use self::grammar::StatementParser;
use self::lexicon::Lexicon;
use self::resolve::Resolver;
use self::terms::{Term, TermReader};
use self::tokens::Token;
use super::Request;
use crate::data::{Catalogue, CategoryId, ItemId};

/// The length of a list where nobody says one.
pub const USUAL_LENGTH: u32 = 10;

/// The request that a text states.
#[derive(Debug, Clone, PartialEq)]
pub struct ParseResult {
    /// The request. Its history holds the titles that the text says the list should be like.
    pub request: Request,
    /// True where the text states the length of the list.
    pub says_length: bool,
    /// True where it takes the place of what was asked before: "comedies instead".
    pub replaces: bool,
    /// True where it names a place that the list just shown does not have.
    pub missing_place: bool,
    /// Categories that are allowed, but not asked for: they were refused before, if at all.
    pub allowed: Vec<CategoryId>,
    /// Categories that are refused only because a word such as "violent" suggests them.
    pub suggested: Vec<CategoryId>,
    /// Words with an assumed meaning.
    pub assumed: Vec<Assumption>,
    /// Words that were ignored.
    pub not_understood: Vec<NotUnderstood>,
    /// The request of the other reading, where the text has two.
    pub other: Option<Request>,
}

/// Words and what they were taken as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assumption {
    /// The words.
    pub text: String,
    /// Their assumed meaning, as the end of a sentence: "taken as 3".
    pub taken_as: String,
}

/// Words that could not be made a part of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotUnderstood {
    /// The words.
    pub text: String,
    /// Why, where it is not simply that nobody knows them.
    pub why: Option<&'static str>,
}

/// A place of the text that was not understood.
#[derive(Debug, Clone)]
struct Gap {
    at: Range<usize>,
    why: Option<&'static str>,
}

impl ParseResult {
    /// Returns true where the text states a request.
    pub fn says_something(&self) -> bool {
        self.says_length || self.request.has_intention() || !self.request.history.is_empty()
    }
}

/// Reads texts about one catalogue.
pub struct AskParser<'a> {
    lexicon: Lexicon<'a>,
}

impl<'a> AskParser<'a> {
    /// Learns the names of a catalogue.
    pub fn new(catalogue: &'a Catalogue) -> Self {
        Self { lexicon: Lexicon::new(catalogue) }
    }

    /// Parses `text`. `k` is the length of the list where the text does not say it; parts of a list that are no whole number of
    /// percent are counted with it.
    pub fn read(&self, text: &str, k: u32) -> ParseResult {
        self.parse(text, k, None)
    }

    /// Parses a turn of a conversation, in which "the second" and "older" are about the list that was `shown`.
    pub fn read_turn(&self, text: &str, k: u32, shown: &[ItemId]) -> ParseResult {
        self.parse(text, k, Some(shown))
    }

    fn parse(&self, text: &str, k: u32, shown: Option<&[ItemId]>) -> ParseResult {
        let is_title = |named: &[Token]| {
            let name = |first: &Token, last: &Token| tokens::key(&text[first.at.start..last.at.end]);
            named.first().zip(named.last()).is_some_and(|(a, b)| !self.lexicon.titled(&name(a, b)).is_empty())
        };
        let mut tokens = courtesies::without_courtesies(&tokens::tokens(text, &self.lexicon), is_title);
        amounts::compare_with_than(&mut tokens);
        let (assumed, gaps) = (Vec::new(), Vec::new());
        let mut reader = TermReader { text, lexicon: &self.lexicon, shown, assumed, gaps, missing_place: false };
        let terms = reader.terms(&tokens);
        let [wide, narrow] = [Reach::Wide, Reach::Narrow].map(|reach| self.statements(&reader, &terms, reach, k));
        let differs = narrow.request != wide.request && narrow.not_understood.len() <= wide.not_understood.len();
        ParseResult { other: differs.then_some(narrow.request), ..wide }
    }

    /// The request of terms whose qualifiers have one `reach`.
    fn statements(&self, read: &TermReader, terms: &[Term], reach: Reach, k: u32) -> ParseResult {
        let parsed = StatementParser::new(read.text, terms, reach).read();
        let resolved = Resolver::resolve(parsed.statements, k, read.text, &self.lexicon);
        let mut assumed = [&read.assumed[..], &parsed.assumed, &resolved.assumed].concat();
        assumed.dedup();
        ParseResult {
            request: resolved.request,
            says_length: resolved.says_length,
            replaces: parsed.replaces,
            missing_place: read.missing_place,
            allowed: resolved.allowed,
            suggested: resolved.suggested.into_iter().flat_map(|(ids, _)| ids).collect(),
            assumed,
            not_understood: named([&read.gaps[..], &parsed.gaps, &resolved.gaps].concat(), read.text),
            other: None,
        }
    }
}

/// The words that were not understood, in the order of the text; what lies within or right beside another is one piece with it.
fn named(mut gaps: Vec<Gap>, text: &str) -> Vec<NotUnderstood> {
    gaps.sort_by_key(|gap| (gap.at.start, std::cmp::Reverse(gap.at.end)));
    let mut whole: Vec<Gap> = Vec::new();
    for gap in gaps {
        match whole.last_mut() {
            Some(last) if gap.at.end <= last.at.end => last.why = last.why.or(gap.why),
            Some(last)
                if gap.at.start < last.at.end
                    || (gap.why == last.why && is_joint(&text[last.at.end..gap.at.start])) =>
            {
                last.at.end = gap.at.end;
            }
            _ => whole.push(gap),
        }
    }
    whole.into_iter().map(|gap| NotUnderstood { text: text[gap.at].to_owned(), why: gap.why }).collect()
}

/// Returns true where nothing of importance stands between two gaps.
fn is_joint(between: &str) -> bool {
    matches!(between.trim(), "" | "and" | "or" | "of" | "the" | "&")
}
