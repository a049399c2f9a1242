//! Attention of a decoding step over the KV cache, the keys split among workgroups (flash-decoding).

use super::builder::StepBuilder;
use super::heads::{Heads, KvFormat, MOST_HEAD_WIDTH, PAGE, Queries, SPANS, Splits, TILE_WIDTH};
use super::launch::{Costs, Launch, Over};
use crate::kernel::Kernel;

/// Invocations of the kernels around attention.
const WORKGROUP: usize = 64;

/// Coordinates of a head that an invocation of theirs takes four of.
const PART: usize = 32;

/// The buffers that attention works on.
#[derive(Debug, Clone, Copy)]
pub struct AttentionBuffers<'a> {
    /// The model's heads.
    pub heads: Heads,
    /// The format of keys and values in the cache.
    pub format: KvFormat,
    /// Queries, keys and values of the step: `[tokens, q, k, v]`.
    pub qkv: &'a wgpu::Buffer,
    /// Pages of [`PAGE`] positions, of [`KvFormat::position_bytes`] each.
    pub cache: &'a wgpu::Buffer,
    /// The partial results of the splits: [`Heads::split_numbers`].
    pub split_sums: &'a wgpu::Buffer,
    /// `[tokens, stride]`: a token's heads one after the other.
    pub y: &'a wgpu::Buffer,
    /// Numbers between two tokens of y.
    pub stride: usize,
}

impl StepBuilder<'_> {
    /// Writes the keys and values of a step into the cache, before attention, where a sequence brings several
    /// tokens.
    pub fn append(&mut self, attention: AttentionBuffers) -> Launch {
        let AttentionBuffers { heads, format, qkv, cache, .. } = attention;
        let buffers = [qkv, cache, self.step_inputs].map(wgpu::Buffer::as_entire_binding);
        let step = self.pipelines.step(&append_kernel(heads, format), &buffers, 1);
        Launch::new(step, Over::Tokens(heads.keys), Costs::default())
    }

    /// y = Σ softmax(q kᵀ / √width) v over the keys up to each token's position, for step inputs of these
    /// splits.
    ///
    /// With [`Queries::One`], the tokens' keys and values are written into the cache as well.
    pub fn attend(&mut self, attention: AttentionBuffers, splits: Splits) -> [Launch; 2] {
        let AttentionBuffers { heads, format, qkv, cache, split_sums, y, stride } = attention;
        let kernel = self.best(variants(heads, format, splits));
        let buffers = [qkv, cache, split_sums, self.step_inputs].map(wgpu::Buffer::as_entire_binding);
        let groups = heads.queries / heads.group(splits.queries);
        let costs = Costs {
            key: groups * 2 * format.vector_bytes(heads.width),
            pair: 4 * heads.queries * heads.width,
            ..Costs::default()
        };
        let attend = Launch::new(self.pipelines.step(&kernel, &buffers, 1), Over::Tiles(groups), costs);

        let buffers = [split_sums, y, self.step_inputs].map(wgpu::Buffer::as_entire_binding);
        let step = self.pipelines.step(&merge_kernel(heads, splits.spans, stride), &buffers, 1);
        let over = Over::Numbers { each: heads.queries * heads.quads(), workgroup: WORKGROUP };
        [attend, Launch::new(step, over, Costs::default())]
    }
}

/// The constants of `lib/kv_cache.wgsl`.
fn with_cache(kernel: Kernel, heads: Heads, format: KvFormat) -> Kernel {
    let format = match format {
        KvFormat::F32 => 0u32,
        KvFormat::F16 => 1,
        KvFormat::Int8 => 2,
    };
    kernel
        .with("KV", format)
        .with("KV_HEADS", heads.keys as u32)
        .with("QUADS", heads.quads() as u32)
        .with("PAGE", PAGE as u32)
}

pub(crate) fn append_kernel(heads: Heads, format: KvFormat) -> Kernel {
    with_cache(Kernel::new("decode_append"), heads, format)
        .with("HEADS", heads.queries as u32)
        .with("WORKGROUP", WORKGROUP as u32)
}

/// The variants of attention, best first.
pub(crate) fn variants(heads: Heads, format: KvFormat, Splits { spans, queries }: Splits) -> Vec<Kernel> {
    let kernel = |shader| {
        with_cache(Kernel::new(shader), heads, format)
            .with("HEADS", heads.queries as u32)
            .with("GROUP", heads.group(queries) as u32)
            .with("SPANS", spans as u32)
    };
    match queries {
        Queries::Many => vec![kernel("decode_attention_tile").with("PARTS", heads.width.div_ceil(PART) as u32)],
        Queries::One | Queries::Few => kernel("decode_attention")
            .with("TOKENS", heads.tile(queries) as u32)
            .with("APPEND", queries == Queries::One)
            .reduction_variants()
            .to_vec(),
    }
}

pub(crate) fn merge_kernel(heads: Heads, spans: usize, stride: usize) -> Kernel {
    Kernel::new("decode_merge")
        .with("HEADS", heads.queries as u32)
        .with("QUADS", heads.quads() as u32)
        .with("SPANS", spans as u32)
        .with("STRIDE", (stride / 4) as u32)
        .with("WORKGROUP", WORKGROUP as u32)
}

/// Every variant for sample heads, the widest among them, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    let samples = [
        Heads { queries: 9, keys: 3, width: 64 },
        Heads { queries: 8, keys: 8, width: 80 },
        Heads { queries: 4, keys: 1, width: TILE_WIDTH },
        Heads { queries: 16, keys: 1, width: MOST_HEAD_WIDTH },
    ];
    let mut kernels = Vec::new();
    for heads in samples {
        kernels.push(merge_kernel(heads, 1, heads.queries * heads.width));
        for format in KvFormat::ALL {
            kernels.push(append_kernel(heads, format));
            for spans in SPANS {
                for queries in Queries::ALL {
                    if queries != Queries::Many || heads.width <= TILE_WIDTH {
                        kernels.extend(variants(heads, format, Splits { spans, queries }));
                    }
                }
            }
        }
    }
    kernels
}
