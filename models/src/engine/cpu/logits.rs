//! The logits of a step's requests: of the whole vocabulary, or of the allowed tokens alone.

use tiller_kernels::decode::{LogitsRequest, SampledToken};
use tiller_kernels::decode_cpu::{Columns, PanelOutput, product, product_of_rows, rms_norm_row};

use super::sample::sample;
use super::{CpuExecutor, StepToken};
use crate::generate::Sampling;

impl CpuExecutor {
    /// Samples the tokens of all requests into their slots.
    pub(super) fn sample(&mut self, tokens: &[StepToken], requests: &[LogitsRequest], sampling: Sampling) {
        let (full, listed) = requests.split_at(requests.partition_point(|request| request.full));
        let at_once = super::super::executor::Executor::limits(self).requests;
        for requests in full.chunks(at_once) {
            self.sample_from_all(tokens, requests, sampling);
        }
        self.sample_from_lists(tokens, listed, sampling);
    }

    /// logits = W norm(x)
    fn sample_from_all(&mut self, tokens: &[StepToken], requests: &[LogitsRequest], sampling: Sampling) {
        let columns = self.columns_of(requests);
        let mut y = PanelOutput::default();
        product(&self.weights.lm_head, &columns, &mut y, self.pool, self.isa);
        if let Some(low_rank) = self.adapters.as_ref().and_then(|adapters| adapters.lm_head.as_ref()) {
            let adapters = requests.iter().map(|request| tokens[request.token].adapter);
            low_rank.add(&columns, adapters, &mut y, self.pool, self.isa);
        }
        self.work.launches += 1;
        self.work.bytes += self.weights.lm_head.bytes();
        let (vocab_size, isa) = (self.config.vocab_size, self.isa);
        self.set_sampled(requests, |number, request| {
            let mut all = vec![0.0; vocab_size];
            y.read(number, &mut all);
            sample(request, Some(&all), &[], sampling, isa)
        });
    }

    /// The logits of the listed tokens are those rows of W alone.
    fn sample_from_lists(&mut self, tokens: &[StepToken], requests: &[LogitsRequest], sampling: Sampling) {
        let columns = self.columns_of(requests);
        let (pool, isa, lm_head) = (self.pool, self.isa, &self.weights.lm_head);
        let low_rank = self.adapters.as_ref().and_then(|adapters| adapters.lm_head.as_ref());
        let adapters: Vec<usize> = requests.iter().map(|request| tokens[request.token].adapter).collect();
        let quantize = self.options.integer_products;
        let logits = |number: usize, list: &[u32]| {
            let mut column = Columns::default();
            column.set([1, columns.width()], quantize, pool, isa, |_, x| x.copy_from_slice(columns.floats(number)));
            let mut logits = product_of_rows(lm_head, list, &column, isa);
            let added = low_rank.and_then(|low_rank| low_rank.of_rows(adapters[number], list, &column, pool, isa));
            logits.iter_mut().zip(added.into_iter().flatten()).for_each(|(logit, added)| *logit += added);
            logits
        };
        let mut sampled = vec![None; requests.len()];
        pool.for_each(sampled.iter_mut().zip(requests), |number, (sampled, request)| {
            let logits = logits(number, request.list.unwrap_or_default());
            *sampled = Some(sample(request, None, &logits, sampling, isa));
        });
        for (request, sampled) in requests.iter().zip(sampled) {
            self.sampled[request.slot] = sampled.expect("every request was answered");
        }
    }

    /// norm(x) of the tokens of `requests`.
    fn columns_of(&self, requests: &[LogitsRequest]) -> Columns {
        let (d_model, isa, epsilon) = (self.config.d_model, self.isa, self.config.rms_eps as f32);
        let mut columns = Columns::default();
        columns.set([requests.len(), d_model], self.options.integer_products, self.pool, isa, |number, column| {
            let x = &self.activations.x[requests[number].token * d_model..][..d_model];
            rms_norm_row(x, &self.weights.norm, epsilon, column, isa);
        });
        columns
    }

    /// Sets the sampled token of every request.
    fn set_sampled(&mut self, requests: &[LogitsRequest], of: impl Fn(usize, &LogitsRequest) -> SampledToken + Sync) {
        let mut sampled = vec![None; requests.len()];
        self.pool.for_each(sampled.iter_mut().zip(requests), |number, (sampled, request)| {
            *sampled = Some(of(number, request))
        });
        for (request, sampled) in requests.iter().zip(sampled) {
            self.sampled[request.slot] = sampled.expect("every request was answered");
        }
    }
}
