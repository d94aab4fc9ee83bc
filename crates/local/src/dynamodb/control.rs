//! The control plane besides CreateTable: describing, listing, updating and
//! deleting tables, limits and endpoints.

use hrload_base::sync::{reading, writing};
use std::sync::Arc;

use serde_json::{Value, json};

use super::Database;
use super::create::{billing_mode, check_throughput, refuse_encryption, table_class};
use super::name::{TableName, fits_pattern};
use super::request::{Members, constraints, missing};
use super::table::{BillingMode, Settings, Status, TRANSITION_US, Table, Units};
use super::throughput::{self, maximum, mode};
use super::{shapes, stream};
use crate::Failure;
use hrload_capacity::table::{self as capacity, Change, Description, Mode};

const INVALID: &str = "One or more parameter values were invalid: ";

/// Microseconds as the seconds of a JSON timestamp, to the millisecond.
fn seconds(us: u64) -> f64 {
    (us / 1000) as f64 / 1000.0
}

/// A pair of unit counts in a structure member.
pub(super) fn units(members: &Members<'_>, name: &str, read: &str, write: &str) -> Option<Units> {
    let pair = members.object(name)?;
    Some(Units {
        read: pair.integer(read),
        write: pair.integer(write),
    })
}

pub(super) fn provisioned(members: &Members<'_>) -> Option<Units> {
    units(
        members,
        "ProvisionedThroughput",
        "ReadCapacityUnits",
        "WriteCapacityUnits",
    )
}

pub(super) fn on_demand_limits(members: &Members<'_>) -> Units {
    let limits = units(
        members,
        "OnDemandThroughput",
        "MaxReadRequestUnits",
        "MaxWriteRequestUnits",
    );
    limits.unwrap_or_default()
}

/// Adds what is wrong with provisioned units to `errors`.
pub(super) fn provisioned_errors(units: Option<Units>, errors: &mut Vec<String>) {
    let Some(units) = units else { return };
    for (name, value) in [
        ("writeCapacityUnits", units.write),
        ("readCapacityUnits", units.read),
    ] {
        let member = format!("provisionedThroughput.{name}");
        match value {
            None => errors.push(missing(&member)),
            Some(value) if value < 1 => errors.push(format!(
                "Value '{value}' at '{member}' failed to satisfy constraint: Member must have \
                 value greater than or equal to 1"
            )),
            Some(_) => {}
        }
    }
}

/// The table a control-plane call names.
pub(super) fn table_of(
    database: &Database,
    members: &Members<'_>,
    now_us: u64,
) -> Result<Arc<Table>, Failure> {
    let Some(name) = members.text("TableName") else {
        return Err(Failure::validation(
            "The parameter 'TableName' is required but was not present in the request",
        ));
    };
    let table = TableName::new(database, name);
    let name = table.name();
    if !table.fits_length() {
        return Err(Failure::validation(
            "TableName must be at least 3 characters long and at most 255 characters long",
        ));
    }
    if !table.fits() {
        constraints(&[format!(
            "Value '{name}' at 'tableName' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [a-zA-Z0-9_.-]+"
        )])?;
    }
    database.table(name, now_us).ok_or_else(|| {
        Failure::new(
            "ResourceNotFoundException",
            format!("Requested resource not found: Table: {name} not found"),
        )
    })
}

pub(super) fn describe_table(
    database: &Database,
    body: &str,
    now_us: u64,
) -> Result<Value, Failure> {
    let table = table_of(database, &Members::read(body, &shapes::TABLE)?, now_us)?;
    Ok(json!({"Table": describe(&table, now_us)}))
}

/// `KeySchema`.
pub(super) fn key_schema(table: &Table) -> Value {
    let mut keys = vec![json!({
        "AttributeName": table.schema.partition.name, "KeyType": "HASH"
    })];
    if let Some(sort) = &table.schema.sort {
        keys.push(json!({"AttributeName": sort.name, "KeyType": "RANGE"}));
    }
    Value::from(keys)
}

/// A `TableDescription`.
pub(super) fn describe(table: &Table, now_us: u64) -> Value {
    let limited = table.throughput.as_ref().map(|t| t.describe(now_us));
    let settings = table.settings();
    let (items, bytes) = table.contents();
    let definitions: Vec<Value> = table
        .definitions
        .iter()
        .map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind}))
        .collect();
    let mut description = json!({
        "TableName": table.name,
        "TableArn": table.arn,
        "TableId": table.id,
        "TableStatus": table.status(now_us).name(),
        "CreationDateTime": seconds(table.created_us),
        "KeySchema": key_schema(table),
        "AttributeDefinitions": definitions,
        "ItemCount": items,
        "TableSizeBytes": bytes,
        "ProvisionedThroughput": throughput(&settings, limited.as_ref()),
        "DeletionProtectionEnabled": settings.deletion_protection.unwrap_or(false),
    });
    // A table that is being made has only what was asked for, and does not have it yet.
    let creating = table.status(now_us) == Status::Creating;
    if !creating || settings.warm != Units::default() {
        description["WarmThroughput"] = warm(&settings, limited.as_ref());
        if creating {
            description["WarmThroughput"]["Status"] = json!("UPDATING");
        }
    }
    if let Some(since_us) = settings.on_demand_since_us {
        description["BillingModeSummary"] = json!({
            "BillingMode": settings.billing.name(),
            "LastUpdateToPayPerRequestDateTime": seconds(since_us),
        });
        // Not in the API reference; AWS sends the same once more under this name
        // (https://github.com/architect/dynalite, test/updateTable.js).
        description["TableThroughputModeSummary"] = json!({
            "TableThroughputMode": settings.billing.name(),
            "LastUpdateToPayPerRequestDateTime": seconds(since_us),
        });
    }
    if settings.on_demand_limits != Units::default() {
        // -1: the limit was taken away.
        description["OnDemandThroughput"] = json!({
            "MaxReadRequestUnits": settings.on_demand_limits.read.unwrap_or(-1),
            "MaxWriteRequestUnits": settings.on_demand_limits.write.unwrap_or(-1),
        });
    }
    stream::describe(table, &mut description);
    if let Some(class) = &settings.table_class {
        description["TableClassSummary"] = json!({"TableClass": class});
    }
    description
}

fn throughput(settings: &Settings, limited: Option<&Description>) -> Value {
    let asked = settings.provisioned;
    let mut throughput = json!({
        "NumberOfDecreasesToday": settings.decreases,
        "ReadCapacityUnits": asked.read.unwrap_or(0),
        "WriteCapacityUnits": asked.write.unwrap_or(0),
    });
    if let Some(limited) = limited {
        // What is in effect, not what was asked for.
        let units = match limited.mode {
            Mode::Provisioned(units) => units,
            Mode::OnDemand => capacity::Units::default(),
        };
        throughput["NumberOfDecreasesToday"] = json!(limited.decreases_today);
        throughput["ReadCapacityUnits"] = json!(units.read);
        throughput["WriteCapacityUnits"] = json!(units.write);
    }
    if let Some(us) = settings.last_increase_us {
        throughput["LastIncreaseDateTime"] = json!(seconds(us));
    }
    if let Some(us) = settings.last_decrease_us {
        throughput["LastDecreaseDateTime"] = json!(seconds(us));
    }
    throughput
}

/// `WarmThroughput`.
fn warm(settings: &Settings, limited: Option<&Description>) -> Value {
    if let Some(limited) = limited {
        let warming = limited.pending.is_some_and(|p| p.change.warm.is_some());
        return json!({
            "ReadUnitsPerSecond": limited.warm.read,
            "WriteUnitsPerSecond": limited.warm.write,
            "Status": if warming { "UPDATING" } else { "ACTIVE" },
        });
    }
    let warm = throughput::unlimited_warm(settings);
    json!({
        "ReadUnitsPerSecond": warm.read,
        "WriteUnitsPerSecond": warm.write,
        "Status": "ACTIVE",
    })
}

pub(super) fn list_tables(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let members = Members::read(body, &shapes::LIST_TABLES)?;
    let mut errors = Vec::new();
    let start = members.text("ExclusiveStartTableName");
    if let Some(name) = &start {
        let at = "at 'exclusiveStartTableName' failed to satisfy constraint: Member must";
        if !fits_pattern(name) {
            errors.push(format!(
                "Value '{name}' {at} satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
            ));
        }
        if name.len() < 3 {
            errors.push(format!(
                "Value '{name}' {at} have length greater than or equal to 3"
            ));
        }
        if name.len() > 255 {
            errors.push(format!(
                "Value '{name}' {at} have length less than or equal to 255"
            ));
        }
    }
    let limit = members.integer("Limit").unwrap_or(100);
    let at = "at 'limit' failed to satisfy constraint: Member must have value";
    if limit < 1 {
        errors.push(format!("Value '{limit}' {at} greater than or equal to 1"));
    } else if limit > 100 {
        errors.push(format!("Value '{limit}' {at} less than or equal to 100"));
    }
    constraints(&errors)?;
    let tables = reading(&database.tables);
    let mut after = tables
        .values()
        .filter(|t| t.status(now_us) != Status::Gone)
        .map(|t| t.name.as_str())
        .filter(|name| start.as_ref().is_none_or(|start| *name > &**start))
        .peekable();
    let names: Vec<&str> = after.by_ref().take(limit as usize).collect();
    let mut answer = json!({"TableNames": names});
    if after.peek().is_some() {
        answer["LastEvaluatedTableName"] = json!(names.last());
    }
    Ok(answer)
}

pub(super) fn delete_table(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let table = table_of(database, &Members::read(body, &shapes::TABLE)?, now_us)?;
    if table.settings().deletion_protection == Some(true) {
        return Err(Failure::validation(
            "Resource cannot be deleted as it is currently protected against deletion. Disable \
             deletion protection first.",
        ));
    }
    // "If table is already in the DELETING state, no error is returned."
    if table.status(now_us) != Status::Deleting {
        in_use_unless_active(&table, now_us)?;
        table.delete(now_us);
        writing(&table.destinations).close(now_us);
    }
    let mut description = describe(&table, now_us);
    // Nobody reads them any more.
    table.discard(&database.retention);
    // As in https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html.
    if let Some(description) = description.as_object_mut() {
        for member in ["KeySchema", "AttributeDefinitions", "CreationDateTime"] {
            description.remove(member);
        }
    }
    Ok(json!({"TableDescription": description}))
}

fn in_use_unless_active(table: &Table, now_us: u64) -> Result<(), Failure> {
    match table.status(now_us) {
        Status::Active => Ok(()),
        status => Err(Failure::new(
            "ResourceInUseException",
            format!(
                "Attempt to change a resource which is still in use: Table is being {}: {}",
                match status {
                    Status::Creating => "created",
                    Status::Updating => "updated",
                    _ => "deleted",
                },
                table.name
            ),
        )),
    }
}

pub(super) fn update_table(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let members = Members::read(body, &shapes::UPDATE_TABLE)?;
    let mut errors = Vec::new();
    let throughput = provisioned(&members);
    provisioned_errors(throughput, &mut errors);
    let billing = billing_mode(&members, &mut errors);
    constraints(&errors)?;
    if billing == Some(BillingMode::OnDemand) || throughput.is_some() {
        check_throughput(billing, throughput)?;
    }
    let stream = stream::asked(database, &members)?;
    refuse_encryption(&members)?;
    let changes = [
        "ProvisionedThroughput",
        "BillingMode",
        "DeletionProtectionEnabled",
        "TableClass",
        "OnDemandThroughput",
        "WarmThroughput",
        "StreamSpecification",
        "SSESpecification",
    ];
    if members.first_of(&changes).is_none() {
        return Err(Failure::validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
             GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
        ));
    }
    let class = table_class(&members)?;
    let limits = on_demand_limits(&members);
    let warm = units(
        &members,
        "WarmThroughput",
        "ReadUnitsPerSecond",
        "WriteUnitsPerSecond",
    );
    let table = table_of(database, &members, now_us)?;
    in_use_unless_active(&table, now_us)?;
    if let Some(asked) = stream {
        stream::change(database, &table, asked, now_us)?;
    }
    let elsewhere = database.provisioned_besides(&table.name, now_us);
    let mut lasts_us = TRANSITION_US;
    {
        let mut settings = table.settings();
        let target = billing.unwrap_or(settings.billing);
        check_new_limits(target, limits)?;
        check_change(&settings, target, throughput)?;
        if let Some(limited) = &table.throughput {
            let other_mode = target != settings.billing || throughput.is_some();
            let change = Change {
                mode: other_mode.then(|| mode(target, throughput.unwrap_or_default())),
                warm: warm.and_then(throughput::warm),
                maximum: (limits != Units::default()).then(|| maximum(limits)),
            };
            if change != Change::default() {
                let change_us = limited.update(now_us, change, elsewhere)?;
                lasts_us = lasts_us.max(change_us);
            }
        }
        if let Some(units) = throughput {
            let before = settings.provisioned;
            if units.read > before.read || units.write > before.write {
                settings.last_increase_us = Some(now_us);
            }
            if units.read < before.read || units.write < before.write {
                settings.last_decrease_us = Some(now_us);
                settings.decreases += 1;
            }
            settings.provisioned = units;
        }
        if target == BillingMode::OnDemand && settings.billing == BillingMode::Provisioned {
            settings.on_demand_since_us = Some(now_us);
            settings.provisioned = Units::default();
        }
        settings.billing = target;
        // -1 takes a limit away.
        let limit = |new: Option<i64>, old: Option<i64>| match new {
            Some(-1) => None,
            None => old,
            some => some,
        };
        settings.on_demand_limits = Units {
            read: limit(limits.read, settings.on_demand_limits.read),
            write: limit(limits.write, settings.on_demand_limits.write),
        };
        if let Some(warm) = warm {
            settings.warm = Units {
                read: warm.read.or(settings.warm.read),
                write: warm.write.or(settings.warm.write),
            };
        }
        if class.is_some() {
            settings.table_class = class;
        }
        if let Some(protected) = members.flag("DeletionProtectionEnabled") {
            settings.deletion_protection = Some(protected);
        }
    }
    table.update(now_us, lasts_us);
    Ok(json!({"TableDescription": describe(&table, now_us)}))
}

fn check_new_limits(target: BillingMode, limits: Units) -> Result<(), Failure> {
    let members = [
        ("MaxReadRequestUnits", limits.read),
        ("MaxWriteRequestUnits", limits.write),
    ];
    for (name, value) in members {
        if value.is_some() && target == BillingMode::Provisioned {
            return Err(Failure::validation(format!(
                "{INVALID}{name} for OnDemandThroughput cannot be specified when the table \
                 BillingMode is PROVISIONED"
            )));
        }
    }
    for (name, value) in members {
        if value.is_some_and(|v| v == 0 || v < -1) {
            return Err(Failure::validation(format!(
                "{INVALID}Requested {name} for OnDemandThroughput for table is outside of valid range"
            )));
        }
    }
    Ok(())
}

fn check_change(
    settings: &Settings,
    target: BillingMode,
    throughput: Option<Units>,
) -> Result<(), Failure> {
    if target == BillingMode::OnDemand {
        return check_throughput(Some(target), throughput);
    }
    if settings.billing == BillingMode::OnDemand && throughput.is_none() {
        return check_throughput(Some(target), None);
    }
    if settings.billing == BillingMode::Provisioned
        && throughput.is_some_and(|units| units == settings.provisioned)
    {
        let units = settings.provisioned;
        let (read, write) = (units.read.unwrap_or(0), units.write.unwrap_or(0));
        return Err(Failure::validation(format!(
            "The provisioned throughput for the table will not change. The requested value equals \
             the current value. Current ReadCapacityUnits provisioned for the table: {read}. \
             Requested ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for the \
             table: {write}. Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB \
             Developer Guide for current limits and how to request higher limits."
        )));
    }
    Ok(())
}

/// The account's default quotas
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>).
pub(super) fn describe_limits(body: &str) -> Result<Value, Failure> {
    Members::read(body, &shapes::NONE)?;
    Ok(json!({
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }))
}
