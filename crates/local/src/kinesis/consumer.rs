//! Registered consumers of enhanced fan-out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::request::{
    Body, Checks, MOST_ASKED, TagMap, invalid, json as answer, nothing, parse, timestamp, whole,
};
use super::stream::{Phase, State, Stream, TRANSITION_US};
use super::token::PageToken;
use super::{Answer, Failure, Streams};
use hrload_capacity::stream::ShardPushes;

/// Consumers of one stream
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RegisterStreamConsumer.html>).
const MAX_CONSUMERS: usize = 20;
/// Those of them that may be CREATING at once (as above).
const MAX_CREATING: usize = 5;
/// Entries of one ListStreamConsumers answer.
const PAGE: usize = 100;

/// A registered consumer.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) arn: String,
    created_us: u64,
    /// When it was deregistered; it stays DELETING for a moment.
    deleted_us: Option<u64>,
    pub(super) tags: BTreeMap<String, String>,
    /// The last subscription to each shard.
    pub(super) subscriptions: HashMap<u32, Subscription>,
}

/// A consumer's hold on one shard.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) since_us: u64,
    /// What the shard still gives the consumer; none without limits.
    pub(super) pushes: Option<Arc<Mutex<ShardPushes>>>,
    /// Sent to when another subscription takes over; dropped when the
    /// consumer or its stream goes away. The subscription's task receives.
    pub(super) takeover: oneshot::Sender<()>,
}

impl Consumer {
    /// Whether it can still be seen.
    pub(super) fn exists(&self, now_us: u64) -> bool {
        self.deleted_us
            .is_none_or(|deleted_us| now_us < deleted_us + TRANSITION_US)
    }

    pub(super) fn status(&self, now_us: u64) -> &'static str {
        if self.deleted_us.is_some() {
            "DELETING"
        } else if now_us < self.created_us + TRANSITION_US {
            "CREATING"
        } else {
            "ACTIVE"
        }
    }

    fn value(&self, name: &str, now_us: u64) -> Value {
        json!({
            "ConsumerName": name,
            "ConsumerARN": self.arn,
            "ConsumerStatus": self.status(now_us),
            "ConsumerCreationTimestamp": timestamp(self.created_us),
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConsumerRequest {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    consumer_name: Option<String>,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: Option<String>,
    tags: Option<TagMap>,
    next_token: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    max_results: Option<i64>,
    stream_creation_timestamp: Option<f64>,
}

impl Streams {
    pub(super) fn no_consumer(&self, consumer: &str) -> Failure {
        Failure::new(
            "ResourceNotFoundException",
            format!(
                "Consumer {consumer} under account {} not found.",
                self.account
            ),
        )
    }

    /// The stream and the name of the consumer with this ARN
    /// (`<stream's ARN>/consumer/<name>:<second of creation>`).
    pub(super) fn consumer_of(
        &self,
        arn: &str,
        now_us: u64,
    ) -> Result<(Arc<Stream>, String), Failure> {
        let parts = arn.split_once("/consumer/").and_then(|(stream, consumer)| {
            let (name, _) = consumer.split_once(':')?;
            Some((stream, name))
        });
        let Some((stream_arn, name)) = parts else {
            return Err(invalid(format!("{arn} is not the ARN of a consumer.")));
        };
        let stream = self.by_arn(stream_arn, now_us)?;
        let state = stream.read(now_us);
        let known = state
            .consumers
            .get(name)
            .is_some_and(|consumer| consumer.arn == arn && consumer.exists(now_us));
        drop(state);
        if known {
            Ok((stream, name.to_owned()))
        } else {
            Err(self.no_consumer(arn))
        }
    }

    /// The consumer that a request names by its own ARN or by name and stream.
    fn named_consumer(
        &self,
        request: &ConsumerRequest,
        now_us: u64,
    ) -> Result<(Arc<Stream>, String), Failure> {
        let mut checks = Checks::default();
        checks.stream(None, request.stream_arn.as_deref());
        if let Some(name) = &request.consumer_name {
            checks.name(name, "consumerName");
        }
        if let Some(arn) = &request.consumer_arn {
            checks.consumer(arn);
        }
        checks.done()?;
        match (
            &request.consumer_arn,
            &request.stream_arn,
            &request.consumer_name,
        ) {
            (Some(arn), stream_arn, consumer_name) => {
                let (stream, name) = self.consumer_of(arn, now_us)?;
                if stream_arn
                    .as_ref()
                    .is_some_and(|other| *other != stream.arn)
                    || consumer_name.as_ref().is_some_and(|other| *other != name)
                {
                    return Err(invalid(
                        "ConsumerARN, StreamARN and ConsumerName name different consumers.",
                    ));
                }
                Ok((stream, name))
            }
            (None, Some(stream_arn), Some(name)) => {
                let stream = self.by_arn(stream_arn, now_us)?;
                let state = stream.read(now_us);
                let known = state
                    .consumers
                    .get(name)
                    .is_some_and(|consumer| consumer.exists(now_us));
                drop(state);
                if known {
                    Ok((stream, name.clone()))
                } else {
                    Err(self.no_consumer(name))
                }
            }
            _ => Err(invalid(
                "Either ConsumerARN or both StreamARN and ConsumerName must be given.",
            )),
        }
    }

    pub(super) fn register_consumer(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: ConsumerRequest = parse(body)?;
        let mut checks = Checks::default();
        let stream_arn = checks.required_stream(request.stream_arn);
        let name = checks.required_name(request.consumer_name, "consumerName");
        if let Some(TagMap(tags)) = &request.tags {
            checks.tags(tags);
        }
        checks.done()?;
        let tags = request.tags.unwrap_or_default().0;
        super::tags::check(&tags)?;
        let stream = self.by_arn(&stream_arn, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let mut state = stream.write(now_us);
        if !matches!(state.phase, Phase::Active | Phase::Updating { .. }) {
            return Err(self.not_active(&stream, &state));
        }
        state
            .consumers
            .retain(|_, consumer| consumer.exists(now_us));
        if state.consumers.contains_key(&name) {
            return Err(Failure::new(
                "ResourceInUseException",
                format!(
                    "Consumer {name} under stream {} and account {} already exists.",
                    stream.name, self.account
                ),
            ));
        }
        if state.consumers.len() >= MAX_CONSUMERS {
            return Err(Failure::new(
                "LimitExceededException",
                format!(
                    "Stream {} under account {} has {MAX_CONSUMERS} registered consumers, which \
                     is the limit.",
                    stream.name, self.account
                ),
            ));
        }
        let creating = state.consumers.values();
        let creating = creating.filter(|of| of.status(now_us) == "CREATING");
        if creating.count() >= MAX_CREATING {
            return Err(Failure::new(
                "LimitExceededException",
                format!(
                    "At most {MAX_CREATING} consumers of stream {} under account {} may be \
                     CREATING at a time. Wait until one of them is ACTIVE.",
                    stream.name, self.account
                ),
            ));
        }
        let consumer = Consumer {
            arn: format!("{}/consumer/{name}:{}", stream.arn, now_us / 1_000_000),
            created_us: now_us,
            deleted_us: None,
            tags,
            subscriptions: HashMap::new(),
        };
        let value = consumer.value(&name, now_us);
        state.consumers.insert(name, consumer);
        Ok(answer(&json!({ "Consumer": value })))
    }

    pub(super) fn deregister_consumer(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: ConsumerRequest = parse(body)?;
        let (stream, name) = self.named_consumer(&request, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let mut state = stream.write(now_us);
        if let Some(consumer) = state.consumers.get_mut(&name) {
            consumer.deleted_us.get_or_insert(now_us);
            // Its subscriptions end.
            consumer.subscriptions.clear();
        }
        Ok(nothing())
    }

    pub(super) fn describe_consumer(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: ConsumerRequest = parse(body)?;
        let (stream, name) = self.named_consumer(&request, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let state = stream.read(now_us);
        let consumer = state
            .consumers
            .get(&name)
            .ok_or_else(|| self.no_consumer(&name))?;
        let mut value = consumer.value(&name, now_us);
        value["StreamARN"] = stream.arn.clone().into();
        Ok(answer(&json!({ "ConsumerDescription": value })))
    }

    pub(super) fn list_consumers(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let request: ConsumerRequest = parse(body)?;
        let mut checks = Checks::default();
        let limit = checks.page(request.max_results, "maxResults", MOST_ASKED, PAGE);
        let stream_arn = checks.required_stream(request.stream_arn);
        checks.token(request.next_token.as_deref());
        checks.done()?;
        if request.next_token.is_some() && request.stream_creation_timestamp.is_some() {
            return Err(invalid(
                "NextToken and StreamCreationTimestamp cannot be provided together.",
            ));
        }
        let after = match &request.next_token {
            Some(token) => Some(PageToken::<String>::read(token, now_us)?),
            None => None,
        };
        let stream = self.by_arn(&stream_arn, now_us)?;
        self.check_created(&stream, request.stream_creation_timestamp)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        let state = stream.read(now_us);
        let mut consumers = listed(&state, after.as_deref(), now_us);
        let page: Vec<_> = consumers.by_ref().take(limit).collect();
        let values: Vec<Value> = page.iter().map(|(name, c)| c.value(name, now_us)).collect();
        let mut list = json!({ "Consumers": values });
        if let (true, Some((last, _))) = (consumers.next().is_some(), page.last()) {
            list["NextToken"] = PageToken::write((*last).clone(), now_us).into();
        }
        Ok(answer(&list))
    }
}

fn listed<'a>(
    state: &'a State,
    after: Option<&'a str>,
    now_us: u64,
) -> impl Iterator<Item = (&'a String, &'a Consumer)> {
    state.consumers.iter().filter(move |(name, consumer)| {
        after.is_none_or(|after| name.as_str() > after) && consumer.exists(now_us)
    })
}
