//! Acknowledged readings on their second way: put into a Kinesis stream by hrload itself,
//! for tables whose changes nobody streams.
//!
//! In go readings that the table has; out come PutRecords calls with the change records
//! that a streaming destination would have written. Runs beside the load threads, on a
//! runtime of its own, and never holds them up.

use std::collections::{BTreeMap, VecDeque};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use tokio::sync::mpsc;

use super::{Backoff, Journal, Stop, Troubles};
use crate::clock::Clock;
use crate::codec::change::{self, ChangeImage, ChangeKind, Precision};
use crate::codec::{Layout, item};
use crate::measure::Attempt;
use crate::trouble::Trouble;
use crate::workload::{Reading, ReadingId};

/// Most records of a PutRecords call
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>).
const MOST_RECORDS: usize = 500;
/// Calls in flight at most: at 50 ms a call they put 160,000 records a second.
const IN_FLIGHT: usize = 16;

/// How copies are put.
#[derive(Debug, Clone)]
pub struct CopyConfig {
    /// The stream they go to.
    pub stream: String,
    /// The table and the region that stand in them.
    pub table: String,
    /// See `table`.
    pub region: String,
    /// How the readings were laid out as items.
    pub layout: Layout,
    /// How often a record is put at most.
    pub attempts: u32,
    /// Pause between the attempts.
    pub backoff: Backoff,
    /// Seeds the jitter of backoffs.
    pub seed: u64,
}

/// What became of the copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyOutcome {
    /// Records that the stream took.
    pub put: u64,
    /// Calls made.
    pub calls: u64,
    /// Records that were refused for want of capacity, each time they were.
    pub throttled: u64,
    /// Records that were given up, by the code of their last refusal.
    pub failed: BTreeMap<String, u64>,
    /// Calls that failed as a whole, other than by a throttle, by code.
    pub call_failures: BTreeMap<String, u64>,
    /// Of those, what calls met on their way.
    pub troubles: Troubles,
}

/// A journal that passes on what is acknowledged.
#[derive(Debug)]
pub struct Copying<J> {
    journal: J,
    copies: mpsc::UnboundedSender<Reading>,
}

impl<J> Copying<J> {
    /// Tells `journal` everything, and `copies` of what was acknowledged.
    pub fn new(journal: J, copies: mpsc::UnboundedSender<Reading>) -> Self {
        Self { journal, copies }
    }

    /// The journal.
    pub fn into_inner(self) -> J {
        self.journal
    }
}

impl<J: Journal> Journal for Copying<J> {
    fn scheduled(&mut self, id: ReadingId) {
        self.journal.scheduled(id);
    }

    fn dropped(&mut self, id: ReadingId) {
        self.journal.dropped(id);
    }

    fn cut_off(&mut self, id: ReadingId) {
        self.journal.cut_off(id);
    }

    fn sent(&mut self, id: ReadingId, due_us: u64, sent_us: u64, computed_units: u64) {
        self.journal.sent(id, due_us, sent_us, computed_units);
    }

    fn acknowledged(&mut self, reading: &Reading, sent_us: u64, acknowledged_us: u64) {
        // Nobody takes copies any more only when the run was stopped at once.
        let _ = self.copies.send(*reading);
        self.journal.acknowledged(reading, sent_us, acknowledged_us);
    }

    fn failed(&mut self, id: ReadingId, code: &str) {
        self.journal.failed(id, code);
    }

    fn attempt(&mut self, sent_us: u64, done_us: u64, measured: bool, outcome: Attempt<'_>) {
        self.journal.attempt(sent_us, done_us, measured, outcome);
    }

    fn batch_settled(&mut self, sent_us: u64, settled_us: u64, measured: bool) {
        self.journal.batch_settled(sent_us, settled_us, measured);
    }

    fn tick(&mut self, now_us: u64, waiting: usize, in_flight: usize, bound_us: u64, cpu_us: u64) {
        self.journal
            .tick(now_us, waiting, in_flight, bound_us, cpu_us);
    }
}

/// A record that is to be put.
#[derive(Debug, Clone)]
struct Copy {
    reading: Reading,
    sends: u32,
}

/// A call that ended.
#[derive(Debug)]
struct Landed {
    /// Its copies, each with the code it was refused with.
    copies: Vec<(Copy, Option<String>)>,
    /// The code that it failed with as a whole.
    failed: Option<String>,
    /// What it met on its way.
    trouble: Option<Trouble>,
}

/// Puts what comes until nobody sends any more and all of it is put or given up; at
/// once when `stop` says so. The client's retries must be off.
pub async fn copy(
    config: &CopyConfig,
    client: &Client,
    clock: Clock,
    mut readings: mpsc::UnboundedReceiver<Reading>,
    stop: &Stop,
) -> CopyOutcome {
    let mut outcome = CopyOutcome::default();
    let mut flying = FuturesUnordered::new();
    // In the order in which they were refused, each with when it is put again.
    let mut again: VecDeque<(u64, Copy)> = VecDeque::new();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(config.seed);
    let mut open = true;
    let mut records_in_flight = 0;
    let mut taken = Vec::with_capacity(MOST_RECORDS);
    let mut changed = Box::pin(stop.changed());
    loop {
        let now_us = clock.now_us();
        let free = flying.len() < IN_FLIGHT;
        if free {
            let due: Vec<Copy> = take_due(&mut again, now_us);
            if !due.is_empty() {
                outcome.calls += 1;
                records_in_flight += due.len();
                flying.push(put(config, client, clock, due));
                continue;
            }
        }
        if stop.is_at_once() || (!open && flying.is_empty() && again.is_empty()) {
            break;
        }
        let next_us = again.iter().map(|(at_us, _)| *at_us).min();
        tokio::select! {
            Some(landed) = flying.next() => {
                records_in_flight -= landed.copies.len();
                if let Some(code) = landed.failed.filter(|code| !is_throttle(code)) {
                    *outcome.call_failures.entry(code).or_default() += 1;
                }
                if let Some(trouble) = &landed.trouble {
                    outcome.troubles.note(trouble);
                }
                for (mut copy, refused) in landed.copies {
                    let Some(code) = refused else {
                        outcome.put += 1;
                        continue;
                    };
                    if is_throttle(&code) {
                        outcome.throttled += 1;
                    }
                    copy.sends += 1;
                    if copy.sends >= config.attempts || !may_pass(&code) {
                        *outcome.failed.entry(code).or_default() += 1;
                    } else {
                        let pause_us = config.backoff.draw_us(copy.sends, &mut random);
                        again.push_back((clock.now_us() + pause_us, copy));
                    }
                }
            }
            number = readings.recv_many(&mut taken, MOST_RECORDS), if open && free => {
                if number == 0 {
                    open = false;
                    continue;
                }
                let copies = taken.drain(..).map(|reading| Copy { reading, sends: 0 });
                outcome.calls += 1;
                records_in_flight += number;
                flying.push(put(config, client, clock, copies.collect()));
            }
            () = until(&clock, next_us), if free && next_us.is_some() => {}
            () = &mut changed => changed = Box::pin(stop.changed()),
        }
    }
    // Only where it was stopped at once.
    let mut left = (again.len() + records_in_flight) as u64;
    while let Ok(_reading) = readings.try_recv() {
        left += 1;
    }
    if left > 0 {
        *outcome.failed.entry("unfinished".to_owned()).or_default() += left;
    }
    outcome
}

async fn until(clock: &Clock, at_us: Option<u64>) {
    if let Some(at_us) = at_us {
        tokio::time::sleep_until(clock.instant_at(at_us).into()).await;
    }
}

/// As many as fit into a call of those whose pause is over.
fn take_due(again: &mut VecDeque<(u64, Copy)>, now_us: u64) -> Vec<Copy> {
    let mut due = Vec::new();
    again.retain(|(at_us, copy)| {
        let take = *at_us <= now_us && due.len() < MOST_RECORDS;
        if take {
            due.push(copy.clone());
        }
        !take
    });
    due
}

async fn put(config: &CopyConfig, client: &Client, clock: Clock, copies: Vec<Copy>) -> Landed {
    let now_us = clock.now_us();
    let entries = copies
        .iter()
        .map(|copy| entry(config, &copy.reading, now_us));
    let request = client
        .put_records()
        .stream_name(&config.stream)
        .set_records(Some(entries.collect()));
    match request.send().await {
        Ok(answer) => {
            let refused = refusals(answer.records, copies.len());
            let unreadable = |of: &Option<String>| of.as_deref() == Some(UNREADABLE);
            Landed {
                failed: refused.iter().find(|of| unreadable(of)).cloned().flatten(),
                copies: copies.into_iter().zip(refused).collect(),
                trouble: None,
            }
        }
        Err(error) => {
            let code = match (&error, error.code()) {
                (_, Some(code)) => code.to_owned(),
                (SdkError::TimeoutError(_), _) => "timeout".to_owned(),
                (SdkError::DispatchFailure(cause), _) if cause.is_timeout() => "timeout".to_owned(),
                (SdkError::DispatchFailure(_) | SdkError::ResponseError(_), _) => {
                    "connection".to_owned()
                }
                _ => "refused".to_owned(),
            };
            let trouble = match code.as_str() {
                "timeout" => Some(Trouble::silent()),
                "connection" => Some(Trouble::of(&error)),
                _ => None,
            };
            let refused = |copy| (copy, Some(code.clone()));
            Landed {
                copies: copies.into_iter().map(refused).collect(),
                failed: Some(code),
                trouble,
            }
        }
    }
}

/// The answer does not say what became of a record.
const UNREADABLE: &str = "unreadable-answer";

/// What each of so many records was refused with. One was taken where the answer has its
/// sequence number; an answer of another length says nothing of any.
fn refusals(said: Vec<PutRecordsResultEntry>, records: usize) -> Vec<Option<String>> {
    if said.len() != records {
        return vec![Some(UNREADABLE.to_owned()); records];
    }
    let refused = said.into_iter().map(|record| {
        let unsaid = || {
            record
                .sequence_number
                .is_none()
                .then(|| UNREADABLE.to_owned())
        };
        record.error_code.clone().or_else(unsaid)
    });
    refused.collect()
}

fn is_throttle(code: &str) -> bool {
    code == "ProvisionedThroughputExceededException" || code == "LimitExceededException"
}

/// Whether a refusal may be over when the record is put again.
fn may_pass(code: &str) -> bool {
    is_throttle(code)
        || matches!(
            code,
            "InternalFailure"
                | "InternalServerError"
                | "ServiceUnavailable"
                | "timeout"
                | "connection"
                | UNREADABLE
        )
}

/// The record that DynamoDB would have written of this reading, created now. Records of
/// a device go to one shard; calls in flight together may overtake each other on the way.
fn entry(config: &CopyConfig, reading: &Reading, now_us: u64) -> PutRecordsRequestEntry {
    let (mut keys, mut image, mut record) = (Vec::new(), Vec::new(), Vec::new());
    item::encode_key(&mut keys, config.layout, reading);
    item::encode(&mut image, config.layout, reading);
    let change = ChangeImage {
        region: &config.region,
        event_id: event_id(reading.id),
        kind: ChangeKind::Insert,
        table: &config.table,
        created_us: now_us,
        precision: Some(Precision::Microsecond),
        keys: &keys,
        new_image: Some(&image),
        old_image: None,
        size_bytes: config.layout.item_bytes(reading) + config.layout.key_bytes(reading),
    };
    change::encode(&mut record, &change);
    PutRecordsRequestEntry::builder()
        .data(Blob::new(record))
        .partition_key(format!("d-{}", reading.id.device))
        .build()
        .expect("data and partition key are set above")
}

/// A UUID in form, of version 4, and the same for the same reading.
fn event_id(id: ReadingId) -> u128 {
    let of = u128::from(id.device) << 32 | u128::from(id.sequence);
    let id = (u128::from(id.intended_us) << 64) ^ of;
    (id & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_taken_where_the_answer_says_so_and_not_where_it_says_nothing() {
        let entry = || PutRecordsResultEntry::builder().shard_id("shardId-000000000000");
        let taken = entry().sequence_number("49").build();
        let refused = entry().error_code("InternalFailure").build();
        let nothing = entry().build();
        let unreadable = Some(UNREADABLE.to_owned());
        let expected = [None, Some("InternalFailure".to_owned()), unreadable.clone()];
        let said = vec![taken.clone(), refused, nothing];
        assert_eq!(refusals(said, 3), expected);
        for said in [vec![], vec![taken.clone()], vec![taken; 3]] {
            assert_eq!(refusals(said, 2), [unreadable.clone(), unreadable.clone()]);
        }
        assert!(may_pass(UNREADABLE));
    }
}
