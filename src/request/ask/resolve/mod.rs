//! From statements to the request: the length of the list first, then everything that is counted with it.

mod lengths;
mod rules;

use std::ops::Range;

use crate::data::{CategoryId, ItemId};
use crate::request::Request;
use crate::request::ask::amounts::{Compared, Quantity};
use crate::request::ask::formula::{Formula, Literal};
use crate::request::ask::lexicon::Lexicon;
use crate::request::ask::tree::{Head, HowMany, Joint, Statement};
use crate::request::ask::vocabulary::TitleRole;
use crate::request::ask::{Assumption, Gap};

/// "Not too much of it", in percent.
const LITTLE: f64 = 30.0;

/// Statements on the way to a request.
pub(super) struct Resolver<'a, 'b> {
    text: &'b str,
    lexicon: &'b Lexicon<'a>,
    pub request: Request,
    pub says_length: bool,
    /// Categories that are allowed, but not asked for.
    pub allowed: Vec<CategoryId>,
    /// The places of the text that want or refuse a category.
    named: Vec<(CategoryId, Range<usize>)>,
    /// Categories that a refused word only suggests, and the place of the word.
    pub suggested: Vec<(Vec<CategoryId>, Range<usize>)>,
    pub assumed: Vec<Assumption>,
    pub gaps: Vec<Gap>,
}

impl<'a, 'b> Resolver<'a, 'b> {
    /// Works out what `statements` ask of a list of `k` items, or of as many as they say.
    pub fn resolve(statements: Vec<Statement>, k: u32, text: &'b str, lexicon: &'b Lexicon<'a>) -> Self {
        let request = Request { k, ..Request::default() };
        let mut resolver = Self {
            text,
            lexicon,
            request,
            says_length: false,
            named: Vec::new(),
            suggested: Vec::new(),
            allowed: Vec::new(),
            assumed: Vec::new(),
            gaps: Vec::new(),
        };
        let mut statements = resolver.about_those_before(resolver.split_evenly(statements));
        resolver.lengths(&mut statements);
        resolver.some_of_each(&mut statements);
        for statement in &statements {
            resolver.add(statement, &statements);
        }
        resolver.contradictions();
        // "scary, but not violent": of the categories that a loose word suggests, those that are wanted are not refused.
        let wishes = statements.iter().filter(|one| !one.refused);
        let wanted: Vec<CategoryId> = wishes.flat_map(|one| one.of.wanted()).collect();
        for (suggested, at) in resolver.suggested.clone() {
            let Request { none_in, .. } = &mut resolver.request;
            none_in.retain(|id| !(wanted.contains(id) && suggested.contains(id)));
            if !suggested.iter().any(|id| none_in.contains(id)) {
                resolver.gaps.push(Gap { at, why: Some("what is wanted decides") });
            }
        }
        resolver
    }

    /// "comedies and dramas, half and half": half of each.
    fn split_evenly(&self, statements: Vec<Statement>) -> Vec<Statement> {
        const EVENLY: [&str; 6] = ["half and half", "half half", "half-half", "fifty fifty", "fifty-fifty", "50-50"];
        let mut split: Vec<Statement> = Vec::new();
        for statement in statements {
            let text = self.text[statement.at.clone()].to_lowercase();
            let evenly = EVENLY.iter().any(|words| text.contains(words)) && !statement.refused;
            let of_before = evenly && statement.of.is_anything();
            let both = if of_before { split.last() } else { Some(&statement) };
            let Some(parts) = both.filter(|both| evenly && !both.refused).and_then(|both| both.of.two_kinds()) else {
                split.push(statement);
                continue;
            };
            if of_before {
                split.pop();
            }
            for of in parts {
                let half = HowMany::Counted(Quantity::Part(1, 2), None);
                split.push(Statement { of, how_many: Some(half), head: Head::Kind, ..statement.clone() });
            }
        }
        split
    }

    /// Gives amounts that are about the description before them to it: "horror is fine, but at most one".
    fn about_those_before(&mut self, statements: Vec<Statement>) -> Vec<Statement> {
        let mut kept: Vec<Statement> = Vec::new();
        for statement in statements {
            let alone = !statement.has_content() && !statement.refused && statement.how_many.is_some();
            let counts_items = kept.iter().any(|one| one.of.is_anything() && one.how_many.is_some());
            let before = kept.last_mut().filter(|before| alone && !before.of.is_anything());
            // "90% comedies and 10% whatever"
            let words = self.text[statement.at.clone()].to_lowercase();
            let any = ["whatever", "anything", "something"].iter().any(|any| words.contains(any));
            if alone && any && before.is_some() && matches!(statement.how_many, Some(HowMany::Counted(..))) {
                continue;
            }
            let rest = statement.how_many == Some(HowMany::Rest);
            if before.as_ref().is_some_and(|before| before.refused && !rest && !self.loosens(&statement)) {
                // "exclude westerns, I have seen all of those"
                self.gaps.push(Gap { at: statement.at, why: Some("an amount of what is refused") });
                continue;
            }
            if let Some(before) = before {
                let compared = matches!(statement.how_many, Some(HowMany::Counted(_, Some(_)) | HowMany::Between(..)));
                let is_part =
                    matches!(statement.how_many, Some(HowMany::Counted(Quantity::Percent(_) | Quantity::Part(..), _)));
                let exception = compared && (statement.joint == Joint::But || before.tolerated);
                // "no horror. Ok, maybe one."
                if before.refused && self.is_one(&statement) {
                    before.refused = false;
                    before.how_many = Some(HowMany::Counted(Quantity::Count(1), Some(Compared::AtMost)));
                    before.part = true;
                    continue;
                }
                // "no horror, or at most one"
                let limit = matches!(
                    statement.how_many,
                    Some(HowMany::Counted(_, Some(Compared::AtMost | Compared::FewerThan)))
                );
                if before.refused && limit && statement.head == Head::Missing {
                    *before = Statement { how_many: statement.how_many, refused: false, part: true, ..before.clone() };
                    continue;
                }
                // "not many westerns, maybe one or two"
                if before.how_many == Some(HowMany::Little) && statement.head == Head::Missing && compared {
                    *before = Statement { how_many: statement.how_many, part: true, ..before.clone() };
                    continue;
                }
                // "mad about animation, so five of those": so many of the kind before
                let those = statement.part && ["of those", "of these", "of them"].iter().any(|of| words.contains(of));
                let those = those && statement.joint != Joint::But && !counts_items;
                let plain = matches!(statement.how_many, Some(HowMany::Counted(Quantity::Count(_), None)));
                if those && plain && before.how_many.is_none() && !before.refused && !before.tolerated {
                    *before = Statement { how_many: statement.how_many, ..before.clone() };
                    continue;
                }
                // "at least two, but no more than four"
                let bounds = compared && statement.joint == Joint::And && statement.head == Head::Missing;
                if matches!(before.how_many, Some(HowMany::Counted(_, Some(_))))
                    && (exception || bounds)
                    && !statement.of_before
                {
                    let more = Statement { how_many: statement.how_many, part: true, ..before.clone() };
                    kept.push(more);
                    continue;
                }
                if statement.of_before || (statement.part && statement.head == Head::Missing) || is_part || exception {
                    *before = Statement {
                        how_many: statement.how_many,
                        refused: false,
                        tolerated: false,
                        part: true,
                        ..before.clone()
                    };
                    continue;
                }
            }
            // "more than three, but fewer than six comedies"
            let compares = |one: &Statement| matches!(one.how_many, Some(HowMany::Counted(_, Some(_))));
            if let Some(before) = kept.last_mut()
                && !before.has_content()
                && compares(before)
                && compares(&statement)
                && !statement.of.is_anything()
                && matches!(statement.joint, Joint::But | Joint::And)
            {
                *before = Statement { how_many: before.how_many, ..statement.clone() };
            }
            kept.push(statement);
        }
        kept.retain(|statement| {
            let allowed = statement.tolerated && statement.how_many.is_none() && !statement.refused;
            if allowed {
                if let Formula::Is(Literal::Category(ids)) = &statement.of {
                    self.allowed.extend(ids);
                }
                let text = self.text[statement.at.clone()].to_owned();
                self.assumed.push(Assumption { text, taken_as: "taken as no rule".to_owned() });
            }
            !allowed
        });
        kept
    }

    /// True for an amount that makes an exception from a refusal rather than a wish of it: "no horror, or at most one".
    fn loosens(&self, statement: &Statement) -> bool {
        let limit =
            matches!(statement.how_many, Some(HowMany::Counted(_, Some(Compared::AtMost | Compared::FewerThan))));
        let length = statement.head == Head::Items && !statement.part && !statement.of_before;
        let count = matches!(statement.how_many, Some(HowMany::Counted(Quantity::Count(_), None)));
        // "I do not like comedies, but let no fewer than two be of it"
        let exception = statement.joint == Joint::But && matches!(statement.how_many, Some(HowMany::Counted(..)));
        limit || length || exception || self.is_one(statement) || (count && !statement.part && !statement.of_before)
    }

    /// True for "one", which stands for an item of the kind before it, while "1" is a length.
    fn is_one(&self, statement: &Statement) -> bool {
        let words = self.text[statement.at.clone()].to_lowercase();
        let one =
            statement.how_many == Some(HowMany::Counted(Quantity::Count(1), None)) && statement.head == Head::Missing;
        one && words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "one")
    }

    /// "some comedies" are a list of comedies; "some comedies, some dramas" are one of each at least.
    fn some_of_each(&self, statements: &mut [Statement]) {
        let wishes = statements.iter().filter(|one| !one.refused && !one.of.is_anything()).count();
        let some = statements.iter().filter(|one| one.how_many == Some(HowMany::Some)).count();
        for statement in statements {
            // "some films about war, made after 1990"
            let alone = wishes == 1 || (some == 1 && statement.head == Head::Items);
            if statement.how_many == Some(HowMany::Some) && alone {
                statement.how_many = None;
            }
            if statement.how_many.is_none()
                && statement.role == Some(TitleRole::Must)
                && statement.titles.is_empty()
                && !statement.refused
            {
                statement.how_many = Some(HowMany::Some);
            }
        }
    }

    /// Adds one statement to the request.
    fn add(&mut self, statement: &Statement, all: &[Statement]) {
        self.titles(statement);
        if statement.of.is_anything() {
            return;
        }
        if statement.refused {
            // "no comedies like Heat" cannot be asked for; the title is left out by itself.
            if statement.titles.is_empty() {
                if let (true, Formula::Is(Literal::Category(several))) = (statement.loose, &statement.of) {
                    self.suggested.push((several.clone(), statement.at.clone()));
                }
                self.rules(&statement.of.clone().opposite(), statement);
            }
            return;
        }
        let k = f64::from(self.request.k);
        const HALF: Quantity = Quantity::Part(1, 2);
        let counted = match statement.how_many {
            None | Some(HowMany::Every) => return self.rules(&statement.of, statement),
            Some(HowMany::NotEvery) => vec![(Quantity::Percent(100.0), Compared::FewerThan)],
            Some(HowMany::Mostly) => vec![(HALF, Compared::MoreThan)],
            Some(HowMany::NotMostly) => vec![(HALF, Compared::AtMost)],
            Some(HowMany::Little) => {
                let text = self.text[statement.at.clone()].to_owned();
                self.assumed.push(Assumption { text, taken_as: format!("taken as at most {LITTLE}%") });
                vec![(Quantity::Percent(LITTLE), Compared::AtMost)]
            }
            Some(HowMany::AllBut(quantity)) => {
                let rest = (k - quantity.items(self.request.k)).max(0.0) as u32;
                vec![(Quantity::Count(rest), Compared::Exactly)]
            }
            Some(HowMany::Some) => vec![(Quantity::Count(1), Compared::AtLeast)],
            Some(HowMany::Rest) if all.iter().any(|one| one.how_many.is_some_and(is_open)) => {
                // "up to two comedies, the rest dramas": all are one or the other.
                let others = all.iter().filter(|one| one.how_many.is_some() && !one.of.is_anything());
                let either = Formula::any(others.map(|one| one.of.clone()));
                return self.rules(&either, statement);
            }
            Some(HowMany::Rest) if all.iter().all(|one| one.how_many == Some(HowMany::Rest) || !is_taken(one)) => {
                return self
                    .gaps
                    .push(Gap { at: statement.at.clone(), why: Some("nothing says what it is the rest of") });
            }
            Some(HowMany::Rest) => {
                let taken: f64 = all.iter().filter_map(|one| one.how_many).map(|how_many| least(how_many, k)).sum();
                vec![(Quantity::Count((k - taken).max(0.0) as u32), Compared::AtLeast)]
            }
            Some(HowMany::Between(low, high)) => vec![(low, Compared::AtLeast), (high, Compared::AtMost)],
            Some(HowMany::Counted(quantity, Some(Compared::Exactly))) if !matches!(quantity, Quantity::Count(_)) => {
                vec![(quantity, quantity.plain(self.request.k))]
            }
            Some(HowMany::Counted(quantity, Some(compared))) => vec![(quantity, compared)],
            Some(HowMany::Counted(quantity, None)) => vec![(quantity, quantity.plain(self.request.k))],
        };
        for (quantity, compared) in counted {
            self.add_share(statement, quantity, compared);
        }
    }

    /// The titles of a statement go where its words send them.
    fn titles(&mut self, statement: &Statement) {
        for (titles, at) in &statement.titles {
            let mut items: Vec<ItemId> = titles.items.clone();
            let title = items.last().map(|&item| self.lexicon.catalogue.title(item)).unwrap_or_default();
            let mut assume =
                |taken_as| self.assumed.push(Assumption { text: self.text[at.clone()].to_owned(), taken_as });
            match (statement.role, statement.refused) {
                (Some(TitleRole::Candidates), false) => {
                    self.gaps.push(Gap { at: at.clone(), why: Some("candidates; --candidates FILE takes them") });
                    continue;
                }
                // Nothing follows from what somebody has not seen.
                (Some(TitleRole::Seen), true) if !statement.nothing => {
                    self.gaps.push(Gap { at: statement.at.clone(), why: Some("no rule about a list") });
                    continue;
                }
                (Some(TitleRole::Liked), true) => assume(format!("only {title:?} itself is left out")),
                (_, false) if titles.same_name && items.len() > 1 => {
                    assume(format!("taken as {title:?}, the last of {} such titles", items.len()));
                    items.drain(..items.len() - 1);
                }
                _ => {}
            }
            let into = match (statement.refused, statement.role) {
                (true, _) => &mut self.request.excluded,
                (false, Some(TitleRole::Must | TitleRole::Kept)) => &mut self.request.mandatory,
                (false, None) if statement.part => &mut self.request.mandatory,
                (false, _) => &mut self.request.history,
            };
            items.retain(|item| !into.contains(item));
            into.extend(items);
        }
    }
}

/// True for a statement that takes a part of the list.
fn is_taken(statement: &Statement) -> bool {
    statement.how_many.is_some() || !statement.titles.is_empty()
}

/// True for an amount that leaves open how many items it is.
fn is_open(how_many: HowMany) -> bool {
    match how_many {
        HowMany::Counted(_, compared) => !matches!(compared, None | Some(Compared::Exactly)),
        HowMany::Mostly
        | HowMany::NotMostly
        | HowMany::Little
        | HowMany::Some
        | HowMany::NotEvery
        | HowMany::Between(..) => true,
        HowMany::Every | HowMany::AllBut(_) | HowMany::Rest => false,
    }
}

/// The fewest items that an amount asks for.
fn least(how_many: HowMany, k: f64) -> f64 {
    match how_many {
        HowMany::Counted(quantity, None | Some(Compared::Exactly | Compared::About | Compared::AtLeast)) => {
            quantity.items(k as u32)
        }
        HowMany::Between(_, high) => high.items(k as u32),
        _ => 0.0,
    }
}
