//! Titles as terms: in quotes, in words, misspelt, or by their place in the list just shown.

use super::{Expected, NamedItems, Parsed, Sense, Term, TermReader};
use crate::data::ItemId;
use crate::request::Predicate;
use crate::request::ask::formula::Formula;
use crate::request::ask::lexicon::LONGEST_NAME;
use crate::request::ask::tokens::{Token, TokenKind, key};
use crate::request::ask::vocabulary::Word;
use crate::request::ask::{amounts, places, sequels};

impl TermReader<'_, '_> {
    /// Returns true where a possible title is one, although it has another sense.
    pub(super) fn is_title(
        &self,
        known: &Parsed,
        title: &Parsed,
        tokens: &[Token],
        expected: Option<Expected>,
    ) -> bool {
        match title.tokens.cmp(&known.tokens) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            // "movies like up"
            std::cmp::Ordering::Equal
                if matches!(expected, Some(Expected::Role(_)))
                    && known.sense == Sense::Word(Word::Filler)
                    && tokens.len() == title.tokens
                    && !self.text.contains(char::is_uppercase) =>
            {
                true
            }
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

    /// Items of the list just shown.
    pub(super) fn places(&mut self, tokens: &[Token], expected: Option<Expected>, before: &[Term]) -> Option<Parsed> {
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
    pub(super) fn sequels(&self, tokens: &[Token], expected: Option<Expected>) -> Option<Parsed> {
        let refused = self.shown.is_some() && expected == Some(Expected::Refused);
        let length = amounts::any_phrase(tokens, "sequels, sequel, second parts, follow ups").filter(|_| refused)?;
        let items = sequels::sequels(self.lexicon.catalogue);
        let taken_as = format!("taken as {} titles that end in a number", items.len());
        let sense = Sense::Titles(NamedItems { items, same_name: false });
        Some(Parsed { sense, tokens: length, assumed: Some(taken_as), lacks: None })
    }

    /// A title in the words that follow, over the signs between them. Where none is expected it has to be written as one, or to be all
    /// that a clause says.
    pub(super) fn title(&self, tokens: &[Token], expected: Option<Expected>, clause_starts: bool) -> Option<Parsed> {
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
        // "the Dark Knight"
        let article = usize::from(length > 1 && amounts::any_phrase(tokens, "the, a, an").is_some());
        let capital = self.is_capital(&tokens[0]) || self.is_capital(&tokens[article]);
        let capitals = capital && (!self.is_shouted() || ends);
        let is_meant = match expected {
            Some(Expected::Role(_)) => true,
            Some(Expected::Refused) => capitals || ends || joint,
            // "1066"
            None if matches!(tokens, [Token { what: TokenKind::Number(number), .. }] if *number >= 100.0) => {
                self.measure(tokens).is_none()
            }
            None if length == 1 && !(clause_starts && ends) && is_day(&self.text[tokens[0].at.clone()]) => false,
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
        let length = length + usize::from(self.ends_in_sign(items, &tokens[length..]));
        let titles = NamedItems { items: items.to_vec(), same_name: true };
        Some(Parsed { sense: Sense::Titles(titles), tokens: length, assumed, lacks: None })
    }

    /// True for the sign of "leave Airplane! out", which belongs to the title.
    fn ends_in_sign(&self, items: &[ItemId], behind: &[Token]) -> bool {
        let [sign, next, ..] = behind else { return false };
        let sign = &self.text[sign.at.clone()];
        let title = items.last().map(|&item| self.lexicon.catalogue.title(item)).unwrap_or_default();
        let name = title.rfind(" (").map_or(title, |year| &title[..year]);
        let goes_on = self.text[next.at.clone()].starts_with(char::is_lowercase);
        goes_on && matches!(sign, "!" | "?" | ".") && name.ends_with(sign)
    }

    pub(super) fn quoted(&self, name: &str, expected: Option<Expected>) -> Option<Parsed> {
        let catalogue = self.lexicon.catalogue;
        let item = catalogue.by_title(name);
        let kind = catalogue
            .category(name)
            .map(Formula::category)
            .or_else(|| self.lexicon.kind(&key(name)).filter(|_| item.is_none()).map(Formula::of_term));
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

    pub(super) fn near_title(&self, name: &str, tokens: usize) -> Option<Parsed> {
        let items = self.lexicon.nearest_title(name)?;
        let assumed = Some(format!("read as {:?}", self.lexicon.catalogue.title(*items.last()?)));
        Some(Parsed {
            sense: Sense::Titles(NamedItems { items: items.to_vec(), same_name: true }),
            tokens,
            assumed,
            lacks: None,
        })
    }
}

/// True for the name of a day, which is more often one than a title: "every Friday".
fn is_day(word: &str) -> bool {
    const DAYS: [&str; 13] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "halloween",
        "christmas",
        "easter",
        "thanksgiving",
        "hanukkah",
        "diwali",
    ];
    DAYS.contains(&word.to_lowercase().as_str())
}

/// The names that the next words may be, shortest first, each with the tokens that it takes. Signs inside count for nothing, and no
/// name goes beyond what stands in quotes.
pub(super) fn titles_ahead(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut names: Vec<(String, usize)> = Vec::new();
    let mut name = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let word = match &token.what {
            TokenKind::Word(word) => word.clone(),
            TokenKind::Number(number) => number.to_string(),
            TokenKind::Comma | TokenKind::Stop | TokenKind::Dash if !name.is_empty() => continue,
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
