//! The low-rank parts of a Llama beside the engine's matrices.

use tiller_kernels::decode::LowRank;
use tiller_kernels::device::Gpu;

use super::weights::{gate_up_rows, qkv_rows};
use crate::llama::Llama;
use crate::lora::{Linear, Lora};
use crate::{Error, Result};

/// The parts of all matrices.
pub(super) struct Adapters {
    pub(super) layers: Vec<OfLayer>,
    pub(super) lm_head: Option<LowRank>,
}

/// The parts of a block's matrices; nothing where a projection has none.
pub(super) struct OfLayer {
    pub(super) qkv: Option<LowRank>,
    pub(super) o_proj: Option<LowRank>,
    pub(super) gate_up: Option<LowRank>,
    pub(super) down_proj: Option<LowRank>,
}

impl Adapters {
    /// Copies the low-rank parts that `llama` has now, for steps of up to `tokens` tokens; `None` where it has none.
    pub(super) fn of(llama: &Llama, tokens: usize, gpu: &Gpu) -> Result<Option<Self>> {
        let linears: Vec<&Linear> = llama.linears().collect();
        if linears.iter().all(|linear| linear.lora().is_none()) {
            return Ok(None);
        }
        let config = llama.config();
        let (lm_head, blocks) = linears.split_last().expect("a model has an output projection");
        let layers = blocks
            .chunks_exact(7)
            .map(|block| {
                let [q, k, v, o, gate, up, down] = [0, 1, 2, 3, 4, 5, 6].map(|part| block[part]);
                let qkv: Vec<(usize, usize)> = qkv_rows(config).collect();
                let gate_up: Vec<(usize, usize)> = gate_up_rows(config).collect();
                Ok(OfLayer {
                    qkv: together(&[q, k, v], &qkv, tokens, gpu)?,
                    o_proj: alone(o, tokens, gpu)?,
                    gate_up: together(&[gate, up], &gate_up, tokens, gpu)?,
                    down_proj: alone(down, tokens, gpu)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Some(Self { layers, lm_head: alone(lm_head, tokens, gpu)? }))
    }
}

fn alone(linear: &Linear, tokens: usize, gpu: &Gpu) -> Result<Option<LowRank>> {
    let rows: Vec<(usize, usize)> = (0..linear.shape()[0]).map(|row| (0, row)).collect();
    together(&[linear], &rows, tokens, gpu)
}

/// The parts of several projections as those of one matrix with the given rows: (projection, its row).
///
/// Ranks may differ: the narrower ones are filled up with zeros, as are projections without a part.
fn together(linears: &[&Linear], rows: &[(usize, usize)], tokens: usize, gpu: &Gpu) -> Result<Option<LowRank>> {
    let rank = linears.iter().filter_map(|linear| linear.lora()).map(Lora::rank).max();
    let Some(rank) = rank else { return Ok(None) };
    let inputs = linears[0].shape()[1];
    let mut a = Vec::new(); // [projections, rank, inputs]
    let mut bs = Vec::new();
    for linear in linears {
        let lora = linear.lora().map(|lora| host(linear, lora)).transpose()?;
        let (own_a, own_b) = lora.unwrap_or_default();
        let filled = a.len() + rank * inputs;
        a.extend(own_a);
        a.resize(filled, 0.0);
        bs.push((own_b, linear.lora().map_or(0, Lora::rank)));
    }
    let mut b = Vec::with_capacity(rows.len() * rank); // [rows, rank]
    for &(part, row) in rows {
        let (own, own_rank) = &bs[part];
        let filled = b.len() + rank;
        b.extend_from_slice(&own[row * own_rank..][..*own_rank]);
        b.resize(filled, 0.0);
    }
    LowRank::upload(&a, &b, linears.len(), rank, tokens, gpu).map(Some).map_err(Error::packing(linears[0].name()))
}

/// A `[rank, inputs]` and scale · B `[outputs, rank]`.
fn host(linear: &Linear, lora: &Lora) -> Result<(Vec<f32>, Vec<f32>)> {
    let numbers = |tensor: burn::tensor::Tensor<2>| -> Result<Vec<f32>> {
        let name = linear.name();
        tensor.try_into_vec_as().map_err(|e| Error::Failed(format!("the device did not give {name} back: {e}")))
    };
    Ok((numbers(lora.a.val())?, numbers(lora.b.val() * lora.scale)?))
}
