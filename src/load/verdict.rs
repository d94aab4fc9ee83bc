//! What an outcome means for the readings of a call.

use std::borrow::Cow;

use super::Outcome;

/// What to do after a call that wrote nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The service has no capacity: send again later.
    Throttle,
    /// It may work the next time: send again later.
    Transient,
    /// It cannot work for these readings.
    Permanent,
    /// It cannot work for any reading.
    Fatal,
}

/// A judged failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict<'a> {
    /// Short stable code: exception name, `http-<status>`, `timeout`, ...
    pub(super) code: Cow<'a, str>,
    pub(super) kind: Kind,
    /// Whatever else was said, for people.
    pub(super) message: &'a str,
}

/// Codes the AWS SDK for Rust takes for throttles, as far as DynamoDB uses them
/// (<https://github.com/smithy-lang/smithy-rs/blob/main/aws/rust-runtime/aws-runtime/src/retries/classifiers.rs>).
const THROTTLES: [&str; 7] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "Throttling",
    "ThrottledException",
    "TooManyRequestsException",
];

/// Client errors that a later attempt may mend
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>).
const TRANSIENT: [&str; 4] = [
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalServerError",
    "ServiceUnavailable",
];

/// Errors that every call of this run would get
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html>).
const FATAL: [&str; 12] = [
    "AccessDeniedException",
    "ResourceNotFoundException",
    "ExpiredTokenException",
    "ExpiredToken",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "IncompleteSignature",
    "MissingAuthenticationTokenException",
    "InvalidClientTokenId",
    "OptInRequired",
    "UnknownOperationException",
];

/// Judges an outcome; `None` if the call was answered.
pub(super) fn judge(outcome: &Outcome) -> Option<Verdict<'_>> {
    let (code, kind, message) = match outcome {
        Outcome::Answered => return None,
        Outcome::Refused { status, error } => {
            let exception = error.exception.as_str();
            let kind = if THROTTLES.contains(&exception) {
                Kind::Throttle
            } else if *status >= 500 || TRANSIENT.contains(&exception) {
                Kind::Transient
            } else if FATAL.contains(&exception) {
                Kind::Fatal
            } else {
                Kind::Permanent
            };
            let code = if exception.is_empty() {
                Cow::Owned(format!("http-{status}"))
            } else {
                Cow::Borrowed(exception)
            };
            (code, kind, error.message.as_str())
        }
        // Puts of whole items can be repeated without harm, so an answer that
        // nobody could read is worth another try.
        Outcome::Unreadable => (Cow::Borrowed("unreadable-answer"), Kind::Transient, ""),
        Outcome::Corrupted => (Cow::Borrowed("crc32-mismatch"), Kind::Transient, ""),
        Outcome::TimedOut => (Cow::Borrowed("timeout"), Kind::Transient, ""),
        Outcome::Disconnected(trouble) => (
            Cow::Borrowed("connection"),
            Kind::Transient,
            trouble.words.as_str(),
        ),
        Outcome::NoCredentials(cause) => {
            (Cow::Borrowed("credentials"), Kind::Fatal, cause.as_str())
        }
        Outcome::Unsendable(cause) => (Cow::Borrowed("request"), Kind::Permanent, cause.as_str()),
    };
    Some(Verdict {
        code,
        kind,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::response::ServiceError;

    #[test]
    fn errors_are_told_apart_by_what_a_retry_can_do() {
        for (status, exception, kind, code) in [
            (
                400,
                "ProvisionedThroughputExceededException",
                Kind::Throttle,
                "",
            ),
            (400, "ThrottlingException", Kind::Throttle, ""),
            (400, "RequestLimitExceeded", Kind::Throttle, ""),
            (503, "ThrottlingException", Kind::Throttle, ""),
            (500, "InternalServerError", Kind::Transient, ""),
            (503, "", Kind::Transient, "http-503"),
            (400, "ValidationException", Kind::Permanent, ""),
            (413, "", Kind::Permanent, "http-413"),
            (400, "AccessDeniedException", Kind::Fatal, ""),
            (400, "ResourceNotFoundException", Kind::Fatal, ""),
            (400, "ExpiredTokenException", Kind::Fatal, ""),
        ] {
            let outcome = Outcome::Refused {
                status,
                error: ServiceError {
                    exception: exception.into(),
                    ..ServiceError::default()
                },
            };
            let verdict = judge(&outcome);
            let expected = if code.is_empty() { exception } else { code };
            assert_eq!(
                verdict.map(|v| (v.kind, v.code.into_owned())),
                Some((kind, expected.to_owned())),
                "{status} {exception}"
            );
        }
        assert_eq!(judge(&Outcome::Answered), None);
    }
}
