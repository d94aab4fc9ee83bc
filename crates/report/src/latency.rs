//! Latencies as they stand in the result file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use hrload_measure::{EncodedLatency, Latency, LatencyError, SecondStage, Stage};

/// One value for each stage that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ByStage<T> {
    /// Intended start to first sent, the wait for a batch to fill included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lateness: Option<T>,
    /// First sent to acknowledged, retries included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<T>,
    /// Intended start to acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<T>,
    /// Acknowledged to `ApproximateCreationDateTime`; two clocks, may be negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<T>,
    /// `ApproximateCreationDateTime` to `ApproximateArrivalTimestamp`; two
    /// service clocks, may be negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication: Option<T>,
    /// `ApproximateArrivalTimestamp` to read; two clocks, may be negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<T>,
    /// Intended start to read from the stream; one clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e2e: Option<T>,
    /// Intended start to readable in the lake; one clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<T>,
    /// When its batch should have left to when it did, for each reading: the
    /// lateness that is the generator's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing: Option<T>,
    /// A batch, from first sent until its last item was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<T>,
    /// One call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<T>,
}

impl<T> Default for ByStage<T> {
    fn default() -> Self {
        Self {
            lateness: None,
            service: None,
            response: None,
            capture: None,
            replication: None,
            read: None,
            e2e: None,
            freshness: None,
            pacing: None,
            batch: None,
            attempt: None,
        }
    }
}

impl<T> ByStage<T> {
    /// The value of one stage.
    #[must_use]
    pub fn get(&self, stage: Stage) -> Option<&T> {
        match stage {
            Stage::Lateness => &self.lateness,
            Stage::Service => &self.service,
            Stage::Response => &self.response,
            Stage::Capture => &self.capture,
            Stage::Replication => &self.replication,
            Stage::Read => &self.read,
            Stage::EndToEnd => &self.e2e,
            Stage::Freshness => &self.freshness,
            Stage::Pacing => &self.pacing,
            Stage::Batch => &self.batch,
            Stage::Attempt => &self.attempt,
        }
        .as_ref()
    }

    /// The place of one stage's value.
    pub fn slot(&mut self, stage: Stage) -> &mut Option<T> {
        match stage {
            Stage::Lateness => &mut self.lateness,
            Stage::Service => &mut self.service,
            Stage::Response => &mut self.response,
            Stage::Capture => &mut self.capture,
            Stage::Replication => &mut self.replication,
            Stage::Read => &mut self.read,
            Stage::EndToEnd => &mut self.e2e,
            Stage::Freshness => &mut self.freshness,
            Stage::Pacing => &mut self.pacing,
            Stage::Batch => &mut self.batch,
            Stage::Attempt => &mut self.attempt,
        }
    }
}

impl<T> FromIterator<(Stage, T)> for ByStage<T> {
    fn from_iter<I: IntoIterator<Item = (Stage, T)>>(values: I) -> Self {
        let mut by_stage = Self::default();
        for (stage, value) in values {
            *by_stage.slot(stage) = Some(value);
        }
        by_stage
    }
}

/// Latencies of one stage over the whole of measuring, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageLatency {
    /// Number of values.
    pub count: u64,
    /// Smallest value.
    pub min: f64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Largest value.
    pub max: f64,
    /// All values of zero and above, in microseconds: HdrHistogram V2 deflate,
    /// base64, 3 significant digits, saturated at one hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<String>,
    /// Magnitudes of all values below zero, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram_negative: Option<String>,
}

/// Latencies of one stage that ended in one second, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecondLatency {
    /// Number of values.
    pub count: u64,
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest value.
    pub max: f64,
    /// All values of zero and above, as in [`StageLatency::histogram`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<String>,
    /// Magnitudes of all values below zero, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram_negative: Option<String>,
}

/// Microseconds as the seconds of the result file.
pub(super) fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

impl From<&Latency> for StageLatency {
    fn from(latency: &Latency) -> Self {
        let at = |quantile| seconds(latency.quantile_us(quantile));
        let EncodedLatency {
            histogram,
            negative,
        } = latency.encode();
        Self {
            count: latency.count(),
            min: seconds(latency.min_us()),
            mean: latency.mean_us() / 1e6,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: seconds(latency.max_us()),
            histogram,
            histogram_negative: negative,
        }
    }
}

impl StageLatency {
    /// The histogram, for any percentile and for comparing runs.
    ///
    /// # Errors
    ///
    /// When the file's text is not a histogram.
    pub fn decode(&self) -> Result<Latency, LatencyError> {
        Latency::decode(&EncodedLatency {
            histogram: self.histogram.clone(),
            negative: self.histogram_negative.clone(),
        })
    }
}

impl SecondLatency {
    /// The histogram of the second.
    ///
    /// # Errors
    ///
    /// When the file's text is not a histogram.
    pub fn decode(&self) -> Result<Latency, LatencyError> {
        Latency::decode(&EncodedLatency {
            histogram: self.histogram.clone(),
            negative: self.histogram_negative.clone(),
        })
    }
}

impl From<&SecondStage> for SecondLatency {
    fn from(of: &SecondStage) -> Self {
        Self {
            count: of.count,
            p50: seconds(of.p50_us),
            p99: seconds(of.p99_us),
            max: seconds(of.max_us),
            histogram: of.encoded.histogram.clone(),
            histogram_negative: of.encoded.negative.clone(),
        }
    }
}
