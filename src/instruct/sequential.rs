//! I0, sequential recommendation: the target, and after it the teacher's best items (method §4).

use super::example::ExampleDraft;
use super::user_context::UserContext;
use crate::task::{LIST_LENGTH, TaskFamily};

pub(super) fn draft(context: &UserContext) -> Option<ExampleDraft> {
    let length = context.draw_length(context.ranking.available().min(LIST_LENGTH));
    let target = context.case.target;
    let others = context.ranking.best(length - 1, |item| item != target);
    let items = [&[target], &others[..]].concat();
    let draft = ExampleDraft::new(TaskFamily::I0, context.request(), target, items);
    Some(draft.perhaps_from_candidates(context.shared, &context.stream))
}
