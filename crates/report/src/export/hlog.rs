//! A HdrHistogram interval log: what was measured of each stage, an interval a
//! second, tagged with the stage's key.
//!
//! The format is the one of HdrHistogram's `HistogramLogWriter`
//! (<https://github.com/HdrHistogram/HdrHistogram>). Values are microseconds;
//! magnitudes of negative values stand under a tag of their own, as histograms
//! hold none. The warm-up is left out, so that the intervals of a tag add up to
//! the result's histogram.

use std::time::{Duration, SystemTime};

use base64_simd::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};

use super::{ReportError, Unsound};
use crate::RunResult;
use crate::plain::tame;
use hrload_measure::{LatencyError, Stage};

/// The column of maxima is in milliseconds, as HdrHistogram's own tools write it.
const US_PER_MS: f64 = 1_000.0;

/// One interval: when, of what, and the histogram as it stands in the result.
struct Interval<'a> {
    second: i64,
    seconds: f64,
    tag: String,
    encoded: &'a str,
}

/// The text of the log.
pub(super) fn log(result: &RunResult) -> Result<String, ReportError> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let began = began(result);
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment(&format!(
            "hrload {}, run {}: latencies in microseconds, a tag a stage",
            tame(&result.environment.version),
            tame(&result.run.id)
        ))
        .with_base_time(began)
        .with_start_time(began)
        .with_max_value_divisor(US_PER_MS);
    {
        let mut log = builder
            .begin_log_with(&mut bytes, &mut serializer)
            .map_err(|error| contradiction(result, format!("the log cannot begin: {error}")))?;
        for interval in intervals(result) {
            let place = || format!("series, second {}, {}", interval.second, interval.tag);
            let histogram = decode(interval.encoded).map_err(|source| Unsound::Histogram {
                run: result.run.id.clone(),
                place: place(),
                source,
            })?;
            let start = Duration::from_secs(interval.second.unsigned_abs());
            let duration = Duration::from_secs_f64(interval.seconds);
            log.write_histogram(&histogram, start, duration, Tag::new(&interval.tag))
                .map_err(|error| contradiction(result, format!("{}: {error:?}", place())))?;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn contradiction(result: &RunResult, what: String) -> Unsound {
    Unsound::Contradiction {
        run: result.run.id.clone(),
        what,
    }
}

/// When measuring began; in results of older versions reckoned back from the run's
/// end. The epoch where the result does not say when that was.
fn began(result: &RunResult) -> SystemTime {
    let stated = result.run.measured_from.as_ref();
    if let Some(began) = stated.and_then(|of| of.parse::<jiff::Timestamp>().ok()) {
        return began.into();
    }
    let after = result.run.measured.max(0.0) + result.run.drained.max(0.0);
    let ended: Option<jiff::Timestamp> = result.run.ended.parse().ok();
    ended
        .map(SystemTime::from)
        .and_then(|ended| ended.checked_sub(Duration::try_from_secs_f64(after).ok()?))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The intervals of all stages, second by second. A stage whose seconds have no
/// histograms is one interval over the whole of measuring.
fn intervals(result: &RunResult) -> Vec<Interval<'_>> {
    let has_seconds = |stage| {
        let mut of = result.series.iter().filter_map(|of| of.latency.get(stage));
        of.any(|of| of.histogram.is_some() || of.histogram_negative.is_some())
    };
    let (by_second, whole): (Vec<_>, Vec<_>) = Stage::ALL
        .into_iter()
        .partition(|&stage| has_seconds(stage));
    let mut intervals = Vec::new();
    for stage in whole {
        if let Some(of) = result.latency.get(stage) {
            let sides = [of.histogram.as_deref(), of.histogram_negative.as_deref()];
            let time = (0, result.run.measured.max(0.0));
            intervals.extend(Interval::of(time, stage, sides));
        }
    }
    for second in result.series.iter().filter(|second| second.second >= 0) {
        for &stage in &by_second {
            if let Some(of) = second.latency.get(stage) {
                let sides = [of.histogram.as_deref(), of.histogram_negative.as_deref()];
                intervals.extend(Interval::of((second.second, 1.0), stage, sides));
            }
        }
    }
    intervals
}

impl<'a> Interval<'a> {
    /// The intervals of one stage: its values of zero and above, and the others.
    fn of(
        (second, seconds): (i64, f64),
        stage: Stage,
        sides: [Option<&'a str>; 2],
    ) -> impl Iterator<Item = Self> {
        let sides = sides.into_iter().zip(["", "-negative"]);
        sides.filter_map(move |(encoded, suffix)| {
            Some(Self {
                second,
                seconds,
                tag: format!("{}{suffix}", stage.key()),
                encoded: encoded?,
            })
        })
    }
}

fn decode(text: &str) -> Result<Histogram<u64>, LatencyError> {
    let bytes = STANDARD
        .decode_to_vec(text)
        .map_err(|error| LatencyError::NotBase64(error.to_string()))?;
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| LatencyError::NotAHistogram(error.to_string()))
}
