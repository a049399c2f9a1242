//! A text as a row of terms: each is the longest sense that the catalogue or the language has for the words at its place.

use std::ops::Range;

use super::amounts::{self, Quantity, begins, joined};
use super::formula::{Formula, Literal};
use super::lexicon::{CategoryTerm, Dimension, LONGEST_NAME, Lexicon};
use super::measures;
use super::stretches::{self, Point, Side, Stretch};
use super::tokens::{Token, TokenKind, key};
use super::vocabulary::{self, Refusal, TitleRole, Word};
use super::{Assumption, Gap, places, scales, sequels, years};
use crate::data::ItemId;
use crate::request::Predicate;

/// One thing that a text says.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub sense: Sense,
    /// Bytes of the text.
    pub at: Range<usize>,
}

/// The meaning of a term.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sense {
    /// A category by a noun ("comedies") or an adjective ("funny"); "violent" is a loose one, which only suggests categories.
    Kind {
        of: Formula,
        adjective: bool,
        loose: bool,
    },
    /// A field's value.
    Value {
        column: usize,
        value: String,
    },
    /// A stretch of a field's numbers. A `vague` one gives way to one with a number.
    Range {
        column: usize,
        of: Formula,
        vague: bool,
    },
    /// A condition in the notation of the flags.
    Condition(Predicate),
    /// Items that share a title, or items of the list just shown.
    Titles(NamedItems),
    /// A quoted name that a category and a title share.
    Either(Formula, ItemId),
    Amount(Quantity),
    Word(Word),
    Comma,
    Stop,
    /// Understood, but the catalogue has no such column.
    Lacking,
    Unknown,
}

/// Titles that one name stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedItems {
    pub items: Vec<ItemId>,
    /// True where only one of them can be meant.
    pub same_name: bool,
}

/// The longest sense of what follows, before it is known which one wins.
struct Parsed {
    sense: Sense,
    tokens: usize,
    assumed: Option<String>,
    /// Why it counts for nothing although it was understood.
    lacks: Option<&'static str>,
}

impl Parsed {
    fn new(sense: Sense, tokens: usize) -> Option<Self> {
        (tokens > 0).then_some(Self { sense, tokens, assumed: None, lacks: None })
    }
}

/// Reads tokens into terms; notes what was assumed and what was not understood.
pub(super) struct TermReader<'a, 'b> {
    pub text: &'b str,
    pub lexicon: &'b Lexicon<'a>,
    /// The list just shown, in a conversation.
    pub shown: Option<&'b [ItemId]>,
    pub assumed: Vec<Assumption>,
    pub gaps: Vec<Gap>,
    /// A place that the list just shown does not have.
    pub missing_place: bool,
}

impl TermReader<'_, '_> {
    /// The terms of `tokens`, in order.
    pub fn terms(&mut self, tokens: &[Token]) -> Vec<Term> {
        let mut terms: Vec<Term> = Vec::new();
        let mut at = 0;
        // Titles may follow "like", "include", "no" and their kind, until something else is said.
        let mut expected = None;
        while at < tokens.len() {
            let rest = &tokens[at..];
            let clause_starts = at == 0 || matches!(tokens[at - 1].what, TokenKind::Comma | TokenKind::Stop);
            let too = matches!(terms.last(), Some(Term { sense: Sense::Word(Word::Too), .. }));
            let parsed = self
                .places(rest, expected, &terms)
                .or_else(|| self.sequels(rest, expected))
                .or_else(|| self.longest(rest, expected, clause_starts, too))
                .unwrap_or_else(|| self.misspelt(rest, expected));
            let place = rest[0].at.start..rest[parsed.tokens - 1].at.end;
            if let Some(taken_as) = parsed.assumed {
                self.assumed.push(Assumption { text: self.text[place.clone()].to_owned(), taken_as });
            }
            expected = match &parsed.sense {
                Sense::Word(Word::Role(role)) => Some(Expected::Role(*role)),
                Sense::Word(Word::Refuse(_)) => Some(Expected::Refused),
                Sense::Word(
                    Word::Article
                    | Word::Filler
                    | Word::More
                    | Word::Anything
                    | Word::Items
                    | Word::And
                    | Word::Or
                    | Word::Clause
                    | Word::Courtesy
                    | Word::To,
                )
                | Sense::Titles(_) => expected,
                Sense::Comma if matches!(terms.last(), Some(Term { sense: Sense::Titles(_), .. })) => expected,
                _ => None,
            };
            at += parsed.tokens;
            if parsed.lacks.is_some() {
                self.gaps.push(Gap { at: place.clone(), why: parsed.lacks });
            }
            terms.push(Term { sense: parsed.sense, at: place });
            at += self.suffix(&tokens[at - 1..], &mut terms);
        }
        terms
    }

    /// "horror-free", "horror-less": the refusal goes before what it refuses. The number of tokens taken.
    fn suffix(&self, tokens: &[Token], terms: &mut Vec<Term>) -> usize {
        let [last, next, ..] = tokens else { return 0 };
        let hyphen =
            self.text.get(last.at.end..next.at.start).is_some_and(|between| matches!(between, "-" | "‑" | "–"));
        let refuses = hyphen && ["free", "less", "proof"].iter().any(|word| begins(&tokens[1..], word).is_some());
        let content = terms
            .last()
            .is_some_and(|term| !matches!(term.sense, Sense::Word(_) | Sense::Comma | Sense::Stop | Sense::Amount(_)));
        if !(refuses && content) {
            return 0;
        }
        let place = terms.len() - 1;
        terms.insert(place, Term { sense: Sense::Word(Word::Refuse(Refusal::Non)), at: next.at.clone() });
        1
    }

    /// The longest sense; of equally long ones the first of the order below.
    fn longest(&self, tokens: &[Token], expected: Option<Expected>, clause_starts: bool, too: bool) -> Option<Parsed> {
        let single = match &tokens[0].what {
            TokenKind::Comma => Parsed::new(Sense::Comma, 1),
            TokenKind::Stop => Parsed::new(Sense::Stop, 1),
            TokenKind::Condition(text) => {
                Predicate::parse(text, self.lexicon.catalogue).ok().and_then(|p| Parsed::new(Sense::Condition(p), 1))
            }
            TokenKind::Quoted(name) => self.quoted(name, expected),
            // Signs without the numbers that they belong to.
            TokenKind::Percent | TokenKind::Money => Parsed::new(Sense::Word(Word::Filler), 1),
            TokenKind::Dash => Parsed::new(Sense::Word(Word::To), 1),
            TokenKind::Word(_) | TokenKind::Number(_) => None,
        };
        let function = || self.function(tokens);
        let known = [
            single,
            self.measure(tokens),
            self.relative(tokens),
            function().filter(|(word, _)| *word != Word::Items).and_then(word),
            self.kind(tokens),
            function().and_then(word),
            self.amount(tokens),
            self.scale(tokens, too),
            self.value(tokens),
        ];
        let known =
            known.into_iter().flatten().reduce(|best, next| if next.tokens > best.tokens { next } else { best });
        let title = self.title(tokens, expected, clause_starts);
        match (known, title) {
            (Some(known), Some(title)) if self.is_title(&known, &title, tokens, expected) => Some(title),
            (known, title) => known.or(title),
        }
    }

    /// The phrase that the language has here; "like It" is not "like it" where that is a title.
    fn function(&self, tokens: &[Token]) -> Option<(Word, usize)> {
        let (word, length) = vocabulary::read(tokens)?;
        let last = &tokens[length - 1];
        let titled = length > 1
            && self.is_capital(last)
            && !self.is_shouted()
            && joined(&tokens[length - 1..], 1).is_some_and(|name| !self.lexicon.titled(&name).is_empty());
        if titled { vocabulary::read(&tokens[..length - 1]) } else { Some((word, length)) }
    }

    /// Returns true where a possible title is one, although it has another sense.
    fn is_title(&self, known: &Parsed, title: &Parsed, tokens: &[Token], expected: Option<Expected>) -> bool {
        match title.tokens.cmp(&known.tokens) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal if expected.is_none() => matches!(known.sense, Sense::Amount(_)),
            std::cmp::Ordering::Equal => {
                let named = matches!(known.sense, Sense::Kind { .. } | Sense::Titles(_) | Sense::Either(..));
                let refused = expected == Some(Expected::Refused);
                let small = matches!(known.sense, Sense::Word(_)) && self.is_shouted();
                expected.is_some()
                    && self.is_capital(&tokens[0])
                    && !named
                    && !small
                    && (!refused
                        || matches!(known.sense, Sense::Word(_))
                        || (matches!(known.sense, Sense::Amount(_)) && tokens.len() == title.tokens))
            }
        }
    }

    fn is_capital(&self, token: &Token) -> bool {
        self.text[token.at.clone()].starts_with(|c: char| c.is_uppercase() || c.is_numeric())
    }

    /// True for a text all in capitals, where they say nothing.
    fn is_shouted(&self) -> bool {
        !self.text.contains(|c: char| c.is_lowercase())
    }

    fn measure(&self, tokens: &[Token]) -> Option<Parsed> {
        let late = years::of_late(tokens, self.lexicon);
        let read = measures::read(tokens, self.lexicon);
        let read = match (late, read) {
            (Some(late), Some(read)) if read.tokens > late.tokens => read,
            (late, read) => late.or(read)?,
        };
        let Some(column) = read.column.or_else(|| self.lexicon.column(read.dimension)) else {
            return Some(Parsed {
                sense: Sense::Lacking,
                tokens: read.tokens,
                assumed: None,
                lacks: Some(read.dimension.lacking()),
            });
        };
        let of = Formula::any(
            stretches::joined_stretches(read.any_of, read.dimension).into_iter().map(|stretch| stretch.formula(column)),
        );
        Some(Parsed {
            sense: Sense::Range { column, of, vague: false },
            tokens: read.tokens,
            assumed: read.assumed,
            lacks: None,
        })
    }

    /// "cheaper than Titanic", "older than the first".
    fn relative(&self, tokens: &[Token]) -> Option<Parsed> {
        let (side, Some(dimension), length) = measures::side(tokens)? else { return None };
        if !matches!(side, Side::Above | Side::Below)
            || matches!(amounts::word(tokens, length - 1), Some(last) if last != "than")
        {
            return None;
        }
        let rest = &tokens[length..];
        let (items, more) = match self.shown.and_then(|shown| places::read(rest, true, shown)) {
            Some(places) => (places.items?, places.tokens),
            None => {
                let names = titles_ahead(rest);
                let (items, more) = names.iter().rev().find_map(|(name, more)| {
                    let items = self.lexicon.titled(name);
                    (!items.is_empty()).then(|| (items.to_vec(), *more))
                })?;
                (items, more)
            }
        };
        let column = self.lexicon.column(dimension)?;
        let number = self.lexicon.number_of(*items.last()?, column)?;
        let stretch = Point { dimension, low: number, high: number, unit: 1.0, tokens: 0, assumed: None }.beside(side);
        let assumed = Some(format!("taken as {} {number}", self.lexicon.catalogue.attributes()[column]));
        let sense = Sense::Range { column, of: stretch.formula(column), vague: false };
        Some(Parsed { sense, tokens: length + more, assumed, lacks: None })
    }

    fn scale(&self, tokens: &[Token], too: bool) -> Option<Parsed> {
        if begins(tokens, "free").is_some() && self.lexicon.column(Dimension::Price).is_some() {
            let column = self.lexicon.column(Dimension::Price)?;
            let of = Stretch { low: None, high: Some((0.0, true)) }.formula(column);
            let tokens = amounts::any_phrase(tokens, "free of charge, free")?;
            return Parsed::new(Sense::Range { column, of, vague: false }, tokens);
        }
        let read = scales::read(tokens, too, self.shown, self.lexicon)?;
        let Some((column, stretch)) = read.stretch else {
            return Some(Parsed {
                sense: Sense::Lacking,
                tokens: read.tokens,
                assumed: None,
                lacks: Some(read.dimension.lacking()),
            });
        };
        let sense = Sense::Range { column, of: stretch.formula(column), vague: true };
        Some(Parsed { sense, tokens: read.tokens, assumed: Some(read.taken_as), lacks: None })
    }

    fn kind(&self, tokens: &[Token]) -> Option<Parsed> {
        let (kind, length) = (1..=LONGEST_NAME).rev().find_map(|length| {
            let name = joined(tokens, length)?;
            Some((self.lexicon.kind(&name)?, length))
        })?;
        let assumed = kind.loose.then(|| format!("taken as {}", self.in_words(kind)));
        Some(Parsed { sense: kind_of(kind), tokens: length, assumed, lacks: None })
    }

    fn value(&self, tokens: &[Token]) -> Option<Parsed> {
        let longest = |tokens: &[Token]| {
            (1..=LONGEST_NAME).rev().find_map(|length| Some((self.lexicon.value(&joined(tokens, length)?)?, length)))
        };
        let behind_field = || {
            let (column, length) =
                (1..=3).rev().find_map(|length| Some((self.lexicon.field(&joined(tokens, length)?)?, length)))?;
            let at = length + amounts::any_phrase(&tokens[length..], "is, of, was, must be, should be").unwrap_or(0);
            let (value, more) = longest(&tokens[at..])?;
            (value.column == column).then_some((value, at + more))
        };
        let (value, length) = behind_field().or_else(|| longest(tokens))?;
        Parsed::new(Sense::Value { column: value.column, value: value.value.clone() }, length)
    }

    fn amount(&self, tokens: &[Token]) -> Option<Parsed> {
        let read = amounts::read(tokens)?;
        let assumed = match read.quantity {
            Quantity::Count(count) if read.vague => Some(format!("taken as {count}")),
            _ => None,
        };
        Some(Parsed { sense: Sense::Amount(read.quantity), tokens: read.tokens, assumed, lacks: None })
    }

    /// Items of the list just shown.
    fn places(&mut self, tokens: &[Token], expected: Option<Expected>, before: &[Term]) -> Option<Parsed> {
        let shown = self.shown?;
        if matches!(tokens[0].what, TokenKind::Quoted(_) | TokenKind::Condition(_)) {
            return None;
        }
        let read = places::read(tokens, expected.is_some(), shown).or_else(|| {
            let others = amounts::any_phrase(tokens, places::OTHERS).filter(|_| expected.is_some())?;
            let named = |item: &ItemId| {
                before.iter().any(|term| matches!(&term.sense, Sense::Titles(titles) if titles.items.contains(item)))
            };
            let items = shown.iter().copied().filter(|item| !named(item)).collect();
            Some(places::ParsedPlaces { items: Some(items), tokens: others })
        })?;
        if self.title(tokens, expected, false).is_some_and(|title| title.tokens > read.tokens) {
            return None;
        }
        self.missing_place |= read.items.is_none();
        Parsed::new(Sense::Titles(NamedItems { items: read.items.unwrap_or_default(), same_name: false }), read.tokens)
    }

    /// "no sequels", in a conversation.
    fn sequels(&self, tokens: &[Token], expected: Option<Expected>) -> Option<Parsed> {
        let refused = self.shown.is_some() && expected == Some(Expected::Refused);
        let length = amounts::any_phrase(tokens, "sequels, sequel, second parts, follow ups").filter(|_| refused)?;
        let items = sequels::sequels(self.lexicon.catalogue);
        let taken_as = format!("taken as {} titles that end in a number", items.len());
        let sense = Sense::Titles(NamedItems { items, same_name: false });
        Some(Parsed { sense, tokens: length, assumed: Some(taken_as), lacks: None })
    }

    /// A title in the words that follow, over the signs between them. Where none is expected it has to be written as one, or to be all
    /// that a clause says.
    fn title(&self, tokens: &[Token], expected: Option<Expected>, clause_starts: bool) -> Option<Parsed> {
        let named = titles_ahead(tokens);
        let titled = named.iter().rev().map(|(name, length)| (self.lexicon.titled(name), *length, None));
        let in_series = named.iter().rev().map(|(name, length)| {
            let items = self.lexicon.in_series(name);
            let taken_as = items.last().map(|&item| format!("taken as {:?}", self.lexicon.catalogue.title(item)));
            (items, *length, taken_as)
        });
        let in_series = in_series.filter(|_| expected.is_some());
        let (items, length, mut assumed) = titled.chain(in_series).find(|(items, ..)| !items.is_empty())?;
        let ends = tokens.get(length).is_none_or(|next| matches!(next.what, TokenKind::Comma | TokenKind::Stop));
        let joint = amounts::any_phrase(&tokens[length..], "and, or, but, please, though, from, with, without, at, is")
            .is_some();
        let capitals = self.is_capital(&tokens[0]) && (!self.is_shouted() || ends);
        let is_meant = match expected {
            Some(Expected::Role(_)) => true,
            Some(Expected::Refused) => capitals || ends || joint,
            // "1066"
            None if matches!(tokens, [Token { what: TokenKind::Number(number), .. }] if *number >= 100.0) => {
                self.measure(tokens).is_none()
            }
            None => {
                (capitals && (length > 1 || !self.has_other_sense(tokens)))
                    || (clause_starts && ends && (length > 1 || !self.has_other_sense(tokens)))
            }
        };
        if !is_meant {
            return None;
        }
        if expected.is_none() {
            let title = items.last().map(|&item| self.lexicon.catalogue.title(item)).unwrap_or_default();
            assumed = Some(format!("taken as {title:?}"));
        }
        let titles = NamedItems { items: items.to_vec(), same_name: true };
        Some(Parsed { sense: Sense::Titles(titles), tokens: length, assumed, lacks: None })
    }

    fn has_other_sense(&self, tokens: &[Token]) -> bool {
        vocabulary::read(tokens).is_some()
            || self.kind(tokens).is_some()
            || self.amount(tokens).is_some()
            || self.measure(tokens).is_some()
            || self.scale(tokens, false).is_some()
            || self.value(tokens).is_some()
    }

    fn quoted(&self, name: &str, expected: Option<Expected>) -> Option<Parsed> {
        let catalogue = self.lexicon.catalogue;
        let item = catalogue.by_title(name);
        let kind = catalogue
            .category(name)
            .map(Formula::category)
            .or_else(|| self.lexicon.kind(&key(name)).filter(|_| item.is_none()).map(formula_of));
        match (kind, item) {
            (Some(kind), Some(item)) => return Parsed::new(Sense::Either(kind, item), 1),
            (Some(of), None) => return Parsed::new(Sense::Kind { of, adjective: false, loose: false }, 1),
            (None, Some(item)) => {
                return Parsed::new(Sense::Titles(NamedItems { items: vec![item], same_name: true }), 1);
            }
            (None, None) => {}
        }
        if let Ok(condition) = Predicate::parse(name, catalogue) {
            return Parsed::new(Sense::Condition(condition), 1);
        }
        let named = key(name);
        let titled = |items: &[ItemId]| {
            (!items.is_empty())
                .then(|| Parsed::new(Sense::Titles(NamedItems { items: items.to_vec(), same_name: true }), 1))?
        };
        titled(self.lexicon.titled(&named))
            .or_else(|| titled(self.lexicon.in_series(&named)))
            .or_else(|| {
                let value = self.lexicon.value(&named)?;
                Parsed::new(Sense::Value { column: value.column, value: value.value.clone() }, 1)
            })
            .or_else(|| self.near_title(&named, 1).filter(|_| expected.is_some()))
    }

    /// The intended sense of a misspelt word.
    fn misspelt(&self, tokens: &[Token], expected: Option<Expected>) -> Parsed {
        let unknown = || Parsed { sense: Sense::Unknown, tokens: 1, assumed: None, lacks: None };
        let TokenKind::Word(word) = &tokens[0].what else { return unknown() };
        let read_as =
            |sense, name: &str| Parsed { sense, tokens: 1, assumed: Some(format!("read as {name:?}")), lacks: None };
        let title = || titles_ahead(tokens).iter().rev().find_map(|(name, length)| self.near_title(name, *length));
        let kind = || self.lexicon.nearest_kind(word).map(|(name, kind)| read_as(kind_of(kind), name));
        let function = || vocabulary::nearest(word).map(|(name, word)| read_as(Sense::Word(word), name));
        let found = match expected {
            Some(Expected::Role(_)) => title().or_else(kind).or_else(function),
            Some(Expected::Refused) => kind().or_else(function).or_else(title),
            None => kind().or_else(function),
        };
        found.unwrap_or_else(unknown)
    }

    fn near_title(&self, name: &str, tokens: usize) -> Option<Parsed> {
        let items = self.lexicon.nearest_title(name)?;
        let assumed = Some(format!("read as {:?}", self.lexicon.catalogue.title(*items.last()?)));
        Some(Parsed {
            sense: Sense::Titles(NamedItems { items: items.to_vec(), same_name: true }),
            tokens,
            assumed,
            lacks: None,
        })
    }

    /// Categories as a person lists them.
    fn in_words(&self, kind: &CategoryTerm) -> String {
        let name = |id: &crate::data::CategoryId| self.lexicon.catalogue.categories()[id.index()].as_str();
        let any = |ids: &Vec<_>| ids.iter().map(name).collect::<Vec<_>>().join(" or ");
        kind.all.iter().map(any).collect::<Vec<_>>().join(" and ")
    }
}

/// A reason to expect titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Role(TitleRole),
    Refused,
}

fn word((word, tokens): (Word, usize)) -> Option<Parsed> {
    Parsed::new(Sense::Word(word), tokens)
}

fn kind_of(kind: &CategoryTerm) -> Sense {
    Sense::Kind { of: formula_of(kind), adjective: kind.adjective, loose: kind.loose }
}

fn formula_of(kind: &CategoryTerm) -> Formula {
    Formula::all(kind.all.iter().map(|any_of| Formula::Is(Literal::Category(any_of.clone()))))
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
