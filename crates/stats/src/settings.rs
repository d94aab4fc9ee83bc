//! What is asked of a comparison.

use super::problem::{StatsError, between};

/// A difference too small to matter. One that is within either bound does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Practical {
    /// As a share of the base: 0.05 is 5 %. At least 0.
    pub relative: f64,
    /// In the figure's own unit. At least 0. It alone serves figures whose base
    /// is zero, and keeps a tenth of a fast call from counting as a change.
    pub absolute: f64,
}

/// What a figure may vary by when nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// By whatever makes one run differ from the next: the noise within a run
    /// and all that stays the same for a run and differs in another (placement,
    /// neighbours, what is cached). It is read off several runs a side and
    /// assumes nothing of their seconds.
    BetweenRuns,
    /// By the noise within a run alone. That is true where runs are known to
    /// differ in nothing else, as in a simulation; on real services it finds
    /// changes where there are none.
    WithinRuns,
}

/// What is asked of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How often intervals cover the truth, and one less how often a change is
    /// found where there is none; 0.5 to 1, both excluded.
    pub confidence: f64,
    /// How many figures are judged together. The confidence then holds for all
    /// of them at once (Bonferroni): with 20 figures and 0.95, each is judged
    /// at 0.9975. 1 promises it for each figure by itself. At least 1.
    pub figures: u32,
    /// How often the smallest detectable change is to be found, and a planned
    /// number of runs to settle a question; 0.5 to 1, both excluded.
    pub power: f64,
    /// What is too small to matter.
    pub practical: Practical,
    /// What a figure may vary by when nothing has changed.
    pub noise: Noise,
}

impl Default for Settings {
    /// Confidence 95 % for each figure, power 80 %, changes within 5 % of no
    /// matter, noise between runs.
    fn default() -> Self {
        Self {
            confidence: 0.95,
            figures: 1,
            power: 0.8,
            practical: Practical {
                relative: 0.05,
                absolute: 0.0,
            },
            noise: Noise::BetweenRuns,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), StatsError> {
        check_confidence(self.confidence)?;
        between("the power", self.power, 0.5..1.0, "between 0.5 and 1")?;
        for (name, bound) in [
            ("the practical relative difference", self.practical.relative),
            ("the practical absolute difference", self.practical.absolute),
        ] {
            if !(bound.is_finite() && bound >= 0.0) {
                return Err(StatsError::Setting {
                    name,
                    value: bound,
                    wanted: "finite and at least 0",
                });
            }
        }
        if self.figures == 0 {
            return Err(StatsError::Setting {
                name: "the number of figures judged together",
                value: 0.0,
                wanted: "at least 1",
            });
        }
        Ok(())
    }

    /// The confidence each figure is judged at.
    pub(super) fn each(&self) -> f64 {
        1.0 - (1.0 - self.confidence) / f64::from(self.figures.max(1))
    }
}

pub(super) fn check_confidence(confidence: f64) -> Result<(), StatsError> {
    between("the confidence", confidence, 0.5..1.0, "between 0.5 and 1")
}
