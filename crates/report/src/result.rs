//! The result of a run: everything there is to know of it, in one value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::Calls;
use super::cloudwatch::CloudWatch;
use super::lake::Lake;
use super::latency::seconds;
use super::puts::Puts;
use super::{
    ByStage, Condition, Config, Environment, Generator, HeldBack, Ledger, MissingReading, Planned,
    RunInfo, SeriesEntry, StageLatency, Verdict, units,
};
use hrload_measure as measure;
use hrload_measure::{ArrivalRecord, Counts, SendRecord, Series, Stage};

/// How many missing readings a result names.
const MISSING_EXAMPLES: usize = 10;

/// The format of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SchemaName {
    /// The first.
    #[default]
    #[serde(rename = "hrload.result/1")]
    ResultV1,
}

/// The result of a run. Durations are in seconds, rates per second, sizes in
/// bytes; another unit stands in the key. Readers must ignore keys they do
/// not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "hrload result")]
pub struct RunResult {
    /// The format of this file.
    pub schema: SchemaName,
    /// When the run was and how far it came.
    pub run: RunInfo,
    /// Everything that is needed to repeat it.
    pub config: Config,
    /// Versions and machine.
    pub environment: Environment,
    /// Offered and achieved rate.
    pub rate: Rate,
    /// The account of every measured reading.
    pub ledger: Ledger,
    /// What hrload put into the stream itself; null where the table's changes were
    /// followed, or nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puts: Option<Puts>,
    /// What was delivered into the lake; null where nothing was to be.
    #[serde(default)]
    pub lake: Option<Lake>,
    /// Latencies by stage, of measured readings.
    pub latency: ByStage<StageLatency>,
    /// The devices with the slowest reading each, slowest first; empty when
    /// nothing was followed.
    #[serde(default)]
    pub slowest_devices: Vec<SlowDevice>,
    /// What causality says of the services' clock.
    pub clock_offset: ClockOffset,
    /// Throttled calls and items by cause, most items first.
    pub throttles: Vec<Throttle>,
    /// Readings given up after having been sent, by code.
    pub failures: BTreeMap<String, u64>,
    /// Calls that failed other than by a throttle, by code.
    pub call_failures: BTreeMap<String, u64>,
    /// The slowest calls and those that failed, with their request ids.
    #[serde(default)]
    pub calls: Calls,
    /// Write units.
    pub capacity: Capacity,
    /// The run beside its plan; null in a run that was cut short.
    #[serde(default)]
    pub planned: Option<Planned>,
    /// What AWS counted of the run; null where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudwatch: Option<CloudWatch>,
    /// What the run cost; null where not computed.
    pub cost: Option<Cost>,
    /// What generating the load cost, and whether that was the limit.
    pub generator: Generator,
    /// What held the run back, told from what was waited for; empty where nothing did.
    #[serde(default)]
    pub causes: Vec<HeldBack>,
    /// What of the rate table and stream do not give for long, however a short run came
    /// out; null where they give it, or where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsustained: Option<String>,
    /// One entry a second, warm-up and drain included.
    pub series: Vec<SeriesEntry>,
    /// Thresholds that were asked for, and whether they were met.
    pub thresholds: Vec<Threshold>,
    /// What a reader of the figures should know.
    pub warnings: Vec<String>,
    /// How the run came out, for programs that read the file; hrload itself judges anew
    /// from the figures. Null in files of versions that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// A device, and how long its slowest reading took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlowDevice {
    /// Number of the device.
    pub device: u32,
    /// Intended start to read from the stream, in seconds.
    pub e2e: f64,
}

/// Rates of measured readings, per second of measuring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// Readings that became due.
    pub offered: f64,
    /// Readings that were acknowledged, be it after measuring ended.
    pub achieved: f64,
    /// Readings seen in the stream; null when none was followed.
    pub seen: Option<f64>,
}

/// Bounds of the services' clock minus ours, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockOffset {
    /// At least this: nothing is read before it arrived. Null without a stream.
    pub low: Option<f64>,
    /// At most this: nothing is created before it was due. Null without a stream.
    pub high: Option<f64>,
    /// Measured readings whose acknowledgement and creation could not be
    /// brought together: they are not in `latency.capture`.
    pub unmatched: u64,
}

/// What one cause throttled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Throttle {
    /// Exception name, or `UnprocessedItems`.
    pub exception: String,
    /// Throttling reason, where the service gives one.
    pub reason: Option<String>,
    /// Calls that were refused, or came back with unprocessed items.
    pub calls: u64,
    /// Items in them that were not written.
    pub items: u64,
}

/// Write units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// What the readings sent should cost, each once, by the size of their items.
    pub computed_units: u64,
    /// What the service said it consumed.
    pub consumed_units: f64,
    /// Answers to writes.
    #[serde(default)]
    pub answered_calls: u64,
    /// Of those, the ones that did not say what they consumed: `consumed_units` is
    /// without them.
    #[serde(default)]
    pub untold_calls: u64,
    /// Write units a second that the table was provisioned with, on average over
    /// the time that was measured, where that was watched.
    #[serde(default)]
    pub provisioned_units: Option<f64>,
}

impl Capacity {
    /// Returns the units consumed: as the service said, or, where it does not say it of
    /// every call, by the rules.
    #[must_use]
    pub fn units(&self) -> f64 {
        if self.consumed_units > 0.0 && self.untold_calls == 0 {
            self.consumed_units
        } else {
            self.computed_units as f64
        }
    }
}

impl Capacity {
    /// Units consumed, by the service's word of every call; `None` where it left any out.
    pub(super) fn told(&self) -> Option<f64> {
        (self.untold_calls == 0).then_some(self.consumed_units)
    }

    /// In how many calls they were told, where not in all: `, told in 2 of 3 calls`.
    pub(super) fn told_in(&self) -> String {
        if self.untold_calls == 0 {
            return String::new();
        }
        format!(
            ", told in {} of {} calls",
            units::count(self.answered_calls.saturating_sub(self.untold_calls)),
            units::count(self.answered_calls)
        )
    }
}

/// What the run cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// US dollars in all, for the time that was measured.
    pub usd: f64,
    /// US dollars an hour at this load.
    #[serde(default)]
    pub usd_per_hour: Option<f64>,
    /// US dollars a million readings written.
    #[serde(default)]
    pub usd_per_million: Option<f64>,
    /// Where the prices come from.
    pub prices: String,
    /// What it is made of.
    pub lines: Vec<CostLine>,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostLine {
    /// What is paid for.
    pub item: String,
    /// How much of it.
    pub quantity: f64,
    /// In which unit.
    pub unit: String,
    /// US dollars.
    pub usd: f64,
}

/// A threshold that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// As it was written.
    pub expression: String,
    /// What was measured, in the unit of the result file, or as a share where
    /// the expression has a percentage; null when there was nothing to measure.
    pub measured: Option<f64>,
    /// Whether it was met.
    pub met: bool,
}

impl Threshold {
    /// What was measured, as people read it.
    pub(super) fn shown(&self) -> String {
        // The expression was a condition when the run began.
        match (self.measured, self.expression.parse()) {
            (Some(measured), Ok(condition)) => Condition::show(&condition, measured),
            (Some(measured), Err(_)) => measured.to_string(),
            (None, _) => "nothing".to_owned(),
        }
    }
}

/// What was measured, to make a result of.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// All workers' records, merged.
    pub sending: &'a SendRecord,
    /// The stream's; `None` when none was followed.
    pub arrivals: Option<&'a ArrivalRecord>,
    /// The series, finished.
    pub series: &'a Series,
    /// [`measure::Rendezvous::unmatched`].
    pub unmatched: u64,
}

impl RunResult {
    /// Draws up the result of a run. `generator` may come from
    /// [`Generator::of`] the series' totals; `warnings` come before those that
    /// follow from the figures.
    #[must_use]
    pub fn new(
        run: RunInfo,
        config: Config,
        environment: Environment,
        generator: Generator,
        observed: Observed<'_>,
        warnings: Vec<String>,
    ) -> Self {
        let Observed {
            sending,
            arrivals,
            series,
            unmatched,
        } = observed;
        let mut latencies = sending.latencies.clone();
        if let Some(arrivals) = arrivals {
            latencies.merge(&arrivals.latencies);
        }
        let mut ledger = Ledger::from(&measure::Ledger::new(sending, arrivals));
        if let Some(arrivals) = arrivals {
            ledger.missing_examples = sending
                .acknowledged
                .measured
                .difference(&arrivals.seen.measured)
                .take(MISSING_EXAMPLES)
                .map(|(device, sequence)| MissingReading { device, sequence })
                .collect();
        }
        let per_second = |count: u64| match run.measured {
            measured if measured > 0.0 => count as f64 / measured,
            _ => 0.0,
        };
        let offset = arrivals.map(|arrivals| arrivals.offset).unwrap_or_default();
        let by_code = |tally: &measure::Tally<String, u64>| {
            tally
                .iter()
                .map(|(code, count)| (code.clone(), *count))
                .collect()
        };
        let mut result = Self {
            schema: SchemaName::ResultV1,
            rate: Rate {
                offered: per_second(ledger.scheduled),
                achieved: per_second(ledger.acknowledged),
                seen: ledger.seen.map(per_second),
            },
            latency: latencies
                .recorded()
                .map(|(stage, latency)| (stage, StageLatency::from(latency)))
                .collect(),
            puts: None,
            lake: None,
            slowest_devices: arrivals
                .iter()
                .flat_map(|of| of.slowest.iter())
                .map(|(device, us)| SlowDevice {
                    device,
                    e2e: seconds(us),
                })
                .collect(),
            clock_offset: ClockOffset {
                low: offset.low_us.map(seconds),
                high: offset.high_us.map(seconds),
                unmatched,
            },
            throttles: throttles(&sending.counts),
            failures: by_code(&sending.counts.failures),
            call_failures: by_code(&sending.counts.call_failures),
            calls: Calls::default(),
            capacity: Capacity {
                computed_units: sending.counts.computed_units,
                consumed_units: sending.counts.consumed_units,
                answered_calls: sending.counts.answered_calls,
                untold_calls: sending.counts.untold_calls,
                provisioned_units: None,
            },
            planned: None,
            cloudwatch: None,
            cost: None,
            causes: Vec::new(),
            series: series
                .seconds()
                .iter()
                .map(|second| SeriesEntry::new(second, run.measured))
                .collect(),
            thresholds: Vec::new(),
            warnings,
            unsustained: None,
            verdict: None,
            run,
            config,
            environment,
            ledger,
            generator,
        };
        let derived = result.derived_warnings();
        result.warnings.extend(derived);
        result
    }

    /// Write units that were consumed: as the service said or, where it never says,
    /// computed; none where nothing was written.
    #[must_use]
    pub fn written_units(&self) -> f64 {
        if self.ledger.acknowledged == 0 {
            return self.capacity.consumed_units;
        }
        self.capacity.units()
    }

    /// What the figures themselves give reason to say.
    fn derived_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let matched = self.latency.get(Stage::Capture).map_or(0, |of| of.count);
        let unmatched = self.clock_offset.unmatched;
        if unmatched > 0 && unmatched.saturating_mul(100) > matched {
            warnings.push(format!(
                "{} readings are not in `capture`: too many were in the pipeline at once",
                units::count(unmatched)
            ));
        }
        warnings
    }
}

/// Throttles in the order of the file: most items first, then by name.
pub(super) fn throttles(counts: &Counts) -> Vec<Throttle> {
    let mut throttles: Vec<Throttle> = counts
        .throttles
        .iter()
        .map(|(cause, count)| Throttle {
            exception: cause.exception.clone(),
            reason: (!cause.reason.is_empty()).then(|| cause.reason.clone()),
            calls: count.calls,
            items: count.items,
        })
        .collect();
    throttles.sort_by(|a, b| {
        (b.items, &a.exception, &a.reason).cmp(&(a.items, &b.exception, &b.reason))
    });
    throttles
}
