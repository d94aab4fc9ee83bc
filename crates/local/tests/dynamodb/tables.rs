//! The control plane.

use serde_json::{Value, json};

use crate::direct::Direct;

fn status(direct: &Direct, table: &str) -> String {
    match direct.call("DescribeTable", &json!({"TableName": table}).to_string()) {
        Ok(answer) => answer["Table"]["TableStatus"].as_str().unwrap().to_owned(),
        Err(failure) => failure.exception.to_owned(),
    }
}

#[test]
fn a_table_is_creating_then_active_then_updating_then_deleting_then_gone() {
    let mut direct = Direct::new();
    direct.create("life", &[("id", "S")]);
    assert_eq!(status(&direct, "life"), "CREATING");
    let early = direct.refused("PutItem", r#"{"TableName":"life","Item":{"id":{"S":"a"}}}"#);
    assert_eq!(early.0, "ResourceNotFoundException");
    direct.now_us += 20_000;
    assert_eq!(status(&direct, "life"), "ACTIVE");
    direct.ok(
        "UpdateTable",
        json!({"TableName": "life", "BillingMode": "PROVISIONED",
               "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}}),
    );
    assert_eq!(status(&direct, "life"), "UPDATING");
    direct.ok(
        "PutItem",
        json!({"TableName": "life", "Item": {"id": {"S": "a"}}}),
    );
    direct.now_us += 20_000;
    assert_eq!(status(&direct, "life"), "ACTIVE");
    let deleted = direct.ok("DeleteTable", json!({"TableName": "life"}));
    assert_eq!(deleted["TableDescription"]["TableStatus"], "DELETING");
    assert_eq!(status(&direct, "life"), "DELETING");
    direct.now_us += 20_000;
    assert_eq!(status(&direct, "life"), "ResourceNotFoundException");
    direct.create("life", &[("id", "S")]);
    assert_eq!(status(&direct, "life"), "CREATING");
    direct.now_us += 20_000;
    let scan = direct.ok("Scan", json!({"TableName": "life"}));
    assert_eq!(scan["Count"], 0, "a table created anew is empty");
}

#[test]
fn a_table_that_is_made_tells_the_warm_throughput_it_was_asked_for_as_coming() {
    let mut direct = Direct::new();
    let mut body = json!({"TableName": "plain",
        "KeySchema": [{"AttributeName": "d", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "d", "AttributeType": "S"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}});
    let created = direct.ok("CreateTable", body.clone());
    assert_eq!(created["TableDescription"].get("WarmThroughput"), None);
    body["TableName"] = json!("warm");
    body["WarmThroughput"] = json!({"ReadUnitsPerSecond": 15000, "WriteUnitsPerSecond": 9000});
    let created = direct.ok("CreateTable", body);
    let coming =
        json!({"ReadUnitsPerSecond": 15000, "WriteUnitsPerSecond": 9000, "Status": "UPDATING"});
    assert_eq!(created["TableDescription"]["WarmThroughput"], coming);
    direct.now_us += 20_000;
    direct.create("demand", &[("d", "S")]);
    direct.now_us += 20_000;
    for (table, read, write) in [
        ("plain", 5, 5),
        ("warm", 15_000, 9_000),
        ("demand", 12_000, 4_000),
    ] {
        let described = direct.ok("DescribeTable", json!({"TableName": table}));
        let warm = json!({"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write,
            "Status": "ACTIVE"});
        assert_eq!(described["Table"]["WarmThroughput"], warm, "{table}");
    }
}

#[test]
fn the_answer_to_a_deletion_no_longer_tells_the_schema() {
    let direct = Direct::with_tables();
    let deleted = direct.ok("DeleteTable", json!({"TableName": "s.s"}));
    let description = deleted["TableDescription"].as_object().unwrap();
    for gone in ["KeySchema", "AttributeDefinitions", "CreationDateTime"] {
        assert!(!description.contains_key(gone), "{gone}");
    }
    for there in ["TableName", "TableArn", "TableStatus", "ItemCount"] {
        assert!(description.contains_key(there), "{there}");
    }
}

#[test]
fn tags_and_names_that_are_too_long_or_odd_are_refused() {
    let direct = Direct::with_tables();
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/t.t";
    let tag = |key: &str, value: &str| json!([{"Key": key, "Value": value}]);
    let long = |n: usize| "k".repeat(n);
    let create = |name: &str, tags: Value| {
        json!({"TableName": "new", "BillingMode": "PAY_PER_REQUEST", "Tags": tags,
            "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"}]})
    };
    let hundred: Vec<Value> = (0..100)
        .map(|n| json!({"Key": format!("k{n}"), "Value": ""}))
        .collect();
    let item =
        |name: &str| json!({"TableName": "t.t", "Item": {"id": {"S": "a"}, name: {"S": ""}}});
    for (operation, body, expected) in [
        (
            "PutItem",
            item(&long(65_536)),
            "must be less than 65536 bytes",
        ),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"t.t": [{"PutRequest": {"Item": item(&long(70_000))["Item"]}}]}}),
            "must be less than 65536 bytes",
        ),
        (
            "CreateTable",
            create(&long(256), json!([])),
            "length less than or equal to 255",
        ),
        (
            "CreateTable",
            create("", json!([])),
            "length greater than or equal to 1",
        ),
        ("CreateTable", create("id", json!(hundred)), "at most 50"),
        (
            "CreateTable",
            create("id", tag("aws:k", "v")),
            "aws:, which is reserved",
        ),
    ] {
        let (exception, message) = direct.refused(operation, &body.to_string());
        assert_eq!(exception, "ValidationException", "{message}");
        assert!(message.contains(expected), "{operation}: {message}");
    }
    for (tags, expected) in [
        (json!([{"Key": "k"}]), "Value null at 'tags.1.member.value'"),
        (json!([{"Value": "v"}]), "Value null at 'tags.1.member.key'"),
        (
            tag("", "v"),
            "'tags.1.member.key' failed to satisfy constraint",
        ),
        (tag(&long(129), "v"), "less than or equal to 128"),
        (tag("k", &long(257)), "less than or equal to 256"),
        (tag("k#", "v"), "Tag key k# has a character other than"),
        (
            tag("k", "v\u{1}"),
            "The value of tag k has a character other than",
        ),
        (
            json!([tag("k", "1")[0], tag("k", "2")[0]]),
            "Tag key k is given twice",
        ),
    ] {
        let body = json!({"ResourceArn": arn, "Tags": tags});
        let (exception, message) = direct.refused("TagResource", &body.to_string());
        assert_eq!(exception, "ValidationException", "{message}");
        assert!(message.contains(expected), "{message}");
    }
    let odd = tag("Ünï code_.:/=+-@ 1", "é");
    direct.ok("TagResource", json!({"ResourceArn": arn, "Tags": odd}));
    let listed = direct.ok("ListTagsOfResource", json!({"ResourceArn": arn}));
    assert_eq!(listed["Tags"], odd);
    direct.ok("PutItem", item(&long(65_535)));
}

#[test]
fn a_scan_is_charged_for_every_partition_it_comes_through() {
    let mut direct = Direct::new();
    direct.create("demand", &[("id", "S")]);
    let mut provisioned = json!({"TableName": "small",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}});
    direct.ok("CreateTable", provisioned.clone());
    provisioned["TableName"] = json!("large");
    provisioned["ProvisionedThroughput"] =
        json!({"ReadCapacityUnits": 3000, "WriteCapacityUnits": 1000});
    direct.ok("CreateTable", provisioned);
    direct.now_us += 20_000;
    let units = |table: &str, more: Value| {
        let mut body = json!({"TableName": table, "ReturnConsumedCapacity": "TOTAL"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = direct.ok("Scan", body);
        answer["ConsumedCapacity"]["CapacityUnits"]
            .as_f64()
            .unwrap()
    };
    let consistent = json!({"ConsistentRead": true});
    for (table, partitions) in [("demand", 4.0), ("small", 1.0), ("large", 2.0)] {
        assert_eq!(units(table, json!({})), partitions / 2.0, "{table}, empty");
        let item = json!({"TableName": table, "Item": {"id": {"S": "a"}}});
        direct.ok("PutItem", item);
        assert_eq!(units(table, json!({})), partitions / 2.0, "{table}");
        assert_eq!(units(table, consistent.clone()), partitions, "{table}");
    }
    // A segment comes through its own partitions alone.
    let segment = |n: u64, of: u64| json!({"Segment": n, "TotalSegments": of});
    let of_segments: Vec<f64> = (0..4).map(|n| units("demand", segment(n, 4))).collect();
    assert_eq!(of_segments, [0.5; 4]);
    assert_eq!(units("demand", segment(1, 2)), 1.0);
    // Large items cost their size, page by page, whatever the partitions.
    for n in 0..40 {
        let item = json!({"id": {"S": n.to_string()}, "v": {"S": "x".repeat(8 * 1024 - 20)}});
        direct.ok("PutItem", json!({"TableName": "demand", "Item": item}));
    }
    let whole = units("demand", consistent);
    assert!((80.0..=84.0).contains(&whole), "{whole}");
    // A page that ends early is charged no further than it came.
    let first = units("demand", json!({"Limit": 1, "ConsistentRead": true}));
    assert_eq!(first, 2.0);
}

#[test]
fn a_description_says_what_was_asked_for() {
    let mut direct = Direct::new();
    let created = direct.ok(
        "CreateTable",
        json!({
            "TableName": "readings",
            "KeySchema": [{"AttributeName": "d", "KeyType": "HASH"},
                          {"AttributeName": "t", "KeyType": "RANGE"}],
            "AttributeDefinitions": [{"AttributeName": "d", "AttributeType": "S"},
                                     {"AttributeName": "t", "AttributeType": "N"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 7},
            "WarmThroughput": {"ReadUnitsPerSecond": 15000, "WriteUnitsPerSecond": 9000},
            "Tags": [{"Key": "run", "Value": "1"}],
        }),
    );
    let table = &created["TableDescription"];
    assert_eq!(table["ProvisionedThroughput"]["WriteCapacityUnits"], 7);
    assert_eq!(table["WarmThroughput"]["WriteUnitsPerSecond"], 9000);
    assert_eq!(table["KeySchema"][1]["KeyType"], "RANGE");
    assert_eq!(
        table["TableArn"],
        "arn:aws:dynamodb:eu-west-1:000000000000:table/readings"
    );
    assert!(table.get("BillingModeSummary").is_none());
    direct.now_us += 20_000;
    direct.ok(
        "UpdateTable",
        json!({"TableName": "readings", "BillingMode": "PAY_PER_REQUEST",
        "OnDemandThroughput": {"MaxWriteRequestUnits": 100}}),
    );
    direct.now_us += 20_000;
    let table = direct.ok("DescribeTable", json!({"TableName": "readings"}));
    let table = &table["Table"];
    assert_eq!(
        table["BillingModeSummary"]["BillingMode"],
        "PAY_PER_REQUEST"
    );
    assert_eq!(
        table["TableThroughputModeSummary"]["TableThroughputMode"],
        "PAY_PER_REQUEST"
    );
    assert_eq!(table["ProvisionedThroughput"]["WriteCapacityUnits"], 0);
    assert_eq!(table["OnDemandThroughput"]["MaxWriteRequestUnits"], 100);
    direct.ok(
        "PutItem",
        json!({"TableName": "readings",
        "Item": {"d": {"S": "abc"}, "t": {"N": "12"}, "v": {"S": "0123456789"}}}),
    );
    let table = direct.ok("DescribeTable", json!({"TableName": "readings"}));
    assert_eq!(table["Table"]["ItemCount"], 1);
    // d + abc, t + 2 for a number of two digits, v + 10.
    assert_eq!(table["Table"]["TableSizeBytes"], 4 + 3 + 11);
}

#[test]
fn tables_are_listed_by_name_page_by_page() {
    let direct = Direct::new();
    for n in 0..7 {
        direct.create(&format!("table-{n}"), &[("id", "S")]);
    }
    let mut names = Vec::new();
    let mut start = None;
    loop {
        let mut body = json!({"Limit": 3});
        if let Some(start) = start {
            body["ExclusiveStartTableName"] = start;
        }
        let page = direct.ok("ListTables", body);
        for name in page["TableNames"].as_array().unwrap() {
            names.push(name.as_str().unwrap().to_owned());
        }
        match page.get("LastEvaluatedTableName") {
            Some(last) => start = Some(last.clone()),
            None => break,
        }
    }
    let expected: Vec<String> = (0..7).map(|n| format!("table-{n}")).collect();
    assert_eq!(names, expected);
}

#[test]
fn tags_are_added_replaced_listed_and_taken_away() {
    let direct = Direct::with_tables();
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/t.t";
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
        direct.ok(
            "TagResource",
            json!({"ResourceArn": arn, "Tags": [{"Key": key, "Value": value}]}),
        );
    }
    direct.ok(
        "UntagResource",
        json!({"ResourceArn": arn, "TagKeys": ["b"]}),
    );
    let tags = direct.ok("ListTagsOfResource", json!({"ResourceArn": arn}));
    assert_eq!(tags, json!({"Tags": [{"Key": "a", "Value": "3"}]}));
}

#[test]
fn account_limits_and_endpoints_are_described() {
    let direct = Direct::new();
    assert_eq!(
        direct.ok("DescribeLimits", json!({}))["TableMaxWriteCapacityUnits"],
        40_000
    );
    let endpoints = direct.ok("DescribeEndpoints", json!({}));
    assert_eq!(
        endpoints["Endpoints"][0]["Address"],
        "dynamodb.eu-west-1.amazonaws.com"
    );
}

#[test]
fn control_plane_calls_are_refused_in_dynamodbs_words() {
    let direct = Direct::with_tables();
    let create = |change: &str| {
        let body = json!({
            "TableName": "new", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        });
        let mut body = body;
        let change: serde_json::Value = serde_json::from_str(change).unwrap();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string()
    };
    for (body, exception, message) in [
        (
            create(r#"{"TableName":"t.t"}"#),
            "ResourceInUseException",
            "Table already exists: t.t",
        ),
        (
            create(r#"{"TableName":"a!"}"#),
            "ValidationException",
            "2 validation errors detected: Value 'a!' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a!' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
        ),
        (
            create(r#"{"TableName":null}"#),
            "ValidationException",
            "The parameter 'TableName' is required but was not present in the request",
        ),
        (
            create(r#"{"BillingMode":"FREE"}"#),
            "ValidationException",
            "1 validation error detected: Value 'FREE' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
        ),
        (
            create(r#"{"BillingMode":"PROVISIONED"}"#),
            "ValidationException",
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            create(r#"{"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}"#),
            "ValidationException",
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        (
            create(r#"{"ProvisionedThroughput":{"ReadCapacityUnits":0}}"#),
            "ValidationException",
            "2 validation errors detected: Value null at 'provisionedThroughput.writeCapacityUnits' failed to satisfy constraint: Member must not be null; Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            create(r#"{"KeySchema":[]}"#),
            "ValidationException",
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            create(r#"{"KeySchema":[{"AttributeName":"id","KeyType":"RANGE"}]}"#),
            "ValidationException",
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            create(r#"{"AttributeDefinitions":[{"AttributeName":"x","AttributeType":"S"}]}"#),
            "ValidationException",
            "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [id], AttributeDefinitions: [x]",
        ),
        (
            create(r#"{"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"BOOL"}]}"#),
            "ValidationException",
            "1 validation error detected: Value 'BOOL' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]",
        ),
        (
            create(
                r#"{"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}]}"#,
            ),
            "ValidationException",
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ),
        (
            create(r#"{"TableName":23}"#),
            "SerializationException",
            "NUMBER_VALUE cannot be converted to String",
        ),
        (
            create(r#"{"KeySchema":"id"}"#),
            "SerializationException",
            "Unexpected field type",
        ),
    ] {
        assert_eq!(
            direct.refused("CreateTable", &body),
            (exception, message.to_owned()),
            "{body}"
        );
    }
    for parameter in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        let refused = direct.refused(
            "CreateTable",
            &create(&format!(r#"{{"{parameter}":[{{}}]}}"#)),
        );
        assert!(refused.1.contains(parameter), "{refused:?}");
    }
    let streams = create(r#"{"StreamSpecification":{"StreamEnabled":true}}"#);
    assert!(
        direct
            .refused("CreateTable", &streams)
            .1
            .contains("StreamSpecification")
    );
    for (operation, body, message) in [
        (
            "DescribeTable",
            r#"{"TableName":"none"}"#,
            "Requested resource not found: Table: none not found",
        ),
        (
            "DescribeTable",
            r#"{"TableName":"ab"}"#,
            "TableName must be at least 3 characters long and at most 255 characters long",
        ),
        (
            "UpdateTable",
            r#"{"TableName":"t.t"}"#,
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
        ),
        (
            "ListTables",
            r#"{"Limit":0}"#,
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            "TagResource",
            r#"{"ResourceArn":"x"}"#,
            "Invalid TableArn: Invalid ResourceArn provided as input x",
        ),
        (
            "UpdateItem",
            "{}",
            "UpdateItem is not served by this local endpoint",
        ),
        (
            "TransactWriteItems",
            "{}",
            "TransactWriteItems is not served by this local endpoint",
        ),
        (
            "ExecuteStatement",
            "{}",
            "ExecuteStatement is not served by this local endpoint",
        ),
        ("Nonsense", "{}", ""),
    ] {
        assert_eq!(
            direct.refused(operation, body).1,
            message,
            "{operation} {body}"
        );
    }
}
