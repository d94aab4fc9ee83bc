//! Whose a table or a stream is: read from its tags and from what tells it from
//! another of the same name.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::Tag;

use super::error::service;
use super::provision::{describe_stream, describe_table, status};
use super::state::Resource;
use super::{Connection, ProvisionError};

/// Tag that names the set-up.
pub(super) const RUN: &str = "hrload:run";

/// Tag that names the maker.
pub(super) const MAKER: &str = "hrload:made-by";

/// Tag that says when it may be cleaned up: RFC 3339.
pub(super) const EXPIRES: &str = "hrload:expires";

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

/// A table or a stream as it stands.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) arn: String,
    pub(super) identity: Option<String>,
    /// `ACTIVE`, `CREATING`, `UPDATING`, `DELETING`.
    pub(super) status: String,
}

pub(super) async fn find_table(
    connection: &Connection,
    name: &str,
) -> Result<Option<Found>, ProvisionError> {
    Ok(describe_table(connection, name).await?.map(|table| {
        let created = table.creation_date_time().map(|time| format!("{time:?}"));
        Found {
            arn: table.table_arn().unwrap_or_default().to_owned(),
            identity: table.table_id().map(str::to_owned).or(created),
            status: status(&table).as_str().to_owned(),
        }
    }))
}

pub(super) async fn find_stream(
    connection: &Connection,
    name: &str,
) -> Result<Option<Found>, ProvisionError> {
    Ok(describe_stream(connection, name)
        .await?
        .map(|stream| Found {
            identity: Some(format!("{:?}", stream.stream_creation_timestamp)),
            status: stream.stream_status.as_str().to_owned(),
            arn: stream.stream_arn,
        }))
}

/// Some servers have no tags at all; that is not a failure.
fn unknown<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error.as_service_error().and_then(|e| e.code());
    code.is_some_and(|code| {
        ["UnknownOperation", "InvalidAction", "NotImplemented"]
            .iter()
            .any(|of| code.contains(of))
    })
}

/// A table's tags; `None` where the server knows none.
pub(super) async fn table_tags(
    connection: &Connection,
    arn: &str,
) -> Result<Option<Tags>, ProvisionError> {
    let mut tags = Tags::new();
    let mut token = None;
    loop {
        let page = connection
            .dynamodb
            .list_tags_of_resource()
            .resource_arn(arn)
            .set_next_token(token)
            .send()
            .await;
        let page = match page {
            Err(error) if unknown(&error) => return Ok(None),
            page => page.map_err(service(format!("reading the tags of {arn}")))?,
        };
        let pairs = page.tags().iter();
        tags.extend(pairs.map(|tag| (tag.key().to_owned(), tag.value().to_owned())));
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            return Ok(Some(tags));
        }
    }
}

/// A stream's tags; `None` where the server knows none.
pub(super) async fn stream_tags(
    connection: &Connection,
    name: &str,
) -> Result<Option<Tags>, ProvisionError> {
    let mut tags = Tags::new();
    loop {
        let page = connection
            .kinesis
            .list_tags_for_stream()
            .stream_name(name)
            .set_exclusive_start_tag_key(tags.keys().next_back().cloned())
            .send()
            .await;
        let page = match page {
            Err(error) if unknown(&error) => return Ok(None),
            page => page.map_err(service(format!("reading the tags of stream {name}")))?,
        };
        let before = tags.len();
        tags.extend(page.tags().iter().map(|tag| {
            let value = tag.value().unwrap_or_default();
            (tag.key().to_owned(), value.to_owned())
        }));
        if !page.has_more_tags() || tags.len() == before {
            return Ok(Some(tags));
        }
    }
}

/// Tags a table whose creation did not: some servers leave them out.
pub(super) async fn tag_table(connection: &Connection, arn: &str, tags: &[(&str, &str)]) {
    let tags = tags
        .iter()
        .filter_map(|(key, value)| Tag::builder().key(*key).value(*value).build().ok());
    let request = connection.dynamodb.tag_resource().resource_arn(arn);
    // Whether it worked is read back by the caller.
    let _ = request.set_tags(Some(tags.collect())).send().await;
}

/// The same of a stream.
pub(super) async fn tag_stream(connection: &Connection, name: &str, tags: &[(&str, &str)]) {
    let owned = tags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let request = connection.kinesis.add_tags_to_stream().stream_name(name);
    let _ = request.set_tags(Some(owned.collect())).send().await;
}

/// Why `found` is not the resource that `kept` describes; `None` if it is.
pub(super) fn disagreement(
    kept: &Resource,
    run: &str,
    found: &Found,
    tags: Option<&Tags>,
) -> Option<String> {
    let identity = kept.identity.as_ref();
    if let Some(identity) = identity.filter(|of| Some(*of) != found.identity.as_ref()) {
        let now = found.identity.as_deref().unwrap_or("none");
        return Some(format!(
            "it is another of the same name, made since (it was {identity}, is now {now})"
        ));
    }
    let tag = tags.and_then(|tags| tags.get(RUN));
    match tag {
        Some(tag) if tag == run => None,
        Some(tag) => Some(format!("its tag {RUN} says {tag}, not {run}")),
        // Tags that were seen once must still be there; without any, what was
        // noted when it was made is all there is.
        None if identity.is_some() && !kept.tagged => None,
        None => Some(format!("it has no tag {RUN}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_ours_only_if_identity_and_tags_agree() {
        let found = Found {
            arn: "arn".to_owned(),
            identity: Some("a".to_owned()),
            status: "ACTIVE".to_owned(),
        };
        let tags = |run: Option<&str>| -> Option<Tags> {
            run.map(|run| [(RUN.to_owned(), run.to_owned())].into())
        };
        // (identity noted, tagged when made, tag now, ours)
        for (identity, tagged, tag, ours) in [
            (Some("a"), true, Some("r1"), true),
            (Some("a"), true, Some("r2"), false),
            (Some("a"), true, None, false),
            (Some("b"), true, Some("r1"), false),
            (Some("a"), false, None, true),
            (Some("b"), false, None, false),
            (None, false, Some("r1"), true),
            (None, false, None, false),
        ] {
            let mut kept = Resource::planned("t".to_owned(), String::new());
            kept.identity = identity.map(str::to_owned);
            kept.tagged = tagged;
            let verdict = disagreement(&kept, "r1", &found, tags(tag).as_ref());
            assert_eq!(
                verdict.is_none(),
                ours,
                "{identity:?} {tagged} {tag:?}: {verdict:?}"
            );
        }
    }
}
