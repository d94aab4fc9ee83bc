//! The delivery itself: pages in, objects and checkpoints out.

use std::pin::Pin;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::buffer::{Buffer, Hints, Record, Records};
use super::checkpoint::{Checkpoint, CheckpointError, Position, Positions};
use super::format::Format;
use super::idle::Idle;
use super::naming::Naming;
use super::source::{Feed, Identity, Page, SourceError, Told};
use super::store::{Lake, Seen, StoreError};
use super::transform::{CommandError, Origin, Transform};
use super::write::{Batch, Writer, Written};
use hrload_base::clock::Clock;

/// How much earlier than the service's clock says "now" is looked for in the stream: more
/// than its parts disagree by.
const CLOCK_MARGIN_US: u64 = 10_000_000;

/// Where to begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// At the lake's checkpoint, or with the oldest record where it has none.
    #[default]
    Resume,
    /// At the lake's checkpoint, which must be there.
    Checkpoint,
    /// At the lake's checkpoint, or as [`Start::Latest`] where it has none.
    ResumeOrLatest,
    /// With the oldest record, whatever checkpoint the lake has: it is of
    /// another stream of that name. For one that was just made.
    Anew,
    /// With the oldest record; the lake must have no checkpoint.
    TrimHorizon,
    /// With the records of the last ten seconds, by the service's clock (its parts may
    /// disagree by as much, and none of the next ones may be missed); the lake must have
    /// no checkpoint.
    Latest,
}

/// What to deliver, and how.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The stream's name.
    pub stream: String,
    /// Where to begin.
    pub start: Start,
    /// When objects close.
    pub hints: Hints,
    /// What is done to records.
    pub transform: Transform,
    /// What is appended to each transformed record (AppendDelimiterToRecord).
    pub delimiter: Vec<u8>,
    /// What objects are made of.
    pub format: Format,
    /// What objects are called.
    pub naming: Naming,
    /// End when so long no record came and all shards were at their tips;
    /// `None`: never.
    pub until_idle: Option<Duration>,
}

/// What was delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Records read from the stream.
    pub records_read: u64,
    /// Records in objects.
    pub records_delivered: u64,
    /// Records that the transform left out.
    pub records_dropped: u64,
    /// Records under `processing-failed/` and `format-conversion-failed/`.
    pub records_failed: u64,
    /// Objects written, of either kind.
    pub objects: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Objects of an interrupted delivery whose records were delivered again.
    pub redelivered_objects: Vec<String>,
    /// When the oldest record that is read but not delivered arrived, in
    /// microseconds since the Unix epoch; `None` when all are delivered.
    pub oldest_undelivered_us: Option<u64>,
    /// Why the stream did not answer at the end: there may be more in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
}

/// What happens on the way.
#[derive(Debug)]
pub enum Event<'a> {
    /// Where reading begins is written down: whatever is put into the stream
    /// from now on will be delivered.
    Begun,
    /// Records of these objects, which an interrupted delivery wrote, will be
    /// delivered again.
    Redelivers(&'a [String]),
    /// The stream does not answer, or refuses; it is asked again.
    Failing(&'a str),
    /// The lake cannot do something that delivery can do without.
    Without(&'a str),
    /// A page was read; what has been delivered so far.
    Read(&'a Delivered),
    /// An object was written.
    Object {
        /// Its key.
        key: &'a str,
        /// Its size.
        bytes: u64,
        /// Its content, where it holds records that failed
        /// ([`failed_data`](super::failed_data)).
        failed: Option<&'a [u8]>,
        /// What has been delivered so far.
        so_far: &'a Delivered,
    },
    /// All objects of a buffer are written.
    Buffer {
        /// What was in it, records that failed or were left out included.
        records: &'a Records,
        /// When the last of its objects was there, in microseconds since the
        /// Unix epoch.
        written_us: u64,
        /// It was written because delivery ends, not because it was full or
        /// had waited long enough.
        closed_early: bool,
    },
}

/// Why delivery ended unasked. What was not delivered is still in the stream,
/// and the checkpoint says where.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint was asked for and there is none.
    #[error("the lake {0} has no checkpoint of this stream; say --from trim-horizon or latest")]
    NoCheckpoint(String),
    /// Another beginning was asked for than the checkpoint's.
    #[error(
        "the lake {place} has a checkpoint; leave out --from to go on there, or remove {key} \
         to begin anew, which delivers again or skips what lies between"
    )]
    HasCheckpoint {
        /// The lake.
        place: String,
        /// The checkpoint's key.
        key: String,
    },
    /// The stream is not the one that the checkpoint is of.
    #[error(
        "the checkpoint {key} in {place} is of another stream of that name, {of}; the one that is \
         there was made {made}: remove the checkpoint to deliver that one"
    )]
    AnotherStream {
        /// The lake.
        place: String,
        /// The checkpoint's key.
        key: String,
        /// When its stream was made, in words.
        of: String,
        /// When the stream that is there was made.
        made: String,
    },
    /// The transform does not run.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The lake does not take what it is given.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream does not give.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It was stopped before the stream had answered.
    #[error("{0}; it was stopped before it had begun")]
    NotBegun(String),
    /// Whoever delivers did not wait for the end.
    #[error("it was not waited for; what was not written is still in the stream")]
    Abandoned,
    /// Its bytes could not be made.
    #[error("making an object failed: {0}")]
    Format(#[from] std::io::Error),
}

/// Delivers until `stop` is ready, or until the stream is idle; then writes
/// what is buffered. Run it on a `current_thread` runtime.
///
/// Reading goes on while one buffer's objects are written, until the next
/// buffer is full too.
///
/// # Errors
/// The stream, the lake or its checkpoint cannot be used.
pub async fn deliver(
    delivery: &Delivery,
    client: &Client,
    lake: &Lake,
    clock: Clock,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Delivered, DeliverError> {
    let mut stop = std::pin::pin!(stop);
    let lock = lake.lock(&delivery.stream)?;
    let feed = Feed::new(client, &delivery.stream);
    let begin = async {
        let identity = feed.identify().await?;
        begin(delivery, lake, clock, identity).await
    };
    let mut begin = std::pin::pin!(begin);
    let mut failing = feed.failing();
    let begun = loop {
        tokio::select! {
            biased;
            () = &mut stop => return match failing.borrow().clone() {
                Some(why) => Err(DeliverError::NotBegun(why)),
                None => Ok(Delivered::default()),
            },
            begun = &mut begin => break begun?,
            Ok(()) = failing.changed() => say_failing(&failing, &mut tell),
        }
    };
    let mut run = Run {
        buffer: Buffer::new(delivery.hints),
        page: None,
        positions: begun.positions.clone(),
        idle: delivery.until_idle.map(Idle::new),
        spare: Records::default(),
        writing_oldest_us: None,
        delivered: Delivered {
            redelivered_objects: begun.again,
            ..Delivered::default()
        },
    };
    tell(Event::Begun);
    say_without(lake, &mut tell);
    if !run.delivered.redelivered_objects.is_empty() {
        tell(Event::Redelivers(&run.delivered.redelivered_objects));
    }
    let mut writer = Some(Writer {
        delivery,
        lake,
        clock,
        created_ms: begun.created_ms,
        origin: Origin::of(begun.arn, &delivery.stream, client),
        written: begun.positions.clone(),
        seen: begun.seen,
        lock,
    });
    let (sender, mut told) = mpsc::channel(1);
    let mut reading = std::pin::pin!(feed.read(begun.positions, begun.unknown, sender));
    let mut writing: Writing<'_> = Box::pin(std::future::pending());
    let failed = loop {
        run.fill(clock.now_us());
        let due_us = run.buffer.due_us();
        if (run.buffer.is_full() || due_us.is_some_and(|due_us| due_us <= clock.now_us()))
            && let Some(free) = writer.take()
        {
            writing = Box::pin(free.write(run.batch()));
            continue;
        }
        if run.is_idle() {
            break None;
        }
        let due = due_us.map(|due_us| Instant::from_std(clock.instant_at(due_us)));
        tokio::select! {
            biased;
            () = &mut stop => break None,
            done = &mut writing, if writer.is_none() => {
                let (free, written) = done?;
                writer = Some(free);
                writing = Box::pin(std::future::pending());
                run.take_in(written, false, &mut tell);
                say_without(lake, &mut tell);
            }
            Some(told) = told.recv(), if run.has_room() => run.hear(told, &mut tell),
            error = &mut reading => match error {
                Ok(never) => match never {},
                Err(error) => break Some(error),
            },
            Ok(()) = failing.changed() => say_failing(&failing, &mut tell),
            () = at(due), if writer.is_some() => {}
        }
    };
    run.delivered.failing = failing.borrow().clone();
    let mut free = match writer {
        Some(free) => free,
        None => {
            let (free, written) = writing.await?;
            run.take_in(written, false, &mut tell);
            free
        }
    };
    if !run.buffer.records().is_empty() {
        let (closing, written) = free.write(run.batch()).await?;
        run.take_in(written, true, &mut tell);
        free = closing;
    }
    free.close(run.positions).await?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(run.delivered),
    }
}

/// Tells why the stream gives nothing, if it does not.
fn say_failing(failing: &watch::Receiver<Option<String>>, tell: &mut impl FnMut(Event<'_>)) {
    let why = failing.borrow().clone();
    if let Some(why) = why {
        tell(Event::Failing(&why));
    }
}

/// Tells what the lake turned out not to do since the last time.
fn say_without(lake: &Lake, tell: &mut impl FnMut(Event<'_>)) {
    for lacks in lake.lacks() {
        tell(Event::Without(&lacks));
    }
}

type Writing<'a> = Pin<Box<dyn Future<Output = Result<(Writer<'a>, Written), DeliverError>> + 'a>>;

/// A timer that may not be set.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Where reading begins.
struct Begun {
    positions: Positions,
    /// For shards that are not in there.
    unknown: Position,
    seen: Seen,
    /// Objects whose records will be delivered again.
    again: Vec<String>,
    /// When the stream was made.
    created_ms: Option<u64>,
    /// The stream's ARN, where the service says.
    arn: Option<String>,
}

async fn begin(
    delivery: &Delivery,
    lake: &Lake,
    clock: Clock,
    identity: Identity,
) -> Result<Begun, DeliverError> {
    let created_ms = identity.created_ms;
    let found = Checkpoint::read(lake, &delivery.stream).await?;
    let now_us = clock.now_us();
    let (positions, mut seen, again) = match (delivery.start, found) {
        (Start::Resume | Start::ResumeOrLatest | Start::Checkpoint, Some((checkpoint, seen))) => {
            if let Some(of_ms) = checkpoint.of_another(created_ms) {
                return Err(another(delivery, lake, of_ms, created_ms));
            }
            let (positions, again) = checkpoint.settle(lake).await?;
            (positions, seen, again)
        }
        (Start::Anew, found) => {
            if let Some((checkpoint, _)) = &found
                && checkpoint.of_another(created_ms).is_some()
            {
                let kept = checkpoint.set_aside(lake).await?;
                lake.lack(format!(
                    "{} had a checkpoint of another stream named {}: it is kept as {kept}",
                    lake.place(),
                    delivery.stream
                ));
            }
            let positions = Positions::from([(BEGINNING.to_owned(), Position::TrimHorizon)]);
            (positions, found.and_then(|(_, seen)| seen), Vec::new())
        }
        (Start::Checkpoint, None) => {
            return Err(DeliverError::NoCheckpoint(lake.place().to_owned()));
        }
        (_, Some(_)) => {
            return Err(DeliverError::HasCheckpoint {
                place: lake.place().to_owned(),
                key: Checkpoint::key(&delivery.stream),
            });
        }
        (start, None) => {
            let unknown = match start {
                Start::Latest | Start::ResumeOrLatest => {
                    let service_us = identity.service_us.unwrap_or(now_us);
                    Position::AtUs(service_us.saturating_sub(CLOCK_MARGIN_US))
                }
                _ => Position::TrimHorizon,
            };
            // A stream's beginning is kept under a name that no shard has.
            let positions = Positions::from([(BEGINNING.to_owned(), unknown)]);
            (positions, None, Vec::new())
        }
    };
    // Before anything is read: whoever starts again begins here too, and who
    // was delivering this stream into a bucket learns that it does no more.
    Checkpoint::new(&delivery.stream, created_ms, now_us, positions.clone())
        .write(lake, &mut seen)
        .await?;
    let unknown = positions.get(BEGINNING).cloned();
    Ok(Begun {
        unknown: unknown.unwrap_or(Position::TrimHorizon),
        positions,
        seen,
        again,
        created_ms,
        arn: identity.arn,
    })
}

fn another(
    delivery: &Delivery,
    lake: &Lake,
    of_ms: Option<u64>,
    created_ms: Option<u64>,
) -> DeliverError {
    let moment = |ms: u64| {
        let time = i64::try_from(ms).map(jiff::Timestamp::from_millisecond);
        time.ok()
            .and_then(Result::ok)
            .map_or_else(|| format!("{ms} ms after 1970"), |time| time.to_string())
    };
    DeliverError::AnotherStream {
        place: lake.place().to_owned(),
        key: Checkpoint::key(&delivery.stream),
        of: match of_ms {
            Some(ms) => format!("made {}", moment(ms)),
            None => "written before that one was made".to_owned(),
        },
        made: created_ms.map_or_else(|| "at another time".to_owned(), moment),
    }
}

/// Where shards begin of which no record is delivered yet.
const BEGINNING: &str = "*";

/// What was read and is not with the writer.
struct Run {
    buffer: Buffer,
    /// A page of which the records from an index on are not buffered yet.
    page: Option<(Page, usize)>,
    /// Where the stream stands behind the buffer.
    positions: Positions,
    idle: Option<Idle>,
    /// Room for the next buffer.
    spare: Records,
    /// When the oldest record arrived that the writer has.
    writing_oldest_us: Option<u64>,
    delivered: Delivered,
}

impl Run {
    fn has_room(&self) -> bool {
        self.page.is_none() && !self.buffer.is_full()
    }

    fn is_idle(&self) -> bool {
        self.page.is_none() && self.idle.as_ref().is_some_and(Idle::is_reached)
    }

    /// Buffers of the page what the buffer takes. Warm, it allocates nothing:
    /// a position is written where the last one was.
    fn fill(&mut self, now_us: u64) {
        let Some((page, from)) = &mut self.page else {
            return;
        };
        let before = *from;
        while let Some(record) = page.records.get(*from)
            && !self.buffer.is_full()
        {
            let arrived_us = record
                .approximate_arrival_timestamp()
                .and_then(|time| u64::try_from(time.as_nanos() / 1_000).ok())
                .unwrap_or(now_us);
            let record = Record {
                data: record.data().as_ref(),
                sequence_number: record.sequence_number(),
                arrived_us,
            };
            self.buffer.push(record, now_us);
            *from += 1;
        }
        self.delivered.records_read += (*from - before) as u64;
        if let Some(last) = page.records[before..*from].last() {
            let sequence_number = last.sequence_number();
            match self.positions.get_mut(&page.shard) {
                Some(Position::After(known)) => {
                    known.clear();
                    known.push_str(sequence_number);
                }
                _ => {
                    let position = Position::After(sequence_number.to_owned());
                    self.positions.insert(page.shard.clone(), position);
                }
            }
        }
        if *from == page.records.len() {
            if page.ended {
                self.positions.insert(page.shard.clone(), Position::Done);
            }
            self.page = None;
        }
        self.measure();
    }

    fn hear(&mut self, told: Told, tell: &mut impl FnMut(Event<'_>)) {
        if let Some(idle) = &mut self.idle {
            idle.hear(&told);
        }
        match told {
            Told::Page(page) => {
                self.page = Some((page, 0));
                tell(Event::Read(&self.delivered));
            }
            // It is tried again, and ends delivery where it stays so.
            Told::Failing(_) => {}
            Told::Listed(listed) => {
                // What the stream has no more needs no position either.
                if !listed.shards.is_empty() {
                    self.positions
                        .retain(|id, _| id == BEGINNING || listed.shards.contains(id));
                }
            }
        }
    }

    /// What is buffered, for the writer.
    fn batch(&mut self) -> Batch {
        let records = self.buffer.replace(std::mem::take(&mut self.spare));
        self.writing_oldest_us = records.oldest_arrival_us();
        Batch {
            records,
            positions: self.positions.clone(),
        }
    }

    /// What the writer made of it.
    fn take_in(&mut self, written: Written, closed_early: bool, tell: &mut impl FnMut(Event<'_>)) {
        self.writing_oldest_us = None;
        self.measure();
        self.delivered.records_delivered += written.ok;
        self.delivered.records_dropped += written.dropped;
        self.delivered.records_failed += written.failed;
        for put in &written.objects {
            self.delivered.objects += 1;
            self.delivered.bytes += put.bytes;
            let so_far = &self.delivered;
            tell(Event::Object {
                key: &put.key,
                bytes: put.bytes,
                failed: put.failed.as_deref(),
                so_far,
            });
        }
        tell(Event::Buffer {
            records: &written.records,
            written_us: written.written_us,
            closed_early,
        });
        self.spare = written.records;
    }

    fn measure(&mut self) {
        let waiting = [
            self.writing_oldest_us,
            self.buffer.records().oldest_arrival_us(),
        ];
        self.delivered.oldest_undelivered_us = waiting.into_iter().flatten().min();
    }
}
