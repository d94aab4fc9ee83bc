//! A Kinesis that does what a test tells it: it splits and merges on command,
//! refuses calls on command, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

const STREAM_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/readings";
const CONSUMER_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/readings/consumer/c:1";

pub(crate) struct Kinesis {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Ends the server's thread when dropped.
    _stop: tokio::sync::oneshot::Sender<()>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) shards: Vec<Shard>,
    /// The last page of a shard does not say who its children are.
    pub(crate) hides_children: bool,
    /// The last event of a shard has `"ContinuationSequenceNumber": null`
    /// instead of none.
    pub(crate) null_continuation: bool,
    /// A subscription ends after its first event.
    pub(crate) short_subscriptions: bool,
    /// So many events leave out how their shard goes on.
    pub(crate) cut_events: u32,
    /// How far this clock is ahead of the test's, in milliseconds.
    pub(crate) ahead_ms: i64,
    /// Bodies to answer with, by operation.
    bodies: HashMap<String, VecDeque<&'static str>>,
    /// Exceptions to answer with, by operation.
    refusals: HashMap<String, VecDeque<&'static str>>,
    /// Operations asked for, and of what.
    pub(crate) calls: Vec<(String, Value)>,
    /// How often the consumer will still be described as CREATING; `None` if
    /// there is no consumer.
    pub(crate) consumer: Option<u32>,
    /// The same for a consumer that will be registered.
    pub(crate) consumer_takes: u32,
    /// So many registrations are done, and answered as failed.
    pub(crate) unanswered_registrations: u32,
}

#[derive(Clone, Default)]
pub(crate) struct Shard {
    pub(crate) id: String,
    pub(crate) parents: Vec<String>,
    pub(crate) closed: bool,
    /// Arrival in milliseconds, and data. The place is the sequence number.
    pub(crate) records: Vec<(u64, Vec<u8>)>,
}

impl Kinesis {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            state,
            _stop,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A new open shard; its parents are closed by it.
    pub(crate) fn add_shard(&self, id: &str, parents: &[&str]) {
        let mut state = self.state();
        for shard in &mut state.shards {
            shard.closed |= parents.contains(&shard.id.as_str());
        }
        state.shards.push(Shard {
            id: id.to_owned(),
            parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
            ..Shard::default()
        });
    }

    /// Puts a record that arrived then, by the test's clock.
    pub(crate) fn put(&self, shard: &str, arrived_ms: u64, data: Vec<u8>) {
        let mut state = self.state();
        let arrived_ms = arrived_ms.saturating_add_signed(state.ahead_ms);
        let shard = state.shards.iter_mut().find(|known| known.id == shard);
        let shard = shard.unwrap();
        assert!(!shard.closed, "{} is closed", shard.id);
        shard.records.push((arrived_ms, data));
    }

    /// The next calls of `operation` are answered with these exceptions.
    pub(crate) fn refuse(&self, operation: &str, exceptions: &[&'static str]) {
        let mut state = self.state();
        let queue = state.refusals.entry(operation.to_owned()).or_default();
        queue.extend(exceptions);
    }

    /// The next calls of `operation` are answered with these bodies.
    pub(crate) fn answer(&self, operation: &str, bodies: &[&'static str]) {
        let mut state = self.state();
        let queue = state.bodies.entry(operation.to_owned()).or_default();
        queue.extend(bodies);
    }

    pub(crate) fn calls(&self, operation: &str) -> usize {
        let state = self.state();
        state
            .calls
            .iter()
            .filter(|(name, _)| name == operation)
            .count()
    }
}

async fn serve(listener: std::net::TcpListener, state: Arc<Mutex<State>>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(Arc::clone(&state), request));
        let connection = TokioIo::new(connection);
        tokio::spawn(async move {
            // A client that goes away is no concern of the server.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(connection, service)
                .await;
        });
    }
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    let target = request.headers()["x-amz-target"]
        .to_str()
        .unwrap()
        .to_owned();
    let (service, operation) = target.split_once('.').unwrap();
    let of_table = service.starts_with("DynamoDBStreams");
    let operation = operation.to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let asked: Value = serde_json::from_slice(&body).unwrap();

    let result = {
        let mut locked = state.lock().unwrap();
        locked.calls.push((operation.clone(), asked.clone()));
        let now_ms = jiff::Timestamp::now().as_millisecond() + locked.ahead_ms;
        let date = jiff::Timestamp::from_millisecond(now_ms).unwrap();
        let refusals = locked.refusals.get_mut(&operation);
        let refusal = refusals.and_then(VecDeque::pop_front);
        let bodies = locked.bodies.get_mut(&operation);
        let body = bodies.and_then(VecDeque::pop_front);
        let result = match (refusal, body) {
            (Some(exception), _) => Err(exception),
            (None, Some(body)) => Ok(Value::from(body)),
            (None, None) if of_table => locked.call_table(&operation, &asked),
            (None, None) => locked.call(&operation, &asked, now_ms),
        };
        (
            date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            result,
        )
    };
    let (date, result) = result;
    let (status, body) = match result {
        Ok(Value::String(body)) => (200, body),
        Ok(_) if operation == "SubscribeToShard" => {
            let stream =
                futures_util::stream::unfold(Some(Subscription::new(state, &asked)), next_frame);
            let body = StreamBody::new(stream);
            let response = Response::builder()
                .header("content-type", "application/vnd.amazon.eventstream")
                .body(UnsyncBoxBody::new(body));
            return Ok(response.unwrap());
        }
        Ok(answer) => (200, answer.to_string()),
        Err(exception) => {
            let status = if exception == "InternalFailure" {
                500
            } else {
                400
            };
            let body = json!({"__type": exception, "message": "as told"});
            (status, body.to_string())
        }
    };
    let body = Full::new(Bytes::from(body));
    let response = Response::builder()
        .status(status)
        .header("date", date)
        .header("content-type", "application/x-amz-json-1.1")
        .body(UnsyncBoxBody::new(body));
    Ok(response.unwrap())
}

impl State {
    fn call(&mut self, operation: &str, asked: &Value, now_ms: i64) -> Result<Value, &'static str> {
        let named = asked
            .get("StreamName")
            .is_none_or(|name| name == "readings");
        if !named {
            return Err("ResourceNotFoundException");
        }
        match operation {
            "ListShards" => Ok(self.list_shards(asked)),
            "GetShardIterator" => {
                let at_ms = asked["Timestamp"].as_f64().map(|at| (at * 1_000.0) as i64);
                if at_ms.is_some_and(|at_ms| at_ms > now_ms) {
                    return Err("InvalidArgumentException");
                }
                let shard = self.shard(&asked["ShardId"])?;
                let from = shard.place(
                    asked["ShardIteratorType"].as_str().unwrap(),
                    &asked["StartingSequenceNumber"],
                    &asked["Timestamp"],
                );
                Ok(json!({"ShardIterator": format!("{}/{from}", shard.id)}))
            }
            "GetRecords" => self.get_records(asked["ShardIterator"].as_str().unwrap()),
            "DescribeStreamSummary" => Ok(json!({"StreamDescriptionSummary": {
                "StreamName": "readings", "StreamARN": STREAM_ARN, "StreamStatus": "ACTIVE",
                "RetentionPeriodHours": 24, "StreamCreationTimestamp": 1.7e9,
                "EnhancedMonitoring": [], "OpenShardCount": 1,
            }})),
            "DescribeStreamConsumer" => {
                let creating = self.consumer.as_mut().ok_or("ResourceNotFoundException")?;
                let status = if *creating == 0 { "ACTIVE" } else { "CREATING" };
                *creating = creating.saturating_sub(1);
                Ok(json!({"ConsumerDescription": {
                    "ConsumerName": "c", "ConsumerARN": CONSUMER_ARN, "ConsumerStatus": status,
                    "ConsumerCreationTimestamp": 1.7e9, "StreamARN": STREAM_ARN,
                }}))
            }
            "RegisterStreamConsumer" => {
                self.consumer = Some(self.consumer_takes);
                if self.unanswered_registrations > 0 {
                    self.unanswered_registrations -= 1;
                    return Err("InternalFailure");
                }
                Ok(json!({"Consumer": {
                    "ConsumerName": "c", "ConsumerARN": CONSUMER_ARN,
                    "ConsumerStatus": "CREATING", "ConsumerCreationTimestamp": 1.7e9,
                }}))
            }
            "DeregisterStreamConsumer" => {
                self.consumer = None;
                Ok(json!({}))
            }
            "SubscribeToShard" => self.shard(&asked["ShardId"]).map(|_| Value::Null),
            _ => Err("UnknownOperationException"),
        }
    }

    /// What DynamoDB Streams answers; its records are changes of nothing.
    fn call_table(&mut self, operation: &str, asked: &Value) -> Result<Value, &'static str> {
        match operation {
            "DescribeStream" => {
                let shards = self.shards.iter().map(|shard| {
                    let mut range = json!({"StartingSequenceNumber": "0"});
                    if shard.closed {
                        range["EndingSequenceNumber"] = json!(shard.records.len().to_string());
                    }
                    json!({
                        "ShardId": shard.id, "ParentShardId": shard.parents.first(),
                        "SequenceNumberRange": range,
                    })
                });
                let shards: Value = shards.collect();
                Ok(json!({"StreamDescription": {"StreamArn": STREAM_ARN, "Shards": shards}}))
            }
            "GetShardIterator" => {
                let shard = self.shard(&asked["ShardId"])?;
                let kind = asked["ShardIteratorType"].as_str().unwrap();
                let from = shard.place(kind, &asked["SequenceNumber"], &Value::Null);
                Ok(json!({"ShardIterator": format!("{}/{from}", shard.id)}))
            }
            "GetRecords" => {
                let mut page = self.get_records(asked["ShardIterator"].as_str().unwrap())?;
                for record in page["Records"].as_array_mut().unwrap() {
                    let number = record["SequenceNumber"].take();
                    *record = json!({"eventName": "INSERT", "dynamodb": {
                        "SequenceNumber": number, "Keys": {}, "SizeBytes": 1,
                    }});
                }
                Ok(page)
            }
            _ => Err("UnknownOperationException"),
        }
    }

    /// Two shards a page.
    fn list_shards(&self, asked: &Value) -> Value {
        let from: usize = asked["NextToken"]
            .as_str()
            .map_or(0, |token| token.parse().unwrap());
        let shards = self.shards.iter().skip(from).take(2).map(|shard| {
            let mut range = json!({"StartingSequenceNumber": "0"});
            if shard.closed {
                range["EndingSequenceNumber"] = json!(shard.records.len().to_string());
            }
            json!({
                "ShardId": shard.id,
                "ParentShardId": shard.parents.first(),
                "AdjacentParentShardId": shard.parents.get(1),
                "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
                "SequenceNumberRange": range,
            })
        });
        let next = (from + 2 < self.shards.len()).then(|| (from + 2).to_string());
        json!({"Shards": shards.collect::<Vec<_>>(), "NextToken": next})
    }

    fn shard(&self, id: &Value) -> Result<&Shard, &'static str> {
        let found = self.shards.iter().find(|shard| *id == shard.id.as_str());
        found.ok_or("ResourceNotFoundException")
    }

    /// Three records a page.
    fn get_records(&self, iterator: &str) -> Result<Value, &'static str> {
        let (id, from) = iterator.split_once('/').unwrap();
        let from: usize = from.parse().unwrap();
        let shard = self.shard(&json!(id))?;
        let to = shard.records.len().min(from + 3);
        let rest = shard.records.len() - to;
        let mut page = json!({
            "Records": shard.records(from, to),
            "MillisBehindLatest": rest * 1_000,
        });
        if shard.closed && rest == 0 {
            page["NextShardIterator"] = Value::Null;
            if !self.hides_children {
                page["ChildShards"] = self.children(id);
            }
        } else {
            page["NextShardIterator"] = json!(format!("{id}/{to}"));
        }
        Ok(page)
    }

    fn children(&self, id: &str) -> Value {
        let children = self
            .shards
            .iter()
            .filter(|shard| shard.parents.iter().any(|p| p == id));
        children
            .map(|shard| {
                json!({
                    "ShardId": shard.id, "ParentShards": shard.parents,
                    "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
                })
            })
            .collect()
    }
}

impl Shard {
    /// The index of the first record to read.
    fn place(&self, kind: &str, sequence_number: &Value, timestamp: &Value) -> usize {
        match kind {
            "TRIM_HORIZON" => 0,
            "LATEST" => self.records.len(),
            "AFTER_SEQUENCE_NUMBER" => {
                let after: i64 = sequence_number.as_str().unwrap().parse().unwrap();
                usize::try_from(after + 1).unwrap()
            }
            "AT_TIMESTAMP" => {
                let at_ms = (timestamp.as_f64().unwrap() * 1_000.0) as u64;
                self.records
                    .iter()
                    .filter(|(arrived_ms, _)| *arrived_ms < at_ms)
                    .count()
            }
            other => panic!("nobody asks for {other}"),
        }
    }

    fn records(&self, from: usize, to: usize) -> Value {
        let indexed = self.records.iter().enumerate();
        indexed
            .skip(from)
            .take(to - from)
            .map(|(index, (arrived_ms, data))| {
                json!({
                    "SequenceNumber": index.to_string(),
                    "ApproximateArrivalTimestamp": *arrived_ms as f64 / 1_000.0,
                    "Data": base64_simd::STANDARD.encode_to_string(data),
                    "PartitionKey": "key",
                })
            })
            .collect()
    }
}

/// A SubscribeToShard under way.
struct Subscription {
    state: Arc<Mutex<State>>,
    shard: Value,
    from: usize,
    events: u32,
}

impl Subscription {
    fn new(state: Arc<Mutex<State>>, asked: &Value) -> Self {
        let position = &asked["StartingPosition"];
        let from = {
            let locked = state.lock().unwrap();
            locked.shard(&asked["ShardId"]).unwrap().place(
                position["Type"].as_str().unwrap(),
                &position["SequenceNumber"],
                &position["Timestamp"],
            )
        };
        Self {
            state,
            shard: asked["ShardId"].clone(),
            from,
            events: 0,
        }
    }

    /// The next event, if there is something to say; and whether it is the last.
    fn next(&mut self) -> Option<(Value, bool)> {
        let mut state = self.state.lock().unwrap();
        let cut = state.cut_events > 0;
        let shard = state.shard(&self.shard).unwrap();
        let to = shard.records.len();
        if to == self.from && !shard.closed && self.events > 0 {
            return None;
        }
        let mut event = json!({"Records": shard.records(self.from, to), "MillisBehindLatest": 0});
        if shard.closed {
            event["ChildShards"] = state.children(&shard.id);
            if state.null_continuation {
                event["ContinuationSequenceNumber"] = Value::Null;
            }
        } else {
            event["ContinuationSequenceNumber"] = json!((to as i64 - 1).to_string());
        }
        let mut last = shard.closed || state.short_subscriptions;
        if cut {
            event = json!({"Records": event["Records"]});
            state.cut_events -= 1;
            last = true;
        }
        self.from = to;
        self.events += 1;
        Some((event, last))
    }
}

type Next = Option<(Result<Frame<Bytes>, Infallible>, Option<Subscription>)>;

async fn next_frame(subscription: Option<Subscription>) -> Next {
    let mut subscription = subscription?;
    if subscription.events == 0 {
        let first = frame("initial-response", &json!({}));
        let (event, last) = subscription.next()?;
        let both = [first, frame("SubscribeToShardEvent", &event)].concat();
        return Some((
            Ok(Frame::data(both.into())),
            (!last).then_some(subscription),
        ));
    }
    loop {
        if let Some((event, last)) = subscription.next() {
            let frame = Frame::data(frame("SubscribeToShardEvent", &event).into());
            return Some((Ok(frame), (!last).then_some(subscription)));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn frame(event: &str, payload: &Value) -> Vec<u8> {
    let header = |name: &'static str, value: &str| {
        Header::new(name, HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new(payload.to_string())
        .add_header(header(":message-type", "event"))
        .add_header(header(":event-type", event))
        .add_header(header(":content-type", "application/x-amz-json-1.1"));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}
