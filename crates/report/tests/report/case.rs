//! A run as recorders would have it, without any service.

use std::collections::BTreeMap;
use std::sync::Arc;

use hrload_measure::{
    ArrivalRecorder, Attempt, IntervalSink, Moments, Reach, Rendezvous, SendRecorder, Series,
};
use hrload_report::{
    Bound, Config, Environment, Generator, Observed, Phase, RunInfo, RunResult, Target, Via,
    timestamp,
};
use hrload_workload::ReadingId;

const START_US: u64 = 1_700_000_000_000_000;
pub(crate) const RATE: u64 = 500;

/// A small deterministic run: what becomes of each reading is up to the case.
pub(crate) struct Case {
    pub(crate) seconds: u64,
    pub(crate) asked_seconds: u64,
    pub(crate) interrupted: bool,
    pub(crate) via: Via,
    /// Every so many readings are throttled once, fail, or go missing.
    pub(crate) throttled_every: u64,
    pub(crate) failed_every: u64,
    pub(crate) missing_every: u64,
    pub(crate) limit: Option<Bound>,
    pub(crate) warnings: Vec<String>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            seconds: 4,
            asked_seconds: 4,
            interrupted: false,
            via: Via::Kinesis,
            throttled_every: u64::MAX,
            failed_every: u64::MAX,
            missing_every: u64::MAX,
            limit: None,
            warnings: Vec::new(),
        }
    }
}

impl Case {
    pub(crate) fn lossy() -> Self {
        Self {
            throttled_every: 7,
            failed_every: 40,
            missing_every: 100,
            limit: Some(Bound {
                what: "all 64 batches were in flight for 31 % of the time".into(),
                advice: "raise -p, or add threads with -t where the CPU is what is short".into(),
            }),
            ..Self::default()
        }
    }

    pub(crate) fn interrupted() -> Self {
        Self {
            seconds: 2,
            asked_seconds: 30,
            interrupted: true,
            warnings: vec!["the drain was cut short by a second Ctrl-C".into()],
            ..Self::default()
        }
    }

    pub(crate) fn run(self) -> RunResult {
        self.watched().0
    }

    /// The result, and the seconds of the run as they came.
    pub(crate) fn watched(self) -> (RunResult, Series) {
        let reach = Reach {
            run_start_us: START_US,
            measure_start_us: START_US + 1_000_000,
            devices: 100,
        };
        let (sink, intervals) = IntervalSink::channel();
        let rendezvous = Arc::new(Rendezvous::default());
        let mut sending = SendRecorder::new(reach, sink.clone(), Arc::clone(&rendezvous));
        let mut arrivals = ArrivalRecorder::new(reach, sink, Arc::clone(&rendezvous));
        let every = |number: u64, n: u64| number % n == n - 1;
        for number in 0..(self.seconds + 1) * RATE {
            let due_us = START_US + number * 1_000_000 / RATE;
            let id = ReadingId {
                intended_us: due_us,
                device: (number % 100) as u32,
                sequence: (number / 100) as u32,
            };
            let measured = due_us >= reach.measure_start_us;
            let sent_us = due_us + 9_000 + number % 4 * 500;
            let batch_due_us = sent_us - 200 - number % 10 * 100;
            let mut done_us = sent_us + 4_000 + number % 97 * 30;
            sending.tick(
                due_us,
                (number % 30) as usize,
                (number % 5) as usize,
                0,
                number * 90,
            );
            arrivals.tick(due_us, 0, 0, number * 30);
            sending.scheduled(id);
            sending.sent(id, batch_due_us, sent_us, 1);
            if every(number, self.throttled_every) {
                let throttled = Attempt::Throttled {
                    exception: "ProvisionedThroughputExceededException",
                    reason: Some("TableWriteProvisionedThroughputExceeded"),
                    items: 1,
                };
                sending.attempt(sent_us, done_us, measured, throttled);
                done_us += 80_000;
            }
            if every(number, self.failed_every) {
                let failed = Attempt::Failed {
                    code: "http-500",
                    items: 1,
                };
                sending.attempt(sent_us, done_us, measured, failed);
                sending.failed(id, "http-500");
            } else {
                let answered = Attempt::Answered {
                    written: 1,
                    unprocessed: 0,
                    consumed_units: Some(1.0),
                };
                sending.attempt(sent_us, done_us, measured, answered);
                sending.acknowledged(id, sent_us, done_us);
                if !every(number, self.missing_every) && self.via == Via::Kinesis {
                    let created_us = (done_us - 2_000) / 1_000 * 1_000;
                    let arrived_us = created_us + 150_000 + number % 50 * 1_000;
                    let read_us = arrived_us + 3_000 + number % 200 * 1_000;
                    arrivals.arrived(
                        id,
                        Moments {
                            created_us,
                            created_grain_us: 1_000,
                            arrived_us: Some(arrived_us),
                            read_us,
                        },
                    );
                }
            }
            sending.batch_settled(sent_us, done_us, measured);
        }
        let end_us = START_US + (self.seconds + 1) * 1_000_000;
        let sending = sending.finish(end_us);
        let arrivals = arrivals.finish(end_us + 3_500_000);
        let mut series = Series::default();
        series.finish(&intervals);

        let generator = Generator {
            process_cpu: Some(1.25),
            memory_bytes: Some(123_456_789),
            limit: self.limit,
            ..Generator::of(series.totals())
        };
        let followed = (self.via == Via::Kinesis).then_some(&arrivals);
        let observed = Observed {
            sending: &sending,
            arrivals: followed,
            series: &series,
            unmatched: rendezvous.unmatched(),
        };
        let result = RunResult::new(
            run_info(self.seconds, self.interrupted),
            config(self.asked_seconds, self.via),
            environment(),
            generator,
            observed,
            self.warnings,
        );
        (result, series)
    }
}

fn run_info(seconds: u64, interrupted: bool) -> RunInfo {
    RunInfo {
        id: "20231114T221320-7f3a".into(),
        started: timestamp(START_US - 300_000),
        ended: timestamp(START_US + (seconds + 2) * 1_000_000),
        phase: if interrupted {
            Phase::Measure
        } else {
            Phase::Complete
        },
        interrupted,
        rate_changes: Vec::new(),
        out_of_reach: None,
        max_cost_reached: None,
        measured_from: Some(timestamp(START_US + 1_000_000)),
        measured: seconds as f64,
        drained: 3.5,
    }
}

fn config(seconds: u64, via: Via) -> Config {
    Config {
        command: ["hrload", "--devices", "100", "--rate", "500/s"]
            .map(String::from)
            .to_vec(),
        tags: vec!["golden".into()],
        target: Target::Local,
        region: Some("us-east-1".into()),
        dynamodb_endpoint: Some("http://127.0.0.1:41234/".into()),
        kinesis_endpoint: Some("http://127.0.0.1:41234/".into()),
        table: "hrload".into(),
        billing_mode: Some("PAY_PER_REQUEST".into()),
        write_capacity: None,
        via,
        stream: (via == Via::Kinesis).then(|| "hrload".into()),
        shards: Some(4),
        consumer: Some("polling".into()),
        poll_interval: Some(0.2),
        profile: "everyday".into(),
        profile_text: "name = \"everyday\"\n".into(),
        devices: 100,
        rate: RATE as f64,
        interval: None,
        seed: 42,
        layout: "post".into(),
        client: "sdk".into(),
        threads: 1,
        concurrency: 64,
        batch: 25,
        linger: 0.01,
        precise: false,
        attempts: 8,
        timeout: 10.0,
        catch_up: 1.5,
        max_write_units: None,
        backlog: 5_000,
        warm_up: 1.0,
        duration: seconds as f64,
        drain: 30.0,
        change_delay: Some("150ms".into()),
        retain_bytes: Some(268_435_456),
        warm_throughput: Some(7_500.0),
        stream_mode: Some("PROVISIONED".to_owned()),
        capacity: Some("aws".to_owned()),
        time_scale: Some(1),
        auto_scaling: None,
        faults: Vec::new(),
    }
}

fn environment() -> Environment {
    Environment {
        version: "0.1.0".into(),
        commit: Some("3afba5e".into()),
        build: "release".into(),
        rustc: Some("1.95.0".into()),
        os: "Linux 6.12".into(),
        arch: "x86_64".into(),
        cpu: Some("AMD EPYC 7763".into()),
        cpus: 2,
        memory_bytes: Some(8_000_000_000),
        libraries: BTreeMap::from([("aws-sdk-dynamodb".into(), "1.136.0".into())]),
    }
}
