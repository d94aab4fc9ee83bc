//! Tags of streams and of consumers.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Checks, invalid, json as answer, nothing, page_limit, parse};
use super::{Answer, Failure, Streams};

/// Tags of one stream or consumer
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AddTagsToStream.html>).
const MAX_TAGS: usize = 50;

type Tags = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagRequest {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    tags: Option<Tags>,
    tag_keys: Option<Vec<String>>,
    exclusive_start_tag_key: Option<String>,
    limit: Option<i64>,
}

/// Refuses tags that are too long, too many or oddly spelled.
pub(super) fn check(tags: Option<&Tags>) -> Result<(), Failure> {
    let mut checks = Checks::default();
    let tags = tags.into_iter().flatten();
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    let mut odd = false;
    for (key, value) in tags {
        checks.length(key, "tags.key", 1, 128);
        checks.length(value, "tags.value", 0, 256);
        odd |= !key.chars().chain(value.chars()).all(allowed);
    }
    checks.done()?;
    if odd {
        return Err(invalid(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, \
             white space, _ . : / = + - @.",
        ));
    }
    Ok(())
}

fn add(present: &mut Tags, more: Tags) -> Result<(), Failure> {
    let new = more
        .keys()
        .filter(|key| !present.contains_key(*key))
        .count();
    if present.len() + new > MAX_TAGS {
        return Err(invalid(format!(
            "Failed to add tags: a resource cannot have more than {MAX_TAGS} tags associated with it."
        )));
    }
    present.extend(more);
    Ok(())
}

fn list<'a>(tags: impl Iterator<Item = (&'a String, &'a String)>) -> Value {
    tags.map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}

impl TagRequest {
    fn tags(&mut self) -> Result<Tags, Failure> {
        let mut checks = Checks::default();
        let tags = checks.required(self.tags.take(), "tags");
        checks.done()?;
        check(Some(&tags))?;
        Ok(tags)
    }

    fn keys(&mut self) -> Result<Vec<String>, Failure> {
        let mut checks = Checks::default();
        let keys = checks.required(self.tag_keys.take(), "tagKeys");
        checks.done()?;
        Ok(keys)
    }
}

impl Streams {
    pub(super) fn add_tags_to_stream(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let mut request: TagRequest = parse(body)?;
        let tags = request.tags()?;
        self.change_stream_tags(&request, now_us, |present| add(present, tags))
    }

    pub(super) fn remove_tags_from_stream(
        &self,
        body: &[u8],
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let mut request: TagRequest = parse(body)?;
        let keys = request.keys()?;
        self.change_stream_tags(&request, now_us, |present| {
            present.retain(|key, _| !keys.contains(key));
            Ok(())
        })
    }

    fn change_stream_tags(
        &self,
        request: &TagRequest,
        now_us: u64,
        change: impl FnOnce(&mut Tags) -> Result<(), Failure>,
    ) -> Result<Answer, Failure> {
        let stream = self.target(
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
            now_us,
        )?;
        change(&mut stream.write(now_us).tags)?;
        Ok(nothing())
    }

    pub(super) fn list_tags_for_stream(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let request: TagRequest = parse(body)?;
        let limit = page_limit(request.limit, "limit", MAX_TAGS)?;
        let stream = self.target(
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
            now_us,
        )?;
        let state = stream.read(now_us);
        let start = match &request.exclusive_start_tag_key {
            Some(key) => Bound::Excluded(key.clone()),
            None => Bound::Unbounded,
        };
        let mut tags = state.tags.range((start, Bound::Unbounded));
        let page = list(tags.by_ref().take(limit));
        Ok(answer(
            &json!({ "Tags": page, "HasMoreTags": tags.next().is_some() }),
        ))
    }

    pub(super) fn tag_resource(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let mut request: TagRequest = parse(body)?;
        let tags = request.tags()?;
        self.with_resource_tags(&request, now_us, |present| add(present, tags))?;
        Ok(nothing())
    }

    pub(super) fn untag_resource(&self, body: &[u8], now_us: u64) -> Result<Answer, Failure> {
        let mut request: TagRequest = parse(body)?;
        let keys = request.keys()?;
        self.with_resource_tags(&request, now_us, |present| {
            present.retain(|key, _| !keys.contains(key));
            Ok(())
        })?;
        Ok(nothing())
    }

    pub(super) fn list_tags_for_resource(
        &self,
        body: &[u8],
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: TagRequest = parse(body)?;
        let tags = self.with_resource_tags(&request, now_us, |tags| Ok(list(tags.iter())))?;
        Ok(answer(&json!({ "Tags": tags })))
    }

    /// Does something with the tags of a stream or of a consumer.
    fn with_resource_tags<T>(
        &self,
        request: &TagRequest,
        now_us: u64,
        act: impl FnOnce(&mut Tags) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut checks = Checks::default();
        let arn = checks.required(request.resource_arn.clone(), "resourceARN");
        checks.done()?;
        if arn.contains("/consumer/") {
            let (stream, name) = self.consumer_of(&arn, now_us)?;
            let mut state = stream.write(now_us);
            let consumer = state.consumers.get_mut(&name);
            act(&mut consumer.ok_or_else(|| self.no_consumer(&name))?.tags)
        } else {
            let stream = self.by_arn(&arn, now_us)?;
            act(&mut stream.write(now_us).tags)
        }
    }
}
