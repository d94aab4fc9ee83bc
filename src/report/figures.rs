//! The figures that runs are compared by, and how far each can be trusted.
//!
//! A figure's value is the one of the result; how much noise within the run
//! lets it vary is found by drawing the run's seconds again, in blocks.

use std::collections::BTreeMap;

use super::units::{amount, duration, fine_percent, rate};
use super::{RunResult, SeriesEntry};
use crate::measure::{EncodedLatency, Latency, Stage};
use crate::stats::{BlockBootstrap, RunFigure, Within, block_length};

/// A figure of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Readings acknowledged a second.
    Achieved,
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

impl Measure {
    /// Its name: `achieved`, `e2e.p99`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Achieved => "achieved".into(),
            Self::Latency(stage, percentile) => format!("{}.{}", stage.key(), percentile.key()),
            Self::Throttled => "throttled".into(),
            Self::WriteUnits => "write_units".into(),
            Self::UsdPerMillion => "usd_per_million".into(),
            Self::SendCpu => "send_cpu".into(),
        }
    }

    /// All that there can be, in the order of the result file.
    pub fn all() -> impl Iterator<Item = Self> {
        let latency = STAGES
            .into_iter()
            .flat_map(|stage| Percentile::ALL.map(|percentile| Self::Latency(stage, percentile)));
        let others = [
            Self::Throttled,
            Self::WriteUnits,
            Self::UsdPerMillion,
            Self::SendCpu,
        ];
        std::iter::once(Self::Achieved).chain(latency).chain(others)
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

    /// A value as people read it.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Achieved => rate(value),
            Self::Latency(..) => duration(value),
            Self::Throttled => fine_percent(value),
            Self::WriteUnits => format!("{} a reading", amount(value)),
            Self::UsdPerMillion => format!("{value:.3} USD"),
            Self::SendCpu => duration(value),
        }
    }
}

/// The figures of one run.
#[derive(Debug, Clone)]
pub struct Figures(Vec<(Measure, RunFigure)>);

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
    /// All that the result has.
    #[must_use]
    pub fn of(result: &RunResult) -> Self {
        let measured = result.run.measured.ceil() as i64;
        let series = result.series.iter();
        let seconds: Vec<&SeriesEntry> = series
            .filter(|of| (0..measured).contains(&of.second))
            .collect();
        let mut figures = Vec::new();
        let acknowledged: Vec<f64> = column(&seconds, |of| of.acknowledged as f64);
        let ones = vec![1.0; seconds.len()];
        let mut add = |measure, value: Option<f64>, within| {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                figures.push((measure, RunFigure { value, within }));
            }
        };
        let readings = result.ledger.acknowledged as f64;
        let for_each = |of: f64| (readings > 0.0).then(|| of / readings);
        add(
            Measure::Achieved,
            Some(result.rate.achieved),
            ratio(&acknowledged, &ones),
        );
        for stage in STAGES {
            let Some(of) = result.latency.get(stage) else {
                continue;
            };
            let within = percentiles(&seconds, stage);
            for (percentile, within) in Percentile::ALL.into_iter().zip(within) {
                let value = match percentile {
                    Percentile::P50 => of.p50,
                    Percentile::P99 => of.p99,
                    Percentile::P999 => of.p999,
                };
                add(Measure::Latency(stage, percentile), Some(value), within);
            }
        }
        let refused: u64 = result.throttles.iter().map(|of| of.items).sum();
        let refused = refused as f64;
        let refused_by_second = column(&seconds, |of| {
            of.throttles.iter().map(|of| of.items).sum::<u64>() as f64
        });
        let tried: Vec<f64> = refused_by_second
            .iter()
            .zip(&acknowledged)
            .map(|(refused, written)| refused + written)
            .collect();
        add(
            Measure::Throttled,
            Some(refused / (refused + readings)),
            ratio(&refused_by_second, &tried),
        );
        add(
            Measure::WriteUnits,
            for_each(result.capacity.consumed_units),
            ratio(&column(&seconds, |of| of.consumed_units), &acknowledged),
        );
        let cost = result.cost.as_ref().and_then(|cost| cost.usd_per_million);
        add(Measure::UsdPerMillion, cost, None);
        add(
            Measure::SendCpu,
            for_each(result.generator.send_cpu),
            ratio(&column(&seconds, |of| of.send_cpu), &acknowledged),
        );
        Self(figures)
    }

    /// What there is, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Measure, RunFigure)> {
        self.0.iter().copied()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, measure: Measure) -> Option<RunFigure> {
        self.iter().find(|of| of.0 == measure).map(|of| of.1)
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
                Some(of) => {
                    let encoded = EncodedLatency {
                        histogram: of.histogram.clone(),
                        negative: of.histogram_negative.clone(),
                    };
                    Latency::decode(&encoded).ok()?.counts().collect()
                }
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
