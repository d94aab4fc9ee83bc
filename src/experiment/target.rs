//! From a target to a connection: starts the embedded services where they are
//! the target.

use super::error::RunError;
use super::machine;
use super::request::{Request, TableMode, Target, Warm};
use super::setting::Setting;
use crate::aws::{self, Connection, Options};
use crate::local::{Limits, Services};

/// A connected target.
pub(super) struct Connected {
    /// The embedded services; they live as long as this does.
    pub services: Option<Services>,
    /// Clients and credentials.
    pub connection: Connection,
}

/// Starts what has to be started and connects to it.
pub(super) async fn connect(request: &Request, setting: &Setting) -> Result<Connected, RunError> {
    let mut options = Options {
        timeout: request.sending.timeout,
        ..Options::default()
    };
    let mut services = None;
    let place = match &request.target {
        Target::Embedded(embedded) => {
            options.region.clone_from(&embedded.region);
            let limits = embedded.limits.clone();
            let limits = limits.map(|limits| raised(limits, request, setting));
            let mut builder = Services::builder()
                .threads(machine::cores().min(2))
                .change_delay(embedded.change_delay)
                .retain_bytes(embedded.retain_bytes)
                .capacity(limits)
                .faults(embedded.faults.clone())
                .seed(request.seed);
            if let Some(region) = &embedded.region {
                builder = builder.region(region);
            }
            let started = builder.start()?;
            if !request.phases.warmup.is_zero() {
                started.hold_counted_faults();
            }
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

/// What is sized for the rate may need a larger account than a new one: where
/// nothing was asked for by number, the embedded one is as large as it takes.
fn raised(mut limits: Limits, request: &Request, setting: &Setting) -> Limits {
    let asked = matches!(
        request.resources.table_mode,
        TableMode::OnDemand {
            warm: Warm::Units(_)
        } | TableMode::Provisioned {
            write_units: Some(_)
        }
    );
    if let Some(units) = setting.beyond_quota().filter(|_| !asked) {
        limits.quotas.table.write = units;
        limits.quotas.account.write = limits.quotas.account.write.max(units);
    }
    limits
}
