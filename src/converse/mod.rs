//! Chat sessions about lists: the turns so far, and the request that follows from them.
//!
//! A turn is either about the list just shown ([`follow_up`]: "more like the second", "older", "no sequels"), or a request in plain
//! English ([`ask`](crate::request::ask)), which is added to those before it. Parsing is rule-based: equal words always have the
//! same meaning.

pub mod follow_up;
mod merge;
mod sequels;

use self::follow_up::{Age, FollowUp, parts, understand};
use crate::data::titles::clean;
use crate::data::{Catalogue, ItemId};
use crate::request::ask::{AskParser, ParseResult};
use crate::request::{Predicate, Request};

/// The help text of a session.
pub const HELP: &str = "\
Say what you would like: \"a few comedies from the nineties\", \"at least half drama, no horror\", \"something like Heat\".
About the list just shown: more · more like the second · not the third · I know the first · older · newer · no sequels
Several at once: \"more like the second, but older\", \"no sequels and no horror\"
And: undo · show (what is asked for at the moment) · start over · quit";

/// The result of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A list is to be made, and how the turn was understood where that needs words.
    List(Request, Vec<String>),
    /// Only this is to be said.
    Say(String),
    /// The conversation ends.
    End,
}

/// A session: all turns so far.
pub struct ChatSession<'a> {
    catalogue: &'a Catalogue,
    parser: AskParser<'a>,
    now: State,
    /// The states that turns have changed, oldest first.
    before: Vec<State>,
    /// The state before the first turn.
    fresh: State,
}

/// The state after the turns so far.
#[derive(Debug, Clone, Default)]
struct State {
    /// The user's history, oldest first; items of the session that are liked or known follow.
    taken: Vec<ItemId>,
    /// The request so far, without its history.
    request: Request,
    /// Every item shown: nobody wants to read it again.
    shown: Vec<ItemId>,
    /// The items of the last list, in its order.
    last: Vec<ItemId>,
}

/// The words that report a change, or the reason why it cannot be made.
type Changed = Result<Vec<String>, String>;

impl<'a> ChatSession<'a> {
    /// A session for a user with the history `taken`; lists have `k` items unless a turn asks for another length.
    pub fn new(catalogue: &'a Catalogue, taken: Vec<ItemId>, k: u32) -> Self {
        let fresh = State { taken, request: Request { k, ..Request::default() }, ..State::default() };
        Self { catalogue, parser: AskParser::new(catalogue), now: fresh.clone(), before: Vec::new(), fresh }
    }

    /// The current request.
    pub fn request(&self) -> Request {
        let State { taken, request, shown, .. } = &self.now;
        let excluded = [&request.excluded[..], shown].concat();
        Request { history: taken.clone(), excluded, ..request.clone() }
    }

    /// Remembers the list that was shown.
    pub fn shown(&mut self, items: &[ItemId]) {
        let State { taken, shown, last, .. } = &mut self.now;
        *last = items.to_vec();
        shown.extend(items.iter().filter(|item| !taken.contains(item)));
    }

    /// Takes in a turn of the user.
    pub fn reply(&mut self, text: &str) -> Reply {
        match understand(text) {
            Some(FollowUp::End) => Reply::End,
            Some(FollowUp::Help) => Reply::Say(HELP.to_owned()),
            Some(FollowUp::Show) => Reply::Say(self.in_flags()),
            Some(FollowUp::StartOver) => self.start_over(),
            Some(FollowUp::Undo) => self.undo(),
            Some(change) => self.turn(&[change], None),
            None => {
                let (changes, wish) = parts(text);
                self.turn(&changes, wish.as_deref())
            }
        }
    }

    /// Makes all changes and adds the wish, or leaves everything as it was.
    fn turn(&mut self, changes: &[FollowUp], wish: Option<&str>) -> Reply {
        let before = self.now.clone();
        match self.changed(changes, wish) {
            Ok(said) => {
                self.before.push(before);
                Reply::List(self.request(), said)
            }
            Err(trouble) => {
                self.now = before;
                Reply::Say(trouble)
            }
        }
    }

    fn changed(&mut self, changes: &[FollowUp], wish: Option<&str>) -> Changed {
        let mut said = Vec::new();
        for change in changes {
            said.extend(self.change(*change)?);
        }
        if let Some(wish) = wish {
            said.extend(self.wish(wish)?);
        }
        Ok(said)
    }

    /// Makes the change that a follow-up about the last list asks for.
    fn change(&mut self, change: FollowUp) -> Changed {
        match change {
            FollowUp::Like(place) | FollowUp::Known(place) => {
                let item = self.at(place)?;
                self.now.shown.retain(|shown| *shown != item);
                self.now.taken.push(item);
                Ok(Vec::new())
            }
            FollowUp::Not(place) => {
                let item = self.at(place)?;
                self.now.request.excluded.push(item);
                Ok(Vec::new())
            }
            FollowUp::NoSequels => Ok(self.without_sequels()),
            FollowUp::Aged(age) => self.aged(age),
            _ => Ok(Vec::new()),
        }
    }

    /// The requested parts as the flags of `tiller recommend`, without the items that are excluded because they were shown.
    fn in_flags(&self) -> String {
        crate::request::flags::shell(&self.now.request.flags(self.catalogue))
    }

    fn start_over(&mut self) -> Reply {
        self.before.push(std::mem::replace(&mut self.now, self.fresh.clone()));
        Reply::Say("The request is empty again. What would you like?".to_owned())
    }

    fn undo(&mut self) -> Reply {
        match self.before.pop() {
            Some(state) => {
                self.now = state;
                Reply::Say(format!("Taken back. Asked for now: {}", self.in_flags()))
            }
            None => Reply::Say("There is nothing to take back.".to_owned()),
        }
    }

    /// The item at a place of the last list.
    fn at(&self, place: ListPosition) -> Result<ItemId, String> {
        place.of(&self.now.last).ok_or_else(|| match self.now.last.len() {
            0 => "There is no list yet: say what you would like.".to_owned(),
            1 => "The last list has one item only.".to_owned(),
            n => format!("The last list has {n} items only."),
        })
    }

    fn without_sequels(&mut self) -> Vec<String> {
        let sequels = sequels::sequels(self.catalogue);
        let said = vec![format!("leaving out {} titles that look like sequels", sequels.len())];
        self.now.request.excluded.extend(sequels);
        merge::tidy(&mut self.now.request);
        said
    }

    /// Items from before or after the middle of the last list.
    fn aged(&mut self, age: Age) -> Changed {
        let year = self.middle_year().ok_or("The items of the last list have no year in this catalogue.")?;
        let condition = match age {
            Age::Older => format!("year<{year}"),
            Age::Newer => format!("year>{year}"),
        };
        let predicate = Predicate::parse(&condition, self.catalogue).map_err(|error| error.to_string())?;
        merge::replace_condition(&mut self.now.request, predicate, "year");
        Ok(vec![format!("understood: {condition}")])
    }

    /// The median year of the last list.
    fn middle_year(&self) -> Option<i64> {
        let column = self.catalogue.attributes().iter().position(|name| name.eq_ignore_ascii_case("year"))?;
        let year = |&item: &ItemId| self.catalogue.item(item).attributes.get(column)?.parse::<i64>().ok();
        let mut years: Vec<i64> = self.now.last.iter().filter_map(year).collect();
        years.sort_unstable();
        years.get(years.len() / 2).copied()
    }

    fn wish(&mut self, text: &str) -> Changed {
        let parsed = self.parser.read(text, self.now.request.k);
        if !parsed.says_something() {
            return Err(format!("I know no category or title in \"{}\". Say \"help\" for examples.", clean(text)));
        }
        let said = self.understood(&parsed);
        let ParseResult { request, says_length, .. } = parsed;
        self.now.taken.extend(&request.history);
        merge::add(&mut self.now.request, request, says_length, self.catalogue);
        Ok(said)
    }

    /// The lines that report what was understood, assumed, and not understood.
    fn understood(&self, parsed: &ParseResult) -> Vec<String> {
        let flags = crate::request::flags::shell(&parsed.request.flags(self.catalogue));
        let assumed = parsed.assumed.iter().map(|a| format!("\"{}\" {}", clean(&a.text), a.taken_as));
        let gaps = parsed.not_understood.iter().map(|gap| format!("not understood: \"{}\"", clean(&gap.text)));
        [format!("understood: {flags}")].into_iter().chain(assumed).chain(gaps).collect()
    }
}

pub use follow_up::ListPosition;

#[cfg(test)]
mod tests;
