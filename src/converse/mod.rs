//! A conversation about lists: what was said so far, and the request that follows from it.
//!
//! A turn is either about the list just shown ([`follow_up`]: "more like the second", "older", "no sequels"), or a wish in plain
//! English ([`ask`](crate::request::ask)), which is added to the wishes so far. No model is asked here: the same words always
//! mean the same.

pub mod follow_up;
mod sequels;
mod wishes;

use self::follow_up::{Age, FollowUp, understand};
use crate::data::titles::clean;
use crate::data::{Catalogue, ItemId};
use crate::request::ask::{Asker, Reading};
use crate::request::{Predicate, Request};

/// What can be said, for whoever asks for help.
pub const HELP: &str = "\
Say what you would like: \"a few comedies from the nineties\", \"at least half drama, no horror\", \"something like Heat\".
About the list just shown: more · more like the second · not the third · I know the first · older · newer · no sequels
And: show (what is asked for at the moment) · start over · quit";

/// What follows from a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A list is to be made, and how the turn was understood where that needs words.
    List(Request, Vec<String>),
    /// Only this is to be said.
    Say(String),
    /// The conversation ends.
    End,
}

/// What was said so far.
pub struct Conversation<'a> {
    catalogue: &'a Catalogue,
    asker: Asker<'a>,
    /// What the user took before, oldest first; items of the conversation that are liked or known follow.
    taken: Vec<ItemId>,
    known_before: usize,
    /// The wishes so far; their history is empty.
    wishes: Request,
    /// Every item shown so far: nobody wants to read it again.
    shown: Vec<ItemId>,
    /// The items of the last list, in its order.
    last: Vec<ItemId>,
    usual_length: u32,
}

impl<'a> Conversation<'a> {
    /// A conversation with somebody who took `taken` before, about lists of `k` items where no other length is asked for.
    pub fn new(catalogue: &'a Catalogue, taken: Vec<ItemId>, k: u32) -> Self {
        let known_before = taken.len();
        let wishes = Request { k, ..Request::default() };
        let asker = Asker::new(catalogue);
        Self { catalogue, asker, taken, known_before, wishes, shown: Vec::new(), last: Vec::new(), usual_length: k }
    }

    /// Everything that is asked for at the moment.
    pub fn request(&self) -> Request {
        let excluded = [&self.wishes.excluded[..], &self.shown].concat();
        Request { history: self.taken.clone(), excluded, ..self.wishes.clone() }
    }

    /// Remembers the list that was shown.
    pub fn shown(&mut self, items: &[ItemId]) {
        self.last = items.to_vec();
        self.shown.extend(items.iter().filter(|item| !self.taken.contains(item)));
    }

    /// Takes in a turn of the user.
    pub fn hear(&mut self, text: &str) -> Reply {
        match understand(text) {
            Some(FollowUp::End) => Reply::End,
            Some(FollowUp::Help) => Reply::Say(HELP.to_owned()),
            Some(FollowUp::Show) => Reply::Say(self.in_flags()),
            Some(FollowUp::StartOver) => self.start_over(),
            Some(FollowUp::More) => self.list(),
            Some(FollowUp::NoSequels) => self.without_sequels(),
            Some(FollowUp::Aged(age)) => self.aged(age),
            Some(FollowUp::Like(place)) => self.about(place, |talk, item| talk.take(item)),
            Some(FollowUp::Known(place)) => self.about(place, |talk, item| talk.take(item)),
            Some(FollowUp::Not(place)) => self.about(place, |talk, item| talk.wishes.excluded.push(item)),
            None => self.wish(text),
        }
    }

    fn list(&self) -> Reply {
        Reply::List(self.request(), Vec::new())
    }

    /// The wishes as the flags of `tiller recommend`, without what is only there because it was shown.
    fn in_flags(&self) -> String {
        crate::request::flags::shell(&self.wishes.flags(self.catalogue))
    }

    fn start_over(&mut self) -> Reply {
        self.taken.truncate(self.known_before);
        self.wishes = Request { k: self.usual_length, ..Request::default() };
        self.shown.clear();
        self.last.clear();
        Reply::Say("All wishes are forgotten. What would you like?".to_owned())
    }

    /// Does something with the item at `place` of the last list, from 0.
    fn about(&mut self, place: Place, act: impl FnOnce(&mut Self, ItemId)) -> Reply {
        let Some(item) = place.of(&self.last) else {
            return Reply::Say(match self.last.len() {
                0 => "There is no list yet: say what you would like.".to_owned(),
                1 => "The last list has one item only.".to_owned(),
                n => format!("The last list has {n} items only."),
            });
        };
        act(self, item);
        self.list()
    }

    /// The item belongs to what the user took, as the newest.
    fn take(&mut self, item: ItemId) {
        self.shown.retain(|shown| *shown != item);
        self.taken.push(item);
    }

    fn without_sequels(&mut self) -> Reply {
        let sequels = sequels::sequels(self.catalogue);
        let said = vec![format!("leaving out {} titles that look like sequels", sequels.len())];
        self.wishes.excluded.extend(sequels);
        wishes::tidy(&mut self.wishes);
        Reply::List(self.request(), said)
    }

    /// Items from before or after the middle of the last list.
    fn aged(&mut self, age: Age) -> Reply {
        let Some(year) = self.middle_year() else {
            return Reply::Say("The items of the last list have no year in this catalogue.".to_owned());
        };
        let condition = match age {
            Age::Older => format!("year<{year}"),
            Age::Newer => format!("year>{year}"),
        };
        match Predicate::parse(&condition, self.catalogue) {
            Ok(predicate) => {
                wishes::replace_condition(&mut self.wishes, predicate, "year");
                Reply::List(self.request(), vec![format!("understood: {condition}")])
            }
            Err(error) => Reply::Say(error.to_string()),
        }
    }

    /// The median year of the last list.
    fn middle_year(&self) -> Option<i64> {
        let column = self.catalogue.attributes().iter().position(|name| name.eq_ignore_ascii_case("year"))?;
        let year = |&item: &ItemId| self.catalogue.item(item).attributes.get(column)?.parse::<i64>().ok();
        let mut years: Vec<i64> = self.last.iter().filter_map(year).collect();
        years.sort_unstable();
        years.get(years.len() / 2).copied()
    }

    fn wish(&mut self, text: &str) -> Reply {
        let reading = self.asker.read(text, self.wishes.k);
        if !reading.says_something() {
            return Reply::Say(format!(
                "I know no category or title in \"{}\". Say \"help\" for examples.",
                clean(text)
            ));
        }
        let said = self.understood(&reading);
        let Reading { request, says_length, .. } = reading;
        self.taken.extend(&request.history);
        wishes::add(&mut self.wishes, request, says_length);
        Reply::List(self.request(), said)
    }

    /// What was understood, assumed, and not understood.
    fn understood(&self, reading: &Reading) -> Vec<String> {
        let flags = crate::request::flags::shell(&reading.request.flags(self.catalogue));
        let assumed = reading.assumed.iter().map(|a| format!("\"{}\" {}", clean(&a.text), a.taken_as));
        let gaps = reading.not_understood.iter().map(|gap| format!("not understood: \"{}\"", clean(&gap.text)));
        [format!("understood: {flags}")].into_iter().chain(assumed).chain(gaps).collect()
    }
}

pub use follow_up::Place;

#[cfg(test)]
mod tests;
