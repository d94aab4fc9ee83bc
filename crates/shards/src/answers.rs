//! What every answer about a stream is looked at for, before it is read for what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use aws_sdk_dynamodbstreams::operation::get_records::GetRecordsOutput as TableRecordsOutput;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use hrload_codec::page;

/// Hears a client's answers: refuses pages that have no `Records`, and notes the
/// service's time.
///
/// The SDK takes `{}`, or an empty body, for a page without records at a shard's end.
/// Places in a stream are times of the service's clock, which need not be ours.
#[derive(Clone, Debug, Default)]
pub struct Answers(Arc<AtomicU64>);

impl Answers {
    /// What the service's clock showed at the last answer, to the second, in
    /// microseconds since the Unix epoch; `None` before an answer told.
    pub fn service_us(&self) -> Option<u64> {
        match self.0.load(Relaxed) {
            0 => None,
            told_us => Some(told_us),
        }
    }
}

impl Intercept for Answers {
    fn name(&self) -> &'static str {
        "Answers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let date = answer.headers().get("date");
        let date = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        let date_us = date.map(|date| date.timestamp().as_microsecond());
        if let Some(date_us) = date_us.and_then(|us| u64::try_from(us).ok()) {
            self.0.store(date_us, Relaxed);
        }
        let Ok(output) = context.output_or_error() else {
            return Ok(());
        };
        let of_stream = output.downcast_ref::<GetRecordsOutput>();
        let unread = of_stream
            .is_some_and(|read| read.records.is_empty() && !is_page(answer.body().bytes()));
        let of_table = output.downcast_ref::<TableRecordsOutput>();
        match unread || of_table.is_some_and(|read| read.records.is_none()) {
            true => Err("the answer has no Records".into()),
            false => Ok(()),
        }
    }
}

fn is_page(body: Option<&[u8]>) -> bool {
    body.is_some_and(|body| page::decode(body, &mut Vec::new(), |_| {}).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_with_records_is_a_page() {
        for (body, expected) in [
            (None, false),
            (Some(""), false),
            (Some("{}"), false),
            (Some("<html>"), false),
            (Some(r#"{"MillisBehindLatest":0}"#), false),
            (Some(r#"{"Records":null}"#), false),
            (Some(r#"{"Records":[]}"#), true),
            (
                Some(r#"{"MillisBehindLatest":0,"Records":[],"X":[1]}"#),
                true,
            ),
        ] {
            assert_eq!(is_page(body.map(str::as_bytes)), expected, "{body:?}");
        }
    }
}
