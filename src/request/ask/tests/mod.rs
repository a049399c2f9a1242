//! Texts and what they ask for: a table by hand, and everything that tiller says itself.

mod catalogues;
mod clauses;
mod generated;
mod polite;
mod properties;
mod scopes;
mod sheets;
mod table;
mod topics;
mod unseen;
mod voices;

use self::catalogues::{arcade, cinema, films};
