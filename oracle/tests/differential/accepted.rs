//! Where the engines differ and are meant to: each difference with its reason
//! and with both answers, so that neither side changes unnoticed.

use hrload_oracle::Answer;

use crate::support::*;

/// What an engine answers: status, exception and the beginning of the message.
type Expected = (u16, &'static str, &'static str);

struct Accepted {
    operation: &'static str,
    body: &'static str,
    ours: Expected,
    theirs: Expected,
    reason: &'static str,
}

const VALIDATION: &str = "ValidationException";
const SERIALIZATION: &str = "SerializationException";

const ACCEPTED: &[Accepted] = &[
    Accepted {
        operation: "Scan",
        body: r#"{"TableName":"readings","Segment":2,"TotalSegments":2}"#,
        ours: (
            400,
            VALIDATION,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2",
        ),
        theirs: (
            400,
            VALIDATION,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments",
        ),
        reason: "DynamoDB says which is not less than which; recorded in \
                 https://github.com/architect/dynalite, test/scan.js",
    },
    Accepted {
        operation: "BatchWriteItem",
        body: "{}",
        ours: (
            400,
            VALIDATION,
            "1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null",
        ),
        theirs: (
            400,
            VALIDATION,
            "missing field `RequestItems` at line 1 column 2",
        ),
        reason: "theirs is the message of its JSON library; ours is DynamoDB's for any missing \
                 required member, and what theirs says for every other operation",
    },
    Accepted {
        operation: "PutItem",
        body: "[]",
        ours: (400, SERIALIZATION, ""),
        theirs: (
            400,
            VALIDATION,
            "2 validation errors detected: Value null at 'tableName'",
        ),
        reason: "its JSON library reads a list as a structure's members in order; an awsJson body \
                 is an object (https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html)",
    },
    Accepted {
        operation: "CreateTable",
        body: r#"{"TableName":"units","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}"#,
        ours: (
            400,
            VALIDATION,
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        theirs: (200, "", ""),
        reason: "theirs defaults to on-demand for convenience; DynamoDB's default is PROVISIONED, \
                 which must come with units \
                 (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html)",
    },
    Accepted {
        operation: "Query",
        body: r#"{"TableName":"series","KeyConditionExpression":"device = :d"}"#,
        ours: (
            400,
            VALIDATION,
            "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :d",
        ),
        theirs: (
            400,
            VALIDATION,
            "An expression attribute value used in expression is not defined; attribute value: :d",
        ),
        reason: "DynamoDB names the expression in all it says about one; recorded for undefined \
                 names in https://github.com/aws/aws-sdk-go-v2/issues/285",
    },
    Accepted {
        operation: "Query",
        body: r#"{"TableName":"series","KeyConditionExpression":"other = :d","ExpressionAttributeValues":{":d":{"S":"a"}}}"#,
        ours: (
            400,
            VALIDATION,
            "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: other",
        ),
        theirs: (
            400,
            VALIDATION,
            "Attribute name is a reserved keyword; reserved keyword: other",
        ),
        reason: "as above; recorded from AWS in https://github.com/aws/aws-sdk-php/issues/1233",
    },
    Accepted {
        operation: "Query",
        body: r#"{"TableName":"names","KeyConditionExpression":"device = :d","ExpressionAttributeValues":{":d":{"S":""}}}"#,
        ours: (
            400,
            VALIDATION,
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: device",
        ),
        theirs: (200, "", ""),
        reason: "theirs does not look; recorded from AWS in https://github.com/getmoto/moto/issues/7062",
    },
    Accepted {
        operation: "Query",
        body: r#"{"TableName":"series","KeyConditionExpression":"hash","ExpressionAttributeValues":{":d":{"S":"a"}}}"#,
        ours: (
            400,
            VALIDATION,
            "Invalid KeyConditionExpression: Syntax error; token: \"<EOF>\", near: \"hash\"",
        ),
        theirs: (
            400,
            VALIDATION,
            "Attribute name is a reserved keyword; reserved keyword: hash",
        ),
        reason: "of two errors, ours gives that of the syntax first, as both do for other pairs; \
                 no recorded answer of AWS's is known",
    },
    Accepted {
        operation: "PutItem",
        body: "null",
        ours: (400, SERIALIZATION, ""),
        theirs: (400, VALIDATION, "invalid type: null, expected struct"),
        reason: "theirs is the message of its JSON library; as for a list above",
    },
    Accepted {
        operation: "PutItem",
        body: r#"{"TableName":"readings","Item":{"id":{"S":"1"},"v":{"B":"not base64!"}}}"#,
        ours: (400, SERIALIZATION, "Invalid Base64 in a binary value"),
        theirs: (400, SERIALIZATION, "invalid base64: "),
        reason: "each has words of its own; no recorded answer of AWS's is known",
    },
];

/// A kind of difference that generated, spoilt requests may show.
pub(crate) struct Kind {
    pub(crate) reason: &'static str,
    /// Whether the difference is of this kind; `place` is the JSON pointer to
    /// what was spoilt, messages are empty where there are none.
    is: fn(place: &str, ours: &str, theirs: &str) -> bool,
}

/// Every kind must occur, so that none outlives its reason.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        reason: "theirs is the message of its JSON library, which AWS does not use",
        is: |_, ours, theirs| {
            let words = ["invalid type: ", "missing field ", "expected "];
            !ours.is_empty()
                && (words.iter().any(|words| theirs.starts_with(words))
                    || theirs.starts_with("The provided starting key is invalid: expected string"))
        },
    },
    Kind {
        reason: "DynamoDB says which is not less than which: see ACCEPTED",
        is: |place, ours, theirs| {
            place == "/Segment"
                && theirs.ends_with("must be less than parameter TotalSegments")
                && ours.starts_with(theirs)
        },
    },
    Kind {
        reason: "theirs does not look at the length of a key's name; its least is 1 \
                 (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_KeySchemaElement.html)",
        is: |place, ours, theirs| {
            place.ends_with("/AttributeName")
                && ours.ends_with("Member must have length greater than or equal to 1")
                && theirs.starts_with("Invalid KeySchema: ")
        },
    },
    Kind {
        reason: "ListTables cuts a fraction off, as both do in Query and Scan",
        is: |place, ours, theirs| {
            place == "/Limit" && ours.is_empty() && theirs.starts_with("floating point ")
        },
    },
    Kind {
        reason: "theirs says so of any JSON type where a value's string belongs; ours names the \
                 type, as theirs does for the strings of a request",
        is: |_, ours, theirs| {
            theirs == "TRUE_VALUE cannot be converted to String"
                && (ours.ends_with("cannot be converted to String")
                    || ours == "Unrecognized collection type class java.lang.String"
                    || ours == "Start of structure or map found where not expected")
        },
    },
    Kind {
        reason: "theirs tells a value from other JSON only at an item's top level",
        is: |place, ours, theirs| {
            (place.ends_with("/L/0") || place.ends_with("/M/x"))
                && (ours == "Unexpected value type in payload"
                    || ours.starts_with("Unrecognized collection type class "))
                && theirs.starts_with("Supplied AttributeValue is empty")
        },
    },
    Kind {
        reason: "ours says of a list what both say of one in PutItem and GetItem",
        is: |place, ours, theirs| {
            place.ends_with("/Keys/0/id")
                && ours.ends_with("AttributeValue")
                && theirs == "Unexpected value type in payload"
        },
    },
    Kind {
        reason: "DynamoDB names the expression: see ACCEPTED",
        is: |_, ours, theirs| ours.strip_prefix("Invalid KeyConditionExpression: ") == Some(theirs),
    },
    Kind {
        reason: "two errors, told in another order: see ACCEPTED",
        is: |place, ours, theirs| {
            place == "/KeyConditionExpression"
                && ours.contains("Syntax error")
                && theirs.contains("is a reserved keyword")
        },
    },
    Kind {
        reason: "theirs does not look for empty key values in a Query: see ACCEPTED",
        is: |place, ours, _| {
            place.starts_with("/ExpressionAttributeValues/")
                && ours.contains("cannot contain an empty string value")
        },
    },
    Kind {
        reason: "ours says what both say of the other lists' elements",
        is: |place, ours, theirs| {
            place == "/Tags/0"
                && ours == "Unexpected value type in payload"
                && theirs == "Unexpected field type"
        },
    },
    Kind {
        reason: "a tag's key has a character at least \
                 (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Tag.html); \
                 theirs does not look in CreateTable",
        is: |place, ours, _| {
            place == "/Tags/0/Key" && ours.contains("'tags.1.member.key' failed to satisfy")
        },
    },
];

/// Which of [`KINDS`] a difference is. Theirs is a refusal in all of them.
pub(crate) fn accepted(place: &str, ours: &Answer, theirs: &Answer) -> Option<usize> {
    if theirs.status != 400 {
        return None;
    }
    let (our, their) = (message(ours), message(theirs));
    KINDS.iter().position(|kind| (kind.is)(place, our, their))
}

fn message(answer: &Answer) -> &str {
    let message = answer.body.get("message");
    message.and_then(|m| m.as_str()).unwrap_or_default()
}

#[test]
fn accepted_differences_are_as_they_were_accepted() {
    let pair = furnished();
    for case in ACCEPTED {
        let (ours, theirs) = pair.call_raw(case.operation, case.body);
        for (who, answer, expected) in [("ours", ours, case.ours), ("theirs", theirs, case.theirs)]
        {
            assert!(
                is(&answer, expected),
                "{} {}\n  {who} no longer answers {expected:?}\n  but {answer:?}\n  accepted because {}",
                case.operation,
                case.body,
                case.reason
            );
        }
    }
}

fn is(answer: &Answer, (status, exception, message): Expected) -> bool {
    let said = self::message(answer);
    answer.status == status
        && answer.exception == exception
        && said.starts_with(message)
        && (!message.is_empty() || said.is_empty())
}
