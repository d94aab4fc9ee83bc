//! Answers that leave out what they were asked for.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Operations, and the member of their answer without which it says nothing.
///
/// The SDK takes a member that is not there for an empty list, or for a status of no
/// name: a table would be ready, or an account empty, because a proxy answered `{}`.
const REQUIRED: [(&str, &str); 8] = [
    ("DescribeTable", "/Table/TableStatus"),
    ("ListTables", "/TableNames"),
    ("ListTagsOfResource", "/Tags"),
    (
        "DescribeKinesisStreamingDestination",
        "/KinesisDataStreamDestinations",
    ),
    (
        "DescribeStreamSummary",
        "/StreamDescriptionSummary/StreamStatus",
    ),
    ("ListStreams", "/StreamNames"),
    ("ListTagsForStream", "/Tags"),
    ("ListShards", "/Shards"),
];

/// Refuses answers to calls that describe and list where they lack what they are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Complete;

impl Intercept for Complete {
    fn name(&self) -> &'static str {
        "Complete"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(operation) = config.load::<Metadata>() else {
            return Ok(());
        };
        if context.output_or_error().is_err() {
            return Ok(());
        }
        let body = context.response().body().bytes().unwrap_or_default();
        match lacking(operation.name(), body) {
            Some(member) => Err(format!(
                "the answer is no answer to {}: it has no {member}",
                operation.name()
            )
            .into()),
            None => Ok(()),
        }
    }
}

/// The member that an operation's answer must have and does not.
fn lacking(operation: &str, body: &[u8]) -> Option<&'static str> {
    let (_, pointer) = REQUIRED.iter().find(|(name, _)| *name == operation)?;
    let answer: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let member = answer.as_ref().and_then(|answer| answer.pointer(pointer));
    match member {
        Some(member) if !member.is_null() => None,
        _ => pointer.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::lacking;

    #[test]
    fn an_answer_that_leaves_out_what_was_asked_is_found() {
        for (operation, body, expected) in [
            ("DescribeTable", "", Some("TableStatus")),
            ("DescribeTable", "<html>", Some("TableStatus")),
            (
                "DescribeTable",
                r#"{"Table":{"TableName":"t"}}"#,
                Some("TableStatus"),
            ),
            (
                "DescribeTable",
                r#"{"Table":{"TableStatus":null}}"#,
                Some("TableStatus"),
            ),
            (
                "DescribeTable",
                r#"{"Table":{"TableStatus":"ACTIVE"}}"#,
                None,
            ),
            ("ListTables", "{}", Some("TableNames")),
            ("ListTables", r#"{"TableNames":[]}"#, None),
            (
                "ListTagsForStream",
                r#"{"HasMoreTags":false}"#,
                Some("Tags"),
            ),
            ("ListTagsOfResource", r#"{"Tags":[]}"#, None),
            ("ListShards", r#"{"NextToken":null}"#, Some("Shards")),
            ("DeleteTable", "", None),
            ("PutRecords", "{}", None),
        ] {
            assert_eq!(
                lacking(operation, body.as_bytes()),
                expected,
                "{operation} {body}"
            );
        }
    }
}
