//! DynamoDB Streams, embedded, over real HTTP: with the SDK and without.

use aws_credential_types::Credentials;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::config::{BehaviorVersion, Region};
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType, StreamStatus, StreamViewType};
use aws_smithy_http_client::Builder;
use hrload_local::{Limits, Services};
use serde_json::{Value, json};

use crate::http::services as start;
use crate::http::{call, services_under, streams, until};

fn client(services: &Services) -> Client {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(services.endpoint())
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .http_client(Builder::new().build_http());
    Client::from_conf(config.build())
}

/// Calls DynamoDB, which does it.
#[track_caller]
fn done(services: &Services, operation: &str, body: Value) -> Value {
    let raw = call(services, operation, &body).unwrap();
    assert_eq!(raw.status, 200, "{operation}: {}", raw.json());
    raw.json()
}

/// Calls DynamoDB, which refuses; its message.
#[track_caller]
fn refused(services: &Services, operation: &str, body: Value) -> String {
    let raw = call(services, operation, &body).unwrap();
    assert_eq!(raw.status, 400, "{operation}: {}", raw.json());
    raw.json()["message"].as_str().unwrap().to_owned()
}

fn active(services: &Services) -> Value {
    let mut table = Value::Null;
    until("the table becoming active", || {
        let described = call(services, "DescribeTable", &json!({"TableName": "t.t"})).unwrap();
        table = described.json()["Table"].take();
        table["TableStatus"] == "ACTIVE"
    });
    table
}

/// Makes the table `t.t` with a stream of this view; its ARN.
fn table(services: &Services, view: Option<&str>) -> String {
    let mut body = json!({"TableName": "t.t", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]});
    if let Some(view) = view {
        body["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": view});
    }
    done(services, "CreateTable", body);
    let table = active(services);
    table["LatestStreamArn"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn put(services: &Services, id: &str, value: &str) {
    let item = json!({"id": {"S": id}, "v": {"S": value}});
    done(
        services,
        "PutItem",
        json!({"TableName": "t.t", "Item": item}),
    );
}

/// All records of a stream, shard by shard.
async fn records(client: &Client, arn: &str) -> Vec<Record> {
    let described = client
        .describe_stream()
        .stream_arn(arn)
        .send()
        .await
        .unwrap();
    let mut all = Vec::new();
    for shard in described.stream_description.unwrap().shards() {
        let iterator = client
            .get_shard_iterator()
            .stream_arn(arn)
            .shard_id(shard.shard_id().unwrap())
            .shard_iterator_type(ShardIteratorType::TrimHorizon)
            .send()
            .await
            .unwrap();
        let page = client
            .get_records()
            .set_shard_iterator(iterator.shard_iterator)
            .send()
            .await
            .unwrap();
        all.extend(page.records.unwrap_or_default());
    }
    all
}

/// An insert, an overwriting, one that changes nothing, and a removal, of one item.
fn write(services: &Services) {
    put(services, "a", "1");
    put(services, "a", "2");
    put(services, "a", "2");
    let key = json!({"TableName": "t.t", "Key": {"id": {"S": "a"}}});
    done(services, "DeleteItem", key);
}

#[tokio::test]
async fn a_view_shows_what_its_name_says() {
    for (view, new, old) in [
        ("KEYS_ONLY", false, false),
        ("NEW_IMAGE", true, false),
        ("OLD_IMAGE", false, true),
        ("NEW_AND_OLD_IMAGES", true, true),
    ] {
        let services = start("");
        let client = client(&services);
        let arn = table(&services, Some(view));
        write(&services);
        let records = records(&client, &arn).await;
        let names: Vec<&str> = records
            .iter()
            .map(|record| record.event_name().unwrap().as_str())
            .collect();
        assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"], "{view}");
        let value = |image: Option<&std::collections::HashMap<_, _>>| {
            image.map(|image: &std::collections::HashMap<String, _>| {
                let value: &aws_sdk_dynamodbstreams::types::AttributeValue = &image["v"];
                value.as_s().unwrap().clone()
            })
        };
        let mut last = 0;
        for (record, (is, was)) in
            records
                .iter()
                .zip([(Some("1"), None), (Some("2"), Some("1")), (None, Some("2"))])
        {
            let change = record.dynamodb().unwrap();
            assert_eq!(change.keys().unwrap()["id"].as_s().unwrap(), "a");
            let shown = (value(change.new_image()), value(change.old_image()));
            let expected = (is.filter(|_| new), was.filter(|_| old));
            assert_eq!((shown.0.as_deref(), shown.1.as_deref()), expected, "{view}");
            // Two bytes of name and one of value for the key, as many for each image.
            let images = [expected.0, expected.1].into_iter().flatten().count() as i64;
            assert_eq!(change.size_bytes(), Some(3 + 5 * images), "{view}");
            assert_eq!(change.stream_view_type().unwrap().as_str(), view);
            assert_eq!(
                change
                    .approximate_creation_date_time()
                    .unwrap()
                    .subsec_nanos(),
                0
            );
            let number: u128 = change.sequence_number().unwrap().parse().unwrap();
            assert!(number > last, "{number} after {last}");
            last = number;
            assert_eq!(record.event_version(), Some("1.1"));
            assert_eq!(record.aws_region(), Some("eu-west-1"));
        }
    }
}

#[tokio::test]
async fn iterators_begin_where_they_are_told_and_end_with_the_stream() {
    let services = start("");
    let client = client(&services);
    let arn = table(&services, Some("NEW_IMAGE"));
    let described = client.describe_stream().stream_arn(&arn).send().await;
    let described = described.unwrap().stream_description.unwrap();
    assert_eq!(
        described.stream_view_type(),
        Some(&StreamViewType::NewImage)
    );
    assert_eq!(described.table_name(), Some("t.t"));
    assert_eq!(described.key_schema()[0].attribute_name(), "id");
    let first = described.shards()[0].shard_id().unwrap().to_owned();
    assert!((28..=65).contains(&first.len()), "{first}");

    for n in 0..5 {
        put(&services, "a", &n.to_string());
    }
    // One key, one shard.
    let mut shard = String::new();
    let mut numbers = Vec::new();
    for listed in described.shards() {
        let id = listed.shard_id().unwrap();
        let found = read(&client, &arn, id, ShardIteratorType::TrimHorizon, None).await;
        if !found.0.is_empty() {
            shard = id.to_owned();
            numbers = found.0;
        }
    }
    assert_eq!(numbers.len(), 5);
    for (kind, number, expected) in [
        (
            ShardIteratorType::AtSequenceNumber,
            Some(&numbers[3]),
            &numbers[3..],
        ),
        (
            ShardIteratorType::AfterSequenceNumber,
            Some(&numbers[3]),
            &numbers[4..],
        ),
        (
            ShardIteratorType::AfterSequenceNumber,
            Some(&numbers[4]),
            &[],
        ),
        (ShardIteratorType::Latest, None, &[]),
    ] {
        let found = read(&client, &arn, &shard, kind.clone(), number).await;
        assert_eq!(found.0, expected, "{kind} {number:?}");
        assert!(found.1.is_some(), "{kind}: more may come");
    }

    // A page goes on where the one before it ended.
    let iterator = streams(
        &services,
        "GetShardIterator",
        &json!({
        "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}),
    );
    let mut next = iterator["ShardIterator"].clone();
    let mut paged = Vec::new();
    for _ in 0..3 {
        let page = streams(
            &services,
            "GetRecords",
            &json!({"ShardIterator": next, "Limit": 2}),
        );
        let records = page["Records"].as_array().unwrap();
        paged.extend(
            records
                .iter()
                .map(|r| r["dynamodb"]["SequenceNumber"].clone()),
        );
        next = page["NextShardIterator"].clone();
    }
    assert_eq!(paged, numbers);

    // Once the table is gone, what was written can be read, and then there is an end.
    done(&services, "DeleteTable", json!({"TableName": "t.t"}));
    until("the stream being disabled", || {
        let described = streams(&services, "DescribeStream", &json!({"StreamArn": arn}));
        let described = &described["StreamDescription"];
        let mut shards = described["Shards"].as_array().unwrap().iter();
        described["StreamStatus"] == "DISABLED"
            && shards.all(|s| s["SequenceNumberRange"]["EndingSequenceNumber"].is_string())
    });
    let found = read(&client, &arn, &shard, ShardIteratorType::TrimHorizon, None).await;
    assert_eq!(found, (numbers, None));
}

/// Sequence numbers of a shard's records from there on, and the next iterator.
async fn read(
    client: &Client,
    arn: &str,
    shard: &str,
    kind: ShardIteratorType,
    number: Option<&String>,
) -> (Vec<String>, Option<String>) {
    let iterator = client
        .get_shard_iterator()
        .stream_arn(arn)
        .shard_id(shard)
        .shard_iterator_type(kind)
        .set_sequence_number(number.cloned());
    let iterator = iterator.send().await.unwrap().shard_iterator;
    let page = client.get_records().set_shard_iterator(iterator);
    let page = page.send().await.unwrap();
    let numbers = page.records().iter().map(|record| {
        let change = record.dynamodb().unwrap();
        change.sequence_number().unwrap().to_owned()
    });
    (numbers.collect(), page.next_shard_iterator.clone())
}

#[tokio::test]
async fn a_table_has_one_enabled_stream_at_a_time() {
    let services = start("");
    let client = client(&services);
    table(&services, None);
    assert_eq!(active(&services).get("LatestStreamArn"), None);
    put(&services, "before", "1");
    let update =
        |specification: Value| json!({"TableName": "t.t", "StreamSpecification": specification});
    let on = update(json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}));
    let off = update(json!({"StreamEnabled": false}));

    let message = refused(&services, "UpdateTable", off.clone());
    assert!(message.contains("no stream to disable"), "{message}");
    let enabled = done(&services, "UpdateTable", on.clone());
    let first = enabled["TableDescription"]["LatestStreamArn"].clone();
    active(&services);
    let message = refused(&services, "UpdateTable", on.clone());
    assert!(
        message.contains("already has an enabled stream"),
        "{message}"
    );
    put(&services, "during", "1");
    done(&services, "UpdateTable", off);
    let table = active(&services);
    assert_eq!(table["LatestStreamArn"], first);
    assert_eq!(table.get("StreamSpecification"), None);
    put(&services, "after", "1");
    done(&services, "UpdateTable", on);
    let second = active(&services)["LatestStreamArn"].clone();
    assert_ne!(first, second);

    let of_first = records(&client, first.as_str().unwrap()).await;
    let keys = of_first
        .iter()
        .map(|r| r.dynamodb().unwrap().keys().unwrap()["id"].clone());
    let keys: Vec<String> = keys.map(|key| key.as_s().unwrap().clone()).collect();
    assert_eq!(keys, ["during"]);
    assert_eq!(records(&client, second.as_str().unwrap()).await, []);

    let listed = client
        .list_streams()
        .table_name("t.t")
        .send()
        .await
        .unwrap();
    let arns: Vec<_> = listed
        .streams()
        .iter()
        .map(|s| s.stream_arn().unwrap())
        .collect();
    assert_eq!(arns, [first.as_str().unwrap(), second.as_str().unwrap()]);
    let page = client.list_streams().limit(1).send().await.unwrap();
    let page = client
        .list_streams()
        .set_exclusive_start_stream_arn(page.last_evaluated_stream_arn)
        .send()
        .await
        .unwrap();
    assert_eq!(page.streams()[0].stream_arn(), second.as_str());
    let other = client
        .list_streams()
        .table_name("other")
        .send()
        .await
        .unwrap();
    assert!(other.streams().is_empty());
    let status = client.describe_stream().stream_arn(first.as_str().unwrap());
    let status = status.send().await.unwrap().stream_description.unwrap();
    assert_eq!(status.stream_status(), Some(&StreamStatus::Disabled));
}

#[test]
fn an_iterator_begins_with_the_first_record_created_at_a_time() {
    let services = start("delay=300ms");
    let arn = table(&services, Some("KEYS_ONLY"));
    let described = streams(&services, "DescribeStream", &json!({"StreamArn": arn}));
    let shards = described["StreamDescription"]["Shards"].clone();
    let now = || {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap();
        since.as_millis() as f64 / 1000.0
    };
    put(&services, "a", "early");
    // The next is written in a later millisecond.
    let early = now();
    until("a millisecond", || now() > early);
    let between = now();
    put(&services, "a", "late");
    let found = |time: f64| {
        let mut found = 0;
        for shard in shards.as_array().unwrap() {
            let iterator = json!({"StreamArn": arn, "ShardId": shard["ShardId"],
                "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": time});
            let iterator = streams(&services, "GetShardIterator", &iterator);
            let page = json!({"ShardIterator": iterator["ShardIterator"]});
            let page = streams(&services, "GetRecords", &page);
            found += page["Records"].as_array().unwrap().len();
        }
        found
    };
    until("both records arriving", || found(0.0) == 2);
    assert_eq!(
        found(between),
        1,
        "the first was created before, and arrived after"
    );
    assert_eq!(found(now()), 0);
}

#[test]
fn no_shard_of_a_tables_stream_has_children() {
    let services = start("");
    let arn = table(&services, Some("KEYS_ONLY"));
    let described = streams(&services, "DescribeStream", &json!({"StreamArn": arn}));
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let filter = json!({"Type": "CHILD_SHARDS", "ShardId": shard});
    let body = json!({"StreamArn": arn, "ShardFilter": filter});
    let children = streams(&services, "DescribeStream", &body);
    let children = &children["StreamDescription"];
    assert_eq!(children["Shards"], json!([]), "{children}");
    assert_eq!(children.get("LastEvaluatedShardId"), None);
}

#[test]
fn what_cannot_be_is_refused_in_the_services_words() {
    let services = start("");
    let arn = table(&services, Some("KEYS_ONLY"));
    let shards = streams(&services, "DescribeStream", &json!({"StreamArn": arn}));
    let shard = shards["StreamDescription"]["Shards"][0]["ShardId"].clone();
    let elsewhere = shard.as_str().unwrap().replace("shardId-0", "shardId-1");
    let iterator = |more: Value| {
        let mut body = json!({"StreamArn": arn, "ShardId": shard});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        ("GetShardIterator", body)
    };
    for ((operation, body), kind) in [
        (("DescribeStream", json!({})), "ValidationException"),
        (
            ("DescribeStream", json!({"StreamArn": format!("{arn}x")})),
            "ResourceNotFoundException",
        ),
        (
            ("DescribeStream", json!({"StreamArn": arn, "Limit": 0})),
            "ValidationException",
        ),
        (
            iterator(json!({"ShardIteratorType": "NOWHERE"})),
            "ValidationException",
        ),
        (
            iterator(json!({"ShardIteratorType": "LATEST", "ShardId": "shardId-1"})),
            "ValidationException",
        ),
        (
            iterator(json!({"ShardIteratorType": "LATEST", "ShardId": elsewhere})),
            "ResourceNotFoundException",
        ),
        (
            iterator(json!({"ShardIteratorType": "LATEST", "Timestamp": 1})),
            "ValidationException",
        ),
        (
            iterator(json!({"ShardIteratorType": "AT_TIMESTAMP"})),
            "ValidationException",
        ),
        (
            iterator(json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 4e9})),
            "ValidationException",
        ),
        (
            ("DescribeStream", json!({"StreamArn": "x"})),
            "ValidationException",
        ),
        (
            (
                "DescribeStream",
                json!({"StreamArn": arn.replace("/stream/", "/index/")}),
            ),
            "ValidationException",
        ),
        (
            ("DescribeStream", json!({"StreamArn": arn, "Limit": -1})),
            "ValidationException",
        ),
        (
            ("DescribeStream", json!({"StreamArn": arn, "Limit": "x"})),
            "SerializationException",
        ),
        (
            (
                "DescribeStream",
                json!({"StreamArn": arn, "ShardFilter": {"Type": "CHILD_SHARDS"}}),
            ),
            "ValidationException",
        ),
        (
            (
                "DescribeStream",
                json!({"StreamArn": arn, "ShardFilter": {"Type": "ALL", "ShardId": shard}}),
            ),
            "ValidationException",
        ),
        (
            ("ListStreams", json!({"TableName": "a/b"})),
            "ValidationException",
        ),
        (
            iterator(json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER"})),
            "ValidationException",
        ),
        (
            iterator(json!({"ShardIteratorType": "LATEST", "SequenceNumber": "1"})),
            "ValidationException",
        ),
        (
            iterator(json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "1"})),
            "ValidationException",
        ),
        (
            ("GetRecords", json!({"ShardIterator": "made up"})),
            "ValidationException",
        ),
        (
            ("GetRecords", json!({"ShardIterator": 1})),
            "SerializationException",
        ),
        (("MakeCoffee", json!({})), "UnknownOperationException"),
    ] {
        let answer = streams(&services, operation, &body);
        let found = answer["__type"].as_str().unwrap_or_default();
        assert!(
            found.ends_with(&format!("#{kind}")),
            "{operation} {body}: {answer}"
        );
    }
    for specification in [
        json!({"StreamEnabled": true}),
        json!({"StreamEnabled": true, "StreamViewType": "EVERYTHING"}),
        json!({"StreamEnabled": false, "StreamViewType": "NEW_IMAGE"}),
    ] {
        let body = json!({"TableName": "t.t", "StreamSpecification": specification});
        let message = refused(&services, "UpdateTable", body);
        assert!(
            message.to_lowercase().contains("streamviewtype"),
            "{message}"
        );
    }
}

#[test]
fn a_stream_has_a_shard_for_each_partition_of_its_table_with_limits_and_without() {
    let units = |read, write| {
        json!({"BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}})
    };
    let on_demand = json!({"BillingMode": "PAY_PER_REQUEST"});
    for limits in [Some(Limits::default()), None] {
        let services = services_under(limits.clone(), "");
        for (name, settings, shards) in [
            ("small", units(5, 5), 1),
            ("large", units(5, 2500), 3),
            ("on-demand", on_demand.clone(), 4),
        ] {
            let mut body = json!({"TableName": name,
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "StreamSpecification":
                    {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}});
            let body = body.as_object_mut().unwrap();
            body.extend(settings.as_object().unwrap().clone());
            let made = done(&services, "CreateTable", json!(body));
            let arn = &made["TableDescription"]["LatestStreamArn"];
            let described = streams(&services, "DescribeStream", &json!({"StreamArn": arn}));
            let listed = described["StreamDescription"]["Shards"].as_array().unwrap();
            assert_eq!(listed.len(), shards, "{name}, {limits:?}");
        }
    }
}
