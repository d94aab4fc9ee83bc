//! How often the hot path asks for memory: generating, encoding, batching,
//! recording, decoding and a call of the `direct` client never, once warm.
#![allow(clippy::unwrap_used)]

#[path = "../benches/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use hrload::aws::{Options, Target, connect};
use hrload::codec::{Layout, batch, change, page, response};
use hrload::load::{Call, Direct, Outcome, Sink, Slot};
use hrload::local::Services;
use hrload::measure::{
    ArrivalRecorder, Attempt, IntervalSink, Moments, Reach, Rendezvous, SendRecorder, Series,
};
use hrload::workload::{Fleet, Pace, Partition, Profile, ReadingId, Source, Workload};
use support::schedule::schedule;
use support::{LAYOUTS, START_US, TABLE, change_record, page, readings};

/// Counts allocations of the current thread.
#[allow(unsafe_code)] // A global allocator cannot be written without; tests only.
mod allocations {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }

    struct Counting;

    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let _ = COUNT.try_with(|count| count.set(count.get() + 1));
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    /// Allocations, reallocations included, while `work` runs.
    pub(super) fn of(work: impl FnOnce()) -> u64 {
        let before = COUNT.get();
        work();
        COUNT.get() - before
    }
}

#[test]
fn the_counter_counts() {
    let mut grown = Vec::with_capacity(1);
    let found = allocations::of(|| {
        drop(std::hint::black_box(Box::new([0u8; 64])));
        grown.extend_from_slice(&[0u8; 64]);
    });
    assert_eq!(found, 2, "one box, one vector that grew");
}

#[test]
fn a_warm_fleet_generates_without_allocating() {
    for (profile, devices, rate) in [("steady", 1_000, 500.0), ("lunchtime-run", 1_000, 500.0)] {
        let profile_text = Profile::named(profile).unwrap();
        let run = Duration::from_secs(60);
        let workload = Workload::new(profile_text, devices, Pace::Rate(rate), 1, run).unwrap();
        let mut fleet = Fleet::new(&workload, Partition::WHOLE, START_US);
        let mut take = |count: u32| {
            for _ in 0..count {
                assert!(fleet.next_until(u64::MAX).is_some());
            }
        };
        take(20_000);
        assert_eq!(allocations::of(|| take(20_000)), 0, "{profile}");
    }
}

#[test]
fn encoding_and_decoding_reuse_what_they_have() {
    let readings = readings(25);
    for (name, layout) in LAYOUTS {
        let mut body = Vec::new();
        batch::encode(&mut body, TABLE, layout, &readings);
        let encoding = allocations::of(|| {
            body.clear();
            batch::encode(&mut body, TABLE, layout, &readings);
        });
        assert_eq!(encoding, 0, "encoding {name}");
        let sizing = allocations::of(|| assert!(layout.item_bytes(&readings[0]) > 50));
        assert_eq!(sizing, 0, "the size of an item, {name}");
        let record = change_record(layout, &readings[0]);
        let decoding = allocations::of(|| {
            let change = change::decode(&record).unwrap();
            assert_eq!(change.reading, Some(readings[0].id));
        });
        assert_eq!(decoding, 0, "decoding a change record, {name}");
    }

    let answer = br#"{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"heartrate-ddb-dev","CapacityUnits":25.0}]}"#;
    let mut reply = response::BatchReply::default();
    let decoding = allocations::of(|| {
        response::decode_batch(answer, Layout::Post, &mut reply).unwrap();
    });
    assert_eq!(decoding, 0, "decoding an answer");
}

#[test]
fn a_page_allocates_for_its_iterator_alone_however_many_records_it_has() {
    for count in [1, 500] {
        let body = page(count);
        let (mut scratch, mut records) = (Vec::new(), 0);
        page::decode(body.as_bytes(), &mut scratch, |_| {}).unwrap();
        let found = allocations::of(|| {
            let end = page::decode(body.as_bytes(), &mut scratch, |record| {
                records += u32::from(change::decode(record.data).unwrap().reading.is_some());
            });
            assert!(end.unwrap().next_iterator.is_some());
        });
        assert_eq!(records, count);
        assert_eq!(found, 2, "the next iterator, quoted and unquoted");
    }
}

/// The loop of a worker costs what a run of twice the length costs more.
#[test]
fn a_batch_costs_its_place_among_the_calls_in_flight_and_nothing_a_reading() {
    let (mut short_calls, mut long_calls) = (0, 0);
    let short = allocations::of(|| short_calls = schedule(10_000));
    let long = allocations::of(|| long_calls = schedule(20_000));
    let (more, calls) = (long - short, long_calls - short_calls);
    println!("{more} allocations more for {calls} calls more, 10,000 readings");
    assert!(calls >= 10_000 / 25);
    // `FuturesUnordered` makes a node for each call that it is given.
    assert!(more <= calls, "{more} allocations in {calls} calls");
}

#[test]
fn recording_a_reading_allocates_nothing_once_warm() {
    const DEVICES: u32 = 10;
    let reach = Reach {
        run_start_us: START_US,
        measure_start_us: START_US,
        devices: DEVICES,
    };
    let (sink, intervals) = IntervalSink::channel();
    let rendezvous = Arc::new(Rendezvous::default());
    let mut sending = SendRecorder::new(reach, sink.clone(), Arc::clone(&rendezvous));
    let mut arrivals = ArrivalRecorder::new(reach, sink, rendezvous);
    let mut series = Series::default();
    let mut pass = |from: u32, to: u32| {
        let mut found = 0;
        for number in from..to {
            let id = ReadingId {
                intended_us: START_US + u64::from(number) * 1_000,
                device: number % DEVICES,
                sequence: number / DEVICES,
            };
            let at = |ms: u64| id.intended_us + ms * 1_000;
            found += allocations::of(|| {
                sending.scheduled(id);
                sending.sent(id, at(4), at(5), 1);
                sending.acknowledged(id, at(5), at(15));
                let moments = Moments {
                    created_us: at(14),
                    created_grain_us: 1,
                    arrived_us: Some(at(150)),
                    read_us: at(200),
                };
                arrivals.arrived(id, moments);
                let failed = Attempt::Failed {
                    code: "timeout",
                    items: 1,
                };
                sending.attempt(at(5), at(15), true, failed);
            });
            // A channel allocates a block for every 31 messages, of whoever sends.
            series.collect(&intervals, Duration::ZERO);
        }
        found
    };
    assert!(pass(0, 5_000) > 0, "histograms begin");
    // Ten more seconds, and so ten intervals of each recorder.
    let warm = pass(5_000, 15_000);
    assert!(warm <= 4, "{warm} allocations for 10,000 readings");
}

#[test]
fn a_warm_call_of_the_direct_client_allocates_nothing() {
    let services = Services::builder().null(true).start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let options = Options::default();
    let target = Target::Local(services.address());
    let connection = runtime.block_on(connect(&target, &options)).unwrap();
    let direct = Direct::new(
        &connection.dynamodb_endpoint,
        &connection.region,
        connection.credentials.clone(),
        options.connect_timeout,
        options.timeout,
    )
    .unwrap();
    let mut slot = direct.slot(TABLE, Layout::Post);
    let mut call = Call::new();
    call.readings = readings(25);
    let mut send = |calls: u32| {
        runtime.block_on(async {
            for _ in 0..calls {
                slot.send(&mut call).await;
                assert_eq!(call.outcome, Outcome::Answered);
            }
        });
    };
    send(20);
    let calls = 100;
    let made = allocations::of(|| send(calls));
    assert_eq!(made, 0, "allocations in {calls} calls");
}
