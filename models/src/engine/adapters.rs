//! LoRA adapters in the engine: several adapters of one model, of which every sequence uses one or none.

use std::collections::BTreeMap;

use tiller_kernels::quant::PackError;

use super::weights::{gate_up_rows, qkv_rows};
use crate::download::download;
use crate::llama::{Llama, LlamaConfig};
use crate::lora::{Lora, Projections};
use crate::{Error, Result};

/// The low-rank parts of one adapter, by the names of their projections.
pub(super) type Loras<'a> = BTreeMap<&'a str, &'a Lora>;

/// The low-rank parts that a model has.
pub(super) fn loras_of(llama: &Llama) -> Loras<'_> {
    llama.linears().filter_map(|linear| Some((linear.name(), linear.lora()?))).collect()
}

/// The parts of all matrices, of all adapters: an `L` for each matrix.
pub(super) struct Adapters<L> {
    /// The number of adapters.
    pub(super) count: usize,
    pub(super) layers: Vec<LayerAdapters<L>>,
    pub(super) lm_head: Option<L>,
}

/// The parts of a block's matrices; nothing where no adapter has one of a projection.
pub(super) struct LayerAdapters<L> {
    pub(super) qkv: Option<L>,
    pub(super) o_proj: Option<L>,
    pub(super) gate_up: Option<L>,
    pub(super) down_proj: Option<L>,
}

/// The parts of one matrix, of all adapters.
pub(super) struct MatrixAdapters<'a> {
    /// A `[projections, rank, inputs]` and scale · B `[rows, rank]` of each adapter.
    pub(super) parts: &'a [(Vec<f32>, Vec<f32>)],
    /// The rows of the matrix: (projection, its row).
    pub(super) rows: &'a [(usize, usize)],
    pub(super) projections: usize,
    pub(super) rank: usize,
    pub(super) inputs: usize,
}

/// Copies the parts of a matrix to the device.
pub(super) type StoreAdapters<'a, L> = &'a dyn Fn(MatrixAdapters) -> std::result::Result<L, PackError>;

impl<L> Adapters<L> {
    /// Copies the parts of each of `adapters` of a model of these sizes by `store`; `None` where none has any.
    pub(super) fn of(adapters: &[Loras], config: &LlamaConfig, store: StoreAdapters<L>) -> Result<Option<Self>> {
        if adapters.iter().all(BTreeMap::is_empty) {
            return Ok(None);
        }
        let loader = LoraLoader { adapters, projections: config.projections(), store };
        let qkv: Vec<(usize, usize)> = qkv_rows(config).collect();
        let gate_up: Vec<(usize, usize)> = gate_up_rows(config).collect();
        let layers = (0..config.n_layers)
            .map(|layer| {
                let of = |part: &str| format!("model.layers.{layer}.{part}");
                Ok(LayerAdapters {
                    qkv: loader
                        .together(&["q_proj", "k_proj", "v_proj"].map(|part| of(&format!("self_attn.{part}"))), &qkv)?,
                    o_proj: loader.alone(&of("self_attn.o_proj"))?,
                    gate_up: loader.together(&["mlp.gate_proj", "mlp.up_proj"].map(of), &gate_up)?,
                    down_proj: loader.alone(&of("mlp.down_proj"))?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Some(Self { count: adapters.len(), layers, lm_head: loader.alone("lm_head")? }))
    }

    /// The parts of every matrix that has any.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut L> {
        let of_layers = self
            .layers
            .iter_mut()
            .flat_map(|LayerAdapters { qkv, o_proj, gate_up, down_proj }| [qkv, o_proj, gate_up, down_proj]);
        of_layers.chain([&mut self.lm_head]).flatten()
    }
}

/// Copies the parts of projections.
struct LoraLoader<'a, L> {
    adapters: &'a [Loras<'a>],
    projections: Projections,
    store: StoreAdapters<'a, L>,
}

impl<L> LoraLoader<'_, L> {
    fn alone(&self, projection: &str) -> Result<Option<L>> {
        let [outputs, _] = self.projections[projection];
        let rows: Vec<(usize, usize)> = (0..outputs).map(|row| (0, row)).collect();
        self.together(&[projection.to_owned()], &rows)
    }

    /// The parts of several projections as those of one matrix with the given rows: (projection, its row).
    ///
    /// Ranks may differ: the narrower ones are filled up with zeros, as are projections without a part.
    fn together(&self, projections: &[String], rows: &[(usize, usize)]) -> Result<Option<L>> {
        let adapters: Vec<Vec<Option<&Lora>>> = self // [adapters][projections]
            .adapters
            .iter()
            .map(|loras| projections.iter().map(|name| loras.get(name.as_str()).copied()).collect())
            .collect();
        let Some(rank) = adapters.iter().flatten().flatten().map(|lora| lora.rank()).max() else { return Ok(None) };
        let [_, inputs] = self.projections[&projections[0]];
        let filled = adapters.iter().map(|loras| filled_up(loras, [rank, inputs], rows)).collect::<Result<Vec<_>>>()?;
        let parts = MatrixAdapters { parts: &filled, rows, projections: projections.len(), rank, inputs };
        (self.store)(parts).map(Some).map_err(Error::packing(&projections[0]))
    }
}

/// A `[projections, rank, inputs]` and scale · B `[rows, rank]` of one adapter.
fn filled_up(
    loras: &[Option<&Lora>],
    [rank, inputs]: [usize; 2],
    rows: &[(usize, usize)],
) -> Result<(Vec<f32>, Vec<f32>)> {
    let mut a = Vec::with_capacity(loras.len() * rank * inputs);
    let mut bs = Vec::new();
    for lora in loras {
        let (own_a, own_b) = lora.map(host).transpose()?.unwrap_or_default();
        let filled = a.len() + rank * inputs;
        a.extend(own_a);
        a.resize(filled, 0.0);
        bs.push((own_b, lora.map_or(0, Lora::rank)));
    }
    let mut b = Vec::with_capacity(rows.len() * rank);
    for &(part, row) in rows {
        let (own, own_rank) = &bs[part];
        let filled = b.len() + rank;
        b.extend_from_slice(&own[row * own_rank..][..*own_rank]);
        b.resize(filled, 0.0);
    }
    Ok((a, b))
}

/// A `[rank, inputs]` and scale · B `[outputs, rank]`.
fn host(lora: &Lora) -> Result<(Vec<f32>, Vec<f32>)> {
    Ok((download(lora.a.val(), "an adapter")?, download(lora.b.val() * lora.scale, "an adapter")?))
}
