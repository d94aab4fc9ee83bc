//! Reading shards with SubscribeToShard, as a registered consumer.

use std::cell::Cell;
use std::time::Duration;

use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{ConsumerStatus, SubscribeToShardEventStream};
use aws_smithy_types::event_stream::RawMessage;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::backoff::Backoff;
use super::failure::{Failed, FollowError, Trouble};
use super::position::Position;
use super::session::{Gauge, Session, children};
use super::shards::{Origin, Shard, has_end};
use super::{Feed, KinesisStream, listing};
use hrload_codec::page;

/// How long a new consumer may take to become active, or an old one to go.
const CONSUMER_TIMEOUT: Duration = Duration::from_secs(120);
/// Time between looks at a consumer's status.
const CONSUMER_POLL: Duration = Duration::from_secs(1);
/// A subscription that says nothing for so long is taken for dead. Kinesis
/// sends an event every few seconds even when there is nothing to send; the
/// Kinesis Client Library waits as long.
const SILENCE: Duration = Duration::from_secs(35);
/// Subscribing again sooner than this after the last time is refused
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html>).
const SUBSCRIBE_SPACING: Duration = Duration::from_secs(5);

/// Said of an event that would be a shard's last, were the shard not open.
const NO_CONTINUATION: &str =
    "an event without ContinuationSequenceNumber, of a shard without an end";

/// A consumer that can subscribe.
pub(super) struct FanOut {
    consumer_arn: String,
}

/// The ARN of a consumer that was registered here, to be deregistered at the
/// end; set as soon as Kinesis has it, so that not even a stop in the middle
/// of setting up leaves it behind.
pub(super) type Registered = Cell<Option<String>>;

impl FanOut {
    /// Finds the consumer or registers it, and waits until it is active.
    pub(super) async fn obtain(
        session: &Session,
        stream: &KinesisStream,
        name: &str,
        registered: &Registered,
    ) -> Result<Self, FollowError> {
        let stream_arn = stream_arn(session, stream).await?;
        let since = Instant::now();
        let mut backoff = Backoff::default();
        let mut made = false;
        loop {
            let described = describe(session, stream, &stream_arn, name).await;
            if let (true, Ok((arn, _))) = (made, &described) {
                registered.set(Some(arn.clone()));
            }
            let status = match described {
                Ok((consumer_arn, ConsumerStatus::Active)) => return Ok(Self { consumer_arn }),
                Ok((_, status)) => {
                    sleep(CONSUMER_POLL).await;
                    status.as_str().to_owned()
                }
                Err(failed) if failed.trouble == Trouble::NotFound => {
                    let request = stream
                        .client
                        .register_stream_consumer()
                        .stream_arn(&stream_arn)
                        .consumer_name(name);
                    match session.call(request.send()).await {
                        Ok(answer) => {
                            made = true;
                            let arn = answer.consumer.map(|consumer| consumer.consumer_arn);
                            registered.set(arn.filter(|arn| !arn.is_empty()));
                        }
                        // Someone else was quicker, or the old one is not quite gone.
                        Err(failed) if failed.trouble == Trouble::InUse => {
                            sleep(CONSUMER_POLL).await;
                        }
                        Err(failed) => {
                            // None was there a moment ago: one that is found after a
                            // call whose answer was lost is what that call made.
                            made |= failed.is_without_answer();
                            session
                                .wait_after("RegisterStreamConsumer", failed, &mut backoff)
                                .await?;
                        }
                    }
                    "not registered".to_owned()
                }
                Err(failed) => {
                    session
                        .wait_after("DescribeStreamConsumer", failed, &mut backoff)
                        .await?;
                    "unknown".to_owned()
                }
            };
            if since.elapsed() > CONSUMER_TIMEOUT {
                return Err(FollowError::ConsumerNotActive {
                    consumer: name.to_owned(),
                    stream: stream.name.clone(),
                    status,
                    waited_s: CONSUMER_TIMEOUT.as_secs(),
                });
            }
        }
    }

    /// Reads a shard to its end and returns its children, as far as it names them.
    pub(super) async fn read_shard(
        &self,
        session: &Session,
        stream: &KinesisStream,
        shard: &str,
        origin: Origin,
    ) -> Result<Vec<Shard>, FollowError> {
        let gauge = session.begin_shard(shard);
        let mut backoff = Backoff::default();
        let mut position = Position::origin(origin);
        let mut is_ready = false;
        loop {
            let asked_us = session.service_us();
            let asked = Instant::now();
            let request = stream
                .client
                .subscribe_to_shard()
                .consumer_arn(&self.consumer_arn)
                .shard_id(shard)
                .set_starting_position(position.starting_position());
            let mut events = match session.call(request.send()).await {
                Ok(subscription) => subscription.event_stream,
                Err(failed) => {
                    if failed.trouble == Trouble::InUse && is_ready {
                        // Our own last subscription still counts. Not an error.
                        sleep(SUBSCRIBE_SPACING / 5).await;
                    } else {
                        session
                            .wait_after("SubscribeToShard", failed, &mut backoff)
                            .await?;
                    }
                    continue;
                }
            };
            position.taken(asked_us);
            session.count(|tally| tally.subscriptions += 1);
            if !std::mem::replace(&mut is_ready, true) {
                session.shard_ready();
            }

            // A subscription ends after five minutes at the latest.
            let failed = loop {
                let event = match timeout(SILENCE, events.recv()).await {
                    Ok(Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)))) => {
                        event
                    }
                    Ok(Ok(Some(_))) => continue,
                    Ok(Ok(None)) => break None,
                    Ok(Err(error)) => {
                        let read_us = session.clock.now_us();
                        if take_last_event(session, gauge, &error, read_us) {
                            session.end_shard(gauge);
                            return Ok(Vec::new()); // a listing will tell of the children
                        }
                        break Some(Failed::from(error));
                    }
                    Err(_) => break Some(Failed::timed_out()),
                };
                let read_us = session.clock.now_us();
                backoff.succeeded();
                session.take(
                    gauge,
                    event.records(),
                    Some(event.millis_behind_latest()),
                    read_us,
                );
                match event.continuation_sequence_number() {
                    "" => {
                        let children = children(event.child_shards());
                        if !children.is_empty()
                            || has_end(&listing::list(session, stream).await?, shard)
                        {
                            session.end_shard(gauge);
                            return Ok(children);
                        }
                        if let Some(last) = event.records().last() {
                            position = Position::After(last.sequence_number().to_owned());
                        }
                        break Some(Failed::unusable(NO_CONTINUATION));
                    }
                    next => position = Position::After(next.to_owned()),
                }
            };
            if let Some(failed) = failed {
                session
                    .wait_after("SubscribeToShard", failed, &mut backoff)
                    .await?;
            }
            // One that lived long may be followed at once.
            sleep_until(asked + SUBSCRIBE_SPACING).await;
        }
    }
}

/// Deregisters the consumer if it was registered here.
pub(super) async fn release(session: &Session, registered: &Registered) {
    if let (Some(arn), Feed::Kinesis(stream, _)) = (registered.take(), &session.config.feed) {
        let request = stream.client.deregister_stream_consumer().consumer_arn(arn);
        if let Err(failed) = session.call(request.send()).await
            // One that is gone already needs nothing more, and is no failure to read.
            && failed.trouble != Trouble::NotFound
        {
            session.failed("DeregisterStreamConsumer", failed);
        }
    }
}

async fn stream_arn(session: &Session, stream: &KinesisStream) -> Result<String, FollowError> {
    let mut backoff = Backoff::default();
    loop {
        let request = stream
            .client
            .describe_stream_summary()
            .stream_name(&stream.name);
        let failed = match session.call(request.send()).await {
            Ok(answer) => match answer.stream_description_summary {
                Some(summary) if !summary.stream_arn.is_empty() => {
                    return Ok(summary.stream_arn);
                }
                _ => Failed::unusable("an answer without a summary"),
            },
            Err(failed) => failed,
        };
        session
            .wait_after("DescribeStreamSummary", failed, &mut backoff)
            .await?;
    }
}

async fn describe(
    session: &Session,
    stream: &KinesisStream,
    stream_arn: &str,
    name: &str,
) -> Result<(String, ConsumerStatus), Failed> {
    let request = stream
        .client
        .describe_stream_consumer()
        .stream_arn(stream_arn)
        .consumer_name(name);
    let answer = session.call(request.send()).await?;
    match answer.consumer_description {
        Some(consumer) if !consumer.consumer_arn.is_empty() => {
            Ok((consumer.consumer_arn, consumer.consumer_status))
        }
        _ => Err(Failed::unusable("an answer without a consumer")),
    }
}

/// The last event of a shard has no continuation. Where a server writes that
/// as null, the SDK cannot read the event, and it is read here from its bytes:
/// it has the members of a page. Whether it was that.
fn take_last_event(
    session: &Session,
    gauge: Gauge,
    error: &SdkError<SubscribeToShardEventStreamError, RawMessage>,
    read_us: u64,
) -> bool {
    let SdkError::ResponseError(context) = error else {
        return false;
    };
    let RawMessage::Decoded(message) = context.raw() else {
        return false;
    };
    let (event, mut scratch) = (message.payload(), Vec::new());
    // Children are named at the end of a shard only. Looked at first, so that
    // nothing is taken of an event that will be sent again.
    match page::decode(event, &mut scratch, |_| {}) {
        Ok(end) if !end.child_shards.is_empty() => {}
        _ => return false,
    }
    let mut intake = session.intake(read_us);
    let taken = page::decode(event, &mut scratch, |record| {
        intake.record(record.data, Some(record.arrived_us));
    });
    intake.end(gauge, Some(0));
    taken.is_ok()
}
