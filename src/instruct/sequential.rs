//! I0: what does the user take next? The target, and after it the teacher's best (method §4).

use super::asked::Asked;
use super::example::Draft;
use super::recipe::LIST_LENGTH;
use super::task::Task;

pub(super) fn draft(asked: &Asked) -> Option<Draft> {
    let length = asked.draw_length(asked.ranking.available().min(LIST_LENGTH));
    let target = asked.case.target;
    let others = asked.ranking.best(length - 1, |item| item != target);
    let items = [&[target], &others[..]].concat();
    Some(Draft::new(Task::I0, asked.request(), target, items).perhaps_from_candidates(asked.world, &asked.chance))
}
