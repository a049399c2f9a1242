//! The outcome of a quantization.

use serde::Serialize;

/// The outcome of [`quantize`](super::quantize).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuantizeSummary {
    /// Weights of all tensors.
    pub weights: u64,
    /// Bytes of the tensors that were read.
    pub bytes_before: u64,
    /// Bytes of the tensors that were written.
    pub bytes_after: u64,
    /// Bits for each weight that was written, scales included.
    pub bits_per_weight: f64,
    /// The tensors written, by the part of the model and in its order.
    pub kinds: Vec<PartSummary>,
}

/// The tensors of one part, such as all query projections.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartSummary {
    /// The part, in Hugging Face's words: "q_proj".
    pub name: String,
    /// The format of its weights.
    pub format: String,
    /// Weights.
    pub weights: u64,
    /// Bytes.
    pub bytes: u64,
    /// The root mean square of the quantization error.
    pub rms_error: f64,
    /// The error as a fraction of the root mean square of the weights.
    pub relative_error: f64,
    #[serde(skip)]
    squares: Squares,
}

/// Sums of squares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Squares {
    of_errors: f64,
    of_weights: f64,
}

impl QuantizeSummary {
    pub(super) fn new(bytes_before: u64) -> Self {
        Self { weights: 0, bytes_before, bytes_after: 0, bits_per_weight: 0.0, kinds: Vec::new() }
    }

    /// Takes in a tensor: its module, its format, the weights before, the bytes that hold them now, and the weights that these bytes are.
    pub(super) fn add(&mut self, module: &str, format: String, before: &[f32], bytes: usize, after: &[f32]) {
        let (count, bytes) = (before.len() as u64, bytes as u64);
        self.weights += count;
        self.bytes_after += bytes;
        self.bits_per_weight = 8.0 * self.bytes_after as f64 / self.weights as f64;

        let name = part_of(module);
        let known = self.kinds.iter().position(|kind| kind.name == name && kind.format == format);
        let at = known.unwrap_or_else(|| {
            let (name, squares) = (name.to_owned(), Squares::default());
            let empty =
                PartSummary { name, format, weights: 0, bytes: 0, rms_error: 0.0, relative_error: 0.0, squares };
            self.kinds.push(empty);
            self.kinds.len() - 1
        });
        let kind = &mut self.kinds[at];
        kind.weights += count;
        kind.bytes += bytes;
        for (before, after) in before.iter().zip(after) {
            kind.squares.of_errors += f64::from(before - after).powi(2);
            kind.squares.of_weights += f64::from(*before).powi(2);
        }
        let Squares { of_errors, of_weights } = kind.squares;
        kind.rms_error = (of_errors / kind.weights as f64).sqrt();
        kind.relative_error = if of_weights > 0.0 { (of_errors / of_weights).sqrt() } else { 0.0 };
    }
}

/// "q_proj" of "model.layers.3.self_attn.q_proj".
fn part_of(module: &str) -> &str {
    module.rsplit('.').next().unwrap_or(module)
}
