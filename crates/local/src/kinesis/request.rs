//! Reading and checking requests, and the refusals that have one wording
//! everywhere. Wordings are the service's own where public sources show them:
//! kinesalite's tests, which were run against AWS
//! (<https://github.com/mhart/kinesalite/tree/master/test>).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::operations::Operation;
use super::{Answer, Failure, hash_key, shape};

/// A request: the operation that is asked for, and the body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) operation: &'static Operation,
    pub(super) bytes: &'a [u8],
}

impl Body<'_> {
    /// Refuses what is not typed as the operation wants it, or not known to it.
    pub(super) fn check(self) -> Result<(), Failure> {
        shape::check(self.operation.name, self.operation.members, self.bytes)
    }
}

/// Reads a request's members.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: Body<'a>) -> Result<T, Failure> {
    body.check()?;
    serde_json::from_slice(body.bytes).map_err(|_| Failure::serialization(""))
}

/// Reads a request's members at once, by a type that denies those it does not know, and
/// looks for what is wrong with them only where it does.
pub(super) fn parse_quick<'a, T: Deserialize<'a>>(body: Body<'a>) -> Result<T, Failure> {
    serde_json::from_slice(body.bytes).or_else(|_| {
        body.check()?;
        Err(Failure::serialization(""))
    })
}

/// A member that is known and not served: only null can be read.
#[derive(Debug)]
pub(super) struct Unserved;

impl<'de> Deserialize<'de> for Unserved {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("not served"))
    }
}

/// Reads a whole number; a fraction is cut off.
pub(super) fn whole<'de, D: Deserializer<'de>>(json: D) -> Result<Option<i64>, D::Error> {
    let number = Option::<serde_json::Number>::deserialize(json)?;
    // Saturates.
    Ok(number.map(|n| {
        n.as_i64()
            .unwrap_or_else(|| n.as_f64().unwrap_or(0.0) as i64)
    }))
}

/// Reads a Boolean, or a text that is one.
pub(super) fn flag<'de, D: Deserializer<'de>>(json: D) -> Result<Option<bool>, D::Error> {
    let flag = match Option::<Value>::deserialize(json)? {
        None => return Ok(None),
        Some(Value::Bool(flag)) => Some(flag),
        Some(Value::String(text)) => shape::flag(&text),
        Some(_) => None,
    };
    let wrong = || serde::de::Error::custom("not a Boolean");
    flag.map(Some).ok_or_else(wrong)
}

/// A list of which no more is kept than its limit and one: what is beyond is refused, and
/// only counted.
#[derive(Debug)]
pub(super) struct Few<T, const MOST: usize> {
    pub(super) kept: Vec<T>,
    pub(super) count: usize,
}

impl<T, const MOST: usize> Default for Few<T, MOST> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            count: 0,
        }
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Few<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct List<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
            type Value = Few<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut few = Few::default();
                while few.kept.len() <= MOST {
                    let Some(element) = list.next_element()? else {
                        break;
                    };
                    few.kept.push(element);
                }
                few.count = few.kept.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    few.count += 1;
                }
                Ok(few)
            }
        }
        json.deserialize_seq(List(PhantomData))
    }
}

/// Tags of a request, of which no more are kept than the limit and one.
#[derive(Debug, Default)]
pub(super) struct TagMap(pub(super) BTreeMap<String, String>);

/// Tags that one request may carry.
pub(super) const MOST_TAGS: usize = 200;

impl<'de> Deserialize<'de> for TagMap {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = TagMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TagMap, A::Error> {
                let mut tags = BTreeMap::new();
                while tags.len() <= MOST_TAGS {
                    let Some((key, value)) = map.next_entry::<String, Option<String>>()? else {
                        return Ok(TagMap(tags));
                    };
                    tags.insert(key, value.unwrap_or_default());
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(TagMap(tags))
            }
        }
        json.deserialize_map(Map)
    }
}

/// An answer without members: the service sends an empty body.
pub(super) fn nothing() -> Answer {
    Answer::Json(Vec::new())
}

/// An answer from a JSON tree. For the control plane; records are written directly.
pub(super) fn json(value: &Value) -> Answer {
    Answer::Json(value.to_string().into_bytes())
}

/// Epoch microseconds as the protocol's timestamps: seconds, to the millisecond.
pub(super) fn timestamp(epoch_us: u64) -> Value {
    Value::from((epoch_us / 1000) as f64 / 1000.0)
}

/// A timestamp of a request as epoch milliseconds.
pub(super) fn timestamp_ms(seconds: f64) -> u64 {
    // Saturates: negative and NaN to 0.
    (seconds * 1000.0).round() as u64
}

/// A wrong argument.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidArgumentException", message)
}

/// The highest `Limit` or `MaxResults` that most listings take.
pub(super) const MOST_ASKED: i64 = 10_000;

/// What one request's members fail to satisfy, collected so that the refusal
/// names all, as the service's does.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<String>);

impl Checks {
    pub(super) fn fail(&mut self, value: impl std::fmt::Display, at: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    /// A member that must be there. Gives it, or a default that nobody sees,
    /// because [`Self::done`] refuses.
    pub(super) fn required<T: Default>(&mut self, value: Option<T>, at: &str) -> T {
        value.unwrap_or_else(|| {
            self.0.push(format!(
                "Value null at '{at}' failed to satisfy constraint: Member must not be null"
            ));
            T::default()
        })
    }

    /// Length of a text, in characters.
    pub(super) fn length(&mut self, value: &str, at: &str, min: usize, max: usize) {
        let length = value.chars().count();
        if length < min {
            let constraint = format!("Member must have length greater than or equal to {min}");
            self.fail(value, at, &constraint);
        }
        if length > max {
            let constraint = format!("Member must have length less than or equal to {max}");
            self.fail(value, at, &constraint);
        }
    }

    pub(super) fn range(&mut self, value: i64, at: &str, min: i64, max: i64) {
        if value < min {
            let constraint = format!("Member must have value greater than or equal to {min}");
            self.fail(value, at, &constraint);
        }
        if value > max {
            let constraint = format!("Member must have value less than or equal to {max}");
            self.fail(value, at, &constraint);
        }
    }

    /// A name of a stream, shard or consumer.
    pub(super) fn name(&mut self, value: &str, at: &str) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if value.is_empty() || !value.chars().all(allowed) {
            let constraint = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
            self.fail(value, at, constraint);
        }
        self.length(value, at, 1, 128);
    }

    /// A name that has to be there.
    pub(super) fn required_name(&mut self, value: Option<String>, at: &str) -> String {
        match value {
            Some(value) => {
                self.name(&value, at);
                value
            }
            None => self.required(None, at),
        }
    }

    /// An ARN: `kind` is the pattern of what stands behind the account.
    fn arn(&mut self, value: &str, at: &str, kind: &str, fits: impl Fn(&str) -> bool) {
        let mut parts = value.splitn(6, ':');
        let mut part = || parts.next().unwrap_or_default();
        let (arn, partition, service, _, account) = (part(), part(), part(), part(), part());
        let right = arn == "arn"
            && partition.starts_with("aws")
            && service == "kinesis"
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && fits(part());
        if !right {
            let constraint = format!(
                "Member must satisfy regular expression pattern: \
                 arn:aws.*:kinesis:.*:\\d{{12}}:{kind}"
            );
            self.fail(value, at, &constraint);
        }
        self.length(value, at, 1, 2048);
    }

    /// What names a stream: its name, its ARN, or both.
    pub(super) fn stream(&mut self, name: Option<&str>, arn: Option<&str>) {
        if let Some(name) = name {
            self.name(name, "streamName");
        }
        if let Some(arn) = arn {
            let fits = |rest: &str| {
                let name = rest.strip_prefix("stream/").unwrap_or_default();
                !name.is_empty() && !name.contains(char::is_whitespace)
            };
            self.arn(arn, "streamARN", "stream/\\S+", fits);
        }
    }

    /// An ARN of a stream that has to be there.
    pub(super) fn required_stream(&mut self, arn: Option<String>) -> String {
        self.stream(None, arn.as_deref());
        self.required(arn, "streamARN")
    }

    /// An ARN of a consumer.
    pub(super) fn consumer(&mut self, arn: &str) {
        let kind = "stream\\/[a-zA-Z0-9_.-]+\\/consumer\\/[a-zA-Z0-9_.-]+:[0-9]+";
        let fits = |rest: &str| {
            let parts = rest.strip_prefix("stream/").and_then(|rest| {
                let (stream, consumer) = rest.split_once("/consumer/")?;
                let (name, second) = consumer.rsplit_once(':')?;
                Some((stream, name, second))
            });
            parts.is_some_and(|(stream, name, second)| {
                ![stream, name, second].contains(&"") && second.bytes().all(|b| b.is_ascii_digit())
            })
        };
        self.arn(arn, "consumerARN", kind, fits);
    }

    /// An ARN of what has tags.
    pub(super) fn resource(&mut self, arn: Option<String>) -> String {
        if let Some(arn) = &arn {
            let fits = |rest: &str| {
                rest.split_once("stream/")
                    .is_some_and(|(_, of)| !of.is_empty())
            };
            self.arn(arn, "resourceARN", ".*(stream|channel|queue)/\\S+", fits);
        }
        self.required(arn, "resourceARN")
    }

    /// Keys of tags, by their number and lengths.
    pub(super) fn keys<const MOST: usize>(&mut self, keys: &Few<String, MOST>) {
        let shown = || format!("[{}]", keys.kept.join(", "));
        if keys.count == 0 {
            let constraint = "Member must have length greater than or equal to 1";
            self.fail("[]", "tagKeys", constraint);
        }
        if keys.count > MOST {
            let constraint = format!("Member must have length less than or equal to {MOST}");
            self.fail(shown(), "tagKeys", &constraint);
        }
        if keys
            .kept
            .iter()
            .any(|key| !(1..=128).contains(&key.chars().count()))
        {
            let constraint = "Member must satisfy constraint: [Member must have length less than or \
                              equal to 128, Member must have length greater than or equal to 1]";
            self.fail(shown(), "tagKeys", constraint);
        }
    }

    /// A token of a listing.
    pub(super) fn token(&mut self, value: Option<&str>) {
        if let Some(value) = value {
            self.length(value, "nextToken", 1, 1 << 20);
        }
    }

    /// A sequence number.
    pub(super) fn sequence(&mut self, value: Option<&str>, at: &str) {
        let Some(value) = value else { return };
        let spelled = value == "0"
            || ((1..=129).contains(&value.len())
                && !value.starts_with('0')
                && value.bytes().all(|byte| byte.is_ascii_digit()));
        if !spelled {
            let constraint = "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,128})";
            self.fail(value, at, constraint);
        }
    }

    /// A hash key, as far as its spelling goes.
    pub(super) fn hash_key(&mut self, value: &str, at: &str) {
        if hash_key::parse(value).is_none() {
            let constraint = "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})";
            self.fail(value, at, constraint);
        }
    }

    /// The number of a page of `Limit` or `MaxResults` entries: at least 1, at most
    /// `most`; gives `cap`, which is also the default, where it is more.
    pub(super) fn page(&mut self, asked: Option<i64>, at: &str, most: i64, cap: usize) -> usize {
        if let Some(asked) = asked {
            self.range(asked, at, 1, most);
        }
        asked.map_or(cap, |asked| usize::try_from(asked).unwrap_or(0).min(cap))
    }

    /// Tags, by their number and lengths.
    pub(super) fn tags(&mut self, tags: &BTreeMap<String, String>) {
        let shown = || {
            let pairs = tags.iter().map(|(key, value)| format!("{key}={value}"));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        };
        let within =
            |text: &str, min: usize, max: usize| (min..=max).contains(&text.chars().count());
        if tags.is_empty() {
            self.fail(
                "{}",
                "tags",
                "Member must have length greater than or equal to 1",
            );
        }
        if tags.len() > MOST_TAGS {
            let constraint = format!("Member must have length less than or equal to {MOST_TAGS}");
            self.fail(shown(), "tags", &constraint);
        }
        for (what, most, least, wrong) in [
            ("keys", 128, 1, tags.keys().any(|key| !within(key, 1, 128))),
            (
                "value",
                256,
                0,
                tags.values().any(|value| !within(value, 0, 256)),
            ),
        ] {
            if wrong {
                let constraint = format!(
                    "Map {what} must satisfy constraint: [Member must have length less than or \
                     equal to {most}, Member must have length greater than or equal to {least}]"
                );
                self.fail(shown(), "tags", &constraint);
            }
        }
    }

    pub(super) fn one_of(&mut self, value: &str, at: &str, allowed: &[&str]) {
        if !allowed.contains(&value) {
            let constraint = format!(
                "Member must satisfy enum value set: [{}]",
                allowed.join(", ")
            );
            self.fail(value, at, &constraint);
        }
    }

    /// Refuses the request if anything failed.
    pub(super) fn done(self) -> Result<(), Failure> {
        let failed = self.0.len();
        if failed == 0 {
            return Ok(());
        }
        let s = if failed == 1 { "" } else { "s" };
        Err(Failure::new(
            "ValidationException",
            format!(
                "{failed} validation error{s} detected: {}",
                self.0.join("; ")
            ),
        ))
    }
}
