//! What a run, or several, will cost, and when they have cost what they may.

use std::time::Duration;

use super::cost::{Used, priced, prices, usage};
use super::error::RunError;
use super::event::{Event, Finished};
use super::request::{Request, Target, Via};
use super::setting::Setting;
use crate::aws::TableThroughput;
use crate::capacity::bill::{Bill, FreeTierUse};
use crate::capacity::price::Prices;
use crate::capacity::table::{NEW_TABLE, PARTITION_CAP};
use crate::measure::Series;
use crate::stream::Consumer;

/// What runs cost on AWS, before they are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// US dollars, of all of them.
    pub usd: f64,
    /// How many runs.
    pub runs: u32,
    /// Whose prices, and of when.
    pub prices: String,
}

impl Estimate {
    /// Of no run yet.
    pub(super) fn nothing() -> Self {
        Self {
            usd: 0.0,
            runs: 0,
            prices: String::new(),
        }
    }

    /// Of these and so many times of `more`.
    pub(super) fn add(&mut self, more: Self, times: u32) {
        self.usd += more.usd * f64::from(times);
        self.runs += more.runs * times;
        self.prices = more.prices;
    }
}

/// What a run costs on AWS if it goes to its end: warm-up, measuring and as much
/// draining as is allowed; each reading written once. Regions whose prices are not
/// known count at those of us-east-1, which `prices` in it says. What a table or a
/// stream that is there already costs by the hour is counted as if the run made it.
///
/// # Errors
/// The request asks for something that cannot be.
pub fn estimate(request: &Request) -> Result<Estimate, RunError> {
    estimate_at(request, None)
}

/// The same of several runs, each as often as is said.
///
/// # Errors
/// A request asks for something that cannot be.
pub fn estimate_all<'a>(
    runs: impl IntoIterator<Item = (&'a Request, u32)>,
) -> Result<Estimate, RunError> {
    let mut all = Estimate::nothing();
    for (request, times) in runs {
        all.add(estimate(request)?, times);
    }
    Ok(all)
}

/// The same of a run at another rate than the one that table and stream are made for.
pub(super) fn estimate_at(request: &Request, rate: Option<f64>) -> Result<Estimate, RunError> {
    let workload = request.workload()?;
    let setting = Setting::choose(request, &workload, "estimate");
    let region = match &request.target {
        Target::Aws { region, .. } | Target::Endpoint { region, .. } => region.clone(),
        // Whatever the environment says.
        Target::Embedded(embedded) => Some(embedded.region.clone().unwrap_or_default()),
    };
    let region = region
        .or_else(|| std::env::var("AWS_REGION").ok())
        .or_else(|| std::env::var("AWS_DEFAULT_REGION").ok())
        .unwrap_or_default();
    let sending = (request.phases.warmup + request.phases.measure).as_secs_f64();
    let readings = (rate.unwrap_or(setting.mean_rate) * sending).round();
    let used = Used {
        measured_s: sending + request.phases.drain.as_secs_f64(),
        write_units: readings * setting.footprint.write_units() as f64,
        provisioned_units: None,
        acknowledged: readings as u64,
        captured: matches!(request.via, Via::Kinesis(_)),
        fan_out: fans_out(request),
        delivered: request.lake.is_some(),
        stream_reads: stream_reads(
            request,
            &setting,
            sending + request.phases.drain.as_secs_f64(),
        ),
    };
    let usage = usage(&setting, setting.footprint, &used);
    let cost = priced(&prices(&region), &usage, used.acknowledged);
    Ok(Estimate {
        usd: cost.usd,
        runs: 1,
        prices: cost.prices,
    })
}

pub(super) fn fans_out(request: &Request) -> bool {
    matches!(
        request.via.consumer(),
        Some(Consumer::EnhancedFanOut { .. })
    )
}

/// GetRecords calls on the table's own stream in so many seconds, by the partitions
/// that the table has from the start.
fn stream_reads(request: &Request, setting: &Setting, seconds: f64) -> u64 {
    let Via::DynamoDbStreams { interval } = request.via else {
        return 0;
    };
    let units = match setting.throughput {
        TableThroughput::OnDemand { warm_write_units } => {
            warm_write_units.unwrap_or(NEW_TABLE.write)
        }
        TableThroughput::Provisioned { write_units, .. } => write_units,
    };
    let shards = units.div_ceil(PARTITION_CAP.write);
    (shards as f64 * seconds / interval.as_secs_f64()).ceil() as u64
}

/// What a run may cost.
pub(super) struct Budget<'a> {
    limit_usd: f64,
    prices: Prices,
    setting: &'a Setting,
    request: &'a Request,
}

impl<'a> Budget<'a> {
    /// For a run that may cost `limit_usd` in `region`.
    pub(super) fn new(
        limit_usd: f64,
        region: &str,
        request: &'a Request,
        setting: &'a Setting,
    ) -> Self {
        Self {
            limit_usd,
            prices: prices(region),
            setting,
            request,
        }
    }

    /// Whether `series` has cost what it may, `elapsed` after the first reading.
    pub(super) fn is_spent(&self, series: &Series, elapsed: Duration) -> bool {
        self.spent_usd(series, elapsed) >= self.limit_usd
    }

    /// What `series` has cost, `elapsed` after the first reading, in USD. The second
    /// that is not complete yet is not in it, nor is what is in flight.
    pub(super) fn spent_usd(&self, series: &Series, elapsed: Duration) -> f64 {
        // All of it, each time: what comes late is added to a second that was complete.
        let (mut write_units, mut acknowledged) = (0.0, 0);
        for second in series.seconds() {
            let counts = &second.counts;
            // A service that does not say what it consumed consumes by the rules.
            write_units += counts.consumed_units.max(counts.computed_units as f64);
            acknowledged += counts.acknowledged;
        }
        let used = Used {
            measured_s: elapsed.as_secs_f64(),
            write_units,
            provisioned_units: None,
            acknowledged,
            captured: matches!(self.request.via, Via::Kinesis(_)),
            fan_out: fans_out(self.request),
            delivered: self.request.lake.is_some(),
            stream_reads: stream_reads(self.request, self.setting, elapsed.as_secs_f64()),
        };
        let usage = usage(self.setting, self.setting.footprint, &used);
        Bill::new(&usage, &self.prices, FreeTierUse::Ignored).total
    }
}

/// What several runs may cost together.
#[derive(Debug)]
pub(super) struct Purse {
    limit_usd: Option<f64>,
    spent_usd: f64,
}

impl Purse {
    /// With so much in it, in USD; without a limit it is never empty.
    pub(super) fn new(limit_usd: Option<f64>) -> Self {
        Self {
            limit_usd,
            spent_usd: 0.0,
        }
    }

    /// What the next run may cost; nothing is said where there is no limit.
    pub(super) fn left_usd(&self) -> Option<f64> {
        self.limit_usd
            .map(|limit| (limit - self.spent_usd).max(0.0))
    }

    /// What the run that takes the last of it tells as its own limit is that of all.
    pub(super) fn of_all<'a>(&self, event: Event<'a>) -> Event<'a> {
        match (event, self.limit_usd) {
            (Event::BudgetSpent(_), Some(limit)) => Event::BudgetSpent(limit),
            (event, _) => event,
        }
    }

    /// Pays for a run, and says what the limit was when that took the last of it.
    pub(super) fn pay(&mut self, finished: &Finished) -> Option<f64> {
        self.spent_usd += finished.spent_usd.unwrap_or(0.0);
        // A run that its share ended may have come to a hair less by the last count.
        let ended = finished.result.run.max_cost_reached.is_some();
        let spent = ended || self.left_usd() == Some(0.0);
        self.limit_usd.filter(|_| spent)
    }
}
