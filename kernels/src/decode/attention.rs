//! Attention over the cache, the keys split among workgroups, and the cache itself.

use super::builder::Builder;
use super::launch::{Launch, Over, Reads};
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

/// Workgroups that keep a large GPU busy.
const BUSY: usize = 512;

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
    pub(super) fn group(self) -> usize {
        let sharing = self.queries / self.keys;
        (1..=MOST_QUERIES).rev().find(|group| sharing.is_multiple_of(*group)).unwrap_or(1)
    }

    /// Tokens of a sequence that share a read of its keys where a step has several of them.
    pub(super) fn tile(self) -> usize {
        MOST_QUERIES / self.group()
    }

    fn quads(self) -> usize {
        self.width / 4
    }

    /// Numbers of a token's queries, keys and values.
    pub fn qkv_width(self) -> usize {
        (self.queries + 2 * self.keys) * self.width
    }

    /// Spans of a split where `tiles` tiles look at up to `keys` keys: as many as leave a large GPU busy.
    pub(super) fn spans(self, tiles: usize, keys: usize) -> usize {
        let workgroups = |spans: &usize| tiles * (self.queries / self.group()) * keys.div_ceil(spans * SPAN);
        SPANS.into_iter().rev().find(|spans| workgroups(spans) >= BUSY).unwrap_or(SPANS[0])
    }

    /// Numbers that the splits of a step leave at most, for up to `tokens` tokens and `keys` keys.
    pub fn split_numbers(self, tokens: usize, keys: usize) -> usize {
        // Either splits are as long as can be, or fewer workgroups than four times those that keep a GPU busy, of eight queries.
        let longest = keys.div_ceil(split_keys(SPANS[SPANS.len() - 1]));
        let vectors = (tokens * self.queries * longest).max(4 * BUSY * MOST_QUERIES);
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
    /// Whether every sequence brings one token.
    pub appending: bool,
}

/// How the cache keeps keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KvFormat {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// 8-bit codes, one scale per vector.
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
pub struct Attention<'a> {
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

impl Builder<'_> {
    /// Takes the keys and values of a step into the cache: before attention where a sequence brings several tokens.
    pub fn append(&mut self, attention: Attention) -> Launch {
        let Attention { heads, format, qkv, cache, .. } = attention;
        let buffers = [qkv, cache, self.frame].map(wgpu::Buffer::as_entire_binding);
        let step = self.pipelines.step(&append_kernel(heads, format), &buffers, 1);
        Launch::new(step, Over::Tokens(heads.keys), Reads::default())
    }

    /// y = Σ softmax(q kᵀ / √width) v over the keys up to each token's position, as a frame of such
    /// splits says.
    ///
    /// Where it is `appending`, every sequence brings one token, whose key and value are taken into the cache on the way.
    pub fn attend(&mut self, attention: Attention, Splits { spans, appending }: Splits) -> [Launch; 2] {
        let Attention { heads, format, qkv, cache, split_sums, y, stride } = attention;
        let kernel = self.best(variants(heads, format, spans, appending));
        let buffers = [qkv, cache, split_sums, self.frame].map(wgpu::Buffer::as_entire_binding);
        let groups = heads.queries / heads.group();
        let reads = Reads { weights: 0, key: groups * 2 * format.vector_bytes(heads.width) };
        let attend = Launch::new(self.pipelines.step(&kernel, &buffers, 1), Over::Tiles(groups), reads);

        let buffers = [split_sums, y, self.frame].map(wgpu::Buffer::as_entire_binding);
        let step = self.pipelines.step(&merge_kernel(heads, spans, stride), &buffers, 1);
        let over = Over::Numbers { each: heads.queries * heads.quads(), workgroup: WORKGROUP };
        [attend, Launch::new(step, over, Reads::default())]
    }
}

/// The constants of `lib/cache.wgsl`.
fn with_cache(kernel: Kernel, heads: Heads, format: KvFormat) -> Kernel {
    let format = match format {
        KvFormat::F32 => 0u32,
        KvFormat::F16 => 1,
        KvFormat::Int8 => 2,
    };
    kernel
        .with("HEADS", heads.queries as u32)
        .with("KV", format)
        .with("KV_HEADS", heads.keys as u32)
        .with("QUADS", heads.quads() as u32)
        .with("PAGE", PAGE as u32)
}

pub(super) fn append_kernel(heads: Heads, format: KvFormat) -> Kernel {
    with_cache(Kernel::new("decode_append"), heads, format).with("WORKGROUP", WORKGROUP as u32)
}

/// The variants of attention, best first.
pub(super) fn variants(heads: Heads, format: KvFormat, spans: usize, appending: bool) -> [Kernel; 2] {
    with_cache(Kernel::new("decode_attention"), heads, format)
        .with("GROUP", heads.group() as u32)
        .with("TOKENS", if appending { 1 } else { heads.tile() as u32 })
        .with("SPANS", spans as u32)
        .with("APPEND", appending)
        .summing()
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
        Heads { queries: 16, keys: 1, width: MOST_HEAD_WIDTH },
    ];
    let mut kernels = Vec::new();
    for heads in samples {
        kernels.push(merge_kernel(heads, 1, heads.queries * heads.width));
        for format in KvFormat::ALL {
            kernels.push(append_kernel(heads, format));
            for spans in SPANS {
                for appending in [false, true] {
                    kernels.extend(variants(heads, format, spans, appending));
                }
            }
        }
    }
    kernels
}
