//! Size classes of models, and the smaller model that stands for a class in a measurement.

use tiller_models::llama::LlamaConfig;
use tiller_models::presets::ModelPreset;

/// Weights of a measured model at most, unless one layer has more: a CPU writes the lists of a measurement in a fraction of a second.
const MEASURED_PARAMETERS: usize = 64 << 20;

/// The size class of a model: the preset that is nearest to it in weights.
pub fn size_class(model: &LlamaConfig) -> ModelPreset {
    let distance = |preset: &ModelPreset| (model.parameters() as f64 / preset.llama().parameters() as f64).ln().abs();
    ModelPreset::ALL.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).expect("there are presets")
}

/// A model with the widths of the preset and fewer layers, and with as much less of the vocabulary, so that a step divides its time as that
/// of the preset does.
pub(super) fn cut(preset: ModelPreset) -> LlamaConfig {
    let whole = preset.llama();
    let n_layers = (whole.n_layers * MEASURED_PARAMETERS / whole.parameters()).clamp(1, whole.n_layers);
    let vocab_size = whole.vocab_size * n_layers / whole.n_layers;
    LlamaConfig { n_layers, vocab_size, ..whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_belongs_to_the_nearest_preset() {
        for preset in ModelPreset::ALL {
            assert_eq!(size_class(&preset.llama()), preset);
        }
        let smol = ModelPreset::Smol.llama();
        let with_item_tokens = LlamaConfig { vocab_size: smol.vocab_size + 10_000, ..smol.clone() };
        assert_eq!(size_class(&with_item_tokens), ModelPreset::Smol);
        assert_eq!(size_class(&LlamaConfig { n_layers: 300, ..smol }), ModelPreset::TinyLlama);
    }

    #[test]
    fn a_measured_model_is_small_and_divided_like_the_whole() {
        assert_eq!(cut(ModelPreset::Tiny), ModelPreset::Tiny.llama());
        for preset in ModelPreset::ALL {
            let (cut, whole) = (cut(preset), preset.llama());
            assert!(cut.n_layers == 1 || cut.parameters() <= MEASURED_PARAMETERS, "{preset}");
            let share_of_layers =
                |model: &LlamaConfig| (model.n_layers * model.parameters_of_layer()) as f64 / model.parameters() as f64;
            assert!((share_of_layers(&cut) - share_of_layers(&whole)).abs() < 0.01, "{preset}");
        }
    }
}
