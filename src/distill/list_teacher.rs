//! The constrained teacher beside an answer that somebody else writes: its own next token at each of them.
//!
//! The teacher of a request stands on the trie of the titles with its score of every item. At a node, its probability of a child is its
//! softmax mass of the titles below that the list may still hold: allowed, unused, and such that the rest of the list can still be
//! completed. Which titles those are follows from what the answer holds so far, not from what the teacher would have written (DAgger, S.
//! Ross et al. 2011, arXiv 1011.0686; GKD, R. Agarwal et al. 2023, arXiv 2306.13649).
//!
//! With a guide weight w the target is what guided decoding by the policy π₀ before the first step would draw from there:
//! q(c) ∝ p_teacher(c)^(1−w) · π₀(c)^w over the allowed children. At w = 1 the policy learns to write freely what it wrote under the
//! constraints: what it recommends stays, what it must not write goes.
//!
//! The semantic loss −log π(what is allowed) (J. Xu et al. 2018, arXiv 1711.11157) has the gradient of a divergence from the policy's own
//! distribution over the allowed children. With the weight λ beside the divergence from q, the target is (q + λ · own) / (1 + λ).
//!
//! A line with a title that the request does not allow (a repeated item, one of the history, one too many of a kind) takes a place in
//! the list and counts for nothing; the teacher goes on behind it. A line that leaves the catalogue ends what the teacher has to say, and
//! so does a list that can no longer be completed.

use std::collections::BTreeMap;

use fixedbitset::FixedBitSet;
use tiller_models::train::{TargetShare, WeightedExample};

use super::answer_logits::AnswerLogits;
use crate::constrain::feasible::Feasible;
use crate::constrain::problem::Problem;
use crate::constrain::trie::{Prefix, Trie};
use crate::constrain::{FeasibleRequest, Grammar, GuideWeight, soft_maximum};
use crate::train::target_shares::target_shares;

/// A teacher of the lists of one request.
pub struct ListTeacher<'a> {
    grammar: &'a Grammar,
    request: FeasibleRequest,
    /// The score of each leaf, divided by the temperature.
    scores: Vec<f64>,
}

/// The teacher's own next token at one token of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenTarget {
    /// The position in the answer.
    pub at: usize,
    /// The catalogue leaves a choice here.
    pub is_choice: bool,
    /// The probabilities of the tokens that the teacher would write; a single one where it has no choice.
    pub shares: Vec<TargetShare>,
}

/// The targets of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ListTargets {
    /// In the order of the answer. Tokens of a title that is not allowed have none.
    pub tokens: Vec<TokenTarget>,
    /// The answer has been followed to the end of its list.
    pub is_whole: bool,
}

/// The policies' parts in the targets, by their logits at each token of the answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct PolicyParts<'a> {
    /// The reference policy, and its part in the geometric mean with the teacher.
    pub reference: Option<(&'a AnswerLogits, GuideWeight)>,
    /// The policy that wrote the answer, and the weight of its semantic loss beside the divergence.
    pub own: Option<(&'a AnswerLogits, f64)>,
}

impl<'a> ListTeacher<'a> {
    /// A teacher with these scores, item 1 first, whose probabilities are those at some temperature above 0.
    pub fn new(grammar: &'a Grammar, request: FeasibleRequest, scores: &[f32], temperature: f64) -> Self {
        let titles = grammar.titles();
        let score = |leaf: usize| f64::from(scores[titles.item(leaf).index() - 1]) / temperature;
        Self { grammar, request, scores: (0..titles.leaves()).map(score).collect() }
    }

    /// The targets of an answer.
    pub fn targets(&self, answer: &[u32], policies: PolicyParts) -> ListTargets {
        let mut walk = Walk { teacher: self, policies, answer, next: 0, tokens: Vec::new() };
        let is_whole = walk.list().is_some();
        ListTargets { tokens: walk.tokens, is_whole }
    }

    /// The logarithms of the masses of the tokens behind `prefix` that lead to titles of `open`.
    fn log_masses(&self, prefix: &Prefix, open: &FixedBitSet) -> Vec<(u32, f64)> {
        let titles = self.grammar.titles();
        let log_mass = |child: &Prefix| {
            let scores: Vec<f64> = titles.open_leaves(child, open).map(|leaf| self.scores[leaf]).collect();
            soft_maximum(&scores, 1.0)
        };
        titles.open_children(prefix, open).map(|(token, child)| (token, log_mass(&child))).collect()
    }
}

impl ListTargets {
    /// The example that teaches the targets: a weighted mean over them, in which forced tokens weigh `forced`; `None` where there are
    /// none. Beside it the entropy of the targets by the same weights, which is the loss of a model that has learnt them.
    pub fn example(self, prompt: &[u32], answer: &[u32], forced: f64) -> Option<(WeightedExample, f64)> {
        let end = self.tokens.last()?.at + 1;
        let tokens = [prompt, &answer[..end]].concat();
        let weight = |target: &TokenTarget| if target.is_choice { 1.0 } else { forced };
        let total: f64 = self.tokens.iter().map(weight).sum();
        if total <= 0.0 {
            return None;
        }
        let entropy: f64 = self.tokens.iter().map(|target| weight(target) / total * target.entropy()).sum();
        let position = |target: &TokenTarget| prompt.len() + target.at;
        let weights = self.tokens.iter().map(|target| (position(target), (weight(target) / total) as f32)).collect();
        let soft: BTreeMap<_, _> = self.tokens.into_iter().map(|target| (position(&target), target.shares)).collect();
        Some((WeightedExample { tokens, weights, soft }, entropy))
    }
}

impl TokenTarget {
    /// −Σ q log q, in nats.
    fn entropy(&self) -> f64 {
        self.shares.iter().map(|target| f64::from(target.share)).map(|share| -share * share.ln()).sum()
    }
}

/// An answer that is being followed.
struct Walk<'t, 'a> {
    teacher: &'t ListTeacher<'a>,
    policies: PolicyParts<'t>,
    answer: &'t [u32],
    /// The next token of the answer.
    next: usize,
    tokens: Vec<TokenTarget>,
}

/// The items that a list may still hold, as leaves of the trie.
struct Rest {
    /// `[classes]` The unused leaves of each class of interchangeable items.
    unused: Vec<FixedBitSet>,
    /// The proof that the list can be completed.
    plan: Feasible,
}

impl Walk<'_, '_> {
    /// Follows the list to its end; `None` where the answer ends or leads to where the teacher has nothing to say.
    fn list(&mut self) -> Option<()> {
        let grammar = self.teacher.grammar;
        let mut rest = Rest::new(&self.teacher.request, grammar.titles());
        for line in 0..self.teacher.request.k() as usize {
            grammar.line_start(line).iter().try_for_each(|&token| self.forced(token))?;
            rest = self.title(rest)?;
        }
        self.forced(grammar.end())
    }

    /// Takes the next token of the answer.
    fn take(&mut self) -> Option<(usize, u32)> {
        let at = self.next;
        self.next += 1;
        self.answer.get(at).map(|&token| (at, token))
    }

    /// A token without an alternative.
    fn forced(&mut self, expected: u32) -> Option<()> {
        let (at, token) = self.take()?;
        let shares = vec![TargetShare { id: expected, share: 1.0 }];
        self.tokens.push(TokenTarget { at, is_choice: false, shares });
        (token == expected).then_some(())
    }

    /// Follows a title; gives what the list may hold behind it.
    fn title(&mut self, rest: Rest) -> Option<Rest> {
        let titles = self.teacher.grammar.titles();
        let open = rest.open();
        let (mut prefix, mut is_allowed) = (titles.root(), true);
        let leaf = loop {
            if let Some(leaf) = titles.ended(&prefix) {
                break leaf;
            }
            let (at, token) = self.take()?;
            if is_allowed {
                let is_choice = titles.is_choice(&prefix);
                self.tokens.push(TokenTarget { at, is_choice, shares: self.shares(at, &prefix, &open) });
            }
            prefix = titles.child(&prefix, token)?;
            is_allowed &= titles.open_leaves(&prefix, &open).next().is_some();
        };
        if is_allowed { rest.with(leaf) } else { rest.behind_wasted_line(leaf) }
    }

    /// The probabilities of the tokens behind `prefix` that lead to titles of `open`, at token `at` of the answer.
    fn shares(&self, at: usize, prefix: &Prefix, open: &FixedBitSet) -> Vec<TargetShare> {
        let PolicyParts { reference, own } = self.policies;
        let mut log_masses = self.teacher.log_masses(prefix, open);
        let tokens: Vec<u32> = log_masses.iter().map(|(token, _)| *token).collect();
        if let Some((logits, weight)) = reference {
            let weight = f64::from(weight);
            for (token, log_mass) in &mut log_masses {
                *log_mass = (1.0 - weight) * *log_mass + weight * logits.of(at, *token);
            }
        }
        let mut shares = softmax(log_masses.into_iter().map(|(_, log_mass)| log_mass));
        if let Some((logits, weight)) = own {
            let own = softmax(tokens.iter().map(|token| logits.of(at, *token)));
            shares.iter_mut().zip(own).for_each(|(share, own)| *share = (*share + weight * own) / (1.0 + weight));
        }
        target_shares(tokens.into_iter().zip(shares).collect())
    }
}

fn softmax(logits: impl Iterator<Item = f64>) -> Vec<f64> {
    let logits: Vec<f64> = logits.collect();
    let total = soft_maximum(&logits, 1.0);
    logits.into_iter().map(|logit| (logit - total).exp()).collect()
}

impl Rest {
    fn new(request: &FeasibleRequest, titles: &Trie) -> Self {
        let leaves_of = |items: &crate::data::ItemSet| {
            let mut leaves = FixedBitSet::with_capacity(titles.leaves());
            leaves.extend(items.iter().filter_map(|item| titles.leaf(item)));
            leaves
        };
        Self { unused: request.classes().iter().map(leaves_of).collect(), plan: request.plan().clone() }
    }

    /// The leaves after which the list can be completed.
    fn open(&self) -> FixedBitSet {
        let mut open = FixedBitSet::with_capacity(self.unused.first().map_or(0, FixedBitSet::len));
        let classes = self.unused.iter().enumerate();
        classes.filter(|(class, _)| self.plan.take(*class).is_some()).for_each(|(_, unused)| open.union_with(unused));
        open
    }

    fn class_of(&self, leaf: usize) -> Option<usize> {
        self.unused.iter().position(|unused| unused.contains(leaf))
    }

    /// Takes an open leaf into the list.
    fn with(mut self, leaf: usize) -> Option<Self> {
        let class = self.class_of(leaf)?;
        self.unused[class].remove(leaf);
        Some(Self { plan: self.plan.take(class)?, ..self })
    }

    /// Leaves a line to a title that is not allowed, and does not want it later either; `None` where the list can no longer be completed.
    fn behind_wasted_line(mut self, leaf: usize) -> Option<Self> {
        let Problem { mut classes, bounds, left } = self.plan.problem().clone();
        if let Some(class) = self.class_of(leaf) {
            self.unused[class].remove(leaf);
            classes[class].available -= 1;
        }
        let problem = Problem { classes, bounds, left: left.checked_sub(1)? };
        Some(Self { plan: Feasible::new(problem).ok()?, ..self })
    }
}
