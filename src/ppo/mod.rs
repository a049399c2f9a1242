//! Proximal policy optimisation of lists (method §6–7): the policy answers, the catalogue and the teacher reward, the policy moves.
//!
//! What is computed per token stands in small files of plain numbers, each with its formula and its worked example: [`kl`] to the
//! reference policy, [`scale`] of rewards, [`advantage`]s, and the clipped [`loss`]es.

pub mod advantage;
pub mod kl;
pub mod lines;
pub mod loss;
pub mod scale;
