//! What writes for a Llama that may learn between two calls: the decode engine on a GPU, burn's graph elsewhere.

use std::ops::ControlFlow;

use tiller_kernels::device::gpu_of;

use crate::Result;
use crate::engine::{Engine, EngineOptions};
use crate::llama::{self, GenerateOptions, Guide, Llama};

/// What a Llama writes with, call after call: on a GPU an engine, which stands as long as this does.
#[derive(Default)]
pub struct Hand {
    /// Made when it is first needed, with room for what was asked so far.
    engine: Option<Engine>,
}

impl Hand {
    /// Takes over the low-rank parts that `llama` has now: after a step of training. The frozen weights are those of the first call.
    ///
    /// # Errors
    /// A device that does not give them back.
    pub fn adopt(&mut self, llama: &Llama) -> Result<()> {
        self.engine.as_mut().map_or(Ok(()), |engine| engine.adopt(llama))
    }

    /// [`llama::generate_guided`], by the same model in every call but for what is [adopted](Hand::adopt). The tokens are the same on every
    /// device.
    ///
    /// # Errors
    /// As [`llama::generate_guided`]; on a GPU also weights or sequences beyond its buffers.
    pub fn generate_guided<G: Guide>(
        &mut self,
        llama: &Llama,
        prompts: &[Vec<u32>],
        guides: &mut [G],
        stop: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(usize, u32) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u32>>> {
        if gpu_of(&llama.device()).is_none() || !Engine::takes(llama.config()) {
            return llama::generate_guided(llama, prompts, guides, stop, options, on_token);
        }
        let engine = match &mut self.engine {
            Some(engine) => engine,
            none => none.insert(Engine::of(llama, EngineOptions::without_room())?),
        };
        engine.write(prompts, guides, stop, options, on_token)
    }
}
