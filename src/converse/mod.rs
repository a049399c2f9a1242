//! Chat sessions about lists: the turns so far, and the request that follows from them.
//!
//! A turn speaks to the program ([`follow_up`]: "undo", "more"), or it is a request in plain English
//! ([`ask`](crate::request::ask)) that may be about the list just shown ("more like the second, but older"); a request is added to
//! those before it. Parsing is rule-based: equal words always have the same meaning. Where a turn has two, the likelier one is taken
//! and the session asks whether the other was meant.

pub mod follow_up;
mod merge;

use self::follow_up::{FollowUp, understand};
use crate::data::titles::clean;
use crate::data::{Catalogue, ItemId};
use crate::request::Request;
use crate::request::ask::{AskParser, ParseResult};
use crate::request::flags::shell;

/// The help text of a session.
pub const HELP: &str = "\
Say what you would like: \"a few comedies from the nineties\", \"at least half drama, no horror\", \"something like Heat\".
About the list just shown: more · more like the second · not 1 and 3 · keep the first · I know the first · older · no sequels
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
    /// The state after the last turn in its other reading, where it has one.
    other: Option<State>,
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

impl<'a> ChatSession<'a> {
    /// A session for a user with the history `taken`; lists have `k` items unless a turn asks for another length.
    pub fn new(catalogue: &'a Catalogue, taken: Vec<ItemId>, k: u32) -> Self {
        let fresh = State { taken, request: Request { k, ..Request::default() }, ..State::default() };
        let (before, other) = (Vec::new(), None);
        Self { catalogue, parser: AskParser::new(catalogue), now: fresh.clone(), before, other, fresh }
    }

    /// The current request.
    pub fn request(&self) -> Request {
        let State { taken, request, shown, .. } = &self.now;
        let excluded = [&request.excluded[..], shown].concat();
        Request { history: taken.clone(), excluded, ..request.clone() }
    }

    /// Remembers the list that was shown.
    pub fn shown(&mut self, items: &[ItemId]) {
        for state in [Some(&mut self.now), self.other.as_mut()].into_iter().flatten() {
            state.last = items.to_vec();
            state.shown.extend(items.iter().filter(|item| !state.taken.contains(item)));
        }
    }

    /// Takes in a turn of the user.
    pub fn reply(&mut self, text: &str) -> Reply {
        match understand(text) {
            Some(FollowUp::End) => Reply::End,
            Some(FollowUp::Help) => Reply::Say(HELP.to_owned()),
            Some(FollowUp::Show) => Reply::Say(self.in_flags()),
            Some(FollowUp::Thanks) => Reply::Say("You are welcome. Say \"more\" for another list.".to_owned()),
            Some(FollowUp::StartOver) => self.start_over(),
            Some(FollowUp::Undo) => self.undo(),
            Some(FollowUp::Other) => match self.other.take() {
                Some(other) => self.change_to(other, vec![format!("understood: {}", self.in_flags())]),
                None => Reply::Say("The last turn had one reading only.".to_owned()),
            },
            Some(FollowUp::More) => self.change_to(self.now.clone(), Vec::new()),
            Some(FollowUp::Longer) => self.of_length(self.now.request.k.saturating_mul(2)),
            Some(FollowUp::Shorter) => self.of_length((self.now.request.k / 2).max(1)),
            None => self.wish(text),
        }
    }

    fn of_length(&mut self, k: u32) -> Reply {
        let mut state = self.now.clone();
        state.request.k = k;
        self.change_to(state, vec![format!("understood: -k {k}")])
    }

    /// Asks for a list in a new state.
    fn change_to(&mut self, state: State, said: Vec<String>) -> Reply {
        self.before.push(std::mem::replace(&mut self.now, state));
        Reply::List(self.request(), said)
    }

    /// The requested parts as the flags of `tiller recommend`, without the items that are excluded because they were shown.
    fn in_flags(&self) -> String {
        shell(&self.now.request.flags(self.catalogue))
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

    /// Adds what a turn asks for, or leaves everything as it was.
    fn wish(&mut self, text: &str) -> Reply {
        let parsed = self.parser.read_turn(text, self.now.request.k, &self.now.last);
        if parsed.missing_place {
            return Reply::Say(match self.now.last.len() {
                0 => "There is no list yet: say what you would like.".to_owned(),
                1 => "The last list has one item only.".to_owned(),
                n => format!("The last list has {n} items only."),
            });
        }
        let changes_nothing = parsed.not_understood.is_empty() && !parsed.assumed.is_empty();
        if !parsed.says_something() && !changes_nothing {
            let text = clean(text);
            return Reply::Say(format!("I know no category or title in \"{text}\". Say \"help\" for examples."));
        }
        if parsed.says_length && parsed.request.k == 0 {
            return Reply::Say("A list has at least one item.".to_owned());
        }
        let said = self.understood(&parsed);
        let state = self.with(&parsed, parsed.request.clone());
        self.other = parsed.other.clone().map(|other| self.with(&parsed, other));
        self.change_to(state, said)
    }

    /// The state with another request added to those before it.
    fn with(&self, parsed: &ParseResult, request: Request) -> State {
        let mut state = self.now.clone();
        // What is liked or known was shown, and may be spoken of again.
        state.shown.retain(|item| !request.history.contains(item) && !request.mandatory.contains(item));
        state.taken.extend(&request.history);
        merge::add(&mut state.request, request, parsed, self.catalogue);
        state
    }

    /// The lines that report what was understood, assumed, and not understood, and ask about a second reading.
    fn understood(&self, parsed: &ParseResult) -> Vec<String> {
        let flags = |request: &Request| shell(&request.flags(self.catalogue));
        let mut said = vec![format!("understood: {}", flags(&parsed.request))];
        said.extend(parsed.assumed.iter().map(|one| format!("\"{}\" {}", clean(&one.text), one.taken_as)));
        said.extend(parsed.not_understood.iter().map(|gap| format!("not understood: \"{}\"", clean(&gap.text))));
        said.extend(
            parsed
                .other
                .iter()
                .map(|other| format!("or did you mean: {}? Say \"the other reading\" for that.", flags(other))),
        );
        said
    }
}

#[cfg(test)]
mod tests;
