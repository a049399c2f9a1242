//! I0: what does the user take next? The target, and after it the teacher's best (method §4).

use super::asked::UserContext;
use super::example::ExampleDraft;
use super::recipe::LIST_LENGTH;
use super::task::TaskFamily;

pub(super) fn draft(context: &UserContext) -> Option<ExampleDraft> {
    let length = context.draw_length(context.ranking.available().min(LIST_LENGTH));
    let target = context.case.target;
    let others = context.ranking.best(length - 1, |item| item != target);
    let items = [&[target], &others[..]].concat();
    Some(
        ExampleDraft::new(TaskFamily::I0, context.request(), target, items)
            .perhaps_from_candidates(context.shared, &context.stream),
    )
}
