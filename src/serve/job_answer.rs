//! The answer to a job: the record of its list, and why each item is there.

use super::answer::{Answer, AnswerItem, Wanted, Why, counts_for};
use super::queue::{Job, Writing};
use super::teacher_view::TeacherView;
use crate::data::Catalogue;
use crate::recommend::CheckedItem;
use crate::recommend::recommender::List;
use crate::recommend::record::ListRecord;
use crate::recommend::trace::LineTrace;

/// The answer to a job, with a reason for each item.
pub(super) fn answer(job: &Job, list: &List, reasons: Vec<Why>, catalogue: &Catalogue) -> Answer {
    let Writing { by, decode, guide } = job.writing;
    let record = ListRecord::new(job.user.as_deref(), &job.prepared, decode, list, catalogue);
    let record = ListRecord { guide_weight: guide, ..record };
    let mut reasons = reasons.into_iter();
    let with_reasons = |item| AnswerItem { why: reasons.next(), ..AnswerItem::new(item, catalogue) };
    Answer { record: record.map_items(with_reasons), by, taught: false, prompt_tokens: 0 }
}

/// Why an item of the model's list is there. The teacher ranks it, if there is one.
pub(super) fn model_reason(
    item: &CheckedItem,
    trace: Option<&LineTrace>,
    view: Option<&TeacherView>,
    job: &Job,
) -> Why {
    let trace = trace.filter(|trace| trace.choices > 0);
    let changed = trace.and_then(|trace| trace.changed.as_ref());
    Why {
        rank: view.zip(item.item).map(|(view, item)| view.rank(item)),
        probability: trace.map(|trace| trace.log_prob.exp()),
        wanted: changed.map(|changed| Wanted { title: changed.wanted.clone(), probability: changed.removed }),
        counts_for: item.item.map(|item| counts_for(item, job.prepared.compiled())).unwrap_or_default(),
    }
}
