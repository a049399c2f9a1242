//! Conditions on an item as logic, and the rules of a request that state them.
//!
//! A request can state a conjunction of simple rules: in a category, not in one, a field's value or bound, and "none of these at once".
//! Every formula has a conjunctive normal form, and each of its clauses is such a rule: `a or b` is "none of `not a and not b`".

use super::lexicon::{CategoryTerm, Lexicon};
use crate::data::CategoryId;
use crate::request::Predicate;

/// A condition on an item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Formula {
    Is(Literal),
    Not(Box<Formula>),
    /// True where it is empty.
    All(Vec<Formula>),
    /// False where it is empty.
    Any(Vec<Formula>),
}

/// A condition that says one thing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// In one of some categories.
    Category(Vec<CategoryId>),
    /// A field has one of some values.
    Value { column: usize, any_of: Vec<String> },
    /// A field's number lies on one side of a bound.
    Bound(NumberBound),
    /// A condition in the notation of the flags.
    Condition(Predicate),
}

/// One end of a stretch of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NumberBound {
    pub column: usize,
    /// True for a lower bound.
    pub low: bool,
    pub at: f64,
    pub included: bool,
}

/// A literal, or its opposite.
#[derive(Debug, Clone, PartialEq)]
struct Signed {
    holds: bool,
    literal: Literal,
}

/// A part of a request that every item keeps.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    In(CategoryId),
    NotIn(CategoryId),
    Every(Predicate),
    None(Predicate),
}

/// The most clauses of a normal form; nobody says more.
const MOST_CLAUSES: usize = 256;

impl Formula {
    /// The formula of a category term: one of each of its groups.
    pub fn of_term(term: &CategoryTerm) -> Self {
        Self::all(term.all.iter().map(|any_of| Self::Is(Literal::Category(any_of.clone()))))
    }

    pub fn category(id: CategoryId) -> Self {
        Formula::Is(Literal::Category(vec![id]))
    }

    pub fn value(column: usize, value: &str) -> Self {
        Formula::Is(Literal::Value { column, any_of: vec![value.to_owned()] })
    }

    pub fn condition(condition: Predicate) -> Self {
        Formula::Is(Literal::Condition(condition))
    }

    pub fn anything() -> Self {
        Formula::All(Vec::new())
    }

    pub fn is_anything(&self) -> bool {
        matches!(self, Formula::All(parts) if parts.is_empty())
    }

    pub fn opposite(self) -> Self {
        match self {
            Formula::Not(inner) => *inner,
            other => Formula::Not(Box::new(other)),
        }
    }

    pub fn and(self, other: Formula) -> Self {
        Self::all([self, other])
    }

    /// This condition with what `newer` says about the same fields in the place of its own parts.
    pub fn corrected_by(self, newer: Formula) -> Self {
        let parts = if let Formula::All(parts) = self { parts } else { vec![self] };
        let fields = newer.fields();
        let stays = |part: &Formula| !part.fields().iter().any(|field| fields.contains(field));
        Self::all(parts.into_iter().filter(stays).chain([newer]))
    }

    /// The categories that an item may lie in to satisfy it.
    pub fn wanted(&self) -> Vec<CategoryId> {
        match self {
            Formula::Is(Literal::Category(ids)) => ids.clone(),
            Formula::All(parts) | Formula::Any(parts) => parts.iter().flat_map(Formula::wanted).collect(),
            _ => Vec::new(),
        }
    }

    /// The conditions of "comedies or dramas from the nineties" with one of the two each; `None` where it has not two alternatives.
    pub fn two_kinds(&self) -> Option<[Formula; 2]> {
        match self {
            Formula::Any(parts) => parts.clone().try_into().ok(),
            Formula::All(parts) => {
                let at = parts.iter().position(|part| part.two_kinds().is_some())?;
                let others =
                    || parts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, part)| part.clone());
                parts[at].two_kinds().map(|two| two.map(|one| Formula::all(others().chain([one]))))
            }
            _ => None,
        }
    }

    /// The columns that it is about; none stands for the categories.
    fn fields(&self) -> Vec<Option<usize>> {
        match self {
            Formula::Is(Literal::Category(_)) => vec![None],
            Formula::Is(Literal::Value { column, .. } | Literal::Bound(NumberBound { column, .. })) => {
                vec![Some(*column)]
            }
            Formula::Is(Literal::Condition(_)) => Vec::new(),
            Formula::Not(inner) => inner.fields(),
            Formula::All(parts) | Formula::Any(parts) => parts.iter().flat_map(Formula::fields).collect(),
        }
    }

    /// All of some formulas, flat.
    pub fn all(parts: impl IntoIterator<Item = Formula>) -> Self {
        let mut flat: Vec<Formula> = Vec::new();
        for part in parts {
            match part {
                Formula::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        flat = flat.into_iter().fold(Vec::new(), |mut kept, part| {
            if !kept.contains(&part) {
                kept.push(part);
            }
            kept
        });
        if flat.len() == 1 { flat.remove(0) } else { Formula::All(flat) }
    }

    /// One of some formulas.
    pub fn any(parts: impl IntoIterator<Item = Formula>) -> Self {
        let mut parts: Vec<Formula> = parts.into_iter().collect();
        if parts.len() == 1 { parts.remove(0) } else { Formula::Any(parts) }
    }

    /// The rules that together state that every item satisfies the formula; `None` where rules cannot state it.
    pub fn rules(&self, lexicon: &Lexicon) -> Option<Vec<Rule>> {
        let mut rules = Vec::new();
        for clause in paired(self.clauses()?) {
            match clause {
                Clause::Stretch(low, high) => {
                    rules.push(Rule::Every(Predicate::all([bound(low, lexicon)?, bound(high, lexicon)?])));
                }
                Clause::Any(literals) => rules.extend(clause_rules(&literals, lexicon)?),
            }
        }
        Some(rules)
    }

    /// The condition that an item satisfies the formula; `None` where no condition says so.
    pub fn predicate(&self, lexicon: &Lexicon) -> Option<Predicate> {
        let mut terms = Vec::new();
        let clauses = paired(self.clauses()?);
        let alone = clauses.len() == 1;
        for clause in clauses {
            match clause {
                Clause::Stretch(low, high) => terms.extend([bound(low, lexicon)?, bound(high, lexicon)?]),
                Clause::Any(literals) => terms.push(term(&literals, alone, lexicon)?),
            }
        }
        (!terms.is_empty()).then(|| Predicate::all(terms))
    }

    /// The conjunctive normal form.
    fn clauses(&self) -> Option<Vec<Vec<Signed>>> {
        let mut clauses: Vec<Vec<Signed>> = Vec::new();
        for clause in self.normal(true)? {
            if let Some(clause) = simplified(clause)
                && !clauses.contains(&clause)
            {
                clauses.push(clause);
            }
        }
        let stronger =
            |a: &Vec<Signed>, b: &Vec<Signed>| a.len() < b.len() && a.iter().all(|literal| b.contains(literal));
        let all = clauses.clone();
        clauses.retain(|clause| !all.iter().any(|other| stronger(other, clause)));
        Some(clauses)
    }

    fn normal(&self, holds: bool) -> Option<Vec<Vec<Signed>>> {
        match (self, holds) {
            (Formula::Is(literal), _) => Some(vec![vec![Signed { holds, literal: literal.clone() }]]),
            (Formula::Not(inner), _) => inner.normal(!holds),
            (Formula::All(parts), true) | (Formula::Any(parts), false) => {
                let each: Option<Vec<_>> = parts.iter().map(|part| part.normal(holds)).collect();
                Some(each?.concat()).filter(|clauses| clauses.len() <= MOST_CLAUSES)
            }
            (Formula::All(parts), false) | (Formula::Any(parts), true) => {
                parts.iter().try_fold(vec![Vec::new()], |product: Vec<Vec<Signed>>, part| {
                    let clauses = part.normal(holds)?;
                    let joined = |clause: &Vec<Signed>| {
                        let clause = clause.clone();
                        product.iter().map(move |before| [&before[..], &clause].concat())
                    };
                    let product: Vec<_> = clauses.iter().flat_map(joined).collect();
                    (product.len() <= MOST_CLAUSES).then_some(product)
                })
            }
        }
    }
}

/// A clause of a normal form, or two of them that are the ends of one stretch.
enum Clause {
    Any(Vec<Signed>),
    Stretch(NumberBound, NumberBound),
}

/// Puts the two ends of a stretch together.
fn paired(clauses: Vec<Vec<Signed>>) -> Vec<Clause> {
    let mut paired: Vec<Clause> = Vec::new();
    for clause in clauses {
        let partner = as_bound(&clause).and_then(|end| {
            let start = |clause: &Clause| match clause {
                Clause::Any(one) => as_bound(one).filter(|start| start.column == end.column && start.low != end.low),
                Clause::Stretch(..) => None,
            };
            let (at, start) = paired.iter().enumerate().find_map(|(at, one)| Some((at, start(one)?)))?;
            Some((at, if start.low { Clause::Stretch(start, end) } else { Clause::Stretch(end, start) }))
        });
        match partner {
            Some((at, stretch)) => paired[at] = stretch,
            None => paired.push(Clause::Any(clause)),
        }
    }
    paired
}

/// The bound that a clause of one literal states.
fn as_bound(clause: &[Signed]) -> Option<NumberBound> {
    match clause {
        [Signed { holds, literal: Literal::Bound(bound) }] => Some(if *holds { *bound } else { bound.opposite() }),
        _ => None,
    }
}

impl NumberBound {
    /// The numbers on the other side.
    fn opposite(self) -> Self {
        Self { low: !self.low, included: !self.included, ..self }
    }

    /// The wider one of two bounds of one direction.
    fn wider(self, other: NumberBound) -> NumberBound {
        let further = if self.low { other.at < self.at } else { other.at > self.at };
        if further || (other.at == self.at && other.included) { other } else { self }
    }
}

/// A clause without what it says twice; `None` where every item satisfies it.
fn simplified(clause: Vec<Signed>) -> Option<Vec<Signed>> {
    let mut kept: Vec<Signed> = Vec::new();
    let mut bounds: Vec<NumberBound> = Vec::new();
    for Signed { holds, literal } in clause {
        if let Literal::Bound(bound) = literal {
            let bound = if holds { bound } else { bound.opposite() };
            match bounds.iter_mut().find(|other| other.column == bound.column && other.low == bound.low) {
                Some(other) => *other = other.wider(bound),
                None => bounds.push(bound),
            }
            continue;
        }
        if kept.contains(&Signed { holds: !holds, literal: literal.clone() }) {
            return None;
        }
        let next = Signed { holds, literal };
        if !kept.contains(&next) {
            kept.push(next);
        }
    }
    let overlaps = |low: &NumberBound| {
        let beyond = |high: &NumberBound| low.at < high.at || (low.at == high.at && (low.included || high.included));
        bounds.iter().any(|high| !high.low && high.column == low.column && beyond(high))
    };
    if bounds.iter().any(|low| low.low && overlaps(low)) {
        return None;
    }
    kept.extend(bounds.into_iter().map(|bound| Signed { holds: true, literal: Literal::Bound(bound) }));
    Some(kept)
}

/// The rules that state a clause.
fn clause_rules(clause: &[Signed], lexicon: &Lexicon) -> Option<Vec<Rule>> {
    match clause {
        [Signed { holds: false, literal: Literal::Category(ids) }] => {
            Some(ids.iter().map(|&id| Rule::NotIn(id)).collect())
        }
        [Signed { holds: true, literal: Literal::Category(ids) }] if ids.len() == 1 => Some(vec![Rule::In(ids[0])]),
        [Signed { holds: false, literal: Literal::Condition(condition) }] => Some(vec![Rule::None(condition.clone())]),
        several => {
            if let Some(term) = term(several, false, lexicon) {
                return Some(vec![Rule::Every(term)]);
            }
            let opposites = several
                .iter()
                .map(|one| term(&[Signed { holds: !one.holds, literal: one.literal.clone() }], false, lexicon));
            Some(vec![Rule::None(Predicate::all(opposites.collect::<Option<Vec<_>>>()?))])
        }
    }
}

/// The term that states a clause over one field; a category `alone` is called by its name.
fn term(clause: &[Signed], alone: bool, lexicon: &Lexicon) -> Option<Predicate> {
    let first = clause.first()?;
    let same_sign = clause.iter().all(|one| one.holds == first.holds);
    if !same_sign || (clause.len() > 1 && !first.holds) {
        return None;
    }
    let operator = if first.holds { "=" } else { "!=" };
    match &first.literal {
        Literal::Category(_) => {
            let mut ids: Vec<CategoryId> = Vec::new();
            for one in clause {
                let Literal::Category(more) = &one.literal else { return None };
                ids.extend(more);
            }
            let unique = ids.iter().enumerate().filter(|(at, id)| !ids[..*at].contains(id)).map(|(_, id)| *id);
            let ids: Vec<CategoryId> = unique.collect();
            match (alone && first.holds, ids.as_slice()) {
                (true, [id]) => Some(Predicate::category(*id, lexicon.catalogue)),
                _ if first.holds => Some(Predicate::any_category(&ids, lexicon.catalogue)),
                _ => {
                    let names: Vec<_> =
                        ids.iter().map(|id| lexicon.catalogue.categories()[id.index()].as_str()).collect();
                    parse(&format!("category!={}", names.join("|")), lexicon)
                }
            }
        }
        Literal::Value { column, .. } => {
            let mut values: Vec<String> = Vec::new();
            for one in clause {
                match &one.literal {
                    Literal::Value { column: other, any_of } if other == column => {
                        values
                            .extend(any_of.iter().filter(|value| !values.contains(value)).cloned().collect::<Vec<_>>());
                    }
                    _ => return None,
                }
            }
            parse(&format!("{}{operator}{}", lexicon.catalogue.attributes()[*column], values.join("|")), lexicon)
        }
        Literal::Bound(_) => bound(as_bound(clause)?, lexicon),
        Literal::Condition(condition) => (clause.len() == 1 && first.holds).then(|| condition.clone()),
    }
}

/// The condition that a number lies within a bound.
fn bound(bound: NumberBound, lexicon: &Lexicon) -> Option<Predicate> {
    let operator = match (bound.low, bound.included) {
        (true, true) => ">=",
        (true, false) => ">",
        (false, true) => "<=",
        (false, false) => "<",
    };
    parse(&format!("{}{operator}{}", lexicon.catalogue.attributes()[bound.column], bound.at), lexicon)
}

fn parse(text: &str, lexicon: &Lexicon) -> Option<Predicate> {
    Predicate::parse(text, lexicon.catalogue).ok()
}
