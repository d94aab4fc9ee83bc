//! The figures that runs are compared by, and how far each can be trusted.
//!
//! What was to be measured and could not be is a finding like any other: the
//! absence of late readings says nothing where no reading arrived. A figure's value is the one of the result; how much noise within the run
//! lets it vary is found by drawing the run's seconds again, in blocks.

use std::collections::BTreeMap;

use super::counted::{Counted, tried};
use super::units::{duration, fine_percent, rate, usd};
use super::{RunResult, SeriesEntry, Verdict, Via};
use hrload_measure::Stage;
use hrload_stats::{BlockBootstrap, Count, RunFigure, Within, block_length};

/// A figure of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Runs that did not hold what they were offered, of all.
    Unheld,
    /// Readings acknowledged a second.
    Achieved,
    /// A share of readings that something happened to.
    Counted(Counts),
    /// A percentile of a stage's latency, in seconds.
    Latency(Stage, Percentile),
    /// Items refused, of all that were tried.
    Throttled,
    /// Write units consumed for a reading.
    WriteUnits,
    /// US dollars a million readings.
    UsdPerMillion,
    /// CPU seconds of the load threads for a reading.
    SendCpu,
}

/// A figure that counts readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts(Counted);

/// A figure of one run, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// A value.
    Value(RunFigure),
    /// A number of readings, of how many.
    Counted(Count),
    /// It was to be measured, and there was nothing to measure: of readings that
    /// never arrived none was late.
    Nothing,
    /// It was not to be measured: where no lake is delivered into, none is fresh.
    NotAsked,
}

impl Finding {
    /// Its value, where there is one.
    #[must_use]
    pub fn figure(self) -> Option<RunFigure> {
        match self {
            Self::Value(figure) => Some(figure),
            Self::Counted(count) => Some(RunFigure::bare(count.share())),
            Self::Nothing | Self::NotAsked => None,
        }
    }
}

/// A share of values that are not above a latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percentile {
    /// Half of them.
    P50,
    /// 99 of 100.
    P99,
    /// 999 of 1,000.
    P999,
}

impl Percentile {
    /// All, in the order of the result file.
    pub const ALL: [Self; 3] = [Self::P50, Self::P99, Self::P999];

    fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
        }
    }
}

/// What can be counted and is compared. What is lost is the sum of some of them.
const COUNTED: [Counted; 9] = [
    Counted::Missing,
    Counted::Failed,
    Counted::Dropped,
    Counted::CutOff,
    Counted::Duplicates,
    Counted::Reordered,
    Counted::SeenUnacknowledged,
    Counted::LakeMissing,
    Counted::LakeDuplicates,
];

impl Measure {
    /// Its name: `achieved`, `missing`, `e2e.p99`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Unheld => "unheld".into(),
            Self::Achieved => "achieved".into(),
            Self::Counted(Counts(counted)) => counted.key().into(),
            Self::Latency(stage, percentile) => format!("{}.{}", stage.key(), percentile.key()),
            Self::Throttled => "throttled".into(),
            Self::WriteUnits => "write_units".into(),
            Self::UsdPerMillion => "usd_per_million".into(),
            Self::SendCpu => "send_cpu".into(),
        }
    }

    /// All that there can be, in the order in which they are shown.
    pub fn all() -> impl Iterator<Item = Self> {
        let counted = COUNTED.map(|counted| Self::Counted(Counts(counted)));
        let latency = STAGES
            .into_iter()
            .flat_map(|stage| Percentile::ALL.map(|percentile| Self::Latency(stage, percentile)));
        let others = [
            Self::Throttled,
            Self::WriteUnits,
            Self::UsdPerMillion,
            Self::SendCpu,
        ];
        let first = [Self::Unheld, Self::Achieved];
        first
            .into_iter()
            .chain(counted)
            .chain(latency)
            .chain(others)
    }

    /// The figure of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|of| of.name() == name)
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self == Self::Achieved
    }

    /// The smallest difference that matters, in its own unit, however large its
    /// share. `docs/method.md` says why each is what it is.
    #[must_use]
    pub fn matters(self) -> f64 {
        match self {
            Self::Unheld => 0.0,
            Self::Achieved => 1.0,
            Self::Counted(Counts(counted)) => match counted {
                Counted::Duplicates
                | Counted::Reordered
                | Counted::SeenUnacknowledged
                | Counted::LakeDuplicates => 0.001,
                _ => 0.0001,
            },
            Self::Latency(Stage::Service, _) => 100e-6,
            Self::Latency(..) => 1e-3,
            Self::Throttled => 0.001,
            Self::WriteUnits => 0.01,
            Self::UsdPerMillion => 0.01,
            Self::SendCpu => 2e-6,
        }
    }

    /// A value as people read it.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Achieved => rate(value),
            Self::Latency(..) | Self::SendCpu => duration(value),
            Self::Unheld | Self::Counted(_) | Self::Throttled => fine_percent(value),
            Self::WriteUnits => format!("{value:.2} units"),
            Self::UsdPerMillion => format!("{} USD", usd(value)),
        }
    }

    /// Whether runs like this one have it, be there something to measure or not.
    fn asked(self, result: &RunResult) -> bool {
        let via = result.config.via;
        match self {
            Self::Counted(Counts(counted)) if counted.needs_stream() => via != Via::None,
            Self::Counted(Counts(counted)) if counted.needs_lake() => result.lake.is_some(),
            Self::Latency(Stage::EndToEnd, _) => via != Via::None,
            Self::Latency(Stage::Freshness, _) => result.lake.is_some(),
            Self::Latency(stage, _) if stage.spans_clocks() => {
                matches!(via, Via::Kinesis | Via::PutRecords)
            }
            // Prices of other servers and of some regions are not known.
            Self::UsdPerMillion => result.cost.is_some(),
            _ => true,
        }
    }
}

/// The figures of one run.
#[derive(Debug, Clone)]
pub struct Figures(Vec<(Measure, Finding)>);

/// Draws of a run's seconds. The variance of 400 is within 14 % of what endless
/// drawing would give, 95 times of 100.
const RESAMPLES: usize = 400;
const SEED: u64 = 1;

/// Stages that are compared.
const STAGES: [Stage; 8] = [
    Stage::Lateness,
    Stage::Service,
    Stage::Response,
    Stage::Capture,
    Stage::Replication,
    Stage::Read,
    Stage::EndToEnd,
    Stage::Freshness,
];

impl Figures {
    /// All that there can be, as far as the result has them.
    #[must_use]
    pub fn of(result: &RunResult) -> Self {
        let seconds = Seconds::of(result);
        let findings = Measure::all().map(|measure| {
            let finding = if measure.asked(result) {
                seconds.finding(measure, result)
            } else {
                Finding::NotAsked
            };
            (measure, finding)
        });
        Self(findings.collect())
    }

    /// Those that have a value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Measure, RunFigure)> {
        let known = self.0.iter();
        known.filter_map(|&(measure, finding)| Some((measure, finding.figure()?)))
    }

    /// The value of one of them.
    #[must_use]
    pub fn get(&self, measure: Measure) -> Option<RunFigure> {
        self.finding(measure).figure()
    }

    /// One of them, or why there is none.
    #[must_use]
    pub fn finding(&self, measure: Measure) -> Finding {
        let found = self.0.iter().find(|of| of.0 == measure);
        found.map_or(Finding::NotAsked, |of| of.1)
    }
}

/// The measured seconds of a run, and what is read off them more than once.
struct Seconds<'a> {
    seconds: Vec<&'a SeriesEntry>,
    acknowledged: Vec<f64>,
    /// The noise within each stage's percentiles.
    latencies: Vec<(Stage, [Option<Within>; 3])>,
}

impl<'a> Seconds<'a> {
    fn of(result: &'a RunResult) -> Self {
        let measured = result.run.measured.ceil() as i64;
        let series = result.series.iter();
        let seconds: Vec<&SeriesEntry> = series
            .filter(|of| (0..measured).contains(&of.second))
            .collect();
        let stages = STAGES.into_iter();
        let stages = stages.filter(|&stage| result.latency.get(stage).is_some());
        Self {
            acknowledged: column(&seconds, |of| of.acknowledged as f64),
            latencies: stages
                .map(|stage| (stage, percentiles(&seconds, stage)))
                .collect(),
            seconds,
        }
    }

    fn finding(&self, measure: Measure, result: &RunResult) -> Finding {
        let counted = match measure {
            Measure::Unheld => {
                let held = Verdict::of(result).held();
                Some((u64::from(!held), 1))
            }
            Measure::Counted(Counts(counted)) => Some(counted.count(result).unwrap_or_default()),
            _ => None,
        };
        match counted {
            Some((_, 0)) => return Finding::Nothing,
            Some((count, of)) => return Finding::Counted(Count { count, of }),
            None => {}
        }
        match self.value(measure, result) {
            Some(figure) if figure.value.is_finite() => Finding::Value(figure),
            _ => Finding::Nothing,
        }
    }

    /// A value, and how far noise within the run lets it vary.
    fn value(&self, measure: Measure, result: &RunResult) -> Option<RunFigure> {
        let seconds = &self.seconds;
        let readings = result.ledger.acknowledged as f64;
        let figure = |value: f64, within| Some(RunFigure { value, within });
        match measure {
            Measure::Unheld | Measure::Counted(_) => None,
            Measure::Achieved => {
                let ones = vec![1.0; seconds.len()];
                figure(result.rate.achieved, ratio(&self.acknowledged, &ones))
            }
            Measure::Latency(stage, percentile) => {
                let of = result.latency.get(stage).filter(|of| of.count > 0)?;
                let (value, at) = match percentile {
                    Percentile::P50 => (of.p50, 0),
                    Percentile::P99 => (of.p99, 1),
                    Percentile::P999 => (of.p999, 2),
                };
                let within = self.latencies.iter().find(|of| of.0 == stage);
                figure(value, within.and_then(|of| of.1[at]))
            }
            Measure::Throttled => {
                let (refused, of) = Counted::Throttled.count(result)?;
                let in_second = |of: &SeriesEntry| of.throttles.iter().map(|of| of.items).sum();
                let refusals = column(seconds, |of| in_second(of) as f64);
                let tries = column(seconds, |of| {
                    tried(of.sent, of.acknowledged, in_second(of)) as f64
                });
                figure(refused as f64 / of as f64, ratio(&refusals, &tries))
            }
            Measure::WriteUnits => figure(
                result.capacity.told()? / readings,
                self.each(|of| of.consumed_units),
            ),
            Measure::UsdPerMillion => figure(result.cost.as_ref()?.usd_per_million?, None),
            Measure::SendCpu => figure(
                result.generator.send_cpu / readings,
                self.each(|of| of.send_cpu),
            ),
        }
    }

    /// How much what a reading takes varies.
    fn each(&self, of: impl Fn(&SeriesEntry) -> f64) -> Option<Within> {
        ratio(&column(&self.seconds, of), &self.acknowledged)
    }
}

fn column(seconds: &[&SeriesEntry], of: impl Fn(&SeriesEntry) -> f64) -> Vec<f64> {
    seconds.iter().map(|second| of(second)).collect()
}

/// How much a ratio of sums varies; nothing for too short a run.
fn ratio(above: &[f64], below: &[f64]) -> Option<Within> {
    let bootstrap = BlockBootstrap {
        block: block_length(above).ok()?,
        resamples: RESAMPLES,
        seed: SEED,
    };
    let figures = bootstrap.figures(above.len(), 1, |times, figures| {
        let sum = |of: &[f64]| {
            let weighted = times.iter().zip(of);
            weighted
                .map(|(&times, of)| f64::from(times) * of)
                .sum::<f64>()
        };
        figures[0] = sum(above) / sum(below);
    });
    figures.ok()?.first()?.as_ref()?.within
}

/// How much each percentile of a stage varies.
fn percentiles(seconds: &[&SeriesEntry], stage: Stage) -> [Option<Within>; 3] {
    drawn_percentiles(seconds, stage).unwrap_or_default()
}

fn drawn_percentiles(seconds: &[&SeriesEntry], stage: Stage) -> Option<[Option<Within>; 3]> {
    let sparse = Sparse::of(seconds, stage)?;
    let p99s = column(seconds, |of| of.latency.get(stage).map_or(0.0, |of| of.p99));
    let bootstrap = BlockBootstrap {
        block: block_length(&p99s).ok()?,
        resamples: RESAMPLES,
        seed: SEED,
    };
    let mut counts = vec![0u64; sparse.values.len()];
    let figures = bootstrap.figures(seconds.len(), 3, |times, figures| {
        sparse.draw(times, &mut counts);
        for (figure, percentile) in figures.iter_mut().zip(Percentile::ALL) {
            *figure = sparse.quantile(&counts, percentile.share());
        }
    });
    let mut within = figures.ok()?.into_iter().map(|of| of?.within);
    Some([within.next()?, within.next()?, within.next()?])
}

/// The histograms of a stage's seconds, as counts of the values that there are.
struct Sparse {
    /// Every value, in seconds, from the smallest.
    values: Vec<f64>,
    /// For each second, places in `values` and counts.
    seconds: Vec<Vec<(u32, u64)>>,
}

impl Sparse {
    fn of(seconds: &[&SeriesEntry], stage: Stage) -> Option<Self> {
        let mut places: BTreeMap<i64, u32> = BTreeMap::new();
        let mut decoded = Vec::with_capacity(seconds.len());
        for second in seconds {
            let counts: Vec<(i64, u64)> = match second.latency.get(stage) {
                None => Vec::new(),
                Some(of) => of.decode().ok()?.counts().collect(),
            };
            places.extend(counts.iter().map(|&(us, _)| (us, 0)));
            decoded.push(counts);
        }
        for (place, at) in places.values_mut().zip(0..) {
            *place = at;
        }
        let seconds = decoded
            .into_iter()
            .map(|counts| counts.into_iter().map(|(us, n)| (places[&us], n)).collect())
            .collect();
        Some(Self {
            values: places.keys().map(|&us| us as f64 / 1e6).collect(),
            seconds,
        })
    }

    fn draw(&self, times: &[u32], counts: &mut [u64]) {
        counts.fill(0);
        for (second, &times) in self.seconds.iter().zip(times) {
            if times > 0 {
                for &(place, count) in second {
                    counts[place as usize] += count * u64::from(times);
                }
            }
        }
    }

    fn quantile(&self, counts: &[u64], share: f64) -> f64 {
        let rank = (share * counts.iter().sum::<u64>() as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let reached = counts.iter().position(|count| {
            below += count;
            below >= rank
        });
        reached.map_or(f64::NAN, |place| self.values[place])
    }
}
