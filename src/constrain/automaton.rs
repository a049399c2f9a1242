//! Which tokens may come next: one automaton per sequence, from the first line start to the end of the sequence.
//!
//! It always stands before a real choice. Whatever leads there without an alternative (line starts, the rest of a title once it
//! is clear, whole titles when only one is left, the end) is queued as *forced* tokens, which need no sampling and can be
//! computed together with the next real choice (jump-forward decoding). Taking them one by one is the same walk.
//!
//! A title is open as long as it is allowed, unused, and the list can still be completed after it. One open title always
//! exists, because the automaton carries a plan for the rest of the list (see [`Feasible`]); so it never has to give up a rule.

use fixedbitset::FixedBitSet;

use super::feasible::{Feasible, FeasibleRequest};
use super::grammar::{Grammar, check_length};
use super::trie::Prefix;
use crate::data::{ItemId, ItemSet};
use crate::{Error, Result};

/// The tokens that may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTokens<'a> {
    /// These tokens in this order, each without an alternative.
    Forced(&'a [u32]),
    /// Any one of these tokens, ascending; two at least.
    Choice(&'a [u32]),
    /// The list is complete.
    Done,
}

/// The state of one list that is being written.
#[derive(Debug, Clone)]
pub struct Automaton<'a> {
    grammar: &'a Grammar,
    /// `[classes]` The leaves of each class of interchangeable items that are still unused.
    unused: Vec<FixedBitSet>,
    /// `[classes]` What would remain after an item of the class; `None` where the list could not be completed.
    after: Vec<Option<Feasible>>,
    /// The leaves that the current line may end at.
    open: FixedBitSet,
    /// The prefix of the current title, before the choice.
    prefix: Prefix,
    /// Tokens without alternative that lead to the choice, and how many of them were taken.
    forced: Vec<u32>,
    taken: usize,
    /// The tokens to choose from; none once the list is complete.
    choice: Vec<u32>,
    /// The items whose titles are settled.
    items: Vec<ItemId>,
}

impl<'a> Automaton<'a> {
    /// An automaton for a feasible request over the catalogue of `grammar`.
    ///
    /// # Errors
    /// A list longer than [`super::grammar::LONGEST_LIST`].
    pub fn new(grammar: &'a Grammar, request: &FeasibleRequest) -> Result<Self> {
        check_length(request.k() as usize)?;
        let titles = grammar.titles();
        let leaves_of = |items: &ItemSet| {
            let mut leaves = FixedBitSet::with_capacity(titles.leaves());
            leaves.extend(items.iter().filter_map(|item| titles.leaf(item)));
            leaves
        };
        let mut automaton = Self {
            grammar,
            unused: request.classes().iter().map(leaves_of).collect(),
            after: Vec::new(),
            open: FixedBitSet::with_capacity(titles.leaves()),
            prefix: titles.root(),
            forced: Vec::new(),
            taken: 0,
            choice: Vec::new(),
            items: Vec::new(),
        };
        automaton.start_line(request.plan());
        automaton.run_to_choice();
        Ok(automaton)
    }

    /// The tokens that may come next.
    pub fn allowed(&self) -> NextTokens<'_> {
        match &self.forced[self.taken..] {
            [] if self.choice.is_empty() => NextTokens::Done,
            [] => NextTokens::Choice(&self.choice),
            forced => NextTokens::Forced(forced),
        }
    }

    /// Takes one token: the next forced one, or one of the choice.
    ///
    /// # Errors
    /// A token that is not allowed here; the state stays as it was.
    pub fn advance(&mut self, token: u32) -> Result<()> {
        match self.allowed() {
            NextTokens::Forced(run) if run[0] == token => {
                self.taken += 1;
                return Ok(());
            }
            NextTokens::Choice(_) => {
                let child = self.grammar.titles().child(&self.prefix, token);
                if let Some(child) = child.filter(|_| self.choice.binary_search(&token).is_ok()) {
                    self.prefix = child;
                    self.forced.clear();
                    self.taken = 0;
                    self.choice.clear();
                    self.run_to_choice();
                    return Ok(());
                }
            }
            NextTokens::Forced(_) | NextTokens::Done => {}
        }
        let expected = match self.allowed() {
            NextTokens::Forced(run) => format!("token {}", run[0]),
            NextTokens::Choice(tokens) => format!("one of {} tokens", tokens.len()),
            NextTokens::Done => "no token after the end of the list".to_owned(),
        };
        Err(Error::bad_input("the next token").expected(expected).found(token).into())
    }

    /// At a choice, each token that may follow with the open titles below it, as leaves of the trie; tokens and leaves ascend.
    pub fn branches(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = usize>)> {
        let titles = self.grammar.titles();
        let children = (!self.choice.is_empty()).then(|| titles.open_children(&self.prefix, &self.open));
        children.into_iter().flatten().map(|(token, child)| (token, titles.open_leaves(&child, &self.open)))
    }

    /// At a choice, the token that leads towards the title of the highest score among those that may follow; the first of equally good ones.
    pub fn preferred(&self, score_of: impl Fn(usize) -> f32) -> Option<u32> {
        let titles = self.grammar.titles();
        let better = |best: usize, leaf: usize| if score_of(leaf) > score_of(best) { leaf } else { best };
        let best = titles.open_leaves(&self.prefix, &self.open).reduce(better)?;
        Some(titles.toward(&self.prefix, best)?.0)
    }

    /// Returns true once the list and its end have been taken.
    pub fn is_done(&self) -> bool {
        self.allowed() == NextTokens::Done
    }

    /// The items of the list so far: all whose titles are settled, even where forced tokens of them are still to be taken.
    pub fn items(&self) -> &[ItemId] {
        &self.items
    }

    /// Queues the start of the next line and works out which titles it may hold.
    fn start_line(&mut self, rest: &Feasible) {
        self.forced.extend_from_slice(self.grammar.line_start(self.items.len()));
        self.prefix = self.grammar.titles().root();
        self.after = (0..self.unused.len()).map(|class| rest.take(class)).collect();
        self.open.clear();
        for (unused, _) in self.unused.iter().zip(&self.after).filter(|(_, after)| after.is_some()) {
            self.open.union_with(unused);
        }
    }

    /// Queues every token without alternative from here on, and stops at a choice or at the end.
    fn run_to_choice(&mut self) {
        let titles = self.grammar.titles();
        loop {
            if let Some(leaf) = titles.ended(&self.prefix) {
                let rest = self.use_up(leaf);
                if rest.left() == 0 {
                    self.forced.push(self.grammar.end());
                    return;
                }
                self.start_line(&rest);
            }
            let mut children = titles.open_children(&self.prefix, &self.open);
            match (children.next(), children.next()) {
                (Some((token, child)), None) => {
                    self.forced.push(token);
                    self.prefix = child;
                }
                (first, second) => {
                    let tokens = first.into_iter().chain(second).chain(children).map(|(token, _)| token);
                    self.choice = tokens.collect();
                    return;
                }
            }
        }
    }

    /// Writes an open title's item into the list; gives what remains to be found.
    fn use_up(&mut self, leaf: usize) -> Feasible {
        let class = self.unused.iter().position(|unused| unused.contains(leaf));
        let rest = class.and_then(|class| {
            self.unused[class].remove(leaf);
            self.after[class].take()
        });
        self.items.push(self.grammar.titles().item(leaf));
        rest.expect("an open title belongs to a class after which the list can be completed")
    }
}
