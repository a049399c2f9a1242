//! The choice of a guide, as flags and requests name it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::guide::GuideWeight;
use crate::{Error, Result};

/// The guide of the choices of a constrained list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuideSource {
    /// The model alone
    None,
    /// The model and the teacher together
    Teacher,
}

/// A guide weight, or the one that was found best for the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum WeightChoice {
    /// The weight in the model's run folder.
    #[default]
    Auto,
    /// This weight.
    Given(GuideWeight),
}

/// A guide and its weight.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GuideChoice {
    /// The guide; `None` where none is named.
    pub source: Option<GuideSource>,
    /// The weight.
    pub weight: WeightChoice,
}

impl GuideChoice {
    /// Returns true where the teacher is asked for: by name or by a weight.
    pub fn names_teacher(self) -> bool {
        match self.source {
            Some(source) => source == GuideSource::Teacher,
            None => self.weight != WeightChoice::Auto,
        }
    }

    /// The weight of the teacher's guide; `None` for the model alone. `usual` applies where nothing is named, `auto` where the teacher
    /// is named without a weight.
    ///
    /// # Errors
    /// `no_weight`, where the weight is automatic and there is none.
    pub fn weight(
        self,
        usual: Option<GuideWeight>,
        auto: Option<GuideWeight>,
        no_weight: impl FnOnce() -> Error,
    ) -> Result<Option<GuideWeight>> {
        match (self.source, self.weight) {
            (Some(GuideSource::None), _) => Ok(None),
            (_, WeightChoice::Given(weight)) => Ok(Some(weight)),
            (Some(GuideSource::Teacher), WeightChoice::Auto) => auto.ok_or_else(no_weight).map(Some),
            (None, WeightChoice::Auto) => Ok(usual),
        }
    }
}

impl FromStr for GuideSource {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = [Self::None, Self::Teacher].into_iter().find(|source| source.to_string() == name);
        known.ok_or_else(|| Error::bad_input("--guide").expected("none or teacher").found(name).into())
    }
}

impl fmt::Display for GuideSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Teacher => "teacher",
        })
    }
}

impl FromStr for WeightChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Given) }
    }
}

/// A number or "auto", as requests have it.
impl TryFrom<Value> for WeightChoice {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value.as_f64() {
            Some(weight) => GuideWeight::try_from(weight).map(Self::Given),
            None => value.as_str().map_or_else(|| value.to_string().parse(), str::parse),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_follows_from_the_choice_and_the_defaults() {
        let weight = |source, weight: &str, usual: Option<f64>, auto: Option<f64>| {
            let choice = GuideChoice { source, weight: weight.parse().unwrap() };
            let [usual, auto] = [usual, auto].map(|weight| weight.map(|weight| GuideWeight::try_from(weight).unwrap()));
            let found = choice.weight(usual, auto, || Error::Failed("no weight".into()));
            found.map(|weight| weight.map(f64::from)).map_err(|error| error.to_string())
        };
        let teacher = Some(GuideSource::Teacher);
        assert_eq!(weight(None, "auto", Some(0.2), Some(0.3)), Ok(Some(0.2)));
        assert_eq!(weight(None, "auto", None, Some(0.3)), Ok(None));
        assert_eq!(weight(teacher, "auto", None, Some(0.3)), Ok(Some(0.3)));
        assert_eq!(weight(teacher, "auto", None, None), Err("no weight".into()));
        assert_eq!(weight(None, "0.5", Some(0.2), Some(0.3)), Ok(Some(0.5)), "a weight is enough");
        assert_eq!(weight(Some(GuideSource::None), "0.5", Some(0.2), None), Ok(None));
    }

    #[test]
    fn a_request_has_a_number_or_auto() {
        let read = |text: &str| serde_json::from_str::<WeightChoice>(text);
        assert_eq!(read("\"auto\"").unwrap(), WeightChoice::Auto);
        assert_eq!(read("0.25").unwrap(), "0.25".parse().unwrap());
        for text in ["1.5", "\"much\"", "true", "null", "[]"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
