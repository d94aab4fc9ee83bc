//! What `measure` promises: percentiles that are right, ledgers that close or
//! say why not, and seconds that add up.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use hrload_measure::{
    ArrivalRecorder, Attempt, Counts, HOUR_US, IntervalSink, Intervals, Latencies, Latency, Ledger,
    Moments, OffsetBounds, Reach, Readings, Rendezvous, SendRecord, SendRecorder, Series, Stage,
};
use hrload_workload::ReadingId;
use proptest::prelude::*;

const RUN_START_US: u64 = 1_700_000_000_000_000;
const MEASURE_START_US: u64 = RUN_START_US + 2_000_000;

const REACH: Reach = Reach {
    run_start_us: RUN_START_US,
    measure_start_us: MEASURE_START_US,
    devices: 10,
};

fn id(device: u32, sequence: u32, intended_us: u64) -> ReadingId {
    ReadingId {
        intended_us,
        device,
        sequence,
    }
}

/// The recorders of a run with one worker, and where their intervals go.
fn recorders() -> (SendRecorder, ArrivalRecorder, Intervals) {
    let (sink, intervals) = IntervalSink::channel();
    let rendezvous = Arc::new(Rendezvous::default());
    (
        SendRecorder::new(REACH, sink.clone(), Arc::clone(&rendezvous)),
        ArrivalRecorder::new(REACH, sink, rendezvous),
        intervals,
    )
}

/// Sends and acknowledges a reading: 5 ms late, 10 ms of service.
fn write(sending: &mut SendRecorder, id: ReadingId) {
    let sent_us = id.intended_us + 5_000;
    sending.scheduled(id);
    sending.sent(id, id.intended_us + 4_000, sent_us, 1);
    sending.acknowledged(id, sent_us, sent_us + 10_000);
}

/// Sees a reading 300 ms after it was due; created 100 ms, arrived 200 ms after.
fn see(arrivals: &mut ArrivalRecorder, id: ReadingId) {
    let due_us = id.intended_us;
    arrivals.arrived(
        id,
        Moments {
            created_us: due_us + 100_000,
            created_grain_us: 1_000,
            arrived_us: Some(due_us + 200_000),
            read_us: due_us + 300_000,
        },
    );
}

fn end(sending: SendRecorder) -> SendRecord {
    sending.finish(MEASURE_START_US + 10_000_000)
}

/// Nearest rank: what a share `quantile` of the values does not exceed.
fn nearest_rank(sorted: &[i64], quantile: f64) -> i64 {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

fn values() -> impl Strategy<Value = Vec<i64>> {
    let value = prop_oneof![
        4 => 0..50_000_i64,
        2 => -2_000..2_000_i64,
        1 => -5_000_000..5_000_000_i64,
        1 => 0..=HOUR_US as i64,
    ];
    prop::collection::vec(value, 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn percentiles_are_nearest_rank_within_a_thousandth_and_never_above_the_maximum(
        mut values in values(),
        quantile in 0.0..=1.0_f64,
    ) {
        let mut latency = Latency::default();
        values.iter().for_each(|&us| latency.record(us));
        values.sort_unstable();
        for quantile in [quantile, 0.0, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = nearest_rank(&values, quantile);
            let reported = latency.quantile_us(quantile);
            let tolerance = exact.unsigned_abs() as f64 / 1_000.0;
            prop_assert!(
                (reported - exact).unsigned_abs() as f64 <= tolerance,
                "{quantile}: {reported} for {exact}"
            );
            prop_assert!(latency.min_us() <= reported && reported <= latency.max_us());
        }
        prop_assert_eq!(latency.count(), values.len() as u64);
        prop_assert_eq!(latency.min_us(), values[0]);
        prop_assert_eq!(latency.max_us(), *values.last().unwrap());
        let mean = values.iter().sum::<i64>() as f64 / values.len() as f64;
        prop_assert!((latency.mean_us() - mean).abs() < 1e-3);
    }

    #[test]
    fn merged_latencies_are_those_of_all_values_together(a in values(), b in values()) {
        let of = |values: &[i64]| {
            let mut latency = Latency::default();
            values.iter().for_each(|&us| latency.record(us));
            latency
        };
        let mut merged = of(&a);
        merged.merge(&of(&b));
        let together = of(&[a, b].concat());
        for quantile in [0.0, 0.01, 0.5, 0.9, 0.99, 1.0] {
            prop_assert_eq!(merged.quantile_us(quantile), together.quantile_us(quantile));
        }
        prop_assert_eq!(merged.count(), together.count());
        prop_assert_eq!(merged.mean_us(), together.mean_us());
    }

    #[test]
    fn a_latency_survives_its_serialisation(values in values()) {
        let mut latency = Latency::default();
        values.iter().for_each(|&us| latency.record(us));
        let read = Latency::decode(&latency.encode()).unwrap();
        prop_assert_eq!(read.count(), latency.count());
        for quantile in [0.0, 0.5, 0.99, 1.0] {
            let (before, after) = (latency.quantile_us(quantile), read.quantile_us(quantile));
            prop_assert!((before - after).abs() as f64 <= before.abs() as f64 / 1_000.0);
        }
        prop_assert!((read.mean_us() - latency.mean_us()).abs()
            <= values.iter().map(|v| v.abs() as f64).sum::<f64>() / values.len() as f64 / 1_000.0 + 1.0);
    }

    /// Whatever becomes of each reading, what the recorders say is what became
    /// of them, each in exactly one place.
    #[test]
    fn every_ledger_of_an_honest_run_closes(fates in prop::collection::vec(0..8_u8, 1..300)) {
        let (mut sending, mut arrivals, _intervals) = recorders();
        let mut expected = Ledger { followed: true, ..Ledger::default() };
        for (number, fate) in fates.into_iter().enumerate() {
            let number = number as u32;
            let intended_us = MEASURE_START_US + u64::from(number) * 1_000;
            let id = id(number % 10, number / 10, intended_us);
            expected.scheduled += 1;
            match fate {
                0 => {
                    sending.scheduled(id);
                    sending.dropped(id);
                    expected.dropped += 1;
                    continue;
                }
                1 => {
                    sending.scheduled(id);
                    sending.cut_off(id);
                    expected.cut_off += 1;
                    continue;
                }
                2 | 3 => {
                    sending.scheduled(id);
                    sending.sent(id, intended_us, intended_us, 1);
                    sending.failed(id, "timeout");
                    expected.failed += 1;
                }
                _ => {
                    write(&mut sending, id);
                    expected.acknowledged += 1;
                }
            }
            expected.sent += 1;
            match fate {
                3 => {
                    see(&mut arrivals, id);
                    expected.seen_unacknowledged += 1;
                }
                4 => expected.missing += 1,
                5 => {
                    see(&mut arrivals, id);
                    see(&mut arrivals, id);
                    expected.seen += 1;
                    expected.duplicates += 1;
                }
                6.. => {
                    see(&mut arrivals, id);
                    expected.seen += 1;
                }
                _ => {}
            }
        }
        let sending = end(sending);
        let arrivals = arrivals.finish(MEASURE_START_US + 10_000_000);
        let ledger = Ledger::new(&sending, Some(&arrivals));
        prop_assert_eq!(&ledger, &expected);
        prop_assert!(ledger.closed());
    }
}

#[test]
fn values_beyond_an_hour_saturate_and_zero_is_a_value() {
    let mut latency = Latency::default();
    assert_eq!((latency.quantile_us(0.5), latency.max_us()), (0, 0));
    latency.record(0);
    assert_eq!((latency.count(), latency.quantile_us(1.0)), (1, 0));
    latency.record(i64::MAX);
    latency.record(i64::MIN);
    assert_eq!(latency.max_us(), HOUR_US as i64);
    assert_eq!(latency.min_us(), -(HOUR_US as i64));
    assert_eq!(latency.quantile_us(0.5), 0);
}

#[test]
fn what_is_not_a_histogram_is_refused_with_its_reason() {
    for (text, reason) in [("%%", "not base64"), ("aGVsbG8=", "not HdrHistogram")] {
        let encoded = hrload_measure::EncodedLatency {
            histogram: Some(text.into()),
            negative: None,
        };
        let error = Latency::decode(&encoded).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn stage_keys_are_those_of_the_result_file_and_tell_stages_apart() {
    let keys = Stage::ALL.map(Stage::key);
    assert_eq!(
        keys,
        [
            "lateness",
            "service",
            "response",
            "capture",
            "replication",
            "read",
            "e2e",
            "freshness",
            "pacing",
            "batch",
            "attempt"
        ]
    );
    for stage in Stage::ALL {
        assert_eq!(Stage::from_key(stage.key()), Some(stage));
    }
}

#[test]
fn each_stage_spans_what_it_says() {
    let (mut sending, mut arrivals, _intervals) = recorders();
    let reading = id(0, 0, MEASURE_START_US);
    write(&mut sending, reading);
    see(&mut arrivals, reading);
    let sent_us = MEASURE_START_US + 5_000;
    sending.batch_settled(sent_us, sent_us + 11_000, true);
    let answered = Attempt::Answered {
        written: 1,
        unprocessed: 0,
        consumed_units: Some(1.0),
    };
    sending.attempt(sent_us, sent_us + 10_000, true, answered);

    let mut latencies = end(sending).latencies;
    latencies.merge(&arrivals.finish(MEASURE_START_US).latencies);
    let expected = [
        (Stage::Lateness, 5_000),
        (Stage::Service, 10_000),
        (Stage::Response, 15_000),
        (Stage::Capture, 85_000),
        (Stage::Replication, 100_000),
        (Stage::Read, 100_000),
        (Stage::EndToEnd, 300_000),
        (Stage::Pacing, 1_000),
        (Stage::Batch, 11_000),
        (Stage::Attempt, 10_000),
    ];
    for (stage, us) in expected {
        let latency = latencies.get(stage);
        assert_eq!(latency.count(), 1, "{stage:?}");
        assert_eq!(latency.quantile_us(0.5), us, "{stage:?}");
    }
}

#[test]
fn a_reading_created_before_it_was_acknowledged_has_a_negative_capture() {
    let (mut sending, mut arrivals, _intervals) = recorders();
    let reading = id(0, 0, MEASURE_START_US);
    see(&mut arrivals, reading);
    sending.scheduled(reading);
    sending.sent(reading, MEASURE_START_US, MEASURE_START_US, 1);
    sending.acknowledged(reading, MEASURE_START_US, MEASURE_START_US + 250_000);
    let capture = end(sending).latencies.get(Stage::Capture).clone();
    assert_eq!((capture.count(), capture.max_us()), (1, -150_000));
}

#[test]
fn a_broken_identity_is_named_with_both_its_sides() {
    let (mut sending, mut arrivals, _intervals) = recorders();
    let reading = id(0, 0, MEASURE_START_US);
    write(&mut sending, reading);
    // Acknowledged a second time: counted twice, one member of the set.
    sending.acknowledged(reading, MEASURE_START_US, MEASURE_START_US + 1);
    see(&mut arrivals, reading);
    sending.scheduled(id(1, 0, MEASURE_START_US));
    let (sending, arrivals) = (end(sending), arrivals.finish(MEASURE_START_US));

    let broken: Vec<String> = Ledger::new(&sending, Some(&arrivals))
        .broken()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        broken,
        [
            "scheduled = sent + dropped + cut_off: 2 ≠ 1",
            "sent = acknowledged + failed: 1 ≠ 2",
            "acknowledged = seen + missing: 2 ≠ 1",
        ]
    );
    // Without a stream there is no third identity to break.
    assert_eq!(Ledger::new(&sending, None).broken().len(), 2);
}

#[test]
fn foreign_duplicate_and_reordered_records_are_told_apart() {
    let (_, mut arrivals, _intervals) = recorders();
    see(&mut arrivals, id(0, 1, MEASURE_START_US + 1));
    see(&mut arrivals, id(0, 0, MEASURE_START_US)); // reordered
    see(&mut arrivals, id(0, 0, MEASURE_START_US)); // duplicate
    see(&mut arrivals, id(10, 0, MEASURE_START_US)); // no such device
    see(&mut arrivals, id(1, 0, RUN_START_US - 1)); // an earlier run
    let future = id(2, 0, MEASURE_START_US + 9_000_000);
    let moments = Moments {
        created_us: 0,
        created_grain_us: 1,
        arrived_us: Some(0),
        read_us: MEASURE_START_US + 8_000_000,
    };
    arrivals.arrived(future, moments); // a later run
    arrivals.foreign();
    assert_eq!(arrivals.seen(), 2);
    let counts = arrivals.finish(MEASURE_START_US).counts;
    assert_eq!(
        (
            counts.seen,
            counts.reordered,
            counts.duplicates,
            counts.foreign
        ),
        (2, 1, 1, 4)
    );
}

#[test]
fn warm_up_readings_are_kept_apart_also_when_they_end_in_measured_seconds() {
    let (mut sending, mut arrivals, intervals) = recorders();
    let early = id(0, 0, RUN_START_US);
    let straggler = id(1, 0, MEASURE_START_US - 1);
    let measured = id(0, 1, MEASURE_START_US);
    for reading in [early, straggler, measured] {
        write(&mut sending, reading);
        see(&mut arrivals, reading);
    }
    let (sending, arrivals) = (end(sending), arrivals.finish(MEASURE_START_US));
    let ledger = Ledger::new(&sending, Some(&arrivals));
    assert_eq!((ledger.scheduled, ledger.seen, ledger.missing), (1, 1, 0));
    assert_eq!(
        (ledger.warm_up.scheduled, ledger.warm_up.acknowledged),
        (2, 2)
    );
    assert_eq!(ledger.warm_up.sightings, 2);
    assert_eq!(sending.latencies.get(Stage::Response).count(), 1);

    let mut series = Series::default();
    series.finish(&intervals);
    let warm_up: u64 = series
        .seconds()
        .iter()
        .filter(|second| second.second < 0)
        .map(|second| second.counts.acknowledged)
        .sum();
    assert_eq!(warm_up, 1, "the straggler was acknowledged too late");
    assert_eq!(series.totals().acknowledged, 1);
}

#[test]
fn draining_waits_for_exactly_the_acknowledged_readings() {
    let (_, mut arrivals, _intervals) = recorders();
    assert_eq!(arrivals.outstanding(), None);
    let at = |device| id(device, 0, MEASURE_START_US);
    see(&mut arrivals, at(0));
    let mut acknowledged = Readings::default();
    (0..3).for_each(|device| {
        acknowledged.measured.insert(device, 0);
    });
    // One of the warm-up is awaited like any other.
    acknowledged.warm_up.insert(9, 0);
    arrivals.await_readings(Arc::new(acknowledged));
    assert_eq!(arrivals.outstanding(), Some(3));
    see(&mut arrivals, id(9, 0, MEASURE_START_US - 1));
    assert_eq!(arrivals.outstanding(), Some(2));
    see(&mut arrivals, at(7)); // never acknowledged
    assert_eq!(arrivals.outstanding(), Some(2));
    see(&mut arrivals, at(1));
    see(&mut arrivals, at(1));
    see(&mut arrivals, at(2));
    assert_eq!(arrivals.outstanding(), Some(0));
}

#[test]
fn seconds_add_up_to_the_whole_run_and_wait_for_the_slowest_recorder() {
    let (mut sending, mut arrivals, intervals) = recorders();
    let mut series = Series::default();
    for number in 0..4_000_u32 {
        let now_us = RUN_START_US + u64::from(number) * 1_000;
        let reading = id(number % 10, number / 10, now_us);
        write(&mut sending, reading);
        if number < 3_600 {
            see(&mut arrivals, reading);
        }
        sending.tick(now_us, (number % 7) as usize, 3, 10, u64::from(number) * 20);
        series.collect(&intervals, Duration::ZERO);
    }
    // Sending is in its second 1, reading reached second 1 also.
    assert_eq!(series.latest().map(|second| second.second), Some(0));
    let throttled = Attempt::Throttled {
        exception: "ThrottlingException",
        reason: Some("TableWriteAccountLimitExceeded"),
        items: 25,
    };
    let now_us = RUN_START_US + 6_500_000;
    sending.attempt(now_us - 3, now_us, true, throttled);
    let (sending, arrivals) = (sending.finish(now_us), arrivals.finish(now_us));
    series.finish(&intervals);

    let seconds: Vec<i64> = series.seconds().iter().map(|s| s.second).collect();
    assert_eq!(seconds, [-2, -1, 0, 1, 2, 3, 4]);
    let totals = series.totals();
    assert_eq!(totals.scheduled, 2_000);
    assert_eq!(totals.scheduled, sending.counts.scheduled);
    assert_eq!(totals.acknowledged, sending.counts.acknowledged);
    assert_eq!(totals.seen, arrivals.counts.seen);
    assert_eq!(totals.waiting_max, 6);
    let all = |of: fn(&Counts) -> u64| {
        let seconds = series.seconds().iter();
        seconds.map(|second| of(&second.counts)).sum::<u64>()
    };
    assert_eq!(all(|counts| counts.bound_us), 4_000 * 10);
    assert_eq!(all(|counts| counts.send_cpu_us), 3_999 * 20);
    let causes: Vec<_> = totals.throttles.iter().collect();
    assert_eq!(causes[0].0.reason, "TableWriteAccountLimitExceeded");
    assert_eq!((causes[0].1.calls, causes[0].1.items), (1, 25));

    let mut whole = Latencies::default();
    whole.merge(&sending.latencies);
    whole.merge(&arrivals.latencies);
    for stage in Stage::ALL {
        let by_second: u64 = series
            .seconds()
            .iter()
            .filter(|second| second.second >= 0)
            .filter_map(|second| second.stage(stage))
            .map(|of| {
                let decoded = Latency::decode(&of.encoded).unwrap();
                assert_eq!(decoded.count(), of.count);
                of.count
            })
            .sum();
        assert_eq!(by_second, whole.get(stage).count(), "{stage:?}");
    }
}

#[test]
fn failures_are_counted_by_code_and_unprocessed_items_as_throttles() {
    let (mut sending, _, _intervals) = recorders();
    let partly = Attempt::Answered {
        written: 20,
        unprocessed: 5,
        consumed_units: Some(20.5),
    };
    let failed = Attempt::Failed {
        code: "http-500",
        items: 25,
    };
    let t = MEASURE_START_US;
    sending.scheduled(id(0, 0, t));
    sending.attempt(t, t + 1, true, partly);
    sending.attempt(t, t + 1, true, failed);
    sending.attempt(t, t + 1, true, failed);
    sending.attempt(t, t + 1, false, failed); // of the warm-up
    sending.failed(id(0, 0, t), "http-500");
    let counts = end(sending).counts;
    assert_eq!((counts.calls, counts.unprocessed), (3, 5));
    assert_eq!(counts.consumed_units, 20.5);
    let failures: Vec<_> = counts.call_failures.iter().collect();
    assert_eq!(failures, [(&"http-500".to_owned(), &2)]);
    let (cause, count) = counts.throttles.iter().next().unwrap();
    assert_eq!(cause.exception, "UnprocessedItems");
    assert_eq!((count.calls, count.items), (1, 5));
    assert_eq!(counts.failures.iter().count(), 1);
}

#[test]
fn causality_bounds_a_known_clock_offset_from_both_sides() {
    for offset_us in [-3_000_000_i64, -1_000, 0, 250, 40_000_000] {
        let mut bounds = OffsetBounds::default();
        for number in 0..1_000_u64 {
            let intended_us = RUN_START_US + number * 997;
            let service = |true_us: u64| true_us.strict_add_signed(offset_us);
            let created_us = service(intended_us + 800 + number % 13 * 500);
            let arrived_us = service(intended_us + 100_000) / 1_000 * 1_000;
            let read_us = intended_us + 100_000 + 700 + number % 7 * 400;
            let created_grain_us = 1_000;
            let created_us = created_us / created_grain_us * created_grain_us;
            bounds.observe(
                intended_us,
                created_us,
                created_grain_us,
                arrived_us,
                read_us,
            );
        }
        let (low_us, high_us) = (bounds.low_us.unwrap(), bounds.high_us.unwrap());
        assert!(low_us <= offset_us && offset_us <= high_us, "{bounds:?}");
        assert!(high_us - low_us < 5_000, "{bounds:?}");
        assert!(!bounds.contradictory());
    }
}

#[test]
fn workers_records_add_up() {
    let (sink, _intervals) = IntervalSink::channel();
    let rendezvous = Arc::new(Rendezvous::default());
    let mut total = SendRecord::default();
    for worker in 0..3 {
        let mut sending =
            SendRecorder::for_partition(REACH, sink.clone(), Arc::clone(&rendezvous), worker, 3);
        for number in 0..100 {
            for device in (worker..REACH.devices).step_by(3) {
                let intended_us = MEASURE_START_US + u64::from(number) * 1_000;
                write(&mut sending, id(device, number, intended_us));
            }
        }
        total.merge(&end(sending));
    }
    assert_eq!(total.acknowledged.measured.len(), 1_000);
    assert_eq!(total.counts.acknowledged, 1_000);
    assert_eq!(total.latencies.get(Stage::Response).count(), 1_000);
    assert!(Ledger::new(&total, None).closed());
}
