//! Recording readings: each function returns what records one more.

use std::hint::black_box;
use std::sync::Arc;

use hrload::measure::{
    ArrivalRecorder, IntervalSink, Latency, Moments, Reach, Rendezvous, SendRecorder,
};
use hrload::workload::ReadingId;

use super::START_US;

const DEVICES: u32 = 10_000;

/// Values from 0.5 to 66 ms, in no order.
pub(crate) fn histogram() -> impl FnMut() {
    let mut latency = Latency::default();
    let mut value = 0u16;
    move || {
        value = value.wrapping_mul(25_173).wrapping_add(13_849);
        latency.record(black_box(i64::from(value) + 500));
    }
}

const REACH: Reach = Reach {
    run_start_us: START_US,
    measure_start_us: START_US,
    devices: DEVICES,
};

/// The readings of a run at 5,000/s, each device in turn.
fn turns() -> impl FnMut() -> ReadingId {
    let mut n = 0;
    move || {
        let (device, sequence) = ((n % u64::from(DEVICES)) as u32, n / u64::from(DEVICES));
        let intended_us = START_US + n * 200;
        n += 1;
        ReadingId {
            intended_us,
            device,
            sequence: sequence as u32,
        }
    }
}

/// A reading that falls due, leaves 5.1 ms later and is written.
pub(crate) fn send_recorder() -> impl FnMut() {
    // Nobody takes the intervals: publishing one ends with its channel.
    let (sink, _) = IntervalSink::channel();
    let rendezvous = Arc::new(Rendezvous::default());
    let mut recorder = SendRecorder::new(REACH, sink, rendezvous);
    let mut next = turns();
    move || {
        let id = black_box(next());
        let sent_us = id.intended_us + 5_100;
        recorder.scheduled(id);
        recorder.sent(id, id.intended_us + 5_000, sent_us, 1);
        recorder.acknowledged(id, sent_us, sent_us + 4_200);
    }
}

/// A written reading that is read from the stream.
pub(crate) fn arrival_recorder() -> impl FnMut() {
    let (sink, _) = IntervalSink::channel();
    let rendezvous = Arc::new(Rendezvous::default());
    let mut recorder = ArrivalRecorder::new(REACH, sink, Arc::clone(&rendezvous));
    let mut next = turns();
    move || {
        let id = black_box(next());
        let created_us = id.intended_us + 9_000;
        rendezvous.acknowledged(id, created_us + 300);
        let arrived_us = created_us + 150_000;
        let moments = Moments {
            created_us,
            created_grain_us: 1,
            arrived_us: Some(arrived_us),
            read_us: arrived_us + 60_000,
        };
        recorder.arrived(id, moments);
    }
}
