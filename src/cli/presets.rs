//! The flag that takes a well-known model by its sizes.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tiller_models::presets::ModelPreset;

/// The parser of a model preset; it lists the names in `--help`.
pub(super) fn model_preset() -> impl TypedValueParser<Value = ModelPreset> {
    PossibleValuesParser::new(ModelPreset::ALL.map(ModelPreset::name)).try_map(|name| name.parse::<ModelPreset>())
}
