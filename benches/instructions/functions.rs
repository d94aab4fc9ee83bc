//! The functions that are counted: the way of a reading, station by station.

use std::hint::black_box;
use std::time::Duration;

use hrload::capacity::quota::Quotas;
use hrload::capacity::table::{Assumptions, Settings, TableCapacity};
use hrload::codec::{Layout, batch, change, item, page, response};
use hrload::workload::diagnostics::observe;
use hrload::workload::{Fleet, Pace, Partition, Profile, Source, Workload};
use sha2::{Digest, Sha256};

use crate::call;
use crate::support::floor::numbers;
use crate::support::ledger;
use crate::support::{LAYOUTS, START_US, Signing, TABLE, change_record, page, readings};

const DEVICES: u32 = 10_000;
const RUN: Duration = Duration::from_secs(30);
const BATCH: u32 = batch::MAX_ITEMS as u32;
const PAGE: u32 = 500;

/// A function and how to count it.
pub(crate) struct Function {
    /// What it is called in the table and in the baseline.
    pub(crate) name: &'static str,
    /// What one call works on, and how many of them.
    pub(crate) items: (u32, &'static str),
    /// Calls that are counted. So many went before, to warm up.
    pub(crate) calls: u32,
    /// Makes what the calls need; what it returns is one call.
    pub(crate) prepare: fn() -> Box<dyn FnMut()>,
}

macro_rules! functions {
    ($($name:literal, $items:expr, $unit:literal, $calls:expr, $prepare:expr;)*) => {
        &[$(Function { name: $name, items: ($items, $unit), calls: $calls, prepare: || Box::new($prepare) }),*]
    };
}

/// Everything that is counted, in the order in which a reading meets it.
pub(crate) const FUNCTIONS: &[Function] = functions! {
    "sample a device", 1, "reading", 20_000, device();
    "next reading of a fleet", 1, "reading", 20_000, fleet();
    "size of an item, post", 1, "item", 1_000, item_size();
    "encode 25 items, post", BATCH, "item", 200, encode(0);
    "encode 25 items, timeseries", BATCH, "item", 200, encode(1);
    "encode 25 items, fhir", BATCH, "item", 200, encode(2);
    "copy 25 items, post", BATCH, "item", 200, copy();
    "copy 25 items and write their numbers", BATCH, "item", 200, copy_and_numbers();
    "sign a call", BATCH, "item", 50, sign();
    "SHA-256 of a call's body", BATCH, "item", 50, sha256();
    "decode an answer, all written", BATCH, "item", 200, decode_answer();
    "a whole call of the direct client", BATCH, "item", 200, call::direct();
    "admit a write, on-demand", 1, "write", 20_000, admit(Settings::on_demand().warmed(40_000, 1));
    "admit a write, provisioned", 1, "write", 20_000, admit(Settings::provisioned(39_000, 3_000));
    "encode a change record", 1, "record", 1_000, encode_change();
    "decode a change record, post", 1, "record", 1_000, decode_change(0);
    "decode a change record, timeseries", 1, "record", 1_000, decode_change(1);
    "decode a change record, fhir", 1, "record", 1_000, decode_change(2);
    "decode a page of 500", PAGE, "record", 5, decode_page();
    "record into a histogram", 1, "value", 20_000, ledger::histogram();
    "ledger: scheduled, sent, acknowledged", 1, "reading", 20_000, ledger::send_recorder();
    "ledger: arrived", 1, "reading", 20_000, ledger::arrival_recorder();
};

fn workload() -> Workload {
    let profile = Profile::named("steady").expect("a built-in profile");
    Workload::new(profile, DEVICES, Pace::Rate(5_000.0), 1, RUN).expect("a rate the profile makes")
}

/// One step of a device's physiology, many devices in turn: the queue aside.
fn device() -> impl FnMut() {
    let workload = workload();
    let devices = (0..DEVICES).map(move |number| observe(&workload, number));
    let mut devices: Vec<_> = devices.filter(|device| device.sends()).take(256).collect();
    let mut turn = 0;
    move || {
        turn = (turn + 1) % devices.len();
        black_box(&devices[turn].next());
    }
}

/// One reading out of the due queue, one step of physiology, one reading in.
fn fleet() -> impl FnMut() {
    let mut fleet = Fleet::new(&workload(), Partition::WHOLE, START_US);
    move || {
        black_box(&fleet.next_until(u64::MAX));
    }
}

fn item_size() -> impl FnMut() {
    let reading = readings(1)[0];
    move || {
        black_box(Layout::Post.item_bytes(black_box(&reading)));
    }
}

fn body(layout: Layout) -> Vec<u8> {
    let mut body = Vec::new();
    batch::encode(&mut body, TABLE, layout, &readings(BATCH));
    body
}

fn encode(layout: usize) -> impl FnMut() {
    let (_, layout) = LAYOUTS[layout];
    let readings = readings(BATCH);
    let mut body = Vec::new();
    move || {
        body.clear();
        batch::encode(&mut body, TABLE, layout, black_box(&readings));
        black_box(&body);
    }
}

/// The floor of encoding: the same bytes, copied.
fn copy() -> impl FnMut() {
    let body = body(Layout::Post);
    let mut copy = vec![0; body.len()];
    move || {
        copy.copy_from_slice(black_box(&body));
        black_box(&mut copy);
    }
}

/// The same with the numbers of the items written as decimals.
fn copy_and_numbers() -> impl FnMut() {
    let (mut copy, readings) = (copy(), readings(BATCH));
    move || {
        copy();
        numbers(black_box(&readings));
    }
}

fn sign() -> impl FnMut() {
    let (body, mut signing) = (body(Layout::Post), Signing::default());
    move || {
        black_box(signing.sign(black_box(&body)));
    }
}

/// The floor of signing: the digest of the body that every signature needs.
fn sha256() -> impl FnMut() {
    let body = body(Layout::Post);
    move || {
        black_box(Sha256::digest(black_box(&body)));
    }
}

fn decode_answer() -> impl FnMut() {
    let body = br#"{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"heartrate-ddb-dev","CapacityUnits":25.0}]}"#;
    let mut reply = response::BatchReply::default();
    move || {
        response::decode_batch(black_box(body), Layout::Post, &mut reply).expect("an answer");
        black_box(&reply);
    }
}

/// A write at 20,000 a second to 10,000 keys over 40 partitions.
fn admit(settings: Settings) -> impl FnMut() {
    let (assumptions, quotas) = (Assumptions::default(), Quotas::default());
    let mut table =
        TableCapacity::new(settings, assumptions, quotas, START_US).expect("settings in quota");
    let (mut now_us, mut n) = (START_US, 0u64);
    move || {
        now_us += 50;
        n += 1;
        let hash = (n % 10_000).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let admitted = black_box(table.admit_write(now_us, hash, 1));
        assert!(admitted.is_ok());
    }
}

fn encode_change() -> impl FnMut() {
    let reading = readings(1)[0];
    let (mut image, mut record) = (Vec::new(), Vec::new());
    item::encode(&mut image, Layout::Post, &reading);
    move || {
        record.clear();
        let image = change::ChangeImage {
            region: "us-west-2",
            event_id: 0xf894_36e0_627d_4d37_9879_42f8_6249_aa83,
            kind: change::ChangeKind::Insert,
            table: TABLE,
            created_us: reading.observed_us,
            precision: Some(change::Precision::Microsecond),
            keys: br#"{"id":{"S":"1721011165.891550-0-0"}}"#,
            new_image: Some(&image),
            old_image: None,
            size_bytes: 100,
        };
        change::encode(&mut record, black_box(&image));
        black_box(&record);
    }
}

fn decode_change(layout: usize) -> impl FnMut() {
    let (_, layout) = LAYOUTS[layout];
    let record = change_record(layout, &readings(1)[0]);
    move || {
        black_box(change::decode(black_box(&record)).expect("a change record"));
    }
}

/// As the reader takes it: each record's base64, its JSON, the reading's id.
fn decode_page() -> impl FnMut() {
    let body = page(PAGE);
    let mut scratch = Vec::new();
    move || {
        let end = page::decode(black_box(body.as_bytes()), &mut scratch, |record| {
            black_box(change::decode(record.data).expect("a change record"));
        });
        black_box(end.expect("a page"));
    }
}
