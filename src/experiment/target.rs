//! From a target to a connection: starts the embedded services where they are
//! the target.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::machine;
use super::request::Target;
use super::run::RunError;
use crate::aws::{self, Connection, Options};
use crate::local::{Config, Services};

/// A connected target.
pub(super) struct Connected {
    /// The embedded services; they live as long as this does.
    pub services: Option<Services>,
    /// Clients and credentials.
    pub connection: Connection,
}

/// Starts what has to be started and connects to it.
pub(super) async fn connect(
    target: &Target,
    seed: u64,
    timeout: Duration,
) -> Result<Connected, RunError> {
    let mut options = Options {
        timeout,
        ..Options::default()
    };
    let mut services = None;
    let place = match target {
        Target::Embedded(embedded) => {
            let started = Services::start(Config {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                threads: machine::cores().min(2),
                change_delay: embedded.change_delay,
                retain_bytes: embedded.retain_bytes,
                faults: embedded.faults.clone(),
                seed,
                ..Config::default()
            })?;
            let address = started.address();
            services = Some(started);
            aws::Target::Local(address)
        }
        Target::Aws { region, profile } => {
            options.region.clone_from(region);
            options.profile.clone_from(profile);
            aws::Target::Aws
        }
        Target::Endpoint {
            dynamodb,
            kinesis,
            region,
            profile,
        } => {
            options.region.clone_from(region);
            options.profile.clone_from(profile);
            aws::Target::Endpoint {
                dynamodb: dynamodb.clone(),
                kinesis: kinesis.clone(),
            }
        }
    };
    let connection = aws::connect(&place, &options).await?;
    Ok(Connected {
        services,
        connection,
    })
}
