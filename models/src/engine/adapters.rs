//! The low-rank parts of Llamas beside the engine's matrices: several adapters of one model, of which every sequence takes one or none.

use tiller_kernels::decode::{LowRank, LowRankParts};
use tiller_kernels::device::Gpu;

use super::weights::{gate_up_rows, qkv_rows};
use crate::llama::Llama;
use crate::lora::{Linear, Lora};
use crate::{Error, Result};

/// The parts of all matrices, of all adapters.
pub(super) struct Adapters {
    /// How many there are.
    pub(super) count: usize,
    pub(super) layers: Vec<OfLayer>,
    pub(super) lm_head: Option<LowRank>,
}

/// The parts of a block's matrices; nothing where no adapter has one of a projection.
pub(super) struct OfLayer {
    pub(super) qkv: Option<LowRank>,
    pub(super) o_proj: Option<LowRank>,
    pub(super) gate_up: Option<LowRank>,
    pub(super) down_proj: Option<LowRank>,
}

impl Adapters {
    /// Copies the low-rank parts that each of `llamas` has now, for steps of up to `tokens` tokens; `None` where none has any.
    pub(super) fn of(llamas: &[Llama], tokens: usize, gpu: &Gpu) -> Result<Option<Self>> {
        let linears: Vec<Vec<&Linear>> = llamas.iter().map(|llama| llama.linears().collect()).collect(); // [adapters][projections]
        if linears.iter().flatten().all(|linear| linear.lora().is_none()) {
            return Ok(None);
        }
        let config = llamas[0].config();
        let uploader = Uploader { linears: &linears, tokens, gpu };
        let qkv: Vec<(usize, usize)> = qkv_rows(config).collect();
        let gate_up: Vec<(usize, usize)> = gate_up_rows(config).collect();
        let layers = (0..config.n_layers)
            .map(|layer| {
                let [q, k, v, o, gate, up, down] = [0, 1, 2, 3, 4, 5, 6].map(|part| 7 * layer + part);
                Ok(OfLayer {
                    qkv: uploader.together(&[q, k, v], &qkv)?,
                    o_proj: uploader.alone(o)?,
                    gate_up: uploader.together(&[gate, up], &gate_up)?,
                    down_proj: uploader.alone(down)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Some(Self { count: llamas.len(), layers, lm_head: uploader.alone(7 * config.n_layers)? }))
    }

    /// Makes room for steps of up to `tokens` tokens, where there is less.
    pub(super) fn make_room(&mut self, tokens: usize, gpu: &Gpu) {
        let of_layers = self
            .layers
            .iter_mut()
            .flat_map(|OfLayer { qkv, o_proj, gate_up, down_proj }| [qkv, o_proj, gate_up, down_proj]);
        for low_rank in of_layers.chain([&mut self.lm_head]).flatten() {
            low_rank.make_room(tokens, gpu);
        }
    }
}

/// Copies the parts of projections, which are known by their place in a model.
struct Uploader<'a> {
    linears: &'a [Vec<&'a Linear>],
    tokens: usize,
    gpu: &'a Gpu,
}

impl Uploader<'_> {
    fn alone(&self, projection: usize) -> Result<Option<LowRank>> {
        let outputs = self.linears[0][projection].shape()[0];
        let rows: Vec<(usize, usize)> = (0..outputs).map(|row| (0, row)).collect();
        self.together(&[projection], &rows)
    }

    /// The parts of several projections as those of one matrix with the given rows: (projection, its row).
    ///
    /// Ranks may differ: the narrower ones are filled up with zeros, as are projections without a part.
    fn together(&self, projections: &[usize], rows: &[(usize, usize)]) -> Result<Option<LowRank>> {
        let adapters: Vec<Vec<&Linear>> =
            self.linears.iter().map(|adapter| projections.iter().map(|i| adapter[*i]).collect()).collect();
        let rank = adapters.iter().flatten().filter_map(|linear| linear.lora()).map(Lora::rank).max();
        let Some(rank) = rank else { return Ok(None) };
        let parts: Vec<(Vec<f32>, Vec<f32>)> =
            adapters.iter().map(|linears| filled_up(linears, rank, rows)).collect::<Result<_>>()?;
        let parts: Vec<LowRankParts> = parts.iter().map(|(a, b)| LowRankParts { a, b }).collect();
        LowRank::upload(&parts, projections.len(), rank, self.tokens, self.gpu)
            .map(Some)
            .map_err(Error::packing(adapters[0][0].name()))
    }
}

/// A `[projections, rank, inputs]` and scale · B `[rows, rank]` of one adapter.
fn filled_up(linears: &[&Linear], rank: usize, rows: &[(usize, usize)]) -> Result<(Vec<f32>, Vec<f32>)> {
    let inputs = linears[0].shape()[1];
    let mut a = Vec::with_capacity(linears.len() * rank * inputs);
    let mut bs = Vec::new();
    for linear in linears {
        let (own_a, own_b) = linear.lora().map(|lora| host(linear, lora)).transpose()?.unwrap_or_default();
        let filled = a.len() + rank * inputs;
        a.extend(own_a);
        a.resize(filled, 0.0);
        bs.push((own_b, linear.lora().map_or(0, Lora::rank)));
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
fn host(linear: &Linear, lora: &Lora) -> Result<(Vec<f32>, Vec<f32>)> {
    let numbers = |tensor: burn::tensor::Tensor<2>| -> Result<Vec<f32>> {
        let name = linear.name();
        tensor.try_into_vec_as().map_err(|e| Error::Failed(format!("the device did not give {name} back: {e}")))
    };
    Ok((numbers(lora.a.val())?, numbers(lora.b.val() * lora.scale)?))
}
