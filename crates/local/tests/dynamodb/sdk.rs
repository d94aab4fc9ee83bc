//! Through the AWS SDK, as an application sees it; and on into a stream.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest,
    ReturnConsumedCapacity, ScalarAttributeType, TableStatus, WriteRequest,
};
use aws_smithy_http_client::Builder;
use hrload_local::Services;
use serde_json::{Value, json};

use crate::http::{call, count, create_table, kinesis, put, services, until};

fn client(services: &Services) -> Client {
    let credentials = Credentials::builder()
        .access_key_id("local")
        .secret_access_key("local")
        .provider_name("test")
        .build();
    Client::from_conf(
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(services.endpoint())
            .credentials_provider(credentials)
            .http_client(Builder::new().build_http())
            .build(),
    )
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn the_sdk_creates_writes_reads_and_deletes() {
    let services = services("");
    let client = client(&services);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let definition = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let created = client
        .create_table()
        .table_name("readings")
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key.build().unwrap())
        .attribute_definitions(definition.build().unwrap())
        .send()
        .await
        .unwrap();
    let status = created.table_description.unwrap().table_status;
    assert_eq!(status, Some(TableStatus::Creating));
    loop {
        let described = client
            .describe_table()
            .table_name("readings")
            .send()
            .await
            .unwrap();
        if described.table.unwrap().table_status == Some(TableStatus::Active) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let writes: Vec<WriteRequest> = (0..25)
        .map(|n| {
            let put = PutRequest::builder()
                .item("id", text(&format!("r{n}")))
                .item("HeartRate", text("72"))
                .item("blob", AttributeValue::B(vec![n; 3].into()));
            WriteRequest::builder()
                .put_request(put.build().unwrap())
                .build()
        })
        .collect();
    let written = client
        .batch_write_item()
        .request_items("readings", writes)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .unwrap();
    assert!(written.unprocessed_items.unwrap_or_default().is_empty());
    assert_eq!(
        written.consumed_capacity.unwrap()[0].capacity_units,
        Some(25.0)
    );
    let got = client
        .get_item()
        .table_name("readings")
        .key("id", text("r7"))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    assert_eq!(
        got.item.unwrap()["blob"],
        AttributeValue::B(vec![7; 3].into())
    );
    let queried = client
        .query()
        .table_name("readings")
        .key_condition_expression("id = :id")
        .expression_attribute_values(":id", text("r3"))
        .send()
        .await
        .unwrap();
    assert_eq!(queried.count, 1);
    let scanned = client.scan().table_name("readings").send().await.unwrap();
    assert_eq!(scanned.count, 25);
    let refused = client
        .put_item()
        .table_name("readings")
        .item("id", AttributeValue::N("1".to_owned()))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
    client
        .delete_table()
        .table_name("readings")
        .send()
        .await
        .unwrap();
}

/// All records of a stream with one shard, decoded.
fn records(services: &Services) -> Vec<Value> {
    let shards = kinesis(services, "ListShards", &json!({"StreamName": "changes"}));
    let shard = shards["Shards"][0]["ShardId"].clone();
    let iterator = kinesis(
        services,
        "GetShardIterator",
        &json!({"StreamName": "changes", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}),
    );
    let page = kinesis(
        services,
        "GetRecords",
        &json!({"ShardIterator": iterator["ShardIterator"]}),
    );
    let records = page["Records"].as_array().cloned().unwrap_or_default();
    records
        .iter()
        .map(|record| {
            let data = base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().unwrap());
            serde_json::from_slice(&data.unwrap()).unwrap()
        })
        .collect()
}

fn destination_status(services: &Services) -> Value {
    let described = call(
        services,
        "DescribeKinesisStreamingDestination",
        &json!({"TableName": "t.t"}),
    );
    described.unwrap().json()["KinesisDataStreamDestinations"][0]["DestinationStatus"].clone()
}

const STREAM: &str = "arn:aws:kinesis:eu-west-1:000000000000:stream/changes";

fn enable(services: &Services, configuration: Value) -> Value {
    let mut body = json!({"TableName": "t.t", "StreamArn": STREAM});
    if !configuration.is_null() {
        body["EnableKinesisStreamingConfiguration"] = configuration;
    }
    call(services, "EnableKinesisStreamingDestination", &body)
        .unwrap()
        .json()
}

fn with_stream(configuration: Value) -> Services {
    let services = services("");
    create_table(&services, false);
    kinesis(
        &services,
        "CreateStream",
        &json!({"StreamName": "changes", "ShardCount": 1}),
    );
    until("the stream becoming active", || {
        let summary = kinesis(
            &services,
            "DescribeStreamSummary",
            &json!({"StreamName": "changes"}),
        );
        summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
    });
    let enabled = enable(&services, configuration);
    assert_eq!(enabled["DestinationStatus"], "ENABLING", "{enabled}");
    until("the destination becoming active", || {
        destination_status(&services) == "ACTIVE"
    });
    services
}

#[test]
fn changes_of_a_table_arrive_in_its_stream_with_their_images_and_sizes() {
    let services = with_stream(json!({"ApproximateCreationDateTimePrecision": "MICROSECOND"}));
    let item = |v: &str| json!({"TableName": "t.t", "Item": {"id": {"S": "a"}, "v": {"S": v}}});
    for v in ["one", "three", "three"] {
        assert_eq!(call(&services, "PutItem", &item(v)).unwrap().status, 200);
    }
    for id in ["a", "never there"] {
        call(
            &services,
            "DeleteItem",
            &json!({"TableName": "t.t", "Key": {"id": {"S": id}}}),
        )
        .unwrap();
    }
    until("three records arriving", || records(&services).len() >= 3);
    let records = records(&services);
    let names: Vec<&str> = records
        .iter()
        .map(|r| r["eventName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["INSERT", "MODIFY", "REMOVE"],
        "putting the same again is no change"
    );
    let sizes: Vec<u64> = records
        .iter()
        .map(|r| r["dynamodb"]["SizeBytes"].as_u64().unwrap())
        .collect();
    // Keys 3; with v = one 7, with v = three 9.
    assert_eq!(sizes, [3 + 7, 3 + 7 + 9, 3 + 9]);
    let modify = &records[1]["dynamodb"];
    assert_eq!(modify["Keys"], json!({"id": {"S": "a"}}));
    assert_eq!(modify["OldImage"]["v"]["S"], "one");
    assert_eq!(modify["NewImage"]["v"]["S"], "three");
    assert_eq!(
        modify["ApproximateCreationDateTimePrecision"],
        "MICROSECOND"
    );
    assert_eq!(records[1]["tableName"], "t.t");
    assert!(records[2]["dynamodb"].get("NewImage").is_none());
}

#[test]
fn a_destination_is_enabled_updated_and_disabled_with_its_statuses() {
    let services = with_stream(Value::Null);
    let again = enable(&services, Value::Null);
    assert_eq!(
        again["__type"],
        "com.amazon.coral.validate#ValidationException"
    );
    let update = |precision: &str| {
        let body = json!({"TableName": "t.t", "StreamArn": STREAM,
            "UpdateKinesisStreamingConfiguration": {"ApproximateCreationDateTimePrecision": precision}});
        call(&services, "UpdateKinesisStreamingDestination", &body)
            .unwrap()
            .json()
    };
    assert_eq!(update("MICROSECOND")["DestinationStatus"], "UPDATING");
    until("the update", || destination_status(&services) == "ACTIVE");
    let same = update("MICROSECOND")["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        same.contains("Precision is already set to the desired value"),
        "{same}"
    );
    let wrong = update("NANOSECOND");
    assert!(
        wrong["message"]
            .as_str()
            .unwrap()
            .contains("MILLISECOND, MICROSECOND"),
        "{wrong}"
    );

    let other = format!("{STREAM}-2");
    let never = json!({"TableName": "t.t", "StreamArn": other,
        "UpdateKinesisStreamingConfiguration": {"ApproximateCreationDateTimePrecision": "MICROSECOND"}});
    let never = call(&services, "UpdateKinesisStreamingDestination", &never).unwrap();
    assert_eq!(
        never.json()["message"],
        format!(
            "Table is not in a valid state to enable Kinesis Streaming Destination: No streaming \
             destination with streamArn: {other} found for table with tableName: t.t"
        )
    );

    let body = json!({"TableName": "t.t", "StreamArn": STREAM});
    let disabled = call(&services, "DisableKinesisStreamingDestination", &body)
        .unwrap()
        .json();
    assert_eq!(disabled["DestinationStatus"], "DISABLING");
    put(&services, "unseen").unwrap();
    until("the end of the destination", || {
        destination_status(&services) == "DISABLED"
    });
    assert_eq!(count(&services), 1);
    assert!(records(&services).is_empty());
    let enabled = enable(&services, Value::Null);
    assert_eq!(enabled["DestinationStatus"], "ENABLING");
    assert_eq!(enabled["EnableKinesisStreamingConfiguration"], json!({}));
}

#[test]
fn a_destination_may_be_enabled_while_its_stream_is_created_and_nothing_is_lost() {
    let services = services("");
    create_table(&services, false);
    // Again, where the stream was quicker than the next call.
    for round in 0..20 {
        let name = format!("changes-{round}");
        let create = json!({"StreamName": name, "ShardCount": 1});
        kinesis(&services, "CreateStream", &create);
        let arn = format!("arn:aws:kinesis:eu-west-1:000000000000:stream/{name}");
        let body = json!({"TableName": "t.t", "StreamArn": arn});
        let summary = kinesis(
            &services,
            "DescribeStreamSummary",
            &json!({"StreamName": name}),
        );
        let creating = summary["StreamDescriptionSummary"]["StreamStatus"] == "CREATING";
        let enabled = call(&services, "EnableKinesisStreamingDestination", &body).unwrap();
        assert_eq!(enabled.status, 200, "{}", enabled.json());
        let status = || {
            let table = json!({"TableName": "t.t"});
            let described = call(&services, "DescribeKinesisStreamingDestination", &table);
            let described = described.unwrap().json();
            let destinations = described["KinesisDataStreamDestinations"]
                .as_array()
                .unwrap();
            let this = destinations
                .iter()
                .find(|d| d["StreamArn"] == *arn)
                .unwrap();
            this["DestinationStatus"].clone()
        };
        until("the destination becoming active", || status() == "ACTIVE");
        put(&services, &format!("item-{round}")).unwrap();
        let from = json!({"StreamName": name, "ShardId": "shardId-000000000000",
            "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = kinesis(&services, "GetShardIterator", &from)["ShardIterator"].clone();
        let get = json!({"ShardIterator": iterator});
        until("the record arriving", || {
            kinesis(&services, "GetRecords", &get)["Records"][0]["Data"].is_string()
        });
        if creating {
            return;
        }
        call(&services, "DisableKinesisStreamingDestination", &body).unwrap();
        until("the end of the destination", || status() == "DISABLED");
    }
    panic!("the stream was never seen CREATING");
}

#[test]
fn a_destination_needs_a_stream_that_exists() {
    let services = services("");
    create_table(&services, false);
    let refused = enable(&services, Value::Null);
    assert_eq!(
        refused["__type"],
        "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
    );
}
