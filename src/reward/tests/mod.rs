//! Rewards worked by hand, and against a slow implementation that shares no code with them.

mod slow;
mod tables;
mod toy;
