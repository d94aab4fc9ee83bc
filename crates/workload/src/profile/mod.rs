//! Profiles: what a fleet is made of and how its readings arrive.
//!
//! In goes TOML text, out comes a checked [`Profile`]; the text stays with it,
//! because results embed it so that a run can be repeated from its file alone.
//! Reading files is the caller's.

mod error;
mod settings;
#[cfg(test)]
mod tests;
mod values;

pub use error::ProfileError;
pub use settings::{
    Arrivals, Classes, Cohort, Compression, Day, Limits, Process, Readings, Return, Settings,
    Sleep, Storm, Sync, SyncPhase, TimeZone, Wearing,
};
pub use values::{NonNegative, Positive, Share, TimeOfDay};

/// The profiles built into the program, in the order of their list.
const EMBEDDED: [(&str, &str); 10] = [
    ("steady", include_str!("../../profiles/steady.toml")),
    ("post", include_str!("../../profiles/post.toml")),
    (
        "resting-night",
        include_str!("../../profiles/resting-night.toml"),
    ),
    ("commute", include_str!("../../profiles/commute.toml")),
    (
        "lunchtime-run",
        include_str!("../../profiles/lunchtime-run.toml"),
    ),
    ("marathon", include_str!("../../profiles/marathon.toml")),
    ("new-year", include_str!("../../profiles/new-year.toml")),
    (
        "sync-aligned",
        include_str!("../../profiles/sync-aligned.toml"),
    ),
    (
        "reconnect-storm",
        include_str!("../../profiles/reconnect-storm.toml"),
    ),
    (
        "diurnal-day",
        include_str!("../../profiles/diurnal-day.toml"),
    ),
];

/// A checked workload profile and the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    settings: Settings,
    text: String,
}

impl Profile {
    /// The profile used when none is named.
    pub const DEFAULT: &'static str = "steady";

    /// The names of the profiles built in.
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// The built-in profile called `name`.
    #[must_use]
    pub fn embedded(name: &str) -> Option<Self> {
        // Its name before 0.2.
        let name = if name == "seed-parity" { "post" } else { name };
        let (name, text) = EMBEDDED.iter().find(|(known, _)| *known == name)?;
        // A test parses every embedded profile.
        Self::parse(text, name).ok()
    }

    /// The built-in profile called `name`, or an error that suggests one.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Unknown`] when there is none of that name.
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        Self::embedded(name).ok_or_else(|| ProfileError::unknown(name, Self::names()))
    }

    /// Reads a profile from TOML `text`; `origin` (a file name, or the name of
    /// a built-in profile) stands in errors.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Invalid`] with the line and key at fault and what would
    /// be right there.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ProfileError> {
        let settings: Settings =
            toml::from_str(text).map_err(|e| ProfileError::from_toml(&e, text, origin))?;
        settings
            .check()
            .map_err(|flaw| ProfileError::from_flaw(&flaw, text, origin))?;
        Ok(Self {
            settings,
            text: text.to_owned(),
        })
    }

    /// The profile's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// What it models, in a line.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.settings.summary
    }

    /// What a run's result must show, as written; for the reader to understand.
    #[must_use]
    pub fn thresholds(&self) -> &[String] {
        &self.settings.thresholds
    }

    /// The TOML text it was read from, comments included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Everything the text says.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
