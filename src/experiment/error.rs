//! Why a run could not be made.

use std::io;

use crate::aws::{ConnectError, ProvisionError, SetupError, with_advice};
use crate::lake::{DeliverError, StoreError};
use crate::load::{Abort, DirectError};
use crate::local::StartError;
use crate::report::WriteError;
use crate::stream::FollowError;
use crate::workload::WorkloadError;

/// Why a run could not be made, or not be brought to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The request asks for something that cannot be.
    #[error(transparent)]
    Impossible(#[from] WorkloadError),
    /// The embedded services did not start.
    #[error(transparent)]
    Services(#[from] StartError),
    /// There is no connection to the target.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Table or stream could not be made, or not be removed.
    #[error("{target}: {source}")]
    Provision {
        /// Where.
        target: String,
        /// What.
        source: ProvisionError,
    },
    /// Table or stream are not those that were set up.
    #[error(transparent)]
    NotAsSetUp(SetupError),
    /// The direct client cannot be used with this endpoint.
    #[error(transparent)]
    Direct(#[from] DirectError),
    /// The stream cannot be read.
    #[error("cannot follow the stream")]
    Follow(#[source] FollowError),
    /// The lake cannot be opened.
    #[error(transparent)]
    LakeStore(#[from] StoreError),
    /// Objects of the lake cannot be named so.
    #[error("{0}")]
    LakeName(String),
    /// Delivery into the lake cannot begin.
    #[error("cannot deliver into the lake: {0}")]
    Lake(#[source] DeliverError),
    /// The result cannot be written there.
    #[error(transparent)]
    Output(#[from] WriteError),
    /// The service refused in a way that sending more cannot mend.
    #[error("the load was given up: {}", with_advice(&format!("{}: {}", .0.code, .0.message)))]
    Aborted(Abort),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A thread ended without a word: a bug.
    #[error("{0} ended unexpectedly")]
    ThreadDied(&'static str),
    /// A signal came before there was anything to write.
    #[error("interrupted before anything was measured")]
    Stopped,
}
