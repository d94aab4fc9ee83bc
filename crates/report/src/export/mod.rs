//! Reports: a result written for other readers than hrload.
//!
//! In go one result or two, found sound by [`check()`]; out comes the
//! text of a file, its form chosen by the file's ending. Must not know where
//! results come from, nor write files itself.
//!
//! | file | makes |
//! |---|---|
//! | `csv` | the series, a row a second |
//! | `markdown` | what fits a pull request or a CI step's summary |
//! | `hlog` | a HdrHistogram interval log |
//! | `junit` | JUnit XML, a threshold a case |
//! | `prometheus`, `exposition` | Prometheus' text format, and its grammar |
//! | [`html`](mod@super::html) | a page |

mod csv;
mod exposition;
mod hlog;
mod junit;
mod markdown;
mod prometheus;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::plot::PlotError;
use super::{RunResult, Unsound, WriteError, check, html, plain as harmless, probe, write_text};
pub use exposition::{Dialect, Exposition};
use hrload_stats::StatsError;
pub(super) use markdown::plain;

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A page that needs no network, of one result or of two beside each other.
    Html,
    /// Markdown, of one result or of two.
    Markdown,
    /// The series as comma-separated values, RFC 4180.
    Csv,
    /// A HdrHistogram interval log.
    HdrLog,
    /// JUnit XML.
    Junit,
    /// Prometheus' text format.
    Prometheus,
}

/// A file to be written, with the form that its ending asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    path: PathBuf,
    format: Format,
}

/// A file name that says nothing about the form of the report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the ending of {path:?} names no kind of report; endings are .html, .md, .csv (series), \
     .hlog (HdrHistogram log), .xml (JUnit) and .prom (Prometheus)"
)]
pub struct UnknownEnding {
    path: PathBuf,
}

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is not one result, nor two where two can be shown.
    #[error("{path} is of {most} at most, but {given} results were given; {advice}")]
    Count {
        /// The report's file.
        path: String,
        /// `one result` or `two results`.
        most: &'static str,
        /// How many were given.
        given: usize,
        /// What to do instead.
        advice: &'static str,
    },
    /// What was measured over time is asked for, and nothing was.
    #[error(
        "result {run} has an empty series, and {path} is made of its seconds; .md, .xml and \
         .prom need none"
    )]
    EmptySeries {
        /// The run.
        run: String,
        /// The report's file.
        path: String,
    },
    /// The result contradicts itself.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// Two results cannot be compared.
    #[error("the results cannot be compared: {0}")]
    Compare(#[from] StatsError),
    /// A plot cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

impl Format {
    /// The endings of files, without their dot.
    pub const ENDINGS: [(&'static str, Self); 6] = [
        ("html", Self::Html),
        ("md", Self::Markdown),
        ("csv", Self::Csv),
        ("hlog", Self::HdrLog),
        ("xml", Self::Junit),
        ("prom", Self::Prometheus),
    ];

    /// Whether it can show two results.
    fn compares(self) -> bool {
        matches!(self, Self::Html | Self::Markdown)
    }

    /// Whether it is made of the series.
    fn needs_series(self) -> bool {
        matches!(self, Self::Html | Self::Csv | Self::HdrLog)
    }
}

impl FromStr for Report {
    type Err = UnknownEnding;

    fn from_str(path: &str) -> Result<Self, UnknownEnding> {
        let path = PathBuf::from(path);
        let ending = path.extension().and_then(|ending| ending.to_str());
        let named = ending.and_then(|ending| {
            let mut all = Format::ENDINGS.into_iter();
            all.find(|(name, _)| name.eq_ignore_ascii_case(ending))
        });
        match named {
            Some((_, format)) => Ok(Self { path, format }),
            None => Err(UnknownEnding { path }),
        }
    }
}

impl Report {
    /// Where it is written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it can show two results beside each other.
    #[must_use]
    pub fn compares(&self) -> bool {
        self.format.compares()
    }

    /// Finds out, before any load, whether the file can be written.
    ///
    /// # Errors
    ///
    /// When it cannot, with the system's reason. Nothing is left behind.
    pub fn probe(&self) -> Result<(), WriteError> {
        probe(&self.path)
    }

    /// The report's text. Of two results the first is the base.
    ///
    /// # Errors
    ///
    /// When the form cannot show so many results, when one of them contradicts
    /// itself, or when it needs a series and there is none.
    pub fn text(&self, results: &[RunResult]) -> Result<String, ReportError> {
        let path = || self.path.display().to_string();
        let fits = match results.len() {
            1 => true,
            2 => self.format.compares(),
            _ => false,
        };
        let Some(first) = results.first().filter(|_| fits) else {
            let (most, advice) = if self.format.compares() {
                ("two results", "compare more with hrload diff")
            } else {
                ("one result", "only .html and .md show two")
            };
            return Err(ReportError::Count {
                path: path(),
                most,
                given: results.len(),
                advice,
            });
        };
        for result in results {
            check(result)?;
            if self.format.needs_series() && result.series.is_empty() {
                return Err(ReportError::EmptySeries {
                    run: result.run.id.clone(),
                    path: path(),
                });
            }
        }
        let text = match self.format {
            Format::Html => html::page(results)?,
            Format::Markdown => markdown::report(results)?,
            Format::Csv => csv::series(first),
            Format::HdrLog => hlog::log(first)?,
            Format::Junit => junit::report(first),
            Format::Prometheus => prometheus::text(first),
        };
        Ok(harmless::lines(&text).into_owned())
    }

    /// Writes a text to the report's file: it is there whole or not at all.
    ///
    /// # Errors
    ///
    /// When the file cannot be made, written or renamed; nothing is left then.
    pub fn write(&self, text: &str) -> Result<(), WriteError> {
        write_text(&self.path, text)
    }
}

/// What the load was sent to, in a few words.
pub(super) fn target(result: &RunResult) -> String {
    let config = &result.config;
    match (config.target, &config.dynamodb_endpoint, &config.region) {
        (super::Target::Local, ..) => "embedded services".to_owned(),
        (super::Target::Endpoint, Some(url), _) => url.clone(),
        (_, _, Some(region)) => format!("AWS {region}"),
        _ => "AWS".to_owned(),
    }
}

/// `2026-11-22 22:15:03 UTC` of a time as it stands in a result.
pub(super) fn second(rfc_3339: &str) -> String {
    match rfc_3339.get(..19) {
        Some(second) => format!("{} UTC", second.replace('T', " ")),
        None => rfc_3339.to_owned(),
    }
}
