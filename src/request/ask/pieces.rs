//! A text as a row of things that can be asked for, and of the words that say how.

use std::ops::Range;

use super::amounts::{self, Quantity, begins};
use super::fields::{self, joined};
use super::lexicon::{AttributeValue, CategoryTerm, LONGEST_NAME, Lexicon};
use super::marks::{self, Mark};
use super::spans::AttributeRange;
use super::tokens::{Token, TokenKind, key};
use super::{Assumption, Gap, when};
use crate::data::ItemId;
use crate::request::Predicate;

/// One thing that a text says.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub what: PieceKind,
    /// Bytes of the text.
    pub at: Range<usize>,
}

/// The content of a piece.
#[derive(Debug, Clone)]
pub(super) enum PieceKind {
    Kind(CategoryTerm),
    Value(AttributeValue),
    Span(AttributeRange),
    Condition(Predicate),
    /// The items of a title, which only their years may tell apart.
    Title(Vec<ItemId>),
    /// A quoted name that a category and a title share.
    Either(CategoryTerm, ItemId),
    Amount(Quantity),
    Mark(Mark),
    Comma,
    Stop,
    Unknown,
}

/// The longest reading of what follows, before it is known which one wins.
struct ParsedPiece {
    what: PieceKind,
    tokens: usize,
    assumed: Option<String>,
    /// Why it counts for nothing although it was understood.
    lacks: Option<&'static str>,
}

impl ParsedPiece {
    fn new(what: PieceKind, tokens: usize) -> Option<Self> {
        (tokens > 0).then_some(Self { what, tokens, assumed: None, lacks: None })
    }
}

/// Reads tokens into pieces; notes what was assumed and what was not understood.
pub(super) struct PieceReader<'a, 'b> {
    pub text: &'b str,
    pub lexicon: &'b Lexicon<'a>,
    pub assumed: Vec<Assumption>,
    pub gaps: Vec<Gap>,
}

impl PieceReader<'_, '_> {
    /// The pieces of `tokens`, in order.
    pub fn pieces(&mut self, tokens: &[Token]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = 0;
        // Whether titles may follow: behind "like", "include", "no" and their kind, until something else is said.
        let mut expected = None;
        while at < tokens.len() {
            let rest = &tokens[at..];
            let reading = self.longest(rest, expected).unwrap_or_else(|| self.misspelt(rest, expected));
            let place = rest[0].at.start..rest[reading.tokens - 1].at.end;
            if let Some(assumed) = reading.assumed {
                self.assumed.push(Assumption { text: self.text[place.clone()].to_owned(), taken_as: assumed });
            }
            expected = match &reading.what {
                PieceKind::Mark(mark @ (Mark::Taken | Mark::Must | Mark::Candidates | Mark::Not)) => Some(*mark),
                PieceKind::Mark(Mark::Article | Mark::Filler | Mark::To | Mark::Items | Mark::And | Mark::Or)
                | PieceKind::Comma
                | PieceKind::Title(_) => expected,
                _ => None,
            };
            match reading.lacks {
                Some(why) => self.gaps.push(Gap { at: place, why: Some(why) }),
                None => pieces.push(Piece { what: reading.what, at: place }),
            }
            at += reading.tokens;
        }
        pieces
    }

    /// The longest reading; of equally long ones the first of the order below.
    fn longest(&self, tokens: &[Token], expected: Option<Mark>) -> Option<ParsedPiece> {
        let single = match &tokens[0].what {
            TokenKind::Comma => ParsedPiece::new(PieceKind::Comma, 1),
            TokenKind::Stop => ParsedPiece::new(PieceKind::Stop, 1),
            TokenKind::Condition(text) => Predicate::parse(text, self.lexicon.catalogue)
                .ok()
                .and_then(|p| ParsedPiece::new(PieceKind::Condition(p), 1)),
            TokenKind::Quoted(name) => self.quoted(name, expected),
            // Signs without the numbers that they belong to.
            TokenKind::Percent | TokenKind::Money => ParsedPiece::new(PieceKind::Mark(Mark::Filler), 1),
            TokenKind::Dash => ParsedPiece::new(PieceKind::Mark(Mark::To), 1),
            TokenKind::Word(_) | TokenKind::Number(_) => None,
        };
        let readings = [
            single,
            self.years(tokens),
            self.price(tokens),
            fields::number_of_field(tokens, self.lexicon)
                .and_then(|(span, n)| ParsedPiece::new(PieceKind::Span(span), n)),
            marks::read(tokens).filter(|(mark, _)| *mark != Mark::Items).and_then(mark),
            self.kind(tokens),
            marks::read(tokens).and_then(mark),
            self.amount(tokens),
            fields::value(tokens, self.lexicon)
                .and_then(|(value, n)| ParsedPiece::new(PieceKind::Value(value.clone()), n)),
        ];
        let known =
            readings.into_iter().flatten().reduce(|best, next| if next.tokens > best.tokens { next } else { best });
        let title = expected.and_then(|_| self.title(tokens));
        match (known, title) {
            (Some(known), Some(title)) if self.is_title(&known, &title, tokens, expected) => Some(title),
            (known, title) => known.or(title),
        }
    }

    /// Returns true where a possible title is one, although it has another reading.
    fn is_title(&self, known: &ParsedPiece, title: &ParsedPiece, tokens: &[Token], expected: Option<Mark>) -> bool {
        let capital = self.text[tokens[0].at.clone()].starts_with(|c: char| c.is_uppercase() || c.is_numeric());
        match title.tokens.cmp(&known.tokens) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => {
                capital && expected != Some(Mark::Not) && !matches!(known.what, PieceKind::Kind(_))
            }
        }
    }

    fn years(&self, tokens: &[Token]) -> Option<ParsedPiece> {
        let read = when::read(tokens, self.lexicon)?;
        let what = when::span(&read, self.lexicon).map(PieceKind::Span);
        let lacks = what.is_none().then_some("the data set has no column of years");
        let assumed = read.assumed.filter(|_| what.is_some());
        Some(ParsedPiece { what: what.unwrap_or(PieceKind::Unknown), tokens: read.tokens, assumed, lacks })
    }

    fn price(&self, tokens: &[Token]) -> Option<ParsedPiece> {
        let read = fields::price(tokens, self.lexicon)?;
        let lacks = read.span.is_none().then_some("the data set has no column of prices");
        let assumed = read.assumed.filter(|_| read.span.is_some());
        Some(ParsedPiece {
            what: read.span.map_or(PieceKind::Unknown, PieceKind::Span),
            tokens: read.tokens,
            assumed,
            lacks,
        })
    }

    fn kind(&self, tokens: &[Token]) -> Option<ParsedPiece> {
        let (kind, length) = (1..=LONGEST_NAME).rev().find_map(|length| {
            let name = joined(tokens, length)?;
            Some((self.lexicon.kind(&name)?, length))
        })?;
        let assumed = kind.loose.then(|| format!("taken as {}", self.in_words(kind)));
        Some(ParsedPiece { what: PieceKind::Kind(kind.clone()), tokens: length, assumed, lacks: None })
    }

    fn amount(&self, tokens: &[Token]) -> Option<ParsedPiece> {
        let read = amounts::read(tokens)?;
        let rest = &tokens[read.tokens..];
        let counts = || marks::read(rest).is_some_and(|(mark, _)| matches!(mark, Mark::Items | Mark::Part));
        if read.tokens == 1 && begins(tokens, "one").is_some() && !counts() && self.kind(rest).is_none() {
            // "this one"
            return ParsedPiece::new(PieceKind::Mark(Mark::Filler), 1);
        }
        let assumed = match read.quantity {
            Quantity::Count(count) if read.vague => Some(format!("taken as {count}")),
            _ => None,
        };
        Some(ParsedPiece { what: PieceKind::Amount(read.quantity), tokens: read.tokens, assumed, lacks: None })
    }

    /// A title in the words that follow, over the signs between them.
    fn title(&self, tokens: &[Token]) -> Option<ParsedPiece> {
        let said = titles_ahead(tokens);
        said.iter().rev().find_map(|(name, length)| self.titled(self.lexicon.titled(name), *length))
    }

    fn titled(&self, items: &[ItemId], tokens: usize) -> Option<ParsedPiece> {
        (!items.is_empty()).then(|| ParsedPiece::new(PieceKind::Title(items.to_vec()), tokens))?
    }

    fn quoted(&self, name: &str, expected: Option<Mark>) -> Option<ParsedPiece> {
        let catalogue = self.lexicon.catalogue;
        let item = catalogue.by_title(name);
        let kind = catalogue
            .category(name)
            .map(|id| CategoryTerm { all: vec![vec![id]], adjective: false, loose: false })
            .or_else(|| self.lexicon.kind(&key(name)).filter(|_| item.is_none()).cloned());
        match (kind, item) {
            (Some(kind), Some(item)) => return ParsedPiece::new(PieceKind::Either(kind, item), 1),
            (Some(kind), None) => return ParsedPiece::new(PieceKind::Kind(kind), 1),
            (None, Some(item)) => return ParsedPiece::new(PieceKind::Title(vec![item]), 1),
            (None, None) => {}
        }
        if let Ok(condition) = Predicate::parse(name, catalogue) {
            return ParsedPiece::new(PieceKind::Condition(condition), 1);
        }
        let named = key(name);
        self.titled(self.lexicon.titled(&named), 1)
            .or_else(|| ParsedPiece::new(PieceKind::Value(self.lexicon.value(&named)?.clone()), 1))
            .or_else(|| self.near_title(&named, 1).filter(|_| expected.is_some()))
    }

    /// The intended reading of a misspelt word.
    fn misspelt(&self, tokens: &[Token], expected: Option<Mark>) -> ParsedPiece {
        let unknown = || ParsedPiece { what: PieceKind::Unknown, tokens: 1, assumed: None, lacks: None };
        let TokenKind::Word(word) = &tokens[0].what else { return unknown() };
        let read_as =
            |what, name: &str| ParsedPiece { what, tokens: 1, assumed: Some(format!("read as {name:?}")), lacks: None };
        let title = || titles_ahead(tokens).iter().rev().find_map(|(name, length)| self.near_title(name, *length));
        let kind = || self.lexicon.nearest_kind(word).map(|(name, kind)| read_as(PieceKind::Kind(kind.clone()), name));
        let mark = || marks::nearest(word).map(|(name, mark)| read_as(PieceKind::Mark(mark), name));
        let found = match expected {
            Some(Mark::Taken | Mark::Must | Mark::Candidates) => title().or_else(kind).or_else(mark),
            Some(_) => kind().or_else(mark).or_else(title),
            None => kind().or_else(mark),
        };
        found.unwrap_or_else(unknown)
    }

    fn near_title(&self, name: &str, tokens: usize) -> Option<ParsedPiece> {
        let items = self.lexicon.nearest_title(name)?;
        let assumed = Some(format!("read as {:?}", self.lexicon.catalogue.title(*items.last()?)));
        Some(ParsedPiece { what: PieceKind::Title(items.to_vec()), tokens, assumed, lacks: None })
    }

    /// Categories as a person lists them.
    pub fn in_words(&self, kind: &CategoryTerm) -> String {
        let name = |id: &crate::data::CategoryId| self.lexicon.catalogue.categories()[id.index()].as_str();
        let any = |ids: &Vec<_>| ids.iter().map(name).collect::<Vec<_>>().join(" or ");
        kind.all.iter().map(any).collect::<Vec<_>>().join(" and ")
    }
}

fn mark((mark, tokens): (Mark, usize)) -> Option<ParsedPiece> {
    ParsedPiece::new(PieceKind::Mark(mark), tokens)
}

/// The names that the next words may be, shortest first, each with the tokens that it takes. Signs inside count for nothing, and no
/// name goes beyond what stands in quotes.
fn titles_ahead(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut names: Vec<(String, usize)> = Vec::new();
    let mut name = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let word = match &token.what {
            TokenKind::Word(word) => word.clone(),
            TokenKind::Number(number) => number.to_string(),
            TokenKind::Comma | TokenKind::Stop | TokenKind::Dash => continue,
            _ => break,
        };
        let space = if name.is_empty() { "" } else { " " };
        name = format!("{name}{space}{word}");
        names.push((name.clone(), at + 1));
        if names.len() == LONGEST_NAME {
            break;
        }
    }
    names
}
