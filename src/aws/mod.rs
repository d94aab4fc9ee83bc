//! The real services, or any server that speaks their protocols.
//!
//! In goes where to send; out come configured clients, credentials and the
//! endpoint they resolve to, all checked before any load starts; the table,
//! stream and destination that a run needs, made, waited for and removed; and what AWS
//! itself counted of it. Must not know what is sent.

mod advice;
mod answer;
mod complete;
mod connect;
mod destination;
mod endpoint;
mod error;
mod leftovers;
mod metrics;
mod ownership;
mod patience;
pub mod permissions;
mod preflight;
mod provision;
pub(crate) mod proxy;
mod resolve;
mod setup;
mod state;
mod table_stream;
mod wanted;

pub use advice::{advice, with_advice};
pub use connect::{ConnectError, Connection, Options, Target, connect};
pub use error::ProvisionError;
pub use leftovers::{Kind, Leftover, leftovers, remove};
pub use metrics::{Asked, Counted, Lack, counted};
pub use preflight::{Surroundings, look_around};
pub use provision::{provision, provisioned_write_units, tear_down};
pub use resolve::Spread;
pub use setup::{SetupError, check_made, prolong, set_up, take_down};
pub use state::{HeldState, Progress, Resource, STATE_SCHEMA, State, StateError, StateFile};
pub use wanted::{Owner, Provisioned, TableThroughput, Wanted, WantedStream};
