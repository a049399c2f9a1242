//! Attention over the cache, the keys split among workgroups, and the cache itself.

use super::builder::StepBuilder;
use super::launch::{Costs, Launch, Over};
use crate::kernel::Kernel;

/// Positions of a page of the cache.
pub const PAGE: usize = 16;

/// Keys that a workgroup takes at once.
const SPAN: usize = 64;

/// Invocations of the kernels around attention.
const WORKGROUP: usize = 64;

/// Query vectors of a workgroup at most: more would pass the workgroup memory that WebGPU promises.
const MOST_QUERIES: usize = 8;

/// The widest heads that attention takes.
pub const MOST_HEAD_WIDTH: usize = 4 * SPAN;

/// Spans of a split, in the variants that there are: many keys for few workgroups, or the other way round.
pub const SPANS: [usize; 3] = [1, 4, 16];

/// Query vectors of a workgroup where a sequence brings many tokens.
const TILE_QUERIES: usize = 64;

/// The widest heads of which a workgroup takes so many, in registers.
const TILE_WIDTH: usize = 128;

/// Coordinates of a head that an invocation of theirs takes four of.
const PART: usize = 32;

/// How the tokens of a step come: it decides how many of a sequence's queries share a read of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Queries {
    /// Every sequence brings one token, which goes into the cache on the way.
    #[default]
    One,
    /// Some sequences bring several: up to 8 queries share a read.
    Few,
    /// Some bring many, as prompts do: up to 64 queries share a read.
    Many,
}

impl Queries {
    const ALL: [Queries; 3] = [Queries::One, Queries::Few, Queries::Many];

    fn of_workgroup(self) -> usize {
        if self == Queries::Many { TILE_QUERIES } else { MOST_QUERIES }
    }

    /// Workgroups that keep a large GPU busy.
    fn busy(self) -> usize {
        if self == Queries::Many { 128 } else { 512 }
    }
}

/// How a model's heads are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Heads of queries.
    pub queries: usize,
    /// Heads of keys, and of values; divides the queries'.
    pub keys: usize,
    /// Numbers of a head: a multiple of 4, at most [`MOST_HEAD_WIDTH`].
    pub width: usize,
}

impl Heads {
    /// Query heads of a workgroup, which share a key head.
    pub(super) fn group(self, queries: Queries) -> usize {
        let sharing = self.queries / self.keys;
        (1..=queries.of_workgroup()).rev().find(|group| sharing.is_multiple_of(*group)).unwrap_or(1)
    }

    /// Tokens of a sequence that share a read of its keys.
    pub(super) fn tile(self, queries: Queries) -> usize {
        match queries {
            Queries::One => 1,
            _ => queries.of_workgroup() / self.group(queries),
        }
    }

    /// How to take sequences that bring so many tokens each. A tile of 64 queries is some four times the work of one of 8, full or not.
    pub(super) fn queries_for(self, lengths: impl Iterator<Item = usize> + Clone) -> Queries {
        let tiles = |queries| {
            let of_tokens: usize = lengths.clone().map(|length| length.div_ceil(self.tile(queries))).sum();
            of_tokens * (self.queries / self.group(queries))
        };
        if lengths.clone().all(|length| length == 1) {
            Queries::One
        } else if self.width <= TILE_WIDTH && 4 * tiles(Queries::Many) <= tiles(Queries::Few) {
            Queries::Many
        } else {
            Queries::Few
        }
    }

    fn quads(self) -> usize {
        self.width / 4
    }

    /// Numbers of a token's queries, keys and values.
    pub fn qkv_width(self) -> usize {
        (self.queries + 2 * self.keys) * self.width
    }

    /// Spans of a split where `tiles` tiles look at up to `keys` keys: as many as leave a large GPU busy.
    pub(super) fn spans(self, queries: Queries, tiles: usize, keys: usize) -> usize {
        let groups = self.queries / self.group(queries);
        let workgroups = |spans: &usize| tiles * groups * keys.div_ceil(split_keys(*spans));
        SPANS.into_iter().rev().find(|spans| workgroups(spans) >= queries.busy()).unwrap_or(SPANS[0])
    }

    /// Numbers that the splits of a step leave at most, for up to `tokens` tokens and `keys` keys.
    pub fn split_numbers(self, tokens: usize, keys: usize) -> usize {
        // Either splits are as long as can be, or fewer workgroups than four times those that keep a GPU busy.
        let longest = tokens * self.queries * keys.div_ceil(split_keys(SPANS[SPANS.len() - 1]));
        let shorter = Queries::ALL.map(|queries| 4 * queries.busy() * queries.of_workgroup());
        let vectors = shorter.into_iter().fold(longest, usize::max);
        vectors * (self.width + 4)
    }
}

/// Keys that a split of so many spans takes.
pub(super) fn split_keys(spans: usize) -> usize {
    spans * SPAN
}

/// Which variant of attention a step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Splits {
    /// Stretches of 64 keys in a split.
    pub spans: usize,
    /// How the tokens come.
    pub queries: Queries,
}

/// How the cache keeps keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KvFormat {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// 8-bit quants, one scale per vector.
    Int8,
}

impl KvFormat {
    /// Every format, widest first.
    pub const ALL: [KvFormat; 3] = [KvFormat::F32, KvFormat::F16, KvFormat::Int8];

    /// The name that users write.
    pub fn name(self) -> &'static str {
        match self {
            KvFormat::F32 => "f32",
            KvFormat::F16 => "f16",
            KvFormat::Int8 => "int8",
        }
    }

    /// Bytes of a key or a value, of one head.
    fn vector_bytes(self, width: usize) -> usize {
        match self {
            KvFormat::F32 => 4 * width,
            KvFormat::F16 => 2 * width,
            KvFormat::Int8 => width + 4,
        }
    }

    /// Bytes of the keys and values of one position, of all heads.
    pub fn position_bytes(self, heads: Heads) -> usize {
        2 * heads.keys * self.vector_bytes(heads.width)
    }
}

impl std::fmt::Display for KvFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The buffers that attention works on.
#[derive(Debug, Clone, Copy)]
pub struct AttentionBuffers<'a> {
    /// The model's heads.
    pub heads: Heads,
    /// How the cache keeps keys and values.
    pub format: KvFormat,
    /// Queries, keys and values of the step: `[tokens, q, k, v]`.
    pub qkv: &'a wgpu::Buffer,
    /// Pages of [`PAGE`] positions, of [`KvFormat::position_bytes`] each.
    pub cache: &'a wgpu::Buffer,
    /// What the splits leave: [`Heads::split_numbers`].
    pub split_sums: &'a wgpu::Buffer,
    /// `[tokens, stride]`: a token's heads one after the other.
    pub y: &'a wgpu::Buffer,
    /// Numbers between two tokens of y.
    pub stride: usize,
}

impl StepBuilder<'_> {
    /// Takes the keys and values of a step into the cache: before attention where a sequence brings several tokens.
    pub fn append(&mut self, attention: AttentionBuffers) -> Launch {
        let AttentionBuffers { heads, format, qkv, cache, .. } = attention;
        let buffers = [qkv, cache, self.step_inputs].map(wgpu::Buffer::as_entire_binding);
        let step = self.pipelines.step(&append_kernel(heads, format), &buffers, 1);
        Launch::new(step, Over::Tokens(heads.keys), Costs::default())
    }

    /// y = Σ softmax(q kᵀ / √width) v over the keys up to each token's position, as a step inputs of such
    /// splits says.
    ///
    /// With [`Queries::One`], the tokens' keys and values are taken into the cache on the way.
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

pub(super) fn append_kernel(heads: Heads, format: KvFormat) -> Kernel {
    with_cache(Kernel::new("decode_append"), heads, format)
        .with("HEADS", heads.queries as u32)
        .with("WORKGROUP", WORKGROUP as u32)
}

/// The variants of attention, best first.
pub(super) fn variants(heads: Heads, format: KvFormat, Splits { spans, queries }: Splits) -> Vec<Kernel> {
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

pub(super) fn merge_kernel(heads: Heads, spans: usize, stride: usize) -> Kernel {
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
