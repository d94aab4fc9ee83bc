//! SubscribeToShard: a shard's records pushed as an event stream.
//!
//! One task a subscription. The call starts it in the caller's tokio runtime;
//! it owns the sending end of the frames' channel and a listener on the shard,
//! and it ends when five minutes are over, the shard ends, the receiver is
//! dropped, another subscription takes over, or the consumer or stream goes
//! away. A slow receiver holds up only its own task: the channel is short.
//! Under limits, an event waits until the shard may give the consumer its bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::consumer::Subscription;
use super::position::{Place, StartingPosition};
use super::request::{Body, Checks, flag, parse};
use super::shard::Shard;
use super::stream::{Phase, Stream};
use super::{Answer, Failure, Streams, page};
use hrload_base::sync::locked;
use hrload_capacity::stream::ShardPushes;

/// How long a subscription lasts.
const LIFE_US: u64 = 300_000_000;
/// Within this time a consumer may not subscribe to the same shard again
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html>).
const RESUBSCRIBE_US: u64 = 5_000_000;
/// How often an event is sent when nothing arrives, so that the consumer sees
/// its progress. The service's period is not documented.
const IDLE_US: u64 = 5_000_000;
/// Most bytes of one event, keys and data before base64.
const EVENT_BYTES: usize = 1 << 20;
/// Frames that may wait for the connection: with the one that is being made, as much as
/// a slow reader may hold in memory.
const FRAMES_AHEAD: usize = 1;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SubscribeToShard {
    #[serde(rename = "ConsumerARN")]
    consumer_arn: Option<String>,
    shard_id: Option<String>,
    starting_position: Option<StartingPosition>,
    #[serde(default, deserialize_with = "flag")]
    dry_run: Option<bool>,
}

impl Streams {
    pub(super) fn subscribe_to_shard(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: SubscribeToShard = parse(body)?;
        let mut checks = Checks::default();
        if let Some(arn) = &request.consumer_arn {
            checks.consumer(arn);
        }
        let arn = checks.required(request.consumer_arn, "consumerARN");
        let shard_id = checks.required_name(request.shard_id, "shardId");
        if let Some(from) = &request.starting_position {
            let (kind, sequence) = ("startingPosition.type", "startingPosition.sequenceNumber");
            from.check(&mut checks, kind, sequence);
        }
        let from = checks.required(request.starting_position, "startingPosition");
        checks.done()?;
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(Failure {
                status: 500,
                ..Failure::new(
                    "InternalFailureException",
                    "SubscribeToShard was called outside a tokio runtime, so nothing can push \
                     its events.",
                )
            });
        };

        let (stream, name) = self.consumer_of(&arn, now_us)?;
        let mut state = stream.write(now_us);
        let shard = Arc::clone(self.shard(&stream, &state, &shard_id)?);
        let place = Place {
            operation: "SubscribeToShard",
            stream: &stream.name,
            account: &self.account,
        };
        let position = from.resolve(&state, &shard, &place, now_us)?;
        let consumer = state
            .consumers
            .get_mut(&name)
            .ok_or_else(|| self.no_consumer(&arn))?;
        if consumer.status(now_us) != "ACTIVE" {
            return Err(Failure::new(
                "ResourceInUseException",
                format!(
                    "Consumer {arn} is not ACTIVE, instead in state {}",
                    consumer.status(now_us)
                ),
            ));
        }
        let in_use = format!(
            "Another active subscription exists for this consumer: {}:{}:{}:{name}",
            self.account, stream.name, shard.id
        );
        let (takeover, taken_over) = oneshot::channel();
        let last = consumer.subscriptions.get(&shard.number);
        if last.is_some_and(|last| now_us < last.since_us + RESUBSCRIBE_US) {
            return Err(Failure::new("ResourceInUseException", in_use));
        }
        // What was pushed counts for whoever comes next.
        let pushes = match last {
            Some(last) => last.pushes.clone(),
            None => stream.limits().map(|limits| {
                let pushes = ShardPushes::new(&limits.stream.shard, now_us);
                Arc::new(Mutex::new(pushes))
            }),
        };
        let subscription = Subscription {
            since_us: now_us,
            pushes: pushes.clone(),
            takeover,
        };
        if request.dry_run == Some(true) {
            return Err(Self::dry_run());
        }
        if let Some(last) = consumer.subscriptions.insert(shard.number, subscription) {
            // It may have ended already.
            let _ = last.takeover.send(());
        }
        drop(state);

        let (frames, receiver) = mpsc::channel(FRAMES_AHEAD);
        let task = Push {
            position,
            frames,
            taken_over,
            in_use,
            gone: self.no_consumer(&arn).message,
            start_us: now_us,
            started: Instant::now(),
            pushes,
            stream,
            shard,
        };
        runtime.spawn(task.run());
        Ok(Answer::Events(receiver))
    }
}

/// A subscription's task.
struct Push {
    stream: Arc<Stream>,
    shard: Arc<Shard>,
    /// Index of the next record to push.
    position: u64,
    frames: mpsc::Sender<Bytes>,
    taken_over: oneshot::Receiver<()>,
    /// What a consumer hears that is superseded, and one that no longer exists.
    in_use: String,
    gone: String,
    /// The time of the call, and the same on the runtime's clock.
    start_us: u64,
    started: Instant,
    pushes: Option<Arc<Mutex<ShardPushes>>>,
}

/// What there is to send.
enum Next {
    /// Nothing before this time, or before a record arrives where that is heard.
    Wait { until_us: u64, hears: bool },
    /// An event, and whether it is the shard's last.
    Event { payload: Vec<u8>, last: bool },
    /// The stream is gone.
    Gone,
}

impl Push {
    fn now_us(&self) -> u64 {
        self.start_us + self.started.elapsed().as_micros() as u64
    }

    async fn run(mut self) {
        if self.send(initial_response()).await.is_err() {
            return;
        }
        let listener = self.shard.listen();
        // The first event tells the consumer where it is, even if it is empty.
        let mut idle_until_us = self.start_us;
        let end_us = self.start_us + LIFE_US;
        loop {
            // Listen before looking, so that nothing arrives in between unnoticed.
            let mut arrival = std::pin::pin!(listener.arrival());
            arrival.as_mut().enable();
            let now_us = self.now_us();
            if now_us >= end_us {
                return;
            }
            match self.next(now_us, idle_until_us) {
                Next::Event { payload, last } => {
                    idle_until_us = now_us + IDLE_US;
                    let Ok(frame) = event("SubscribeToShardEvent", payload) else {
                        return;
                    };
                    if self.send(Ok(frame)).await.is_err() || last {
                        return;
                    }
                }
                Next::Gone => return self.fail(false).await,
                Next::Wait { until_us, hears } => {
                    let wait = until_us.min(end_us).saturating_sub(now_us);
                    tokio::select! {
                        () = &mut arrival, if hears => {}
                        () = tokio::time::sleep(Duration::from_micros(wait)) => {}
                        () = self.frames.closed() => return,
                        taken = &mut self.taken_over => return self.fail(taken.is_ok()).await,
                    }
                }
            }
        }
    }

    /// Reads on from the position.
    fn next(&mut self, now_us: u64, idle_until_us: u64) -> Next {
        let state = self.stream.read(now_us);
        if state.phase == Phase::Gone {
            return Next::Gone;
        }
        let shard = &self.shard;
        let log = shard.log_since(state.cutoff_ms(now_us));
        let run = log.run(self.position, page::MAX_RECORDS, EVENT_BYTES, now_us / 1000);
        let last = run.at_tip && log.closed_us().is_some();
        if run.first == run.end && !last && now_us < idle_until_us {
            // A change of the stream that is due is made by whoever looks first.
            return Next::Wait {
                until_us: idle_until_us.min(self.stream.due_us()),
                hears: true,
            };
        }
        if let Some(pushes) = &self.pushes
            && let Err(until_us) = locked(pushes).push(now_us, run.bytes as u64)
        {
            // More records would not come sooner.
            return Next::Wait {
                until_us,
                hears: false,
            };
        }
        self.position = run.end;
        shard.count_unread(run.trimmed);
        let mut payload = Vec::with_capacity(256);
        payload.push(b'{');
        page::write_records(&mut payload, shard, &log, &run);
        drop(log);
        if last {
            // No sequence number continues a shard that has ended.
            payload.extend_from_slice(b",\"ContinuationSequenceNumber\":null,");
            page::write_children(&mut payload, state.children_of(shard.number));
        } else {
            payload.extend_from_slice(b",\"ContinuationSequenceNumber\":\"");
            shard.sequence_before(run.end).write(&mut payload);
            payload.push(b'"');
        }
        payload.push(b',');
        page::write_behind(&mut payload, &run);
        payload.push(b'}');
        Next::Event { payload, last }
    }

    /// Sends a frame; waits while the connection is slower than the shard.
    async fn send(&mut self, frame: Result<Bytes, FrameError>) -> Result<(), ()> {
        let frame = frame.map_err(drop)?;
        let taken = tokio::select! {
            sent = self.frames.send(frame) => return sent.map_err(drop),
            taken = &mut self.taken_over => taken.is_ok(),
        };
        self.fail(taken).await;
        Err(())
    }

    /// Ends the event stream with an exception.
    async fn fail(&self, taken_over: bool) {
        let (exception, message) = if taken_over {
            ("ResourceInUseException", &self.in_use)
        } else {
            ("ResourceNotFoundException", &self.gone)
        };
        let payload = serde_json::json!({ "message": message }).to_string();
        let headers = [
            (":message-type", "exception"),
            (":exception-type", exception),
        ];
        if let Ok(frame) = frame(headers, payload.into_bytes()) {
            // A receiver that is gone does not want to know.
            let _ = self.frames.send(frame).await;
        }
    }
}

type FrameError = aws_smithy_eventstream::error::Error;

fn initial_response() -> Result<Bytes, FrameError> {
    event("initial-response", b"{}".to_vec())
}

fn event(kind: &'static str, payload: Vec<u8>) -> Result<Bytes, FrameError> {
    frame([(":message-type", "event"), (":event-type", kind)], payload)
}

/// One message of the event-stream encoding
/// (<https://smithy.io/2.0/aws/amazon-eventstream.html>).
fn frame(
    headers: [(&'static str, &'static str); 2],
    payload: Vec<u8>,
) -> Result<Bytes, FrameError> {
    let content_type = (":content-type", "application/x-amz-json-1.1");
    let message = headers.into_iter().chain([content_type]).fold(
        Message::new(payload),
        |message, (name, value)| {
            message.add_header(Header::new(name, HeaderValue::String(value.into())))
        },
    );
    let mut frame = Vec::with_capacity(message.payload().len() + 160);
    aws_smithy_eventstream::frame::write_message_to(&message, &mut frame)?;
    Ok(frame.into())
}
