//! Errors as the services word them.

use serde_json::{Map, Value};

/// An error answer: HTTP status, exception name and message, and whatever
/// further members the exception has.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// HTTP status: 400, 403, 413 or 500.
    pub status: u16,
    /// Exception name without namespace; the server adds the service's
    /// (`com.amazonaws.dynamodb.v20120810#` or none for Kinesis).
    pub exception: &'static str,
    /// The message.
    pub message: String,
    /// Further members, such as `ThrottlingReasons`.
    pub members: serde_json::Map<String, serde_json::Value>,
}

impl Failure {
    /// A client error (400) without further members.
    #[must_use]
    pub fn new(exception: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            exception,
            message: message.into(),
            members: serde_json::Map::new(),
        }
    }

    /// A `ValidationException`.
    #[must_use]
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// A `SerializationException`: the body is not JSON, or a value is of the
    /// wrong JSON type. DynamoDB gives no message for the former.
    #[must_use]
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    /// An `UnknownOperationException`. DynamoDB gives no message; this one
    /// says which known operation is not served here.
    #[must_use]
    pub fn unknown_operation(message: impl Into<String>) -> Self {
        Self::new("UnknownOperationException", message)
    }

    /// 403 `AccessDeniedException`: whoever asks may not.
    #[must_use]
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self {
            status: 403,
            ..Self::new("AccessDeniedException", message)
        }
    }

    /// 500 `InternalServerError`.
    #[must_use]
    pub fn internal() -> Self {
        Self {
            status: 500,
            ..Self::new("InternalServerError", "Internal server error")
        }
    }

    /// The body in DynamoDB's form: the namespaced type, and the message
    /// under the key and in the cases in which DynamoDB gives one.
    #[must_use]
    pub fn dynamodb_body(&self) -> Vec<u8> {
        let namespace = match self.exception {
            "ValidationException" => "com.amazon.coral.validate",
            "ThrottlingException" => "com.amazon.coral.availability",
            "SerializationException"
            | "UnknownOperationException"
            | "MissingAuthenticationTokenException"
            | "IncompleteSignatureException"
            | "InvalidSignatureException"
            | "AccessDeniedException"
            | "RequestEntityTooLargeException" => "com.amazon.coral.service",
            _ => "com.amazonaws.dynamodb.v20120810",
        };
        self.body(format!("{namespace}#{}", self.exception))
    }

    /// The body in Kinesis's form: the bare type.
    #[must_use]
    pub fn kinesis_body(&self) -> Vec<u8> {
        self.body(self.exception.to_owned())
    }

    fn body(&self, kind: String) -> Vec<u8> {
        // As both services have it.
        let message_key = match self.exception {
            "SerializationException" | "AccessDeniedException" => "Message",
            _ => "message",
        };
        let mut body = Map::new();
        body.insert("__type".to_owned(), Value::String(kind));
        if !self.message.is_empty() {
            body.insert(message_key.to_owned(), Value::String(self.message.clone()));
        }
        body.extend(self.members.clone());
        Value::Object(body).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn errors_carry_the_namespace_and_the_message_key_of_their_kind() {
        for (failure, dynamodb) in [
            (
                Failure::validation("m"),
                r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"m"}"#,
            ),
            (
                Failure::new("ResourceNotFoundException", "m"),
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"m"}"#,
            ),
            (
                Failure::serialization("m"),
                r#"{"__type":"com.amazon.coral.service#SerializationException","Message":"m"}"#,
            ),
            (
                Failure::unknown_operation(""),
                r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#,
            ),
        ] {
            assert_eq!(
                String::from_utf8(failure.dynamodb_body()).unwrap(),
                dynamodb
            );
        }
        let kinesis = Failure::new("ResourceNotFoundException", "m").kinesis_body();
        assert_eq!(
            String::from_utf8(kinesis).unwrap(),
            r#"{"__type":"ResourceNotFoundException","message":"m"}"#
        );
        let kinesis = Failure::serialization("m").kinesis_body();
        assert_eq!(
            String::from_utf8(kinesis).unwrap(),
            r#"{"__type":"SerializationException","Message":"m"}"#
        );
    }
}
