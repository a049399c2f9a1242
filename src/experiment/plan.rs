//! The plan of an experiment: one TOML file each, the usual ones built in.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::data::input::file_name;
use crate::distill::DistillConfig;
use crate::ppo::PpoConfig;
use crate::run::config::overlaid;
use crate::train::sft::SftConfig;
use crate::{Error, Result};

/// The experiments that come with the program, with their files.
const BUILT_IN: [(&str, &str); 7] = [
    ("stages", include_str!("configs/stages.toml")),
    ("rewards", include_str!("configs/rewards.toml")),
    ("noisy-teacher", include_str!("configs/noisy-teacher.toml")),
    ("labels", include_str!("configs/labels.toml")),
    ("chat-share", include_str!("configs/chat-share.toml")),
    ("instructions", include_str!("configs/instructions.toml")),
    ("ablations", include_str!("configs/ablations.toml")),
];

/// Their names.
pub const NAMES: [&str; 7] =
    [BUILT_IN[0].0, BUILT_IN[1].0, BUILT_IN[2].0, BUILT_IN[3].0, BUILT_IN[4].0, BUILT_IN[5].0, BUILT_IN[6].0];

/// An experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentPlan {
    /// Its name, which is that of its file.
    #[serde(default)]
    pub name: String,
    /// Its title.
    pub title: String,
    /// The question that it answers.
    pub question: String,
    /// The axis of the arms' numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axis: Option<String>,
    /// Keys of the settings that this experiment needs otherwise than usual.
    #[serde(default)]
    pub settings: Table,
    /// The models to compare.
    #[serde(rename = "arm")]
    pub arms: Vec<Arm>,
}

/// One of the models that are compared: how it is made from the base, or from an earlier arm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Arm {
    /// Its name, and that of its folder.
    pub name: String,
    /// Its place on the experiment's axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// The earlier arm that it goes on from, instead of the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The source of its training labels.
    pub labels: Labels,
    /// In how many of a hundred items the labelling teacher is replaced by chance.
    pub noise: u64,
    /// Supervised fine-tuning, with these keys otherwise than in the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sft: Option<Table>,
    /// On-policy distillation, with these keys otherwise than in the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distill: Option<Table>,
    /// Reinforcement learning, with these keys otherwise than in the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ppo: Option<Table>,
}

/// The source of training labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Labels {
    /// The teacher.
    #[default]
    Teacher,
    /// Popularity, the same for everybody.
    Popularity,
}

impl Arm {
    /// The settings of its supervised fine-tuning, if it has one.
    ///
    /// # Errors
    /// Unknown keys and values of the wrong type.
    pub fn sft(&self, usual: &SftConfig) -> Result<Option<SftConfig>> {
        let place = format!("arm {}, sft", self.name);
        self.sft.as_ref().map(|keys| overlaid(usual, keys, &place)).transpose()
    }

    /// The settings of its on-policy distillation, if it has one.
    ///
    /// # Errors
    /// Unknown keys and values of the wrong type.
    pub fn distill(&self, usual: &DistillConfig) -> Result<Option<DistillConfig>> {
        let place = format!("arm {}, distill", self.name);
        self.distill.as_ref().map(|keys| overlaid(usual, keys, &place)).transpose()
    }

    /// The settings of its reinforcement learning, if it has one.
    ///
    /// # Errors
    /// Unknown keys and values of the wrong type.
    pub fn ppo(&self, usual: &PpoConfig) -> Result<Option<PpoConfig>> {
        let place = format!("arm {}, ppo", self.name);
        self.ppo.as_ref().map(|keys| overlaid(usual, keys, &place)).transpose()
    }
}

impl ExperimentPlan {
    /// The experiment of a built-in name, or of a TOML file of one's own.
    ///
    /// # Errors
    /// No such experiment, or a file that describes none.
    pub fn find(name: &str) -> Result<Self> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        if let Some((_, text)) = built_in {
            return Self::parse(name, name, text);
        }
        let path = Path::new(name);
        if !path.is_file() {
            return Err(Error::bad_input(name)
                .expected(format!("{}, or a TOML file", NAMES.join(", ")))
                .found("neither")
                .next("`tiller experiment stages` is the one to start with")
                .into());
        }
        let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
        Self::parse(&file_name(path).replace(".toml", ""), name, &text)
    }

    /// The plan with the whole settings of each arm, where `sft`, `distill` and `ppo` are those that the arms have in common.
    ///
    /// # Errors
    /// As [`Arm::sft`], [`Arm::distill`] and [`Arm::ppo`].
    pub(super) fn resolved(&self, sft: &SftConfig, distill: &DistillConfig, ppo: &PpoConfig) -> Result<Self> {
        let arm = |arm: &Arm| {
            let sft = arm.sft(sft)?.map(|config| table(&config)).transpose()?;
            let distill = arm.distill(distill)?.map(|config| table(&config)).transpose()?;
            let ppo = arm.ppo(ppo)?.map(|config| table(&config)).transpose()?;
            Ok(Arm { sft, distill, ppo, ..arm.clone() })
        };
        let arms = self.arms.iter().map(arm).collect::<Result<_>>()?;
        Ok(Self { settings: Table::new(), arms, ..self.clone() })
    }

    fn parse(name: &str, place: &str, text: &str) -> Result<Self> {
        let mut plan: Self = toml::from_str(text).map_err(|e| {
            Error::bad_input(place)
                .expected("an experiment: title, question, and [[arm]] tables")
                .found(e.message())
                .next("compare with the built-in ones in src/experiment/configs")
        })?;
        plan.name = name.to_owned();
        plan.check(place)?;
        Ok(plan)
    }

    fn check(&self, place: &str) -> Result<()> {
        let bad = |arm: &Arm, expected: &str, found: String| -> Error {
            Error::bad_input(format!("{place}, arm {:?}", arm.name)).expected(expected).found(found).into()
        };
        for (at, arm) in self.arms.iter().enumerate() {
            let earlier = &self.arms[..at];
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if arm.name.is_empty() || !arm.name.chars().all(is_plain) || arm.name.starts_with('.') {
                return Err(bad(arm, "a name of letters, digits, - and _", format!("{:?}", arm.name)));
            }
            if earlier.iter().any(|other| other.name == arm.name) {
                return Err(bad(arm, "a name of its own", "one that an earlier arm has".into()));
            }
            if let Some(from) = arm.from.as_ref().filter(|from| !earlier.iter().any(|other| other.name == **from)) {
                return Err(bad(arm, "from: an earlier arm", format!("{from:?}")));
            }
            let trainings = [&arm.sft, &arm.distill, &arm.ppo].into_iter().flatten().count();
            if trainings != 1 {
                return Err(bad(arm, "one of sft, distill and ppo", trainings.to_string()));
            }
            if arm.noise > 100 {
                return Err(bad(arm, "noise of 0 to 100 percent", arm.noise.to_string()));
            }
        }
        if self.arms.is_empty() {
            return Err(Error::bad_input(place).expected("at least one [[arm]]").found("none").into());
        }
        Ok(())
    }
}

fn table(config: &impl Serialize) -> Result<Table> {
    Table::try_from(config).map_err(|e| Error::Failed(format!("arm: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ones_own_is_an_experiment_and_mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let find = |arms: &str| {
            std::fs::write(&path, format!("title = 'T'\nquestion = 'Q?'\n{arms}")).unwrap();
            ExperimentPlan::find(path.to_str().unwrap())
        };
        let plan = find("[[arm]]\nname = 'a'\nsft = { steps = 3 }\n[[arm]]\nname = 'b'\nfrom = 'a'\nppo = {}").unwrap();
        assert_eq!((plan.name.as_str(), plan.arms.len()), ("mine", 2));
        for (arms, part) in [
            ("", "arm"),
            ("[[arm]]\nname = 'a'", "one of sft, distill and ppo"),
            ("[[arm]]\nname = '../a'\nsft = {}", "../a"),
            ("[[arm]]\nname = 'a'\nfrom = 'b'\nsft = {}", "an earlier arm"),
            ("[[arm]]\nname = 'a'\nsft = {}\n[[arm]]\nname = 'a'\nsft = {}", "a name of its own"),
            ("[[arm]]\nname = 'a'\nnoise = 101\nsft = {}", "0 to 100"),
            ("[[arm]]\nname = 'a'\nsft = {}\ncolour = 'red'", "colour"),
        ] {
            let error = find(arms).unwrap_err();
            assert!(error.to_string().contains(part) && error.exit_code() == 2, "{arms}: {error}");
        }
        assert_eq!(ExperimentPlan::find("stagess").unwrap_err().exit_code(), 2);
    }
}
