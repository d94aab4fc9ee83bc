//! Change data capture from writes to records.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hrload_base::clock::Clock;
use hrload_codec::change::{ChangeKind, Precision};
use hrload_local::Faults;
use hrload_local::capture::{Capture, ChangeDelay, Link, TableChange};
use hrload_local::faults::FaultDice;
use serde_json::{Value, json};

use crate::account::{Account, REGION, arn, data};

/// A link from a table into a stream of an account that lives in real time.
struct Rig {
    account: Account,
    clock: Clock,
    capture: Capture,
    link: Arc<Link>,
}

impl Rig {
    fn new(delay: &str, faults: &str, shards: u32) -> Self {
        let clock = Clock::start();
        let account = Account::new();
        // The stream was made long ago.
        account.now_us.set(clock.now_us() - 10_000_000);
        account.create("s", shards);
        account.now_us.set(clock.now_us());
        let faults: Faults = if faults.is_empty() {
            Faults::default()
        } else {
            faults.parse().unwrap()
        };
        let delay: ChangeDelay = delay.parse().unwrap();
        let dice = Arc::new(FaultDice::new(&faults, 1));
        let streams = Arc::clone(&account.streams);
        let capture = Capture::start(streams, REGION.into(), delay, dice, 1, clock);
        let link = capture.link("readings", &arn("s"), Some(Precision::Microsecond));
        Self {
            account,
            clock,
            capture,
            link,
        }
    }

    fn write(&self, numbers: std::ops::Range<u32>, key: &str) -> u64 {
        write(&self.link, self.clock.now_us(), numbers, key)
    }

    /// Waits until nothing is on its way.
    fn drain(&self) {
        let patience = Instant::now() + Duration::from_secs(20);
        while self.capture.pending() > 0 {
            assert!(
                Instant::now() < patience,
                "{} pending",
                self.capture.pending()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// All records of the stream, shard by shard.
    fn records(&self) -> Vec<Value> {
        self.account.now_us.set(self.clock.now_us());
        let mut all = Vec::new();
        for shard in self.account.shards("s") {
            let id = shard["ShardId"].as_str().unwrap();
            let iterator = self.account.iterator("s", id, "TRIM_HORIZON");
            let page = self.account.records(&iterator, 10_000);
            all.extend(page["Records"].as_array().unwrap().iter().cloned());
        }
        all
    }

    /// The numbers of the records' items, in the stream's order.
    fn numbers(&self) -> Vec<u32> {
        self.records().iter().map(number).collect()
    }
}

/// Writes the items with these numbers in one call; returns when.
fn write(link: &Link, now_us: u64, numbers: std::ops::Range<u32>, key: &str) -> u64 {
    let keys = format!("{{\"id\":{{\"S\":\"{key}\"}}}}");
    let images: Vec<_> = numbers
        .map(|n| format!("{{\"id\":{{\"S\":\"{key}\"}},\"n\":{{\"N\":\"{n}\"}}}}"))
        .collect();
    let changes = images.iter().map(|image| TableChange {
        kind: ChangeKind::Insert,
        partition_key: key.as_bytes(),
        keys: keys.as_bytes(),
        new_image: Some(image.as_bytes()),
        old_image: None,
        size_bytes: 10,
    });
    link.capture(now_us, changes);
    now_us
}

fn change(record: &Value) -> Value {
    serde_json::from_slice(&data(record)).unwrap()
}

fn number(record: &Value) -> u32 {
    let n = &change(record)["dynamodb"]["NewImage"]["n"]["N"];
    n.as_str().unwrap().parse().unwrap()
}

fn arrival_us(record: &Value) -> u64 {
    (record["ApproximateArrivalTimestamp"].as_f64().unwrap() * 1e3).round() as u64 * 1000
}

#[test]
fn without_delay_a_change_is_in_the_stream_when_the_write_returns() {
    let rig = Rig::new("0", "", 4);
    let written_us = rig.write(0..3, "device-1");
    assert_eq!((rig.capture.pending(), rig.capture.delivered()), (0, 3));
    let records = rig.records();
    assert_eq!(records.iter().map(number).collect::<Vec<_>>(), [0, 1, 2]);
    let first = change(&records[0]);
    assert_eq!(first["awsRegion"], REGION);
    assert_eq!(first["tableName"], "readings");
    assert_eq!(first["eventName"], "INSERT");
    assert_eq!(first["dynamodb"]["ApproximateCreationDateTime"], written_us);
    assert_eq!(first["dynamodb"]["SizeBytes"], 10);
    assert_eq!(arrival_us(&records[0]), written_us / 1000 * 1000);
}

#[test]
fn event_ids_are_random_uuids_and_partition_keys_are_one_a_key_and_look_like_the_services() {
    let rig = Rig::new("0", "", 1);
    for key in ["a", "b", "a"] {
        rig.write(0..10, key);
    }
    let records = rig.records();
    let ids: BTreeSet<String> = records
        .iter()
        .map(|record| change(record)["eventID"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 30);
    for id in ids {
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4", "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
    }
    let keys: BTreeSet<&str> = records
        .iter()
        .map(|record| record["PartitionKey"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), 2);
    for key in keys {
        assert_eq!(key.len(), 32);
        assert!(
            key.bytes()
                .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)),
            "{key}"
        );
    }
}

#[test]
fn keys_are_spread_evenly_over_shards() {
    let rig = Rig::new("0", "", 4);
    for i in 0..4000 {
        rig.write(0..1, &format!("1721011165.{i:06}-{i}-1"));
    }
    for shard in rig.account.shards("s") {
        let iterator =
            rig.account
                .iterator("s", shard["ShardId"].as_str().unwrap(), "TRIM_HORIZON");
        let records = rig.account.records(&iterator, 10_000)["Records"]
            .as_array()
            .unwrap()
            .len();
        // Four standard deviations of the binomial are 110.
        assert!((890..1110).contains(&records), "{records}");
    }
}

#[test]
fn a_change_arrives_no_earlier_than_its_delay_and_in_order() {
    for delay in ["fixed:20ms", "20ms/0.5"] {
        let rig = Rig::new(delay, "", 1);
        let written: Vec<u64> = (0..40)
            .map(|i| {
                std::thread::sleep(Duration::from_micros(300));
                rig.write(i * 5..(i + 1) * 5, "k")
            })
            .collect();
        rig.drain();
        assert_eq!(rig.numbers(), (0..200).collect::<Vec<_>>(), "{delay}");
        if delay.starts_with("fixed") {
            for record in rig.records() {
                let written_us = written[number(&record) as usize / 5];
                // A micro-batch is a two-hundredth of the delay.
                assert!(arrival_us(&record) + 1000 >= written_us + 20_000 - 100);
            }
        }
        assert!(rig.capture.cpu_us() > 0);
    }
}

#[test]
fn what_waits_is_counted_and_its_age_is_known() {
    let rig = Rig::new("fixed:60s", "", 1);
    assert_eq!(rig.capture.oldest_age_us(rig.clock.now_us()), 0);
    let written_us = rig.write(0..7, "k");
    rig.write(7..9, "k");
    assert_eq!(rig.capture.pending(), 9);
    assert_eq!(rig.capture.oldest_age_us(written_us + 5_000_000), 5_000_000);
    assert!(rig.numbers().is_empty());
}

#[test]
fn a_closed_link_delivers_what_it_has_and_takes_no_more() {
    let rig = Rig::new("fixed:30ms", "", 1);
    rig.write(0..5, "k");
    rig.link.close();
    rig.write(5..9, "k");
    rig.drain();
    assert_eq!(rig.numbers(), [0, 1, 2, 3, 4]);
    rig.write(9..10, "k");
    assert_eq!(rig.capture.pending(), 0);
}

#[test]
fn changes_for_a_stream_that_is_gone_are_counted_as_failed() {
    let rig = Rig::new("fixed:5ms", "", 1);
    rig.account.ok("DeleteStream", json!({"StreamName": "s"}));
    rig.write(0..5, "k");
    rig.drain();
    assert_eq!((rig.capture.failed(), rig.capture.delivered()), (5, 0));
}

#[test]
fn precision_can_be_changed_while_records_flow() {
    let rig = Rig::new("0", "", 1);
    rig.write(0..1, "k");
    rig.link.set_precision(Precision::Millisecond);
    rig.write(1..2, "k");
    let plain = rig.capture.link("readings", &arn("s"), None);
    plain.capture(
        rig.clock.now_us(),
        std::iter::once(TableChange {
            kind: ChangeKind::Remove,
            partition_key: b"k",
            keys: b"{}",
            new_image: None,
            old_image: Some(b"{}"),
            size_bytes: 0,
        }),
    );
    let precisions: Vec<Value> = rig
        .records()
        .iter()
        .map(|r| change(r)["dynamodb"]["ApproximateCreationDateTimePrecision"].clone())
        .collect();
    assert_eq!(
        precisions,
        [json!("MICROSECOND"), json!("MILLISECOND"), Value::Null]
    );
}

#[test]
fn lost_records_never_arrive_and_doubled_ones_arrive_twice() {
    let rig = Rig::new("0", "lose=3,duplicate=2", 1);
    rig.write(0..10, "k");
    assert_eq!(rig.numbers(), [3, 3, 4, 4, 5, 6, 7, 8, 9]);
    let ids: Vec<Value> = rig
        .records()
        .iter()
        .map(|r| change(r)["eventID"].clone())
        .collect();
    assert_eq!(ids[0], ids[1], "a duplicate is the same event");
}

#[test]
fn a_reordered_record_changes_places_with_the_next_one_of_its_shard() {
    let rig = Rig::new("0", "reorder=1", 1);
    rig.write(0..4, "k");
    assert_eq!(rig.numbers(), [1, 0, 2, 3]);
    assert_eq!(rig.capture.reordered(), 1);

    // Across calls, too, and with a delay.
    let rig = Rig::new("fixed:5ms", "reorder=1", 1);
    rig.write(0..1, "k");
    rig.write(1..3, "k");
    rig.drain();
    assert_eq!(rig.numbers(), [1, 0, 2]);

    // Without a successor it arrives in the end, in its place.
    let rig = Rig::new("0", "reorder=1", 1);
    rig.write(0..1, "k");
    rig.drain();
    assert_eq!(rig.numbers(), [0]);
    assert_eq!(rig.capture.reordered(), 0);
}

#[test]
fn a_delay_fault_comes_on_top_and_keeps_the_order() {
    let rig = Rig::new("0", "delay=40ms", 1);
    let written_us = rig.write(0..5, "k");
    rig.drain();
    let records = rig.records();
    assert_eq!(
        records.iter().map(number).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4]
    );
    assert!(arrival_us(&records[0]) + 1000 >= written_us + 40_000);
}

#[test]
fn many_writers_lose_nothing_and_each_keeps_its_order() {
    for delay in ["0", "2ms"] {
        let rig = Rig::new(delay, "", 4);
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let (link, clock) = (&rig.link, rig.clock);
                scope.spawn(move || {
                    for i in 0..100 {
                        let first = writer * 1000 + i * 5;
                        let key = format!("writer-{writer}");
                        write(link, clock.now_us(), first..first + 5, &key);
                    }
                });
            }
        });
        rig.drain();
        let numbers = rig.numbers();
        assert_eq!(numbers.len(), 2000, "{delay}");
        for writer in 0..4 {
            let own: Vec<u32> = numbers
                .iter()
                .copied()
                .filter(|n| n / 1000 == writer)
                .collect();
            assert_eq!(
                own,
                (writer * 1000..writer * 1000 + 500).collect::<Vec<_>>(),
                "{delay}"
            );
        }
    }
}
