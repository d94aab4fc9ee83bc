//! A look around before anything is made: whose credentials these are, what the
//! account allows, what is there already, and whether the clocks agree.
//!
//! Nothing of it is needed for a run: what cannot be looked at is left out, and said.

use crate::sync::locked;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;

use super::Connection;
use super::provision::{describe_stream, describe_table};
use crate::capacity::table::NEW_TABLE;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surroundings {
    /// Whose the credentials are: an ARN.
    pub identity: Option<String>,
    /// Write units a second that a table may be given, and all provisioned tables of
    /// the account together.
    pub write_quotas: Option<(u64, u64)>,
    /// Open shards of the account's provisioned streams, and how many there may be.
    pub shards: Option<(u64, u64)>,
    /// Write units a second that the table takes at once, if it is there.
    pub table_units: Option<u64>,
    /// Open shards of the stream, if it is there and provisioned.
    pub stream_shards: Option<u64>,
    /// Seconds that this machine's clock is ahead of the service's; a second more or
    /// less is not seen.
    pub clock_ahead_s: Option<f64>,
    /// What could not be looked at, and why.
    pub unknown: Vec<String>,
}

/// Looks around on AWS, where `table` and `stream` are to be used.
pub async fn look_around(
    connection: &Connection,
    table: &str,
    stream: Option<&str>,
) -> Surroundings {
    let mut found = Surroundings::default();
    let identity = connection.sts().get_caller_identity().send().await;
    match identity {
        Ok(identity) => found.identity = identity.arn,
        Err(error) => found.miss("sts:GetCallerIdentity", error.code()),
    }
    let dates = Dates::default();
    let limits = connection.dynamodb.describe_limits().customize();
    match limits.interceptor(dates.clone()).send().await {
        Ok(limits) => {
            let units = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok());
            found.write_quotas = units(limits.table_max_write_capacity_units)
                .zip(units(limits.account_max_write_capacity_units));
        }
        Err(error) => found.miss("dynamodb:DescribeLimits", error.code()),
    }
    found.clock_ahead_s = dates.ahead_s();
    // That a table cannot be described is told by who needs it.
    if let Ok(Some(table)) = describe_table(connection, table).await {
        let provisioned = table.provisioned_throughput();
        let provisioned = provisioned.and_then(|of| of.write_capacity_units);
        let warm = table.warm_throughput();
        let warm = warm.and_then(|of| of.write_units_per_second);
        let units = provisioned.filter(|units| *units > 0).or(warm);
        let units = units.and_then(|units| u64::try_from(units).ok());
        found.table_units = Some(units.unwrap_or(NEW_TABLE.write));
    }
    if let Some(stream) = stream {
        match connection.kinesis.describe_limits().send().await {
            Ok(limits) => {
                let count = |count: i32| u64::try_from(count).unwrap_or(0);
                found.shards = Some((count(limits.open_shard_count), count(limits.shard_limit)));
            }
            Err(error) => found.miss("kinesis:DescribeLimits", error.code()),
        }
        if let Ok(Some(stream)) = describe_stream(connection, stream).await {
            let mode = stream.stream_mode_details();
            let on_demand = mode.is_some_and(|mode| mode.stream_mode().as_str() == "ON_DEMAND");
            let shards = u64::try_from(stream.open_shard_count).unwrap_or(0);
            found.stream_shards = (!on_demand).then_some(shards);
        }
    }
    found
}

impl Surroundings {
    fn miss(&mut self, action: &str, code: Option<&str>) {
        let why = code.unwrap_or("no answer");
        self.unknown.push(format!("{action} ({why})"));
    }
}

/// Hears when the service says it is.
#[derive(Clone, Default)]
struct Dates(Arc<Mutex<Option<f64>>>);

impl fmt::Debug for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dates")
    }
}

impl Dates {
    fn ahead_s(&self) -> Option<f64> {
        *locked(&self.0)
    }
}

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        if let Some(date) = date {
            let ahead = Timestamp::now().duration_since(date.timestamp());
            // A date leaves out what its second has behind the point: half of one.
            let ahead_s = ahead.as_secs_f64() - 0.5;
            *locked(&self.0) = Some(ahead_s);
        }
        Ok(())
    }
}
