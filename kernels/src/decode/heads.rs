//! Attention heads, the format of the paged KV cache, and how a step's queries and keys are split among
//! workgroups.

/// Positions of a page of the cache.
pub const PAGE: usize = 16;

/// Keys that a workgroup takes at once.
pub(super) const SPAN: usize = 64;

/// The most query vectors of a workgroup: more would exceed WebGPU's minimum of workgroup memory.
const MOST_QUERIES: usize = 8;

/// The widest heads that attention takes.
pub const MOST_HEAD_WIDTH: usize = 4 * SPAN;

/// The variants of a split, in spans: many keys for few workgroups, or the reverse.
pub const SPANS: [usize; 3] = [1, 4, 16];

/// Query vectors of a workgroup where a sequence brings many tokens.
const TILE_QUERIES: usize = 64;

/// The widest heads of [`TILE_QUERIES`] queries, which a workgroup holds in registers.
pub(super) const TILE_WIDTH: usize = 128;

/// The number of tokens that sequences bring to a step. It decides how many queries share a read of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Queries {
    /// Every sequence brings one token, which attention itself writes into the cache.
    #[default]
    One,
    /// Some sequences bring several tokens: up to 8 queries share a read.
    Few,
    /// Some bring many, as prompts do (prefill): up to 64 queries share a read.
    Many,
}

impl Queries {
    pub(super) const ALL: [Queries; 3] = [Queries::One, Queries::Few, Queries::Many];

    fn of_workgroup(self) -> usize {
        if self == Queries::Many { TILE_QUERIES } else { MOST_QUERIES }
    }

    /// Workgroups that keep a large GPU busy.
    fn busy(self) -> usize {
        if self == Queries::Many { 128 } else { 512 }
    }
}

/// The attention heads of a model.
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
    pub(crate) fn group(self, queries: Queries) -> usize {
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

    /// The best kind of tile for sequences that bring these numbers of tokens. A tile of 64 queries is about
    /// four times the work of one of 8, full or not.
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

    pub(super) fn quads(self) -> usize {
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

    /// The most numbers of the splits' partial results, for up to `tokens` tokens and `keys` keys.
    pub fn split_numbers(self, tokens: usize, keys: usize) -> usize {
        // Either splits are as long as can be, or fewer workgroups than four times those that keep a GPU
        // busy.
        let longest = tokens * self.queries * keys.div_ceil(split_keys(SPANS[SPANS.len() - 1]));
        let shorter = Queries::ALL.map(|queries| 4 * queries.busy() * queries.of_workgroup());
        let vectors = shorter.into_iter().fold(longest, usize::max);
        vectors * (self.width + 4)
    }
}

/// The keys of a split of `spans` spans.
pub(super) fn split_keys(spans: usize) -> usize {
    spans * SPAN
}

/// The variant of attention that a step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Splits {
    /// Stretches of 64 keys in a split.
    pub spans: usize,
    /// The kind of tile.
    pub queries: Queries,
}

/// The format of keys and values in the KV cache.
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
    pub(super) fn vector_bytes(self, width: usize) -> usize {
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
