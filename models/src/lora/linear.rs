//! A projection with a frozen weight.

use burn::module::Module;
use burn::tensor::Tensor;

use super::Lora;

/// y = x Wᵀ, plus the low-rank part where one is attached. Clones share the weight.
#[derive(Module, Debug)]
pub struct Linear {
    /// Where it stands in the model, in Hugging Face's words: "model.layers.0.self_attn.q_proj".
    name: String,
    /// W, `[out, in]`, without gradient.
    weight: Tensor<2>,
    lora: Option<Lora>,
}

impl Linear {
    /// A projection without a low-rank part; `weight` is `[out, in]`.
    pub fn new(name: impl Into<String>, weight: Tensor<2>) -> Self {
        Self { name: name.into(), weight, lora: None }
    }

    /// Its place in the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `[out, in]`.
    pub fn shape(&self) -> [usize; 2] {
        self.weight.dims()
    }

    /// The low-rank part, if one is attached.
    pub fn lora(&self) -> Option<&Lora> {
        self.lora.as_ref()
    }

    /// Attaches, replaces or (with `None`) removes the low-rank part.
    pub fn set_lora(&mut self, lora: Option<Lora>) {
        self.lora = lora;
    }

    /// `[n, in]` to `[n, out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let frozen = project(x.clone(), self.weight.clone());
        match &self.lora {
            Some(lora) => frozen + lora.forward(x),
            None => frozen,
        }
    }
}

fn project(x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
    let v = std::env::var("V").unwrap_or_default();
    let [out, d_in] = w.dims();
    let n = x.dims()[0];
    match v.as_str() {
        "B" => w.matmul(x.transpose()).transpose(),
        "C2" | "C4" | "C8" => {
            let p: usize = v[1..].parse().unwrap();
            let y = w.reshape([p, out / p, d_in]).matmul(x.transpose().unsqueeze::<3>());
            y.reshape([out, n]).transpose()
        }
        _ => x.matmul(w.transpose()),
    }
}
