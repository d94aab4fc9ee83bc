//! The series in as many pieces as a plot can show: seconds next to each other
//! are added up, so that a page of an hour is no larger than one of a minute.

use crate::Unsound;
use crate::{RunResult, SeriesEntry};
use hrload_measure::{EncodedLatency, Latency, Stage};

/// Pieces at most.
const BINS: usize = 120;

/// Seconds next to each other.
pub(super) struct Bin<'a> {
    /// Start of the first, in seconds since measuring started.
    pub(super) from: f64,
    /// End of the last.
    pub(super) to: f64,
    pub(super) seconds: &'a [SeriesEntry],
}

impl Bin<'_> {
    /// A count of all seconds, per second.
    pub(super) fn per_second(&self, count: impl Fn(&SeriesEntry) -> u64) -> f64 {
        let sum: u64 = self.seconds.iter().map(count).sum();
        sum as f64 / self.seconds.len().max(1) as f64
    }

    /// Its middle.
    pub(super) fn middle(&self) -> f64 {
        f64::midpoint(self.from, self.to)
    }
}

/// The pieces of a series.
pub(super) fn bins(result: &RunResult) -> Vec<Bin<'_>> {
    let each = result.series.len().div_ceil(BINS).max(1);
    let chunks = result.series.chunks(each);
    chunks
        .filter_map(|seconds| {
            let (first, last) = (seconds.first()?, seconds.last()?);
            Some(Bin {
                from: first.second as f64,
                to: last.second as f64 + 1.0,
                seconds,
            })
        })
        .collect()
}

/// All values of a stage in a piece; empty where its histograms were not kept.
///
/// # Errors
///
/// When a histogram does not decode.
pub(super) fn latency(result: &RunResult, bin: &Bin<'_>, stage: Stage) -> Result<Latency, Unsound> {
    let mut merged = Latency::default();
    for second in bin.seconds {
        let Some(of) = second.latency.get(stage) else {
            continue;
        };
        let encoded = EncodedLatency {
            histogram: of.histogram.clone(),
            negative: of.histogram_negative.clone(),
        };
        let decoded = Latency::decode(&encoded).map_err(|source| Unsound::Histogram {
            run: result.run.id.clone(),
            place: format!("series, second {}, {}", second.second, stage.key()),
            source,
        })?;
        if !decoded.is_empty() {
            merged.merge(&decoded);
        }
    }
    Ok(merged)
}
