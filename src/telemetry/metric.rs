//! A [`Status`] as metrics: their names, units, labels and values, the same for
//! every outlet.
//!
//! Names are those of the file of a run that is over (`--report run.prom`)
//! wherever both have the figure. Counters have the label `phase`, so that those
//! of `measure` add up to the ledger and those of the warm-up are not lost.

use super::{Distribution, Status};
use crate::measure::Counts;
use crate::report::Phase;

/// A metric with all its points.
#[derive(Debug)]
pub(super) struct Metric {
    /// `hrload_sent_readings`; ends in its unit.
    pub name: &'static str,
    /// Its unit, as it stands in the name; empty for none.
    pub unit: &'static str,
    /// What it says.
    pub help: &'static str,
    /// Its points.
    pub points: Points,
}

/// What kind of metric it is.
#[derive(Debug)]
pub(super) enum Points {
    /// What was counted since the run began to send.
    Counter(Vec<Point<f64>>),
    /// What is so at this moment.
    Gauge(Vec<Point<f64>>),
    /// Values counted between bounds since the run began to send.
    Histogram(Vec<Point<Distribution>>),
    /// What does not change, in labels.
    Info(Labels),
}

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A value with its labels.
#[derive(Debug)]
pub(super) struct Point<T> {
    /// Labels.
    pub labels: Labels,
    /// Value.
    pub value: T,
}

fn point<T>(labels: Labels, value: T) -> Point<T> {
    Point { labels, value }
}

/// All metrics of a moment; those without points are left out.
pub(super) fn metrics(of: &Status) -> Vec<Metric> {
    let mut all = Vec::new();
    run(&mut all, of);
    now(&mut all, of);
    counted(&mut all, of);
    by_cause(&mut all, of);
    latencies(&mut all, of);
    shards(&mut all, of);
    all.retain(|metric| match &metric.points {
        Points::Counter(points) | Points::Gauge(points) => !points.is_empty(),
        Points::Histogram(points) => !points.is_empty(),
        Points::Info(labels) => !labels.is_empty(),
    });
    all
}

fn phase_key(phase: Phase) -> &'static str {
    match phase {
        Phase::SetUp => "set-up",
        Phase::WarmUp => "warm-up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
        Phase::Complete => "complete",
    }
}

fn run(all: &mut Vec<Metric>, of: &Status) {
    let about = &of.about;
    let labels = match about.run.as_str() {
        "" => Vec::new(),
        run => vec![
            ("run", run.to_owned()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("profile", about.profile.clone()),
            ("target", about.target.clone()),
            ("client", about.client.clone()),
            ("devices", about.devices.to_string()),
        ],
    };
    all.push(Metric {
        name: "hrload_run",
        unit: "",
        help: "What runs.",
        points: Points::Info(labels),
    });
    let phases = [
        Phase::SetUp,
        Phase::WarmUp,
        Phase::Measure,
        Phase::Drain,
        Phase::Complete,
    ];
    let phases = phases.into_iter().map(|phase| {
        let labels = vec![("phase", phase_key(phase).to_owned())];
        point(labels, f64::from(u8::from(phase == of.phase)))
    });
    all.push(Metric {
        name: "hrload_phase",
        unit: "",
        help: "1 for the phase the run is in, 0 for the others.",
        points: Points::Gauge(phases.collect()),
    });
}

/// What is so at this moment, without labels.
fn now(all: &mut Vec<Metric>, of: &Status) {
    let sending = !of.recent.is_empty();
    let latest = |count: u64| sending.then_some(count as f64);
    let followed = of.about.followed;
    let gauges: [(&str, &str, &str, Option<f64>); 11] = [
        (
            "hrload_phase_elapsed_seconds",
            "seconds",
            "Time in the phase.",
            Some(of.elapsed.as_secs_f64()),
        ),
        (
            "hrload_phase_length_seconds",
            "seconds",
            "Length of the phase at most; 0 where it is not known.",
            Some(of.length.as_secs_f64()),
        ),
        (
            "hrload_asked_readings_per_second",
            "readings_per_second",
            "Rate in force: what was asked for, times the tempo.",
            (!of.about.run.is_empty()).then_some(of.asked_per_s * of.tempo),
        ),
        (
            "hrload_tempo_ratio",
            "ratio",
            "Multiple of the rate asked for that is in force; 0 while paused.",
            Some(of.tempo),
        ),
        (
            "hrload_offered_readings_per_second",
            "readings_per_second",
            "Readings that became due in the latest whole second.",
            latest(of.latest.scheduled),
        ),
        (
            "hrload_achieved_readings_per_second",
            "readings_per_second",
            "Readings acknowledged in the latest whole second.",
            latest(of.latest.acknowledged),
        ),
        (
            "hrload_seen_readings_per_second",
            "readings_per_second",
            "Readings seen in the stream in the latest whole second.",
            latest(of.latest.seen).filter(|_| followed),
        ),
        (
            "hrload_waiting_readings",
            "readings",
            "Readings that waited to be sent, at most, in the latest whole second.",
            latest(of.latest.waiting_max),
        ),
        (
            "hrload_in_flight_batches",
            "batches",
            "Batches in flight, at most, in the latest whole second.",
            latest(of.latest.in_flight_max),
        ),
        (
            "hrload_unseen_readings",
            "readings",
            "Measured readings acknowledged and not yet seen in the stream.",
            of.unseen.map(|count| count as f64),
        ),
        (
            "hrload_reading_shards",
            "shards",
            "Shards being read.",
            (followed && sending).then_some(of.shards.len() as f64),
        ),
    ];
    for (name, unit, help, value) in gauges {
        let points = value.map(|value| point(Vec::new(), value));
        all.push(Metric {
            name,
            unit,
            help,
            points: Points::Gauge(points.into_iter().collect()),
        });
    }
}

/// Both phases' counts, each with its label.
fn phases(of: &Status) -> [(String, &Counts); 2] {
    [
        (phase_key(Phase::WarmUp).to_owned(), &of.warm_up),
        (phase_key(Phase::Measure).to_owned(), &of.measured),
    ]
}

/// Counters of every run, and those of runs whose readings are followed.
fn counted(all: &mut Vec<Metric>, of: &Status) {
    type Counter = (&'static str, &'static str, &'static str, fn(&Counts) -> f64);
    let sending: [Counter; 10] = [
        (
            "hrload_scheduled_readings",
            "readings",
            "Readings that became due.",
            |of| of.scheduled as f64,
        ),
        (
            "hrload_dropped_readings",
            "readings",
            "Readings given up unsent, too many waiting.",
            |of| of.dropped as f64,
        ),
        (
            "hrload_cut_off_readings",
            "readings",
            "Readings unsent at the end.",
            |of| of.cut_off as f64,
        ),
        (
            "hrload_sent_readings",
            "readings",
            "Readings that left.",
            |of| of.sent as f64,
        ),
        (
            "hrload_acknowledged_readings",
            "readings",
            "Readings written.",
            |of| of.acknowledged as f64,
        ),
        (
            "hrload_failed_readings",
            "readings",
            "Readings given up after sending.",
            |of| of.failed as f64,
        ),
        ("hrload_calls", "calls", "Calls that ended.", |of| {
            of.calls as f64
        }),
        (
            "hrload_consumed_write_units",
            "write_units",
            "Write units consumed, by the service's word.",
            |of| of.consumed_units,
        ),
        (
            "hrload_computed_write_units",
            "write_units",
            "Write units computed from item sizes.",
            |of| of.computed_units as f64,
        ),
        (
            "hrload_send_cpu_seconds",
            "seconds",
            "CPU time of the load threads.",
            |of| of.send_cpu_us as f64 / 1e6,
        ),
    ];
    let following: [Counter; 5] = [
        (
            "hrload_seen_readings",
            "readings",
            "Readings seen in the stream, each once, acknowledged or not.",
            |of| of.seen as f64,
        ),
        (
            "hrload_duplicate_readings",
            "readings",
            "Further sightings.",
            |of| of.duplicates as f64,
        ),
        (
            "hrload_reordered_readings",
            "readings",
            "Sightings out of order.",
            |of| of.reordered as f64,
        ),
        (
            "hrload_throttled_reads",
            "reads",
            "Reads of the stream that were throttled.",
            |of| of.throttled_reads as f64,
        ),
        (
            "hrload_read_cpu_seconds",
            "seconds",
            "CPU time of the reading thread.",
            |of| of.read_cpu_us as f64 / 1e6,
        ),
    ];
    let following = following.into_iter().filter(|_| of.about.followed);
    for (name, unit, help, value) in sending.into_iter().chain(following) {
        let points = phases(of).map(|(phase, counts)| point(vec![("phase", phase)], value(counts)));
        all.push(Metric {
            name,
            unit,
            help,
            points: Points::Counter(points.into()),
        });
    }
}

/// Counters by what was the cause: those of causes that occurred.
fn by_cause(all: &mut Vec<Metric>, of: &Status) {
    let throttles = |count: fn(&crate::measure::ThrottleCount) -> u64| {
        let phases = phases(of).into_iter();
        let points = phases.flat_map(move |(phase, counts)| {
            let causes = counts.throttles.iter().map(move |(cause, of)| {
                let labels = vec![
                    ("phase", phase.clone()),
                    ("exception", cause.exception.clone()),
                    ("reason", cause.reason.clone()),
                ];
                point(labels, count(of) as f64)
            });
            causes.collect::<Vec<_>>()
        });
        Points::Counter(points.collect())
    };
    let codes = |tally: fn(&Counts) -> &crate::measure::Tally<String, u64>| {
        let phases = phases(of).into_iter();
        let points = phases.flat_map(move |(phase, counts)| {
            let codes = tally(counts).iter().map(move |(code, count)| {
                let labels = vec![("phase", phase.clone()), ("code", code.clone())];
                point(labels, *count as f64)
            });
            codes.collect::<Vec<_>>()
        });
        Points::Counter(points.collect())
    };
    let families: [(&str, &str, &str, Points); 4] = [
        (
            "hrload_throttled_calls",
            "calls",
            "Calls refused, or answered with unprocessed items, by cause.",
            throttles(|of| of.calls),
        ),
        (
            "hrload_throttled_items",
            "items",
            "Items refused, each time, by cause.",
            throttles(|of| of.items),
        ),
        (
            "hrload_failed_calls",
            "calls",
            "Calls that failed other than by a throttle, by code.",
            codes(|of| &of.call_failures),
        ),
        (
            "hrload_given_up_readings",
            "readings",
            "Readings given up after having been sent, by code.",
            codes(|of| &of.failures),
        ),
    ];
    for (name, unit, help, points) in families {
        all.push(Metric {
            name,
            unit,
            help,
            points,
        });
    }
}

fn latencies(all: &mut Vec<Metric>, of: &Status) {
    let stages = of.stages.iter().flat_map(|of| {
        let statistics = [("p50", of.p50_us), ("p99", of.p99_us), ("max", of.max_us)];
        statistics.map(|(statistic, us)| {
            let labels = vec![
                ("stage", of.stage.key().to_owned()),
                ("statistic", statistic.to_owned()),
            ];
            point(labels, us as f64 / 1e6)
        })
    });
    all.push(Metric {
        name: "hrload_latest_latency_seconds",
        unit: "seconds",
        help: "Latency of a stage in the latest whole second; between two clocks it may be negative.",
        points: Points::Gauge(stages.collect()),
    });
    let stages = of.distributions.iter().map(|(stage, distribution)| {
        let labels = vec![("stage", stage.key().to_owned())];
        point(labels, distribution.clone())
    });
    all.push(Metric {
        name: "hrload_stage_seconds",
        unit: "seconds",
        help: "Latency of a stage, warm-up included; without a sum where it may be negative.",
        points: Points::Histogram(stages.collect()),
    });
}

fn shards(all: &mut Vec<Metric>, of: &Status) {
    let each = |value: fn(&super::ShardNow) -> f64| {
        let shards = of.shards.iter();
        shards
            .map(|of| point(vec![("shard", of.shard.clone())], value(of)))
            .collect()
    };
    all.push(Metric {
        name: "hrload_shard_records",
        unit: "records",
        help: "Records read of a shard, of whatever kind.",
        points: Points::Counter(each(|of| of.records as f64)),
    });
    all.push(Metric {
        name: "hrload_shard_behind_seconds",
        unit: "seconds",
        help: "How far the reader of a shard is behind its tip.",
        points: Points::Gauge(each(|of| of.behind_ms as f64 / 1e3)),
    });
}
