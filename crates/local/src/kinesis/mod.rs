//! Kinesis Data Streams, embedded: awsJson1.1, `Kinesis_20131202`.
//!
//! In go operations and, from [`super::capture`], change records; out come
//! answers and event streams. Time is an argument: a stream that is CREATING
//! becomes ACTIVE when a later call says that it is later. The one exception
//! is a subscription, which goes on after its call and counts time from there.
//! Must not know HTTP, nor that its records are change records.
//!
//! ```text
//! put, Batch -> stream (routes hash keys) -> shard -> log (chunks) <- retention (budget)
//!                                                      |
//!                get (GetRecords), subscribe <- page <-+
//! ```

mod backlog;
mod batch;
mod consumer;
mod control;
mod describe;
mod get;
mod growth;
mod hash_key;
mod inner;
mod list;
mod log;
mod operations;
mod page;
mod position;
mod put;
mod request;
mod reshard;
mod resize;
mod retention;
mod sequence;
mod shape;
mod shard;
mod stream;
mod subscribe;
mod tags;
mod token;

use hrload_base::sync::{locked, reading};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

pub use backlog::Backlog;
pub use batch::Batch;

use super::{Failure, Limits};
use hrload_capacity::stream::{CallRates, CallScope, ShardThrottle, call_limit};
use operations::{OPERATIONS, Operation};
use request::{Body, invalid};
use retention::Budget;
use shard::{Shard, shard_id};
use stream::{Phase, Shared, State, Stream};

/// All streams of the embedded Kinesis.
#[derive(Debug)]
pub struct Streams {
    region: String,
    account: String,
    all: Shared,
    /// The account's calls, where limits count those.
    calls: Mutex<CallRates>,
    streams: RwLock<BTreeMap<String, Arc<Stream>>>,
    /// When the next stream that is being deleted is gone; `u64::MAX` where none is.
    gone_us: AtomicU64,
}

/// What an operation answers.
#[derive(Debug)]
pub enum Answer {
    /// A JSON body; empty where the operation answers nothing.
    Json(Vec<u8>),
    /// SubscribeToShard: event-stream frames, pushed as records arrive until
    /// the subscription ends. The server copies them to the connection as they come.
    Events(tokio::sync::mpsc::Receiver<bytes::Bytes>),
}

impl Streams {
    /// An empty account; keeps at most `retain_bytes` of record data over all
    /// streams (but always what was written last), the oldest going first.
    #[must_use]
    pub fn new(region: String, account: String, retain_bytes: u64) -> Self {
        Self {
            region,
            account,
            all: Shared {
                budget: Budget::new(retain_bytes),
                limits: None,
            },
            calls: Mutex::default(),
            streams: RwLock::default(),
            gone_us: AtomicU64::new(u64::MAX),
        }
    }

    /// The same under capacity limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Option<Arc<Limits>>) -> Self {
        self.all.limits = limits;
        self
    }

    /// Carries out one operation (`GetRecords`, ...) at `now_us`.
    /// `SubscribeToShard` must be called within a tokio runtime that has
    /// timers: its subscription runs there.
    ///
    /// # Errors
    /// The service's own refusal.
    pub fn call(&self, operation: &str, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let named = OPERATIONS.iter().find(|of| of.name == operation);
        let operation = named.ok_or_else(|| {
            Failure::unknown_operation(format!(
                "The embedded Kinesis does not know the operation {operation:?}."
            ))
        })?;
        self.forget_gone(now_us);
        let bytes = if body.is_empty() { b"{}" } else { body };
        (operation.call)(self, Body { operation, bytes }, now_us)
    }

    /// Gives back the memory of streams that are gone.
    fn forget_gone(&self, now_us: u64) {
        if now_us < self.gone_us.load(Ordering::Relaxed) {
            return;
        }
        self.gone_us.store(u64::MAX, Ordering::Relaxed);
        for stream in self.all(now_us) {
            if stream.read(now_us).phase == Phase::Deleting {
                self.gone_us.fetch_min(stream.due_us(), Ordering::Relaxed);
            }
        }
    }

    /// Whether a stream with this ARN exists, or is being created.
    #[must_use]
    pub fn is_there(&self, stream_arn: &str, now_us: u64) -> bool {
        self.by_arn(stream_arn, now_us).is_ok_and(|stream| {
            let phase = stream.read(now_us).phase;
            !matches!(phase, Phase::Deleting | Phase::Gone)
        })
    }

    /// Puts a batch of changes, the first of which was written at `written_us`,
    /// into a stream at `now_us`, which becomes the records' arrival time.
    /// Records of one shard keep their order; those that a shard does not take
    /// go into `backlog`. The way in for change data capture: no JSON, no
    /// base64, one lock a shard. Returns how many records arrived.
    ///
    /// # Errors
    /// There is no such stream, or it takes no records.
    pub fn append(
        &self,
        stream_arn: &str,
        batch: &mut Batch,
        backlog: &mut Backlog,
        written_us: u64,
        now_us: u64,
    ) -> Result<usize, Failure> {
        self.feed(stream_arn, now_us, |stream, state| {
            stream.put_changes(state, batch, backlog, written_us, now_us)
        })
    }

    /// Offers what waits in `backlog` to the shards again; returns how many
    /// records arrived.
    ///
    /// # Errors
    /// There is no such stream, or it takes no records.
    pub fn append_backlog(
        &self,
        stream_arn: &str,
        backlog: &mut Backlog,
        now_us: u64,
    ) -> Result<usize, Failure> {
        self.feed(stream_arn, now_us, |stream, state| {
            stream.put_backlog(state, backlog, now_us)
        })
    }

    fn feed<T>(
        &self,
        stream_arn: &str,
        now_us: u64,
        put: impl FnOnce(&Stream, &State) -> T,
    ) -> Result<T, Failure> {
        let stream = self.by_arn(stream_arn, now_us)?;
        let state = stream.read(now_us);
        if !state.takes_records() {
            return Err(self.no_stream(&stream.name));
        }
        Ok(put(&stream, &state))
    }

    /// The number of the shard that the last record of `batch` would go to;
    /// `None` if there is no such stream or the batch is empty.
    pub(super) fn shard_of_last(
        &self,
        stream_arn: &str,
        batch: &Batch,
        now_us: u64,
    ) -> Option<u32> {
        let stream = self.by_arn(stream_arn, now_us).ok()?;
        let state = stream.read(now_us);
        let hash_key = batch.last_hash_key()?;
        state
            .takes_records()
            .then(|| state.shard_number_of(hash_key))
    }

    /// How many records were trimmed so far, because they were over the
    /// account's `retain_bytes` or older than their stream's retention period.
    #[must_use]
    pub fn trimmed(&self) -> u64 {
        self.all.budget.trimmed_records()
    }

    /// How many records were trimmed when a reader came to them, added up over all readers.
    #[must_use]
    pub fn trimmed_unread(&self) -> u64 {
        self.all.budget.trimmed_unread()
    }

    /// What a call that was only to be checked hears when it would have been carried out.
    fn dry_run() -> Failure {
        Failure::new(
            "DryRunOperationException",
            "The request was rejected because the DryRun parameter was specified.",
        )
    }

    /// The stream that a request names, where nothing else of it can be wrong.
    fn named(
        &self,
        name: Option<&str>,
        arn: Option<&str>,
        now_us: u64,
    ) -> Result<Arc<Stream>, Failure> {
        let mut checks = request::Checks::default();
        checks.stream(name, arn);
        checks.done()?;
        self.target(name, arn, now_us)
    }

    /// The stream that a request names, by name, ARN or both; they were checked.
    fn target(
        &self,
        name: Option<&str>,
        arn: Option<&str>,
        now_us: u64,
    ) -> Result<Arc<Stream>, Failure> {
        match (name, arn) {
            (Some(name), None) => self.by_name(name, now_us),
            (None, Some(arn)) => self.by_arn(arn, now_us),
            (Some(name), Some(arn)) => {
                let stream = self.by_arn(arn, now_us)?;
                if stream.name == name {
                    Ok(stream)
                } else {
                    Err(invalid(format!(
                        "StreamARN {arn} and StreamName {name} name different streams."
                    )))
                }
            }
            (None, None) => Err(invalid("Either StreamName or StreamARN must be given.")),
        }
    }

    fn by_name(&self, name: &str, now_us: u64) -> Result<Arc<Stream>, Failure> {
        let streams = reading(&self.streams);
        let stream = streams.get(name).ok_or_else(|| self.no_stream(name))?;
        if stream.read(now_us).phase == Phase::Gone {
            return Err(self.no_stream(name));
        }
        Ok(Arc::clone(stream))
    }

    fn by_arn(&self, arn: &str, now_us: u64) -> Result<Arc<Stream>, Failure> {
        let Some((_, name)) = arn.split_once(":stream/") else {
            return Err(self.no_stream(arn));
        };
        let stream = self.by_name(name, now_us)?;
        if stream.arn == arn {
            Ok(stream)
        } else {
            // Of another account or Region: none of those are here.
            Err(self.no_stream(arn))
        }
    }

    fn no_stream(&self, name: &str) -> Failure {
        Failure::new(
            "ResourceNotFoundException",
            format!("Stream {name} under account {} not found.", self.account),
        )
    }

    fn no_shard(&self, shard: &str, stream: &str) -> Failure {
        Failure::new(
            "ResourceNotFoundException",
            format!(
                "Shard {shard} in stream {stream} under account {} does not exist",
                self.account
            ),
        )
    }

    /// The shard with this name, to be read.
    fn shard<'a>(
        &self,
        stream: &Stream,
        state: &'a State,
        id: &str,
    ) -> Result<&'a Arc<Shard>, Failure> {
        let Some(number) = shard::parse_shard_id(id) else {
            return Err(Failure::new(
                "ResourceNotFoundException",
                format!(
                    "Could not find shard {id} in stream {} under account {}.",
                    stream.name, self.account
                ),
            ));
        };
        state
            .shards
            .get(number as usize)
            .ok_or_else(|| self.no_shard(&shard_id(number), &stream.name))
    }

    /// Refuses a call of an operation that comes more often than it may. To be asked
    /// once the request is known to be valid and its stream to be there: what is wrong
    /// in itself does not count.
    fn admit(
        &self,
        operation: &Operation,
        stream: Option<&Stream>,
        now_us: u64,
    ) -> Result<(), Failure> {
        let (Some(limits), Some(limit)) = (&self.all.limits, call_limit(operation.name)) else {
            return Ok(());
        };
        let calls = match (limit.scope, stream) {
            (CallScope::Stream, Some(stream)) => &stream.calls,
            _ => &self.calls,
        };
        let assumptions = &limits.stream.calls;
        if locked(calls).admit(operation.name, limit.per_s, assumptions, now_us) {
            return Ok(());
        }
        // As was seen of ListStreams and, though all streams share its limit, of
        // DescribeStream.
        let account = &self.account;
        Err(Failure::new(
            "LimitExceededException",
            match stream {
                Some(stream) => {
                    format!(
                        "Rate exceeded for stream {} under account {account}.",
                        stream.name
                    )
                }
                None => format!("Rate exceeded for account {account}."),
            },
        ))
    }

    fn rate_exceeded(&self, stream: &Stream, shard: u32, throttle: ShardThrottle) -> Failure {
        let message = throttle.message(&shard_id(shard), &stream.name, &self.account);
        Failure::new(ShardThrottle::EXCEPTION, message)
    }

    fn not_active(&self, stream: &Stream, state: &State) -> Failure {
        Failure::new(
            "ResourceInUseException",
            format!(
                "Stream {} under account {} not ACTIVE, instead in state {}",
                stream.name,
                self.account,
                state.phase.status()
            ),
        )
    }
}
