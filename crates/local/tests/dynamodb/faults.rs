//! Faults over HTTP: what was injected is what a client sees.

use serde_json::{Value, json};

use crate::http::{call, count, create_table, put, services};

fn batch(ids: std::ops::Range<u32>) -> Value {
    let puts: Vec<Value> = ids
        .map(|n| json!({"PutRequest": {"Item": {"id": {"S": n.to_string()}}}}))
        .collect();
    json!({"RequestItems": {"t.t": puts}})
}

#[test]
fn throttles_have_the_exception_and_the_reason_of_the_billing_mode() {
    for (provisioned, kind, key, reason) in [
        (
            true,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "ThrottlingReasons",
            "TableWriteProvisionedThroughputExceeded",
        ),
        (
            false,
            "com.amazon.coral.availability#ThrottlingException",
            "throttlingReasons",
            "TableWriteKeyRangeThroughputExceeded",
        ),
    ] {
        let services = services("throttle=2");
        create_table(&services, provisioned);
        for _ in 0..2 {
            let raw = put(&services, "a").unwrap();
            let body = raw.json();
            assert_eq!((raw.status, body["__type"].as_str()), (400, Some(kind)));
            assert_eq!(body[key][0]["reason"], reason);
            assert_eq!(
                body[key][0]["resource"],
                "arn:aws:dynamodb:eu-west-1:000000000000:table/t.t"
            );
        }
        assert_eq!(count(&services), 0);
        assert_eq!(put(&services, "a").unwrap().status, 200);
        assert_eq!(services.injected().throttled, 2);
    }
}

#[test]
fn unprocessed_items_come_back_as_sent_and_are_not_written() {
    let services = services("unprocessed=30");
    create_table(&services, false);
    let first = call(&services, "BatchWriteItem", &batch(0..25))
        .unwrap()
        .json();
    assert_eq!(first["UnprocessedItems"], batch(0..25)["RequestItems"]);
    let second = call(&services, "BatchWriteItem", &batch(0..25))
        .unwrap()
        .json();
    assert_eq!(second["UnprocessedItems"], batch(0..5)["RequestItems"]);
    assert_eq!(count(&services), 20);
    let retried = call(
        &services,
        "BatchWriteItem",
        &json!({"RequestItems": second["UnprocessedItems"]}),
    );
    assert_eq!(retried.unwrap().json(), json!({"UnprocessedItems": {}}));
    assert_eq!(
        (count(&services), services.injected().unprocessed),
        (25, 30)
    );
}

#[test]
fn a_disconnect_writes_nothing_and_a_disconnect_after_writes_all() {
    for (fault, written) in [("disconnect=3", 0), ("disconnect-after=3", 3)] {
        let services = services(fault);
        create_table(&services, false);
        for n in 0..3 {
            assert!(put(&services, &n.to_string()).is_none(), "{fault}");
        }
        assert_eq!(count(&services), written, "{fault}");
        assert_eq!(put(&services, "later").unwrap().status, 200);
        let injected = services.injected();
        assert_eq!(injected.disconnected + injected.disconnected_after, 3);
    }
}

#[test]
fn errors_come_in_the_services_shape_or_as_a_page() {
    let services = services("error=1,error-html=1");
    create_table(&services, false);
    let shaped = put(&services, "a").unwrap();
    assert_eq!(shaped.status, 500);
    assert_eq!(
        shaped.json()["__type"],
        "com.amazonaws.dynamodb.v20120810#InternalServerError"
    );
    let page = put(&services, "a").unwrap();
    assert_eq!(
        (page.status, page.header("content-type")),
        (500, Some("text/html"))
    );
    assert!(page.body.starts_with(b"<html>"));
    assert_eq!(count(&services), 0);
    assert_eq!(
        (services.injected().errors, services.injected().errors_html),
        (1, 1)
    );
}

#[test]
fn late_answers_and_stalls_are_held_back_by_as_much_as_asked_for() {
    let late = services("respond=50ms");
    create_table(&late, false);
    let before = std::time::Instant::now();
    assert_eq!(put(&late, "a").unwrap().status, 200);
    assert!(before.elapsed() >= std::time::Duration::from_millis(50));
    assert_eq!(late.injected().responded_late, 1);

    let stalling = services("stall=300ms@0ms");
    create_table(&stalling, false);
    let before = std::time::Instant::now();
    // The first write begins the stall and is the first to wait.
    assert_eq!(put(&stalling, "a").unwrap().status, 200);
    assert!(before.elapsed() >= std::time::Duration::from_millis(299));
    assert!(stalling.injected().stalled >= 1);
}
