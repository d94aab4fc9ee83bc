//! The function answers Lambda's runtime with what Firehose wants.

#![allow(clippy::unwrap_used)]

mod support;

use support::invoke;

#[test]
fn firehose_gets_a_line_for_each_record_and_those_that_are_no_text_back() {
    let (path, body) = invoke(
        r#"{"invocationId":"i","deliveryStreamArn":"arn","region":"us-east-1","records":[
        {"recordId":"json","approximateArrivalTimestamp":1,"data":"eyJhIjoxfQ=="},
        {"recordId":"text","approximateArrivalTimestamp":1,"data":"bm8gSlNPTg=="},
        {"recordId":"bytes","approximateArrivalTimestamp":1,"data":"//4="}]}"#,
    );
    assert!(
        path.starts_with("POST /2018-06-01/runtime/invocation/one/response"),
        "{path}"
    );
    assert_eq!(
        body,
        concat!(
            r#"{"records":[{"recordId":"json","result":"Ok","data":"eyJhIjoxfQo="},"#,
            r#"{"recordId":"text","result":"Ok","data":"bm8gSlNPTgo="},"#,
            r#"{"recordId":"bytes","result":"ProcessingFailed","data":"//4="}]}"#
        )
    );
}

#[test]
fn what_is_no_firehose_event_is_an_error_of_the_function() {
    let (path, body) = invoke("{}");
    assert!(
        path.starts_with("POST /2018-06-01/runtime/invocation/one/error"),
        "{path}"
    );
    assert!(body.contains("records"), "{body}");
}
