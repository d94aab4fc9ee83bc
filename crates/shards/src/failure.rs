//! What can go wrong with a call that reads a stream, and what it means for following.

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};

use hrload_net::trouble::{Obstacle, Trouble as Met, words};

/// Whose stream is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Kinesis Data Streams.
    Kinesis,
    /// DynamoDB Streams.
    DynamoDbStreams,
}

impl Service {
    /// As people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Service::Kinesis => "Kinesis",
            Service::DynamoDbStreams => "DynamoDB Streams",
        }
    }

    /// What helps where others read as well.
    fn beside_others(self) -> &'static str {
        match self {
            Service::Kinesis => {
                "let them ask less often, or read with a consumer of its own \
                 (--consumer enhanced-fan-out)"
            }
            Service::DynamoDbStreams => "let them ask less often",
        }
    }

    /// As permissions call it.
    fn prefix(self) -> &'static str {
        match self {
            Service::Kinesis => "kinesis",
            Service::DynamoDbStreams => "dynamodb",
        }
    }
}

/// Why following could not begin, or ended unasked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// There is no such stream.
    #[error(
        "stream {stream} does not exist ({operation}: {message}); check its name, the region and the account"
    )]
    NoSuchStream {
        /// The stream's name.
        stream: String,
        /// The operation that said so.
        operation: &'static str,
        /// The service's message.
        message: String,
    },
    /// The consumer that read the stream is gone.
    #[error(
        "the consumer of stream {stream} is gone ({operation}: {message}); look who deregistered it"
    )]
    NoSuchConsumer {
        /// The stream's name.
        stream: String,
        /// The operation that said so.
        operation: &'static str,
        /// The service's message.
        message: String,
    },
    /// The credentials are not good, or not good for this.
    #[error(
        "{operation} on stream {stream} was denied: {message}; check the credentials and their {}:{operation} permission",
        service.prefix()
    )]
    Denied {
        /// Whose stream it is.
        service: Service,
        /// The stream's name.
        stream: String,
        /// The operation that was denied.
        operation: &'static str,
        /// The service's message.
        message: String,
    },
    /// Nobody answered.
    #[error(
        "{} cannot be reached ({operation} on stream {stream}: {message}); check the endpoint, the region and the credentials",
        service.name()
    )]
    Unreachable {
        /// Whose stream it is.
        service: Service,
        /// The stream's name.
        stream: String,
        /// The operation that was tried.
        operation: &'static str,
        /// The innermost causes.
        message: String,
    },
    /// The system gave this process no handle for another connection.
    #[error(
        "{operation} on stream {stream} was not sent: {message}; raise `ulimit -n`: each shard \
         takes a connection"
    )]
    OutOfHandles {
        /// The stream's name.
        stream: String,
        /// The operation that was tried.
        operation: &'static str,
        /// The system's words.
        message: String,
    },
    /// The service refused, and did so again when asked again.
    #[error("{operation} on stream {stream} failed: {message}")]
    Refused {
        /// The stream's name.
        stream: String,
        /// The operation that failed.
        operation: &'static str,
        /// Exception and message.
        message: String,
    },
    /// Others used up what the stream allows.
    #[error(
        "{operation} on stream {stream} was throttled {times} times in a row: {message}; other \
         consumers use up what is allowed: {}",
        service.beside_others()
    )]
    Throttled {
        /// Whose stream it is.
        service: Service,
        /// The stream's name.
        stream: String,
        /// The operation that was throttled.
        operation: &'static str,
        /// Exception and message.
        message: String,
        /// How often it was tried.
        times: u32,
    },
    /// The enhanced fan-out consumer was not to be had in time.
    #[error(
        "consumer {consumer} of stream {stream} is still {status} after {waited_s} s; try another name or polling"
    )]
    ConsumerNotActive {
        /// The consumer's name.
        consumer: String,
        /// The stream's name.
        stream: String,
        /// Its status, as last seen.
        status: String,
        /// How long it was waited for, in seconds.
        waited_s: u64,
    },
    /// The follower is gone: it was told to stop, or its thread ended.
    #[error("following the stream ended before it had begun")]
    Ended,
}

/// What a failed call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Called too often, or too much data asked for.
    Throttled,
    /// The iterator is more than five minutes old.
    ExpiredIterator,
    /// What was to be read next is past retention.
    Trimmed,
    /// An argument is not accepted: an iterator of a stream made anew, say.
    InvalidArgument,
    /// No such stream, shard or consumer.
    NotFound,
    /// Exists, but is being made or changed, or is subscribed to already.
    InUse,
    /// Credentials or permissions.
    Denied,
    /// No answer: connection, time-out, or a request that could not be made.
    Unreachable,
    /// No file handle for another connection; nothing was sent.
    OutOfHandles,
    /// Anything else: 500s, answers that cannot be read.
    Other,
}

/// A failed call: what it means, and how to say it.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What kind of failure it was, and so whether to try again.
    pub trouble: Trouble,
    /// What was said of it, on one line.
    pub message: String,
}

impl Failed {
    /// A call that got no answer in its time.
    pub fn timed_out() -> Self {
        Self {
            trouble: Trouble::Unreachable,
            message: "no answer in time".to_owned(),
        }
    }

    /// A 200 whose content is of no use.
    pub fn unusable(what: &str) -> Self {
        Self {
            trouble: Trouble::Other,
            message: what.to_owned(),
        }
    }

    /// Whether the service may have done what was asked and only its answer is missing.
    pub(super) fn is_without_answer(&self) -> bool {
        matches!(self.trouble, Trouble::Unreachable | Trouble::Other)
    }

    /// The error that this failure ends following with.
    pub(super) fn into_error(
        self,
        service: Service,
        operation: &'static str,
        stream: &str,
    ) -> FollowError {
        let (stream, message) = (stream.to_owned(), self.message);
        match self.trouble {
            // It is asked by a consumer, and says which of the two is missing.
            Trouble::NotFound
                if operation == "SubscribeToShard" && message.contains("Consumer ") =>
            {
                FollowError::NoSuchConsumer {
                    stream,
                    operation,
                    message,
                }
            }
            Trouble::NotFound => FollowError::NoSuchStream {
                stream,
                operation,
                message,
            },
            Trouble::Denied => FollowError::Denied {
                service,
                stream,
                operation,
                message,
            },
            Trouble::Unreachable => FollowError::Unreachable {
                service,
                stream,
                operation,
                message,
            },
            Trouble::OutOfHandles => FollowError::OutOfHandles {
                stream,
                operation,
                message,
            },
            _ => FollowError::Refused {
                stream,
                operation,
                message,
            },
        }
    }
}

impl<E, R> From<SdkError<E, R>> for Failed
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let service = error.as_service_error();
        let code = service.and_then(|error| error.code());
        let trouble = match (&error, code) {
            (_, Some(code)) => trouble_named(code),
            _ if Met::of(&error).obstacle == Obstacle::OpenFiles => Trouble::OutOfHandles,
            (
                SdkError::DispatchFailure(_)
                | SdkError::TimeoutError(_)
                | SdkError::ConstructionFailure(_),
                None,
            ) => Trouble::Unreachable,
            _ => Trouble::Other,
        };
        let message = match service {
            Some(service) => match (service.code(), service.message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                _ => "an error without a name".to_owned(),
            },
            None => words(&error),
        };
        Self { trouble, message }
    }
}

fn trouble_named(code: &str) -> Trouble {
    match code {
        "ProvisionedThroughputExceededException"
        | "LimitExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "KMSThrottlingException" => Trouble::Throttled,
        "ExpiredIteratorException" => Trouble::ExpiredIterator,
        "TrimmedDataAccessException" => Trouble::Trimmed,
        "InvalidArgumentException" | "ValidationException" => Trouble::InvalidArgument,
        "ResourceNotFoundException" => Trouble::NotFound,
        "ResourceInUseException" => Trouble::InUse,
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorizedException"
        | "OptInRequired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Trouble::Denied,
        _ => Trouble::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_consumer_is_told_from_a_missing_stream() {
        for (operation, message, said) in [
            (
                "SubscribeToShard",
                "ResourceNotFoundException: Consumer arn:aws:kinesis:x not found.",
                "the consumer of stream ss is gone",
            ),
            (
                "SubscribeToShard",
                "ResourceNotFoundException: Stream ss under account 1 not found.",
                "stream ss does not exist",
            ),
            (
                "GetShardIterator",
                "ResourceNotFoundException: Stream ss under account 1 not found.",
                "stream ss does not exist",
            ),
        ] {
            let failed = Failed {
                trouble: Trouble::NotFound,
                message: message.to_owned(),
            };
            let told = failed.into_error(Service::Kinesis, operation, "ss");
            assert!(told.to_string().starts_with(said), "{told}");
        }
    }
}
