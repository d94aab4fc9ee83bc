//! BatchWriteItem: requests and answers.

use super::*;

proptest! {
    #[test]
    fn a_batch_puts_every_reading_and_asks_what_it_cost(
        readings in prop::collection::vec(any_reading(), 1..=batch::MAX_ITEMS),
    ) {
        for layout in LAYOUTS {
            let mut body = Vec::new();
            batch::encode(&mut body, "heartrate-ddb-dev", layout, &readings);
            let puts: Vec<Value> = readings
                .iter()
                .map(|reading| {
                    let item = item_json(layout, reading);
                    let item: Value = serde_json::from_slice(&item).unwrap();
                    json!({"PutRequest": {"Item": item}})
                })
                .collect();
            prop_assert_eq!(
                serde_json::from_slice::<Value>(&body).unwrap(),
                json!({
                    "RequestItems": {"heartrate-ddb-dev": puts},
                    "ReturnConsumedCapacity": "TOTAL",
                })
            );
        }
    }

    #[test]
    fn what_came_back_unprocessed_is_told_reading_by_reading(
        readings in prop::collection::vec(any_reading(), 1..=batch::MAX_ITEMS),
    ) {
        let mut reply = response::BatchReply::default();
        for layout in LAYOUTS {
            let mut body = Vec::new();
            batch::encode(&mut body, "t", layout, &readings);
            let mut body: Value = serde_json::from_slice(&body).unwrap();
            let answer = json!({
                "ConsumedCapacity": [],
                "UnprocessedItems": body["RequestItems"].take(),
            });
            let answer = serde_json::to_vec_pretty(&answer).unwrap();
            response::decode_batch(&answer, layout, &mut reply).unwrap();
            let ids: Vec<ReadingId> = readings.iter().map(|reading| reading.id).collect();
            prop_assert_eq!(&reply.unprocessed, &ids);
        }
    }

    #[test]
    fn no_bytes_make_the_answer_decoders_panic(body: Vec<u8>, text in ".*") {
        let mut reply = response::BatchReply::default();
        for body in [&body[..], text.as_bytes()] {
            let _ = response::decode_batch(body, Layout::Post, &mut reply);
            let _ = response::decode_error(body);
            let _ = page::decode(body, &mut Vec::new(), |_| {});
        }
    }
}

#[test]
fn the_usual_answers_are_read_and_the_reply_is_reused() {
    let mut reply = response::BatchReply {
        consumed_units: Some(9.0),
        unprocessed: vec![reading().id],
    };
    for (body, units) in [
        (r#"{"UnprocessedItems":{}}"#, None),
        (r#"{"UnprocessedItems":{},"ConsumedCapacity":null}"#, None),
        (
            r#"{"ConsumedCapacity":[{"TableName":"t","CapacityUnits":25.0}],"UnprocessedItems":{}}"#,
            Some(25.0),
        ),
        (
            r#"{"UnprocessedItems":{},"ConsumedCapacity":[{"CapacityUnits":1},{"CapacityUnits":2.5E0,"Table":{"CapacityUnits":2.5}}],"New":[{"x":"}"}]}"#,
            Some(3.5),
        ),
        (
            "\n{ \"ConsumedCapacity\" : [ { \"CapacityUnits\" : 4 } ] , \"UnprocessedItems\" : { } }\n",
            Some(4.0),
        ),
    ] {
        response::decode_batch(body.as_bytes(), Layout::Post, &mut reply).unwrap();
        assert_eq!(reply.consumed_units, units, "{body}");
        assert!(reply.unprocessed.is_empty(), "{body}");
    }
}

#[test]
fn what_is_no_batch_answer_is_an_error() {
    let mut reply = response::BatchReply::default();
    for body in [
        "",
        "<html></html>",
        "{}",
        "[]",
        r#"{"message":"all is well"}"#,
        r#"{"UnprocessedItems":null}"#,
        r#"{"UnprocessedItems":null,"ConsumedCapacity":[{"TableName":"t","CapacityUnits":25.0}]}"#,
        r#"{"ConsumedCapacity":[{"TableName":"t","CapacityUnits":25.0}]}"#,
        r#"{"UnprocessedItems":{}"#,
        r#"{"UnprocessedItems":{}}{}"#,
        r#"{"UnprocessedItems":{"t":[{"DeleteRequest":{"Key":{"id":{"S":"1.000000-1-1"}}}}]}}"#,
        r#"{"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"id":{"S":"not ours"}}}}]}}"#,
        r#"{"UnprocessedItems":{},"ConsumedCapacity":[{"CapacityUnits":"many"}]}"#,
        r#"{"UnprocessedItems":{},"ConsumedCapacity":{"TableName":"t","CapacityUnits":25.0}}"#,
        r#"{"UnprocessedItems":{},"ConsumedCapacity":25.0}"#,
        r#"{"UnprocessedItems":{},"ConsumedCapacity":[null,{"CapacityUnits":25.0}]}"#,
    ] {
        assert!(
            response::decode_batch(body.as_bytes(), Layout::Post, &mut reply).is_err(),
            "{body}"
        );
    }
}

#[test]
fn an_item_in_another_layout_is_an_error() {
    let mut reply = response::BatchReply::default();
    let item = String::from_utf8(item_json(Layout::TimeSeries, &reading())).unwrap();
    let body = format!(r#"{{"UnprocessedItems":{{"t":[{{"PutRequest":{{"Item":{item}}}}}]}}}}"#);
    assert!(response::decode_batch(body.as_bytes(), Layout::Post, &mut reply).is_err());
    response::decode_batch(body.as_bytes(), Layout::TimeSeries, &mut reply).unwrap();
    assert_eq!(reply.unprocessed, [reading().id]);
}

#[test]
fn errors_are_read_in_every_shape_the_services_use() {
    let reason = "TableWriteMaxOnDemandThroughputExceeded";
    for (body, exception, message, reasons) in [
        (
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"The level of \"x\"","ThrottlingReasons":[{"reason":"TableWriteMaxOnDemandThroughputExceeded","resource":"arn:aws:dynamodb:us-east-1:1:table/t"}]}"#,
            "ProvisionedThroughputExceededException",
            "The level of \"x\"",
            vec![reason],
        ),
        (
            r#"{"throttlingReasons":[{"resource":"a","reason":"TableWriteMaxOnDemandThroughputExceeded"},{"reason":"b"},null],"Message":"slow","__type":"ThrottlingException"}"#,
            "ThrottlingException",
            "slow",
            vec![reason, "b"],
        ),
        (
            r#"{"__type":"aws.protocoltests#FooError:http://internal.amazon.com/x/"}"#,
            "FooError",
            "",
            vec![],
        ),
        (
            r#"{"__type":"ResourceNotFoundException","message":null}"#,
            "ResourceNotFoundException",
            "",
            vec![],
        ),
        (r#"{"__type":"Cut","message":"off"#, "Cut", "", vec![]),
        ("<html><body>502 Bad Gateway</body></html>", "", "", vec![]),
        ("", "", "", vec![]),
        ("null", "", "", vec![]),
        (r#"{"__type":7}"#, "", "", vec![]),
    ] {
        let error = response::decode_error(body.as_bytes());
        assert_eq!(error.exception, exception, "{body}");
        assert_eq!(error.message, message, "{body}");
        assert_eq!(error.reasons, reasons, "{body}");
    }
}
