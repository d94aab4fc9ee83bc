//! The `sdk` client: BatchWriteItem calls by aws-sdk-dynamodb, as an
//! application would make them, with the SDK's own retries off.

mod attributes;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::RequestId as _;
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemError, BatchWriteItemOutput};
use aws_sdk_dynamodb::types::{PutRequest, ReturnConsumedCapacity, WriteRequest};

use super::call::is_success;
use super::{Call, Outcome, RequestId, Sink, Slot};
use crate::codec::{Layout, response};
use crate::trouble::{Obstacle, Trouble, words};
use attributes::{has_key, item};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Makes the slots of the `sdk` client, for one worker.
#[derive(Debug, Clone)]
pub struct Sdk {
    client: aws_sdk_dynamodb::Client,
}

impl Sdk {
    /// Sends through `client`, whose retries must be off and whose connection
    /// pool must belong to the worker's runtime
    /// (see [`Connection::worker_dynamodb`](crate::aws::Connection::worker_dynamodb)).
    #[must_use]
    pub fn new(client: aws_sdk_dynamodb::Client) -> Self {
        Self { client }
    }
}

impl Sink for Sdk {
    type Slot = SdkSlot;

    fn slot(&self, table: &str, layout: Layout) -> SdkSlot {
        SdkSlot {
            client: self.client.clone(),
            table: table.to_owned(),
            layout,
            corrupted: Arc::default(),
        }
    }
}

/// One in-flight slot of the `sdk` client.
#[derive(Debug)]
pub struct SdkSlot {
    client: aws_sdk_dynamodb::Client,
    table: String,
    layout: Layout,
    /// The answer to the call under way is not what was sent.
    corrupted: Arc<AtomicBool>,
}

impl Slot for SdkSlot {
    async fn send(&mut self, call: &mut Call) {
        self.corrupted.store(false, Relaxed);
        let answer = self.put(call).await;
        let id = match &answer {
            Ok(output) => output.request_id(),
            Err(error) => error.request_id(),
        };
        call.request_id = RequestId::new(id.unwrap_or_default().as_bytes());
        call.outcome = match answer {
            _ if self.corrupted.load(Relaxed) => Outcome::Corrupted,
            Ok(output) => self.read(&output, call),
            Err(error) => refusal(error),
        };
    }
}

impl SdkSlot {
    async fn put(
        &self,
        call: &Call,
    ) -> Result<BatchWriteItemOutput, SdkError<BatchWriteItemError, HttpResponse>> {
        let mut requests = Vec::with_capacity(call.readings.len());
        for reading in &call.readings {
            let put = PutRequest::builder().set_item(Some(item(self.layout, reading)));
            let put = put.build().map_err(SdkError::construction_failure)?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        self.client
            .batch_write_item()
            .request_items(&self.table, requests)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(Checksum(Arc::clone(&self.corrupted)))
            .send()
            .await
    }

    fn read(&self, output: &BatchWriteItemOutput, call: &mut Call) -> Outcome {
        let reply = &mut call.reply;
        reply.unprocessed.clear();
        reply.consumed_units = None;
        // The SDK accepts `{}`, and null; they do not say that anything was written.
        let Some(unprocessed) = output.unprocessed_items() else {
            return Outcome::Unreadable;
        };
        for units in output
            .consumed_capacity()
            .iter()
            .filter_map(|c| c.capacity_units())
        {
            let sum = reply.consumed_units.unwrap_or(0.0) + units;
            // As the other client judges it: no table takes less than nothing.
            if units < 0.0 || !sum.is_finite() {
                return Outcome::Unreadable;
            }
            reply.consumed_units = Some(sum);
        }
        for request in unprocessed.values().flatten() {
            let Some(put) = request.put_request() else {
                return Outcome::Unreadable;
            };
            // The SDK has taken the item apart; its key says which it was.
            let same =
                |reading: &&crate::workload::Reading| has_key(self.layout, reading, put.item());
            match call.readings.iter().find(same) {
                Some(reading) => reply.unprocessed.push(reading.id),
                None => return Outcome::Unreadable,
            }
        }
        call.answered()
    }
}

/// Compares an answer's body with its `x-amz-crc32`, which the SDK leaves to others.
#[derive(Debug)]
struct Checksum(Arc<AtomicBool>);

impl Intercept for Checksum {
    fn name(&self) -> &'static str {
        "Checksum"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _runtime: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let told = answer.headers().get("x-amz-crc32");
        let told = told.and_then(|told| told.trim().parse::<u32>().ok());
        if let (Some(told), Some(body)) = (told, answer.body().bytes()) {
            self.0.store(crc32fast::hash(body) != told, Relaxed);
        }
        Ok(())
    }
}

/// What went wrong, read from the answer itself where there was one: the SDK's
/// modelled errors do not have the throttling reasons in both spellings.
fn refusal(error: SdkError<BatchWriteItemError, HttpResponse>) -> Outcome {
    // A connection that is cut within an answer's body leaves its head behind.
    if let SdkError::ResponseError(_) = &error {
        let trouble = Trouble::of(&error);
        if trouble.obstacle != Obstacle::Other {
            return Outcome::Disconnected(trouble);
        }
    }
    if let Some(raw) = error.raw_response() {
        let status = raw.status().as_u16();
        if is_success(status) {
            return Outcome::Unreadable;
        }
        return Outcome::Refused {
            status,
            error: response::decode_error(raw.body().bytes().unwrap_or_default()),
        };
    }
    let cause = || words(&error);
    match &error {
        SdkError::TimeoutError(_) => Outcome::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Outcome::TimedOut,
        SdkError::DispatchFailure(_) if is_credentials(&error) => Outcome::NoCredentials(cause()),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Outcome::Disconnected(Trouble::of(&error))
        }
        _ if is_credentials(&error) => Outcome::NoCredentials(cause()),
        _ => Outcome::Unsendable(cause()),
    }
}

/// Whether loading credentials is what failed.
fn is_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<aws_credential_types::provider::error::CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
