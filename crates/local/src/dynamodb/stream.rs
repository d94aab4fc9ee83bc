//! A table's own stream (DynamoDB Streams): `StreamSpecification` in requests and in
//! descriptions. The stream itself is [`crate::table_streams`]'s.

use hrload_base::sync::{reading, writing};
use serde_json::{Value, json};

use super::problem::not_served;
use super::request::{Members, constraints, not_in};
use super::table::Table;
use super::{Database, control};
use crate::Failure;
use crate::table_streams::{Enabled, View, specification};

/// What a `StreamSpecification` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Enable(View),
    Disable,
}

/// Reads a `StreamSpecification`.
pub(super) fn asked(database: &Database, members: &Members<'_>) -> Result<Option<Asked>, Failure> {
    let Some(specification) = members.object("StreamSpecification") else {
        return Ok(None);
    };
    let view = specification.text("StreamViewType");
    if !specification.flag("StreamEnabled").unwrap_or(false) {
        return match view {
            None => Ok(Some(Asked::Disable)),
            Some(_) => Err(Failure::validation(
                "One or more parameter values were invalid: StreamViewType must not be given \
                 when StreamEnabled is false",
            )),
        };
    }
    if database.table_streams.is_none() {
        return Err(not_served("StreamSpecification"));
    }
    let Some(name) = view else {
        return Err(Failure::validation(
            "One or more parameter values were invalid: StreamViewType must be given when \
             StreamEnabled is true",
        ));
    };
    match View::parse(&name) {
        Some(view) => Ok(Some(Asked::Enable(view))),
        None => {
            constraints(&[not_in(
                &name,
                "streamSpecification.streamViewType",
                "NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY",
            )])?;
            Ok(None)
        }
    }
}

/// Enables the stream of a table that has none.
pub(super) fn enable(
    database: &Database,
    table: &Table,
    view: View,
    now_us: u64,
) -> Result<(), Failure> {
    let Some(streams) = &database.table_streams else {
        return Ok(());
    };
    // Before the destinations are locked: settings are locked first everywhere.
    let shards = table.partition_ends(now_us).len() as u32;
    let mut destinations = writing(&table.destinations);
    if destinations.stream_enabled {
        return Err(Failure::validation(format!(
            "Table already has an enabled stream: TableName: {}",
            table.name
        )));
    }
    let enabled = Enabled {
        table: &table.name,
        table_arn: &table.arn,
        view,
        keys: control::key_schema(table),
        shards,
    };
    destinations.stream = Some(streams.enable(enabled, now_us));
    destinations.stream_enabled = true;
    Ok(())
}

/// Enables or disables the stream of a table.
pub(super) fn change(
    database: &Database,
    table: &Table,
    asked: Asked,
    now_us: u64,
) -> Result<(), Failure> {
    if let Asked::Enable(view) = asked {
        return enable(database, table, view, now_us);
    }
    let mut destinations = writing(&table.destinations);
    let enabled = std::mem::take(&mut destinations.stream_enabled);
    match &destinations.stream {
        Some(stream) if enabled => {
            stream.disable(now_us);
            Ok(())
        }
        _ => Err(Failure::validation(format!(
            "Table has no stream to disable: TableName: {}",
            table.name
        ))),
    }
}

/// Adds what a `TableDescription` says of the stream; the ARN of the latest stays
/// after it was disabled.
pub(super) fn describe(table: &Table, description: &mut Value) {
    let destinations = reading(&table.destinations);
    let Some(stream) = &destinations.stream else {
        return;
    };
    description["LatestStreamArn"] = json!(stream.arn);
    description["LatestStreamLabel"] = json!(stream.label);
    if destinations.stream_enabled {
        description["StreamSpecification"] = specification(stream.view);
    }
}
