//! What writes for a Llama that may learn between two calls: the decode engine on a GPU, burn's graph elsewhere.

use std::ops::ControlFlow;

use tiller_kernels::device::gpu_of;
use tiller_kernels::quant::QuantScheme;

use crate::Result;
use crate::engine::{Engine, EngineOptions, max_batch};
use crate::llama::{self, GenerateOptions, Llama, LlamaConfig, TokenConstraint};

/// What a Llama writes with, call after call: on a GPU an engine, which stands as long as this does.
#[derive(Default)]
pub struct EngineCache {
    /// Made when it is first needed, with room for what was asked so far.
    engine: Option<Engine>,
}

impl EngineCache {
    /// What a hand takes of a GPU's memory, for as long as it lives, to write so many sequences of at most `max_tokens` by a model of these
    /// sizes whose projections are packed by `scheme`: bytes of its weights, and of everything beside them. Nothing where it writes
    /// through the graph.
    ///
    /// # Errors
    /// Heads that attention does not take.
    pub fn estimate_memory(
        llama: &LlamaConfig,
        scheme: Option<QuantScheme>,
        sequences: usize,
        max_tokens: usize,
    ) -> Result<Option<(usize, usize)>> {
        if !Engine::supports(llama) {
            return Ok(None);
        }
        let options = EngineOptions { rows: max_batch(sequences), max_tokens, scheme, ..EngineOptions::default() };
        let (weights, footprint) = Engine::estimate_memory(llama, &options)?;
        Ok(Some((weights, footprint.bytes())))
    }

    /// Takes over the low-rank parts that `llama` has now: after a step of training. The frozen weights are those of the first call.
    ///
    /// # Errors
    /// A device that does not give them back.
    pub fn load_adapter(&mut self, llama: &Llama) -> Result<()> {
        self.engine.as_mut().map_or(Ok(()), |engine| engine.load_adapter(llama))
    }

    /// [`llama::generate_constrained`], by the same model in every call but for what is [adopted](EngineCache::load_adapter). The tokens are the same on every
    /// device.
    ///
    /// # Errors
    /// As [`llama::generate_constrained`]; on a GPU also weights or sequences beyond its buffers.
    pub fn generate_constrained<G: TokenConstraint>(
        &mut self,
        llama: &Llama,
        prompts: &[Vec<u32>],
        constraints: &mut [G],
        stop: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        if gpu_of(&llama.device()).is_none() || !Engine::supports(llama.config()) {
            return llama::generate_constrained(llama, prompts, constraints, stop, options, on_token);
        }
        let engine = match &mut self.engine {
            Some(engine) => engine,
            none => none.insert(Engine::of(llama, EngineOptions::without_room())?),
        };
        engine.write(prompts, constraints, stop, options, on_token)
    }
}
