//! What is refused about items, and in which words.

use serde_json::json;

use crate::direct::Direct;

const VALIDATION: &str = "ValidationException";
const SERIALIZATION: &str = "SerializationException";

fn put(item: &str) -> String {
    format!(r#"{{"TableName":"t.t","Item":{item}}}"#)
}

fn batch(item: &str) -> String {
    format!(r#"{{"RequestItems":{{"t.t":[{{"PutRequest":{{"Item":{item}}}}}]}}}}"#)
}

#[test]
fn values_are_refused_with_an_envelope_in_put_item_and_without_in_a_batch() {
    let direct = Direct::with_tables();
    let digits = "1".repeat(39);
    let deep = format!(
        "{}{{\"S\":\"x\"}}{}",
        "{\"L\":[".repeat(32),
        "]}".repeat(32)
    );
    for (value, message) in [
        (
            r#"{"N":"abc"}"#,
            "The parameter cannot be converted to a numeric value: abc",
        ),
        (
            r#"{"N":"1E126"}"#,
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            r#"{"N":"1E-131"}"#,
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
        (
            &format!(r#"{{"N":"{digits}"}}"#),
            "Attempting to store more than 38 significant digits in a Number",
        ),
        (
            r#"{"SS":[]}"#,
            "One or more parameter values were invalid: An string set  may not be empty",
        ),
        (
            r#"{"NS":[]}"#,
            "One or more parameter values were invalid: An number set  may not be empty",
        ),
        (
            r#"{"BS":[]}"#,
            "One or more parameter values were invalid: Binary sets should not be empty",
        ),
        (
            r#"{"NULL":false}"#,
            "One or more parameter values were invalid: Null attribute value types must have the value of true",
        ),
        (r#"{"M":{"":{"S":"x"}}}"#, "Empty attribute name"),
        (
            &deep,
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
        ),
    ] {
        let item = format!(r#"{{"id":{{"S":"a"}},"v":{value}}}"#);
        let enveloped = format!("1 validation error detected: {message}");
        assert_eq!(
            direct.refused("PutItem", &put(&item)),
            (VALIDATION, enveloped),
            "{value}"
        );
        assert_eq!(
            direct.refused("BatchWriteItem", &batch(&item)),
            (VALIDATION, message.to_owned()),
            "{value}"
        );
    }
    let fits = format!(
        "{}{{\"S\":\"x\"}}{}",
        "{\"L\":[".repeat(31),
        "]}".repeat(31)
    );
    direct
        .call(
            "PutItem",
            &put(&format!(r#"{{"id":{{"S":"a"}},"v":{fits}}}"#)),
        )
        .unwrap();
}

#[test]
fn sets_with_duplicates_are_refused_in_the_words_of_the_operation() {
    let direct = Direct::with_tables();
    for (set, in_put, in_batch) in [
        (
            r#"{"SS":["b","a","b","C"]}"#,
            r#"1 validation error detected: One or more parameter values were invalid: Input collection ["a", "b", "b", "C"] contains duplicates."#,
            "One or more parameter values were invalid: Input collection [b, a, b, C] contains duplicates.",
        ),
        (
            r#"{"NS":["1","1.0"]}"#,
            "1 validation error detected: One or more parameter values were invalid: Input collection contains duplicates.",
            "Input collection contains duplicates",
        ),
        (
            r#"{"BS":["AQ==","AQ=="]}"#,
            r#"1 validation error detected: One or more parameter values were invalid: Input collection ["AQ==","AQ=="]of type BS contains duplicates."#,
            "One or more parameter values were invalid: Input collection [AQ==, AQ==]of type BS contains duplicates.",
        ),
    ] {
        let item = format!(r#"{{"id":{{"S":"a"}},"v":{set}}}"#);
        assert_eq!(direct.refused("PutItem", &put(&item)).1, in_put);
        assert_eq!(direct.refused("BatchWriteItem", &batch(&item)).1, in_batch);
    }
}

#[test]
fn values_of_the_wrong_json_type_are_serialization_errors() {
    let direct = Direct::with_tables();
    for (item, exception, message) in [
        (
            r#"{"id":{"S":23}}"#,
            SERIALIZATION,
            "NUMBER_VALUE cannot be converted to String",
        ),
        (
            r#"{"id":{"S":2.5}}"#,
            SERIALIZATION,
            "DECIMAL_VALUE cannot be converted to String",
        ),
        (
            r#"{"id":{"S":true}}"#,
            SERIALIZATION,
            "TRUE_VALUE cannot be converted to String",
        ),
        (
            r#"{"id":{"S":["a"]}}"#,
            SERIALIZATION,
            "Unrecognized collection type class java.lang.String",
        ),
        (
            r#"{"id":{"S":{"a":1}}}"#,
            SERIALIZATION,
            "Start of structure or map found where not expected",
        ),
        (
            r#"{"id":{"BOOL":1}}"#,
            SERIALIZATION,
            "NUMBER_VALUE cannot be converted to Boolean",
        ),
        (
            r#"{"id":"a"}"#,
            SERIALIZATION,
            "Unexpected value type in payload",
        ),
        (r#""a""#, SERIALIZATION, "Unexpected field type"),
        (
            "[]",
            SERIALIZATION,
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ),
        (
            r#"{"id":{}}"#,
            VALIDATION,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            r#"{"id":{"X":"a"}}"#,
            VALIDATION,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            r#"{"id":{"S":"a","N":"1"}}"#,
            VALIDATION,
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
    ] {
        assert_eq!(
            direct.refused("PutItem", &put(item)),
            (exception, message.to_owned()),
            "{item}"
        );
        assert_eq!(
            direct.refused("BatchWriteItem", &batch(item)),
            (exception, message.to_owned()),
            "{item}"
        );
    }
}

#[test]
fn bodies_that_are_not_json_are_refused_without_a_message_and_change_nothing() {
    let direct = Direct::with_tables();
    let whole = batch(r#"{"id":{"S":"a"},"l":{"L":[{"N":"1"}]}}"#);
    for cut in 0..whole.len() {
        for operation in ["BatchWriteItem", "PutItem", "Query", "CreateTable"] {
            let refused = direct.refused(operation, &whole[..cut]);
            assert_eq!(
                refused,
                (SERIALIZATION, String::new()),
                "{operation} {}",
                &whole[..cut]
            );
        }
    }
    let count = direct.ok("Scan", json!({"TableName": "t.t", "Select": "COUNT"}));
    assert_eq!(count["Count"], 0);
}

#[test]
fn keys_that_do_not_fit_the_schema_are_refused() {
    let direct = Direct::with_tables();
    let long = "x".repeat(2049);
    let empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id";
    let mismatch = "The provided key element does not match the schema";
    for (item, in_put, in_batch) in [
        (
            r#"{"x":{"S":"a"}}"#,
            "One or more parameter values were invalid: Missing the key id in the item",
            mismatch,
        ),
        (
            r#"{"id":{"N":"1"}}"#,
            "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N",
            mismatch,
        ),
        (r#"{"id":{"S":""}}"#, empty, empty),
        (
            &format!(r#"{{"id":{{"S":"{long}"}}}}"#),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
    ] {
        assert_eq!(
            direct.refused("PutItem", &put(item)),
            (VALIDATION, in_put.to_owned())
        );
        assert_eq!(
            direct.refused("BatchWriteItem", &batch(item)),
            (VALIDATION, in_batch.to_owned())
        );
    }
    for key in [
        r#"{"id":{"N":"1"}}"#,
        r#"{}"#,
        r#"{"id":{"S":"a"},"x":{"S":"b"}}"#,
    ] {
        let body = format!(r#"{{"TableName":"t.t","Key":{key}}}"#);
        for operation in ["GetItem", "DeleteItem"] {
            assert_eq!(
                direct.refused(operation, &body),
                (VALIDATION, mismatch.to_owned()),
                "{key}"
            );
        }
    }
}

#[test]
fn requests_are_refused_in_dynamodbs_words() {
    let direct = Direct::with_tables();
    let large = put(&format!(
        r#"{{"id":{{"S":"a"}},"v":{{"S":"{}"}}}}"#,
        "x".repeat(409_600)
    ));
    let twice = r#"{"RequestItems":{"s.s":[{"PutRequest":{"Item":{"p":{"S":"a"},"k":{"N":"1.0"}}}},{"DeleteRequest":{"Key":{"k":{"N":"1"},"p":{"S":"a"}}}}]}}"#;
    let many: Vec<String> = (0..26)
        .map(|n| format!(r#"{{"DeleteRequest":{{"Key":{{"id":{{"S":"{n}"}}}}}}}}"#))
        .collect();
    let many = format!(r#"{{"RequestItems":{{"t.t":[{}]}}}}"#, many.join(","));
    for (operation, body, message) in [
        (
            "PutItem",
            large.as_str(),
            "Item size has exceeded the maximum allowed size",
        ),
        (
            "PutItem",
            r#"{}"#,
            "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'item' failed to satisfy constraint: Member must not be null",
        ),
        (
            "PutItem",
            r#"{"TableName":"","Item":{}}"#,
            "1 validation error detected: Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "PutItem",
            r#"{"TableName":"none","Item":{"id":{"S":"a"}}}"#,
            "Requested resource not found",
        ),
        (
            "PutItem",
            r#"{"TableName":"t.t","Item":{"id":{"S":"a"}},"ReturnValues":"ALL_NEW"}"#,
            "1 validation error detected: ReturnValues can only be ALL_OLD or NONE",
        ),
        (
            "PutItem",
            r#"{"TableName":"t.t","Item":{"id":{"S":"a"}},"ReturnConsumedCapacity":"SOME"}"#,
            "1 validation error detected: Value 'SOME' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]",
        ),
        (
            "GetItem",
            r#"{"TableName":"a!"}"#,
            "2 validation errors detected: Value null at 'key' failed to satisfy constraint: Member must not be null; Value 'a!' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{}}"#,
            "The requestItems parameter is required for BatchWriteItem",
        ),
        (
            "BatchWriteItem",
            twice,
            "Provided list of item keys contains duplicates",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"none":[{"DeleteRequest":{"Key":{"id":{"S":"a"}}}}]}}"#,
            "Requested resource not found",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{}}"#,
            "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"t.t":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"a"}}]}}}"#,
            "Provided list of item keys contains duplicates",
        ),
        (
            "Query",
            r#"{"TableName":"s.s"}"#,
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","Limit":0}"#,
            "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"k = :k","ExpressionAttributeValues":{":k":{"N":"1"}}}"#,
            "Query condition missed key schema element: p",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p > :k","ExpressionAttributeValues":{":k":{"S":"1"}}}"#,
            "Query key condition not supported",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p = :k","ExpressionAttributeValues":{":k":{"N":"1"}}}"#,
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p = :k","ExpressionAttributeValues":{":k":{"S":"a"},":x":{"S":"b"}}}"#,
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p = :k AND begins_with(k, :x)","ExpressionAttributeValues":{":k":{"S":"a"},":x":{"N":"1"}}}"#,
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p = :k AND k BETWEEN :a AND :b","ExpressionAttributeValues":{":k":{"S":"a"},":a":{"N":"2"},":b":{"N":"1"}}}"#,
            "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p = :k","ExpressionAttributeValues":{":k":{"S":"a"}},"ExclusiveStartKey":{"p":{"S":"a"}}}"#,
            "The provided starting key is invalid",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"time = :k","ExpressionAttributeValues":{":k":{"S":"a"}}}"#,
            "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: time",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p = :k AND k BETWEEN :a AND :b","ExpressionAttributeValues":{":k":{"S":"a"},":a":{"N":"20e-1"},":b":{"N":"1.0"}}}"#,
            "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:20e-1}, upper bound operand: AttributeValue: {N:1.0}",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p = :k","ExpressionAttributeValues":{":k":{}}}"#,
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :k",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","KeyConditionExpression":"p = :k","ExpressionAttributeValues":{":k":{"S":"a"}},"ExclusiveStartKey":{"p":{}}}"#,
            "The provided starting key is invalid: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"t.t":[{"PutRequest":{}}]}}"#,
            "1 validation error detected: Value null at 'requestItems.t.t.member.1.member.putRequest.item' failed to satisfy constraint: Member must not be null",
        ),
        (
            "Query",
            r#"{"TableName":"s.s","IndexName":"i","KeyConditionExpression":"p = :k","ExpressionAttributeValues":{":k":{"S":"a"}}}"#,
            "The table does not have the specified index: i",
        ),
        (
            "Scan",
            r#"{"TableName":"t.t","Segment":2,"TotalSegments":2}"#,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2",
        ),
        (
            "Scan",
            r#"{"TableName":"t.t","Select":"ALL"}"#,
            "1 validation error detected: Value 'ALL' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]",
        ),
    ] {
        assert_eq!(direct.refused(operation, body).1, message, "{operation}");
    }
    let too_many = direct.refused("BatchWriteItem", &many).1;
    assert!(
        too_many.starts_with("1 validation error detected: ")
            && too_many.contains("less than or equal to 25"),
        "{too_many}"
    );
}

#[test]
fn what_is_not_served_is_refused_by_name_and_never_half_done() {
    let direct = Direct::with_tables();
    for (operation, body, parameter) in [
        (
            "PutItem",
            r#"{"TableName":"t.t","Item":{"id":{"S":"a"}},"ConditionExpression":"attribute_not_exists(id)"}"#,
            "ConditionExpression",
        ),
        (
            "PutItem",
            r#"{"TableName":"t.t","Item":{"id":{"S":"a"}},"Expected":{}}"#,
            "Expected",
        ),
        (
            "DeleteItem",
            r#"{"TableName":"t.t","Key":{"id":{"S":"a"}},"ConditionExpression":"x"}"#,
            "ConditionExpression",
        ),
        (
            "GetItem",
            r#"{"TableName":"t.t","Key":{"id":{"S":"a"}},"ProjectionExpression":"x"}"#,
            "ProjectionExpression",
        ),
        (
            "Query",
            r#"{"TableName":"t.t","KeyConditions":{}}"#,
            "KeyConditions",
        ),
        (
            "Query",
            r#"{"TableName":"t.t","KeyConditionExpression":"id = :i","FilterExpression":"x"}"#,
            "FilterExpression",
        ),
        (
            "Scan",
            r#"{"TableName":"t.t","ScanFilter":{}}"#,
            "ScanFilter",
        ),
    ] {
        let (exception, message) = direct.refused(operation, body);
        assert_eq!(exception, VALIDATION);
        assert!(message.contains(parameter), "{message}");
    }
    let count = direct.ok("Scan", json!({"TableName": "t.t", "Select": "COUNT"}));
    assert_eq!(count["Count"], 0);
}
