//! A histogram of one stage, negative values included.

use base64_simd::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

use super::Stage;

/// The largest magnitude a [`Latency`] tells apart: one hour, in microseconds.
pub const HOUR_US: u64 = 3_600_000_000;

/// More values than this no run comes to: a million a second for twelve days.
const MOST_VALUES: u64 = 1 << 40;

/// Where a histogram starts, in microseconds. One second costs 90 KB where an
/// hour costs 190 KB; the rest comes with the first value that needs it.
const FIRST_RANGE_US: u64 = 1 << 20;

/// Latencies of one stage, in microseconds, 3 significant digits, up to one
/// hour. Values below zero (two clocks that disagree) are kept, in a histogram
/// of their magnitudes, and take part in percentiles.
///
/// Minimum, maximum and mean are exact. Histograms come into being with the
/// first value that needs them, so that an unused stage costs nothing.
#[derive(Clone, Debug)]
pub struct Latency {
    positive: Option<Histogram<u64>>,
    negative: Option<Histogram<u64>>,
    min_us: i64,
    max_us: i64,
    total_us: i128,
}

/// The serialised form of a [`Latency`]: HdrHistogram V2 deflate, base64, of
/// microsecond values. Any HdrHistogram implementation reads it.
/// See <https://github.com/HdrHistogram/HdrHistogram>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedLatency {
    /// Values of zero and above; absent when there are none.
    pub histogram: Option<String>,
    /// Magnitudes of the values below zero; absent when there are none.
    pub negative: Option<String>,
}

/// Why a serialised histogram cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LatencyError {
    /// The text is not base64.
    #[error("the histogram is not base64: {0}")]
    NotBase64(String),
    /// The bytes are not an HdrHistogram in V2 deflate.
    #[error("the histogram is not HdrHistogram V2 deflate: {0}")]
    NotAHistogram(String),
    /// Its counts are none that a run can come to.
    #[error("the histogram holds more values than any run comes to")]
    TooMany,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            positive: None,
            negative: None,
            min_us: i64::MAX,
            max_us: i64::MIN,
            total_us: 0,
        }
    }
}

fn new_histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, FIRST_RANGE_US, 3)
        .expect("1 <= 2 * 1 <= 2^20 and 3 digits are within HdrHistogram's limits");
    histogram.auto(true);
    histogram
}

fn record_magnitude(side: &mut Option<Histogram<u64>>, us: u64) {
    // Cannot fail: the histogram grows, and an hour fits any 64-bit platform.
    let _ = side.get_or_insert_with(new_histogram).record(us);
}

fn merge_side(into: &mut Option<Histogram<u64>>, from: Option<&Histogram<u64>>) {
    if let Some(from) = from.filter(|histogram| !histogram.is_empty()) {
        // Cannot fail, for the same reason.
        let _ = into.get_or_insert_with(new_histogram).add(from);
    }
}

fn len(side: Option<&Histogram<u64>>) -> u64 {
    side.map_or(0, Histogram::len)
}

/// The bucket that holds the value of `rank` (1 is the smallest).
///
/// Half a rank is taken off before dividing, so that rounding in `rank / len`
/// cannot push HdrHistogram's own `ceil` to the neighbour.
fn at_rank(histogram: &Histogram<u64>, rank: u64) -> u64 {
    histogram.value_at_quantile((rank as f64 - 0.5) / histogram.len() as f64)
}

impl Latency {
    /// Records one value; saturates at an hour.
    ///
    /// Allocates only for the first value, the first negative one, and the
    /// first of each doubling beyond one second.
    pub fn record(&mut self, us: i64) {
        let us = us.clamp(-(HOUR_US as i64), HOUR_US as i64);
        if us >= 0 {
            record_magnitude(&mut self.positive, us as u64);
        } else {
            record_magnitude(&mut self.negative, us.unsigned_abs());
        }
        self.min_us = self.min_us.min(us);
        self.max_us = self.max_us.max(us);
        self.total_us += i128::from(us);
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        len(self.positive.as_ref()) + len(self.negative.as_ref())
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The smallest value, exact (up to saturation); 0 when there is none.
    #[must_use]
    pub fn min_us(&self) -> i64 {
        if self.is_empty() { 0 } else { self.min_us }
    }

    /// The largest value, exact (up to saturation); 0 when there is none.
    #[must_use]
    pub fn max_us(&self) -> i64 {
        if self.is_empty() { 0 } else { self.max_us }
    }

    /// The mean, exact (up to saturation); 0 when there is no value.
    #[must_use]
    pub fn mean_us(&self) -> f64 {
        match self.count() {
            0 => 0.0,
            count => self.total_us as f64 / count as f64,
        }
    }

    /// The value that a share `quantile` (0 to 1) of all values does not
    /// exceed: nearest rank, within 0.1 %, never above the maximum nor below
    /// the minimum; 0 when there is no value.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> i64 {
        let count = self.count();
        if count == 0 {
            return 0;
        }
        let rank = ((quantile * count as f64).ceil() as u64).clamp(1, count);
        let below_zero = len(self.negative.as_ref());
        let value = match (&self.negative, &self.positive) {
            // The smallest value has the largest magnitude.
            (Some(negative), _) if rank <= below_zero => {
                let magnitude = at_rank(negative, below_zero - rank + 1);
                -(negative.lowest_equivalent(magnitude) as i64)
            }
            (_, Some(positive)) => at_rank(positive, rank - below_zero) as i64,
            _ => 0,
        };
        value.clamp(self.min_us, self.max_us)
    }

    /// The values there are, within 0.1 %, and how often, from the smallest.
    pub fn counts(&self) -> impl Iterator<Item = (i64, u64)> {
        let side = |side: &Option<Histogram<u64>>| -> Vec<(i64, u64)> {
            let recorded = side.iter().flat_map(Histogram::iter_recorded);
            recorded
                .map(|step| (step.value_iterated_to() as i64, step.count_at_value()))
                .collect()
        };
        let below_zero = side(&self.negative).into_iter().rev();
        let below_zero = below_zero.map(|(magnitude, count)| (-magnitude, count));
        below_zero.chain(side(&self.positive))
    }

    /// Number of values of at most `us`, within 0.1 % of it.
    #[must_use]
    pub fn count_within_us(&self, us: i64) -> u64 {
        let below_zero = self.negative.as_ref().map_or(0, |negative| match us {
            0.. => negative.len(),
            // The smallest value has the largest magnitude.
            _ => negative.len() - negative.count_between(0, us.unsigned_abs() - 1),
        });
        let above = self.positive.as_ref().filter(|_| us >= 0);
        below_zero + above.map_or(0, |positive| positive.count_between(0, us.unsigned_abs()))
    }

    /// Adds the values of `other`.
    pub fn merge(&mut self, other: &Latency) {
        merge_side(&mut self.positive, other.positive.as_ref());
        merge_side(&mut self.negative, other.negative.as_ref());
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.total_us += other.total_us;
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        for side in [&mut self.positive, &mut self.negative]
            .into_iter()
            .flatten()
        {
            if !side.is_empty() {
                side.reset();
            }
        }
        self.min_us = i64::MAX;
        self.max_us = i64::MIN;
        self.total_us = 0;
    }

    /// Serialises the histograms.
    #[must_use]
    pub fn encode(&self) -> EncodedLatency {
        let side = |side: &Option<Histogram<u64>>| {
            let histogram = side.as_ref().filter(|histogram| !histogram.is_empty())?;
            let mut bytes = Vec::new();
            // Writing to memory; the format holds any histogram of an hour.
            V2DeflateSerializer::new()
                .serialize(histogram, &mut bytes)
                .ok()?;
            Some(STANDARD.encode_to_string(bytes))
        };
        EncodedLatency {
            histogram: side(&self.positive),
            negative: side(&self.negative),
        }
    }

    /// Reads histograms back. Minimum, maximum and mean are then as exact as
    /// the histogram, not as the values were.
    ///
    /// # Errors
    ///
    /// When the text is not base64 of an HdrHistogram in V2 deflate.
    pub fn decode(encoded: &EncodedLatency) -> Result<Self, LatencyError> {
        let side = |text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let bytes = STANDARD
                .decode_to_vec(text)
                .map_err(|error| LatencyError::NotBase64(error.to_string()))?;
            let mut histogram: Histogram<u64> = Deserializer::new()
                .deserialize(&mut bytes.as_slice())
                .map_err(|error| LatencyError::NotAHistogram(error.to_string()))?;
            histogram.auto(true);
            Ok(Some(histogram))
        };
        let mut latency = Latency {
            positive: side(&encoded.histogram)?,
            negative: side(&encoded.negative)?,
            ..Latency::default()
        };
        let lens = [&latency.positive, &latency.negative].map(|side| len(side.as_ref()));
        let sum = lens[0].checked_add(lens[1]);
        if sum.is_none_or(|sum| sum > MOST_VALUES) {
            return Err(LatencyError::TooMany);
        }
        if let Some(positive) = latency.positive.as_ref().filter(|h| !h.is_empty()) {
            latency.min_us = positive.min() as i64;
            latency.max_us = positive.max() as i64;
            latency.total_us += (positive.mean() * positive.len() as f64) as i128;
        }
        if let Some(negative) = latency.negative.as_ref().filter(|h| !h.is_empty()) {
            latency.min_us = -(negative.max() as i64);
            latency.max_us = latency.max_us.max(-(negative.min() as i64));
            latency.total_us -= (negative.mean() * negative.len() as f64) as i128;
        }
        Ok(latency)
    }
}

/// One [`Latency`] for each [`Stage`].
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    stages: [Latency; Stage::ALL.len()],
}

impl Latencies {
    /// The latency of one stage.
    #[must_use]
    pub fn get(&self, stage: Stage) -> &Latency {
        &self.stages[stage as usize]
    }

    /// Records one value of one stage.
    pub fn record(&mut self, stage: Stage, us: i64) {
        self.stages[stage as usize].record(us);
    }

    /// Adds the values of `other`, stage by stage.
    pub fn merge(&mut self, other: &Latencies) {
        for (into, from) in self.stages.iter_mut().zip(&other.stages) {
            into.merge(from);
        }
    }

    /// Adds values of one stage.
    pub fn add(&mut self, stage: Stage, latency: &Latency) {
        self.stages[stage as usize].merge(latency);
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        self.stages.iter_mut().for_each(Latency::clear);
    }

    /// The stages that have values, in the order of [`Stage::ALL`].
    pub fn recorded(&self) -> impl Iterator<Item = (Stage, &Latency)> {
        Stage::ALL
            .into_iter()
            .map(|stage| (stage, self.get(stage)))
            .filter(|(_, latency)| !latency.is_empty())
    }
}

/// The time from `from_us` to `to_us`, negative when that runs backwards.
pub(super) fn span_us(from_us: u64, to_us: u64) -> i64 {
    i64::try_from(i128::from(to_us) - i128::from(from_us)).unwrap_or(if to_us > from_us {
        i64::MAX
    } else {
        i64::MIN
    })
}
