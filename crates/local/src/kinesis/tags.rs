//! Tags of streams and of consumers.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Body, Checks, Few, TagMap, invalid, json as answer, nothing, parse, whole};
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
    tags: Option<TagMap>,
    tag_keys: Option<Few<String, MAX_TAGS>>,
    exclusive_start_tag_key: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    limit: Option<i64>,
}

/// Refuses tags that are oddly spelled.
pub(super) fn check(tags: &Tags) -> Result<(), Failure> {
    check_texts(tags.iter().flat_map(|(key, value)| [key, value]))
}

fn check_texts<'a>(mut texts: impl Iterator<Item = &'a String>) -> Result<(), Failure> {
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if texts.all(|text| text.chars().all(allowed)) {
        return Ok(());
    }
    Err(invalid(
        "Some tags contain invalid characters. Valid characters: Unicode letters, digits, \
         white space, _ . : / = + - @.",
    ))
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

/// What the tags belong to.
enum Owner {
    Stream,
    Resource,
}

impl TagRequest {
    /// Checks all of a request; `more` checks what is not the owner.
    fn check(&self, owner: &Owner, more: impl FnOnce(&mut Checks)) -> Result<(), Failure> {
        let mut checks = Checks::default();
        more(&mut checks);
        match owner {
            Owner::Stream => checks.stream(self.stream_name.as_deref(), self.stream_arn.as_deref()),
            Owner::Resource => {
                checks.resource(self.resource_arn.clone());
            }
        }
        checks.done()
    }

    /// The tags to add.
    fn tags(&mut self, owner: &Owner) -> Result<Tags, Failure> {
        self.check(owner, |checks| match &self.tags {
            Some(TagMap(tags)) => checks.tags(tags),
            None => checks.required(None, "tags"),
        })?;
        let tags = self.tags.take().unwrap_or_default().0;
        check(&tags)?;
        Ok(tags)
    }

    /// The keys of tags to remove.
    fn keys(&mut self, owner: &Owner) -> Result<Vec<String>, Failure> {
        self.check(owner, |checks| match &self.tag_keys {
            Some(keys) => checks.keys(keys),
            None => checks.required(None, "tagKeys"),
        })?;
        let keys = self.tag_keys.take().unwrap_or_default().kept;
        check_texts(keys.iter())?;
        Ok(keys)
    }
}

impl Streams {
    pub(super) fn add_tags_to_stream(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let mut request: TagRequest = parse(body)?;
        let tags = request.tags(&Owner::Stream)?;
        self.change_stream_tags(body, &request, now_us, |present| add(present, tags))
    }

    pub(super) fn remove_tags_from_stream(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let mut request: TagRequest = parse(body)?;
        let keys = request.keys(&Owner::Stream)?;
        self.change_stream_tags(body, &request, now_us, |present| {
            present.retain(|key, _| !keys.contains(key));
            Ok(())
        })
    }

    fn change_stream_tags(
        &self,
        body: Body<'_>,
        request: &TagRequest,
        now_us: u64,
        change: impl FnOnce(&mut Tags) -> Result<(), Failure>,
    ) -> Result<Answer, Failure> {
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        let stream = self.target(name, arn, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
        change(&mut stream.write(now_us).tags)?;
        Ok(nothing())
    }

    pub(super) fn list_tags_for_stream(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: TagRequest = parse(body)?;
        let mut limit = MAX_TAGS;
        request.check(&Owner::Stream, |checks| {
            limit = checks.page(request.limit, "limit", MAX_TAGS as i64, MAX_TAGS);
            if let Some(key) = &request.exclusive_start_tag_key {
                checks.length(key, "exclusiveStartTagKey", 1, 128);
            }
        })?;
        let (name, arn) = (
            request.stream_name.as_deref(),
            request.stream_arn.as_deref(),
        );
        let stream = self.target(name, arn, now_us)?;
        self.admit(body.operation, Some(&stream), now_us)?;
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

    pub(super) fn tag_resource(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let mut request: TagRequest = parse(body)?;
        let tags = request.tags(&Owner::Resource)?;
        self.with_resource_tags(&request, now_us, |present| add(present, tags))?;
        Ok(nothing())
    }

    pub(super) fn untag_resource(&self, body: Body<'_>, now_us: u64) -> Result<Answer, Failure> {
        let mut request: TagRequest = parse(body)?;
        let keys = request.keys(&Owner::Resource)?;
        self.with_resource_tags(&request, now_us, |present| {
            present.retain(|key, _| !keys.contains(key));
            Ok(())
        })?;
        Ok(nothing())
    }

    pub(super) fn list_tags_for_resource(
        &self,
        body: Body<'_>,
        now_us: u64,
    ) -> Result<Answer, Failure> {
        let request: TagRequest = parse(body)?;
        request.check(&Owner::Resource, |_| {})?;
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
        let arn = request.resource_arn.as_deref().unwrap_or_default();
        if arn.contains("/consumer/") {
            let (stream, name) = self.consumer_of(arn, now_us)?;
            let mut state = stream.write(now_us);
            let consumer = state.consumers.get_mut(&name);
            act(&mut consumer.ok_or_else(|| self.no_consumer(&name))?.tags)
        } else {
            let stream = self.by_arn(arn, now_us)?;
            act(&mut stream.write(now_us).tags)
        }
    }
}
