//! A set of low-rank parts for the projections of one model.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

use super::{Linear, Lora};
use crate::item_tokens::ItemTokens;
use crate::random::{Normal, orthogonal_rows};
use crate::{Error, Result};

/// The target that stands for every projection but the output projection, as in PEFT.
pub(super) const ALL_LINEAR: &str = "all-linear";

/// The output projection, which [`ALL_LINEAR`] leaves out.
pub(super) const LM_HEAD: &str = "lm_head";

/// The projections of a model by name, and the shapes of their weights, `[outputs, inputs]`.
pub type Projections = BTreeMap<String, [usize; 2]>;

/// The low-rank matrices of a model, and the settings for training them further.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// The parts, by the name of the projection that each belongs to.
    pub loras: BTreeMap<String, Lora>,
    /// The probability with which training drops an input of a part: what its [`Dropout`](super::Dropout) is made with.
    pub dropout: f64,
    /// True if scales are α / √rank instead of α / rank.
    pub rank_stabilised: bool,
    /// The model that the parts were trained on, as its user named it.
    pub base_model: Option<String>,
    /// Item tokens that the model has only with this adapter.
    pub items: Option<ItemTokens>,
}

/// The configuration of a new adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraConfig {
    /// Rows of every A.
    pub rank: usize,
    /// The scale of a part is α / rank.
    pub alpha: f64,
    /// See [`Adapter::dropout`].
    pub dropout: f64,
    /// Names of projections ("q_proj", "lm_head", or a full one), or "all-linear" for all but the output projection.
    pub targets: Vec<String>,
}

impl LoraConfig {
    /// Returns true if the projections of this name ("q_proj") get low-rank matrices.
    pub fn adapts(&self, name: &str) -> bool {
        self.targets.iter().any(|target| is_target(target, name))
    }

    /// A fresh adapter for the targets among `linears`: every A orthogonal with gain √2, every B zero (method §5).
    ///
    /// # Errors
    /// A bad input: a rank that is 0 or beyond the width of a target, a scale or dropout out of range, a target that is no projection.
    pub fn adapter<'a>(
        &self,
        linears: impl Iterator<Item = &'a Linear>,
        seed: u64,
        device: &Device,
    ) -> Result<Adapter> {
        let linears: Vec<&Linear> = linears.collect();
        self.check(&linears)?;
        let mut loras = BTreeMap::new();
        for (stream, linear) in (0..).zip(linears) {
            if !self.adapts(linear.name()) {
                continue;
            }
            let [d_out, d_in] = linear.shape();
            if self.rank > d_in {
                let expected = format!("at most {d_in}, the width of {}", linear.name());
                return Err(Error::bad_input("LoRA rank").expected(expected).found(self.rank).into());
            }
            // Every projection has its own stream, so that its A does not depend on which others are targets.
            let mut normal = Normal::of_stream(seed, stream);
            let a = TensorData::new(orthogonal_rows(self.rank, d_in, 2f64.sqrt(), &mut normal), [self.rank, d_in]);
            let lora = Lora {
                a: Param::from_tensor(Tensor::from_data(a, device)),
                b: Param::from_tensor(Tensor::zeros([d_out, self.rank], device)),
                scale: self.alpha / self.rank as f64,
            };
            loras.insert(linear.name().to_owned(), lora);
        }
        Ok(Adapter { loras, dropout: self.dropout, rank_stabilised: false, base_model: None, items: None })
    }

    fn check(&self, linears: &[&Linear]) -> Result<()> {
        let out_of_range = |what: &str, expected: &str, found: f64| {
            Err(Error::bad_input(format!("LoRA {what}")).expected(expected).found(found).into())
        };
        if self.rank == 0 {
            return out_of_range("rank", "1 or more", 0.0);
        }
        if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            return out_of_range("alpha", "a number above 0", self.alpha);
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return out_of_range("dropout", "a probability below 1", self.dropout);
        }
        for target in &self.targets {
            if !linears.iter().any(|linear| is_target(target, linear.name())) {
                return Err(Error::bad_input("LoRA targets")
                    .expected("all-linear, or names of projections such as q_proj or lm_head")
                    .found(format!("{target:?}"))
                    .into());
            }
        }
        Ok(())
    }
}

impl Adapter {
    /// Takes the matrices that the projections of a model have now: after training, before writing.
    pub fn take_from<'a>(&mut self, linears: impl Iterator<Item = &'a Linear>) {
        self.loras = linears.filter_map(|linear| Some((linear.name().to_owned(), linear.lora()?.clone()))).collect();
    }

    /// Checks that every part fits its projection, and that item tokens leave the output projection to their rows, as in PEFT.
    ///
    /// # Errors
    /// A bad input that names the part.
    pub(crate) fn check(&self, projections: &Projections) -> Result<()> {
        if self.items.is_some() && self.loras.contains_key(LM_HEAD) {
            return Err(Error::bad_input("adapter, lm_head")
                .expected("no low-rank part beside the rows of item tokens")
                .found("one")
                .next("train without lm_head among the targets")
                .into());
        }
        for (name, lora) in &self.loras {
            let place = || Error::bad_input(format!("adapter, {name}"));
            let Some([d_out, d_in]) = projections.get(name).copied() else {
                return Err(place().expected("a projection of the model").found("none of this name").into());
            };
            let rank = lora.rank();
            let (a, b) = (lora.a.dims(), lora.b.dims());
            if (a, b) != ([rank, d_in], [d_out, rank]) {
                let expected = format!("A [{rank}, {d_in}] and B [{d_out}, {rank}]");
                let next = "use the adapter with the model that it was trained on";
                return Err(place().expected(expected).found(format!("{a:?} and {b:?}")).next(next).into());
            }
        }
        Ok(())
    }
}

/// Returns true if `target` names the projection `name`: its end from a dot on, or all of it.
pub(super) fn is_target(target: &str, name: &str) -> bool {
    match target {
        ALL_LINEAR => name != LM_HEAD,
        _ => name.strip_suffix(target).is_some_and(|head| head.is_empty() || head.ends_with('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linears() -> Vec<Linear> {
        let device = Device::flex();
        let linear = |name: &str, shape: [usize; 2]| Linear::new(name, Tensor::zeros(shape, &device));
        vec![
            linear("model.layers.0.self_attn.q_proj", [6, 8]),
            linear("model.layers.0.mlp.down_proj", [8, 12]),
            linear("lm_head", [20, 8]),
        ]
    }

    fn lora_config(targets: &[&str]) -> LoraConfig {
        LoraConfig { rank: 4, alpha: 8.0, dropout: 0.1, targets: targets.iter().map(|t| t.to_string()).collect() }
    }

    #[test]
    fn a_fresh_part_has_orthogonal_rows_and_changes_nothing() {
        let adapter = lora_config(&["all-linear"]).adapter(linears().iter(), 3, &Device::flex()).unwrap();
        let names: Vec<&str> = adapter.loras.keys().map(String::as_str).collect();
        assert_eq!(names, ["model.layers.0.mlp.down_proj", "model.layers.0.self_attn.q_proj"]);
        for lora in adapter.loras.values() {
            assert_eq!((lora.rank(), lora.scale), (4, 2.0));
            let product = lora.a.val().matmul(lora.a.val().transpose());
            let off = (product - Tensor::eye(4, &Device::flex()) * 2.0).abs().max().into_scalar::<f32>();
            assert!(off < 1e-5, "A Aᵀ is off 2 I by {off}");
            assert_eq!(lora.b.val().abs().max().into_scalar::<f32>(), 0.0);
        }
    }

    #[test]
    fn a_seed_fixes_every_part_whatever_the_other_targets() {
        let a = |targets: &[&str], seed| {
            let adapter = lora_config(targets).adapter(linears().iter(), seed, &Device::flex()).unwrap();
            adapter.loras["lm_head"].a.val().try_into_vec_as::<f32>().unwrap()
        };
        assert_eq!(a(&["lm_head"], 1), a(&["all-linear", "lm_head"], 1));
        assert_ne!(a(&["lm_head"], 1), a(&["lm_head"], 2));
    }

    #[test]
    fn bad_recipes_are_refused_by_name() {
        let refused = |lora_config: LoraConfig| {
            lora_config.adapter(linears().iter(), 0, &Device::flex()).unwrap_err().to_string()
        };
        assert!(refused(lora_config(&["q_proj", "w_proj"])).contains("\"w_proj\""));
        assert!(refused(lora_config(&["proj"])).contains("\"proj\""), "a target is a whole name");
        assert!(refused(LoraConfig { rank: 9, ..lora_config(&["q_proj"]) }).contains("at most 8"));
        assert!(refused(LoraConfig { rank: 0, ..lora_config(&["q_proj"]) }).starts_with("LoRA rank"));
        assert!(refused(LoraConfig { alpha: f64::NAN, ..lora_config(&["q_proj"]) }).starts_with("LoRA alpha"));
        assert!(refused(LoraConfig { dropout: 1.0, ..lora_config(&["q_proj"]) }).starts_with("LoRA dropout"));
    }

    #[test]
    fn an_adapter_of_another_model_is_refused() {
        let adapter = lora_config(&["all-linear"]).adapter(linears().iter(), 0, &Device::flex()).unwrap();
        let mut other = linears();
        other[0] = Linear::new("model.layers.0.self_attn.q_proj", Tensor::zeros([6, 9], &Device::flex()));
        let check = |linears: &[Linear]| {
            let projections = linears.iter().map(|linear| (linear.name().to_owned(), linear.shape())).collect();
            adapter.check(&projections).unwrap_err().to_string()
        };
        let error = check(&other);
        assert!(error.contains("q_proj") && error.contains("[4, 9]"), "{error}");
        let error = check(&other[..1]);
        assert!(error.contains("down_proj"), "{error}");
    }
}
