//! The choice of a token from its logits, with what [`SampledToken`] tells of them.

use tiller_kernels::decode::{ListBias, LogitsRequest, SampledToken};
use tiller_kernels::decode_cpu::{Isa, log_sum_exp};

use crate::generate::Sampling;

/// Samples the token of a request from the logits of the whole vocabulary, or from those of its list.
pub(super) fn sample(
    request: &LogitsRequest,
    all: Option<&[f32]>,
    listed: &[f32],
    sampling: Sampling,
    isa: Isa,
) -> SampledToken {
    let of_list: Vec<f32>;
    let candidates = match (request.list, all) {
        (Some(list), Some(all)) => {
            of_list = list.iter().map(|token| all[*token as usize]).collect();
            &of_list
        }
        (_, all) => all.unwrap_or(listed),
    };
    let biased: Vec<f32>;
    let scores = match request.bias {
        Some(ListBias { weight, biases }) => {
            biased = candidates.iter().zip(biases).map(|(logit, bias)| weight * logit + bias).collect();
            &biased
        }
        None => candidates,
    };
    let picked = sampling.pick(scores, request.uniform);
    let best = match (all, sampling) {
        (Some(_), Sampling::Greedy) if request.list.is_none() => picked,
        (Some(all), _) => Sampling::Greedy.pick(all, 0.0),
        (None, _) => Some(0),
    };
    let index = picked.unwrap_or(0) as usize;
    let log_sum_allowed = log_sum_exp(candidates, isa);
    let log_sum = match (all, request.list) {
        (Some(all), Some(_)) => log_sum_exp(all, isa),
        _ => log_sum_allowed,
    };
    SampledToken {
        token: request.list.map_or(index as u32, |list| list.get(index).copied().unwrap_or(0)),
        logit: candidates.get(index).copied().unwrap_or(f32::NAN),
        log_sum,
        log_sum_allowed,
        argmax_token: best.unwrap_or(0),
        finite: picked.is_some() && best.is_some(),
    }
}
