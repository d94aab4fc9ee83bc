//! The run's totals as Prometheus' text format 0.0.4, to be pushed to a gateway or
//! read from a folder of text files: who reads those reads nothing newer.
//!
//! Names and labels are those of the port where a run is scraped
//! (`telemetry`) wherever both have the figure. Latencies are
//! gauges and not a summary: what spans two clocks may be negative, which a
//! summary's quantiles must not be.

use super::exposition::{Dialect, Exposition, Sample};
use super::target;
use crate::{RunResult, Verdict};
use hrload_measure::Stage;

/// The text of the file.
pub(super) fn text(result: &RunResult) -> String {
    let mut text = Exposition::new(Dialect::Prometheus);
    run(&mut text, result);
    readings(&mut text, result);
    latency(&mut text, result);
    trouble(&mut text, result);
    costs(&mut text, result);
    thresholds(&mut text, result);
    text.end()
}

fn run(text: &mut Exposition, result: &RunResult) {
    let config = &result.config;
    let labels = vec![
        ("run", result.run.id.clone()),
        ("version", result.environment.version.clone()),
        ("profile", config.profile.clone()),
        ("target", target(result)),
        ("client", config.client.clone()),
        ("devices", config.devices.to_string()),
    ];
    text.info("hrload_run", "What ran.", labels);
    let verdict = Verdict::of(result);
    let is = |so: bool| Some(f64::from(u8::from(so)));
    let help = "1 when the run held: nothing was lost or seen again but what a threshold allows, and every threshold was met.";
    text.gauge("hrload_held", "", help, is(verdict.held()));
    let help = "1 when something makes the figures doubtful.";
    text.gauge("hrload_in_doubt", "", help, is(!verdict.doubts.is_empty()));
    text.gauges(
        "hrload_verdict",
        "",
        "The verdict, in words.",
        vec![(vec![("verdict", verdict.headline())], 1.0)],
    );
    let closed = f64::from(u8::from(result.ledger.closed));
    text.gauge(
        "hrload_ledger_closed",
        "",
        "1 when every reading is accounted for.",
        Some(closed),
    );
    text.gauge(
        "hrload_measured_seconds",
        "seconds",
        "How long was measured.",
        Some(result.run.measured),
    );
    let rate = &result.rate;
    for (name, help, value) in [
        (
            "hrload_offered_readings_per_second",
            "Readings that became due.",
            Some(rate.offered),
        ),
        (
            "hrload_achieved_readings_per_second",
            "Readings acknowledged.",
            Some(rate.achieved),
        ),
        (
            "hrload_seen_readings_per_second",
            "Readings seen in the stream.",
            rate.seen,
        ),
    ] {
        text.gauge(name, "readings_per_second", help, value);
    }
}

/// Counts of the warm-up, where they are known, and of what was measured.
fn by_phase(warm_up: Option<f64>, measured: Option<f64>) -> Vec<Sample<'static>> {
    let phases = [("warm-up", warm_up), ("measure", measured)].into_iter();
    phases
        .filter_map(|(phase, count)| Some((vec![("phase", phase.to_owned())], count?)))
        .collect()
}

/// The label of what was measured, before the others.
fn measured(mut labels: Vec<(&str, String)>) -> Vec<(&str, String)> {
    labels.insert(0, ("phase", "measure".to_owned()));
    labels
}

fn readings(text: &mut Exposition, result: &RunResult) {
    let of = &result.ledger;
    let before = &of.warm_up;
    for (what, help, warm_up, count) in [
        (
            "scheduled",
            "Readings that became due.",
            Some(before.scheduled),
            Some(of.scheduled),
        ),
        (
            "dropped",
            "Readings given up unsent, too many waiting.",
            Some(before.dropped),
            Some(of.dropped),
        ),
        (
            "cut_off",
            "Readings unsent at the end.",
            Some(before.cut_off),
            Some(of.cut_off),
        ),
        (
            "sent",
            "Readings that left.",
            Some(before.sent),
            Some(of.sent),
        ),
        (
            "acknowledged",
            "Readings written.",
            Some(before.acknowledged),
            Some(of.acknowledged),
        ),
        (
            "failed",
            "Readings given up after sending.",
            Some(before.failed),
            Some(of.failed),
        ),
        (
            "seen",
            "Readings seen in the stream, each once, acknowledged or not.",
            None,
            of.sighted(),
        ),
        (
            "missing",
            "Acknowledged readings never seen.",
            None,
            of.missing,
        ),
        (
            "seen_unacknowledged",
            "Readings seen that were never acknowledged.",
            None,
            of.seen_unacknowledged,
        ),
        ("duplicate", "Further sightings.", None, of.duplicates),
        ("reordered", "Sightings out of order.", None, of.reordered),
    ] {
        let name = format!("hrload_{what}_readings");
        let samples = by_phase(warm_up.map(|of| of as f64), count.map(|of| of as f64));
        text.counters(&name, "readings", help, samples);
    }
}

fn latency(text: &mut Exposition, result: &RunResult) {
    let stages = || {
        let stages = Stage::ALL.into_iter();
        stages.filter_map(|stage| Some((stage.key().to_owned(), result.latency.get(stage)?)))
    };
    let samples = stages().flat_map(|(stage, of)| {
        [
            ("min", of.min),
            ("mean", of.mean),
            ("p50", of.p50),
            ("p90", of.p90),
            ("p99", of.p99),
            ("p99.9", of.p999),
            ("max", of.max),
        ]
        .map(|(statistic, value)| {
            let labels = vec![
                ("stage", stage.clone()),
                ("statistic", statistic.to_owned()),
            ];
            (labels, value)
        })
    });
    text.gauges(
        "hrload_latency_seconds",
        "seconds",
        "Latency of a stage over the whole of measuring; between two clocks it may be negative.",
        samples.collect(),
    );
    let samples = stages().map(|(stage, of)| (vec![("stage", stage)], of.count as f64));
    text.counters(
        "hrload_latency_values",
        "",
        "Values that a stage's latency is made of.",
        samples.collect(),
    );
}

fn trouble(text: &mut Exposition, result: &RunResult) {
    let by_cause = |count: fn(&crate::Throttle) -> u64| {
        let causes = result.throttles.iter().map(|of| {
            let labels = vec![
                ("exception", of.exception.clone()),
                ("reason", of.reason.clone().unwrap_or_default()),
            ];
            (measured(labels), count(of) as f64)
        });
        causes.collect()
    };
    text.counters(
        "hrload_throttled_calls",
        "calls",
        "Calls refused, or answered with unprocessed items, by cause.",
        by_cause(|of| of.calls),
    );
    text.counters(
        "hrload_throttled_items",
        "items",
        "Items refused, each time, by cause.",
        by_cause(|of| of.items),
    );
    let codes = |of: &std::collections::BTreeMap<String, u64>| {
        let codes = of.iter();
        codes
            .map(|(code, &count)| (measured(vec![("code", code.clone())]), count as f64))
            .collect()
    };
    text.counters(
        "hrload_failed_calls",
        "calls",
        "Calls that failed other than by a throttle, by code.",
        codes(&result.call_failures),
    );
    text.counters(
        "hrload_given_up_readings",
        "readings",
        "Readings given up after having been sent, by code.",
        codes(&result.failures),
    );
}

fn costs(text: &mut Exposition, result: &RunResult) {
    let capacity = &result.capacity;
    let (consumed, computed) = (capacity.told(), capacity.computed_units as f64);
    text.counters(
        "hrload_consumed_write_units",
        "write_units",
        "Write units consumed, by the service's word.",
        by_phase(None, consumed),
    );
    text.counters(
        "hrload_computed_write_units",
        "write_units",
        "Write units computed from item sizes.",
        by_phase(None, Some(computed)),
    );
    let cost = result.cost.as_ref();
    for (name, help, value) in [
        (
            "hrload_cost_usd",
            "US dollars for the time that was measured.",
            cost.map(|of| of.usd),
        ),
        (
            "hrload_cost_per_hour_usd",
            "US dollars an hour at this load.",
            cost.and_then(|of| of.usd_per_hour),
        ),
        (
            "hrload_cost_per_million_readings_usd",
            "US dollars a million readings.",
            cost.and_then(|of| of.usd_per_million),
        ),
    ] {
        text.gauge(name, "usd", help, value);
    }
    let generator = &result.generator;
    text.counters(
        "hrload_send_cpu_seconds",
        "seconds",
        "CPU time of the load threads.",
        by_phase(None, Some(generator.send_cpu)),
    );
    text.counters(
        "hrload_read_cpu_seconds",
        "seconds",
        "CPU time of the reading thread.",
        by_phase(None, Some(generator.read_cpu)),
    );
    text.gauge(
        "hrload_memory_bytes",
        "bytes",
        "Peak memory of the process.",
        generator.memory_bytes.map(|bytes| bytes as f64),
    );
    let limited = f64::from(u8::from(generator.limit.is_some()));
    text.gauge(
        "hrload_generator_limited",
        "",
        "1 when the generator, not the target, was the limit.",
        Some(limited),
    );
}

fn thresholds(text: &mut Exposition, result: &RunResult) {
    let samples = result.thresholds.iter().map(|of| {
        let labels = vec![
            ("expression", of.expression.clone()),
            ("measured", of.shown()),
        ];
        (labels, f64::from(u8::from(of.met)))
    });
    text.gauges(
        "hrload_threshold_met",
        "",
        "1 when the threshold was met.",
        samples.collect(),
    );
}
