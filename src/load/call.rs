//! One call, and the interface that both clients stand behind.

use super::{Direct, DirectSlot, RequestId, Sdk, SdkSlot};
use crate::codec::Layout;
use crate::codec::response::{BatchReply, ServiceError};
use crate::trouble::Trouble;
use crate::workload::{Reading, ReadingId};

/// How a call ended, as seen by the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A status of success: [`Call::reply`] says what was written.
    Answered,
    /// The service answered with an error.
    Refused {
        /// HTTP status.
        status: u16,
        /// What the body says.
        error: ServiceError,
    },
    /// A status of success, but the body, which may be empty, is not an answer to
    /// BatchWriteItem.
    Unreadable,
    /// The body is not the one that its checksum (`x-amz-crc32`) was made of.
    Corrupted,
    /// No answer in time.
    TimedOut,
    /// The connection could not be made, or broke.
    Disconnected(Trouble),
    /// No credentials to sign with; with the cause.
    NoCredentials(String),
    /// The request could not be built; with the cause.
    Unsendable(String),
}

/// Whether a status says that the call succeeded, as the SDK has it: then the body is to
/// say what was written.
pub(super) fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// One BatchWriteItem call: what is to be written and, afterwards, how it went.
/// Belongs to an in-flight slot and is reused.
#[derive(Debug)]
pub struct Call {
    /// The readings to write; no two with the same id.
    pub readings: Vec<Reading>,
    /// The answer, if the outcome is [`Outcome::Answered`].
    pub reply: BatchReply,
    /// How it ended.
    pub outcome: Outcome,
    /// What the service calls it, where it was answered.
    pub request_id: RequestId,
}

impl Call {
    /// An empty call with room for a full batch.
    #[must_use]
    pub fn new() -> Self {
        Self {
            readings: Vec::with_capacity(crate::codec::batch::MAX_ITEMS),
            reply: BatchReply::default(),
            outcome: Outcome::Answered,
            request_id: RequestId::default(),
        }
    }
}

impl Call {
    /// What an answer that could be read comes to: one whose reply names a reading as
    /// unwritten that was not sent, or one twice, is not this call's.
    pub(super) fn answered(&self) -> Outcome {
        let unprocessed = &self.reply.unprocessed;
        let was_sent = |id: &ReadingId| self.readings.iter().any(|reading| reading.id == *id);
        let mut named = unprocessed.iter().enumerate();
        match named.all(|(at, id)| was_sent(id) && !unprocessed[..at].contains(id)) {
            true => Outcome::Answered,
            false => Outcome::Unreadable,
        }
    }
}

impl Default for Call {
    fn default() -> Self {
        Self::new()
    }
}

/// One in-flight slot's way to the service.
pub trait Slot {
    /// Sends the call's readings and sets its outcome. Never retries, and ends
    /// within the client's timeout.
    fn send(&mut self, call: &mut Call) -> impl Future<Output = ()>;
}

/// A client: makes the slots of a worker.
pub trait Sink {
    /// What one call at a time goes through.
    type Slot: Slot;

    /// A slot that writes into `table` with `layout`.
    fn slot(&self, table: &str, layout: Layout) -> Self::Slot;
}

/// The clients a person can choose from.
#[derive(Debug)]
pub enum Client {
    /// aws-sdk-dynamodb: what an application that uses the SDK sees.
    Sdk(Sdk),
    /// Hand-written requests: a fraction of the CPU, for high rates.
    Direct(Direct),
}

/// A slot of a [`Client`].
#[derive(Debug)]
pub enum ClientSlot {
    /// A slot of [`Client::Sdk`].
    Sdk(SdkSlot),
    /// A slot of [`Client::Direct`].
    Direct(Box<DirectSlot>),
}

impl Sink for Client {
    type Slot = ClientSlot;

    fn slot(&self, table: &str, layout: Layout) -> ClientSlot {
        match self {
            Client::Sdk(sdk) => ClientSlot::Sdk(sdk.slot(table, layout)),
            Client::Direct(direct) => ClientSlot::Direct(Box::new(direct.slot(table, layout))),
        }
    }
}

impl Slot for ClientSlot {
    async fn send(&mut self, call: &mut Call) {
        match self {
            ClientSlot::Sdk(slot) => slot.send(call).await,
            ClientSlot::Direct(slot) => slot.send(call).await,
        }
    }
}
