//! What a run needs before it can send: a table, a stream, and the streaming
//! destination between them. Made if missing, waited for, and taken away again.
//!
//! The same calls serve AWS, the embedded services and other servers.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput,
    ScalarAttributeType, TableDescription, TableStatus, Tag, WarmThroughput,
};
use aws_sdk_kinesis::types::{
    StreamDescriptionSummary, StreamMode, StreamModeDetails, StreamStatus,
};

use super::destination::{ensure_destination, has_destination};
use super::error::{ProvisionError, service};
use super::patience::Patience;
use super::table_stream::{disable_table_stream, ensure_table_stream, new_images};
use super::wanted::{Owner, Provisioned, TableThroughput, Wanted, WantedStream};
use super::{Connection, ownership};
use crate::capacity::table::NEW_TABLE;

/// States that a table leaves only by somebody's doing
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html>).
const HOPELESS: [TableStatus; 3] = [
    TableStatus::Archiving,
    TableStatus::Archived,
    TableStatus::InaccessibleEncryptionCredentials,
];

/// Finds or makes the table, the stream and the destination between them, and
/// waits until all can be used. `tell` hears of each step as it begins.
///
/// What was made stands in `made` at every moment, so that a caller who gives
/// up half-way, or whose step failed, can [`tear_down`] exactly that.
///
/// # Errors
/// A step failed.
pub async fn provision(
    connection: &Connection,
    wanted: &Wanted,
    made: &mut Provisioned,
    tell: &mut dyn FnMut(&str),
) -> Result<(), ProvisionError> {
    made.table.clone_from(&wanted.table);
    if let Some(stream) = &wanted.stream {
        tell(&format!("stream {}", stream.name));
        ensure_stream(connection, stream, wanted.owner.as_ref(), made).await?;
    }
    tell(&format!("table {}", wanted.table));
    ensure_table(connection, wanted, made).await?;
    if let Some((stream, arn)) = made.stream.clone() {
        let table = &wanted.table;
        if wanted.destination {
            tell(&format!("streaming destination of {table}"));
            ensure_destination(connection, table, &arn, made).await?;
        } else if !made.table_created && has_destination(connection, table, &arn).await {
            return Err(ProvisionError::Doubled {
                table: table.clone(),
                stream,
            });
        }
    }
    if wanted.table_stream {
        tell(&format!("stream of table {}", wanted.table));
        ensure_table_stream(connection, made).await?;
    }
    Ok(())
}

/// Deletes what [`provision`] made, and nothing else. Goes on after a failure
/// and reports the first.
///
/// # Errors
/// Something could not be deleted.
pub async fn tear_down(connection: &Connection, made: &Provisioned) -> Result<(), ProvisionError> {
    let mut first = Ok(());
    if let Some((_, arn)) = made
        .stream
        .as_ref()
        .filter(|_| made.destination_enabled && !made.table_created)
    {
        let disabled = connection
            .dynamodb
            .disable_kinesis_streaming_destination()
            .table_name(&made.table)
            .stream_arn(arn)
            .send()
            .await
            .map(drop)
            .map_err(service("disabling the streaming destination"));
        first = first.and(disabled);
    }
    if made.table_stream_enabled && !made.table_created {
        first = first.and(disable_table_stream(connection, &made.table).await);
    }
    if made.table_created {
        let name = &made.table;
        let call = connection.dynamodb.delete_table().table_name(name);
        let delete = async || call.clone().send().await.map(drop);
        let look = async || {
            let found = describe_table(connection, name).await?;
            Ok(found.map(|of| status(&of).to_string()))
        };
        first = first.and(delete_when_idle(&format!("table {name}"), delete, look).await);
    }
    if let Some((name, _)) = made.stream.as_ref().filter(|_| made.stream_created) {
        let call = connection.kinesis.delete_stream().stream_name(name);
        let call = call.enforce_consumer_deletion(true);
        let delete = async || call.clone().send().await.map(drop);
        let status = async || {
            let found = describe_stream(connection, name).await?;
            Ok(found.map(|of| of.stream_status.to_string()))
        };
        first = first.and(delete_when_idle(&format!("stream {name}"), delete, status).await);
    }
    first
}

/// Deletes `what` as soon as it may be: one that is being made or changed may not. What
/// somebody else removed meanwhile is removed, and what is on its way out will be: the
/// answer to a first call may have been lost.
async fn delete_when_idle<E, R>(
    what: &str,
    delete: impl AsyncFn() -> Result<(), SdkError<E, R>>,
    status: impl AsyncFn() -> Result<Option<String>, ProvisionError>,
) -> Result<(), ProvisionError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    let mut patience = Patience::new();
    loop {
        let Err(refused) = delete().await else {
            return Ok(());
        };
        let code = refused.as_service_error().and_then(|e| e.code());
        let in_use = match code {
            Some("ResourceNotFoundException") => return Ok(()),
            code => code == Some("ResourceInUseException"),
        };
        let refused = service(format!("deleting {what}"))(refused);
        if !in_use {
            return Err(refused);
        }
        match status().await {
            Ok(None) => return Ok(()),
            Ok(Some(status)) if status == "DELETING" => return Ok(()),
            Ok(Some(status)) => patience.wait(what, &status).await?,
            // That it is in use says more than that nobody may look.
            Err(_) => return Err(refused),
        }
    }
}

pub(super) async fn describe_stream(
    connection: &Connection,
    name: &str,
) -> Result<Option<StreamDescriptionSummary>, ProvisionError> {
    match connection
        .kinesis
        .describe_stream_summary()
        .stream_name(name)
        .send()
        .await
    {
        Ok(output) => Ok(output.stream_description_summary),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|e| e.is_resource_not_found_exception()) =>
        {
            Ok(None)
        }
        Err(error) => Err(service(format!("looking for stream {name}"))(error)),
    }
}

/// Makes the stream if there is none, and waits until it can be used. One that
/// is being deleted, by a run before this one perhaps, is waited for too.
async fn ensure_stream(
    connection: &Connection,
    wanted: &WantedStream,
    owner: Option<&Owner>,
    made: &mut Provisioned,
) -> Result<(), ProvisionError> {
    let name = &wanted.name;
    let mut patience = Patience::new();
    loop {
        let status = match describe_stream(connection, name).await? {
            Some(found)
                if matches!(
                    found.stream_status,
                    StreamStatus::Active | StreamStatus::Updating
                ) =>
            {
                made.shards = found.open_shard_count.max(0) as u32;
                made.stream = Some((name.clone(), found.stream_arn));
                return Ok(());
            }
            Some(found) => found.stream_status.as_str().to_owned(),
            None if made.stream_created => "missing".to_owned(),
            None => {
                // It may be made although no answer comes. Its ARN is not known
                // yet, but its name is enough to delete it.
                made.stream_created = true;
                made.stream = Some((name.clone(), String::new()));
                let asked = create_stream(connection, wanted, owner).await;
                if let Asked::There = judge(asked, &mut made.stream_created)?
                    && let Some(owner) = owner
                {
                    let tags = ownership::stream_tags(connection, name).await?;
                    made.stream_created = owner.is_told_by(tags.as_ref());
                }
                continue;
            }
        };
        patience.wait(&format!("stream {name}"), &status).await?;
    }
}

/// What came of asking for a table or a stream.
pub(super) enum Asked {
    Made,
    /// There is one of that name. It may have been made by a call before this one
    /// whose answer was lost.
    There,
}

/// Notes in `created` whether it is to be removed again: so it is when no answer
/// came.
fn judge(asked: Result<(), ProvisionError>, created: &mut bool) -> Result<Asked, ProvisionError> {
    let asked = unless_there(asked);
    *created = match &asked {
        Ok(Asked::Made) | Err(ProvisionError::Service { code: None, .. }) => true,
        Ok(Asked::There) | Err(_) => false,
    };
    asked
}

pub(super) fn unless_there(asked: Result<(), ProvisionError>) -> Result<Asked, ProvisionError> {
    match asked {
        Err(ProvisionError::Service {
            code: Some(code), ..
        }) if code == "ResourceInUseException" => Ok(Asked::There),
        asked => asked.map(|()| Asked::Made),
    }
}

/// Asks for a stream; does not wait for it.
pub(super) async fn create_stream(
    connection: &Connection,
    wanted: &WantedStream,
    owner: Option<&Owner>,
) -> Result<(), ProvisionError> {
    let name = &wanted.name;
    let mode = match wanted.shards {
        Some(_) => StreamMode::Provisioned,
        None => StreamMode::OnDemand,
    };
    let mode = StreamModeDetails::builder().stream_mode(mode).build();
    connection
        .kinesis
        .create_stream()
        .stream_name(name)
        .set_shard_count(wanted.shards.map(|shards| shards as i32))
        .set_tags(owner.map(|owner| {
            let tags = owner.tags().into_iter();
            tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect()
        }))
        .stream_mode_details(mode.map_err(|e| ProvisionError::Service {
            doing: format!("creating stream {name}"),
            code: None,
            message: e.to_string(),
        })?)
        .send()
        .await
        .map(drop)
        .map_err(service(format!("creating stream {name}")))
}

/// Write units a second that a table is provisioned with at the moment; `None`
/// for a table on demand, or none.
///
/// # Errors
/// The service refused, or could not be reached.
pub async fn provisioned_write_units(
    connection: &Connection,
    table: &str,
) -> Result<Option<u64>, ProvisionError> {
    let table = describe_table(connection, table).await?;
    Ok(table
        .and_then(|table| table.provisioned_throughput?.write_capacity_units)
        .and_then(|units| u64::try_from(units).ok())
        .filter(|units| *units > 0))
}

pub(super) async fn describe_table(
    connection: &Connection,
    name: &str,
) -> Result<Option<TableDescription>, ProvisionError> {
    match connection
        .dynamodb
        .describe_table()
        .table_name(name)
        .send()
        .await
    {
        Ok(output) => Ok(output.table),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|e| e.is_resource_not_found_exception()) =>
        {
            Ok(None)
        }
        Err(error) => Err(service(format!("looking for table {name}"))(error)),
    }
}

/// A table's status; one that was not told is none that may be relied on.
pub(super) fn status(table: &TableDescription) -> TableStatus {
    let told = table.table_status.clone();
    told.unwrap_or_else(|| TableStatus::from("UNKNOWN"))
}

fn key_attributes(wanted: &Wanted) -> Vec<(&'static str, &'static str, KeyType)> {
    let (name, kind) = wanted.partition_key;
    let mut keys = vec![(name, kind, KeyType::Hash)];
    if let Some((name, kind)) = wanted.sort_key {
        keys.push((name, kind, KeyType::Range));
    }
    keys
}

fn check_key(wanted: &Wanted, found: &TableDescription) -> Result<(), ProvisionError> {
    let spell = |name: &str, kind: &str, role: &KeyType| format!("{name} ({kind}, {role})");
    let expected: Vec<String> = key_attributes(wanted)
        .iter()
        .map(|(name, kind, role)| spell(name, kind, role))
        .collect();
    let actual: Vec<String> = found
        .key_schema()
        .iter()
        .map(|key| {
            let kind = found
                .attribute_definitions()
                .iter()
                .find(|attribute| attribute.attribute_name() == key.attribute_name())
                .map_or("?", |attribute| attribute.attribute_type().as_str());
            spell(key.attribute_name(), kind, key.key_type())
        })
        .collect();
    if expected == actual {
        Ok(())
    } else {
        Err(ProvisionError::OtherKey {
            table: wanted.table.clone(),
            found: actual.join(", "),
            wanted: expected.join(", "),
        })
    }
}

/// Makes the table if there is none, and waits until it can be used. One that is
/// being deleted, by a run before this one perhaps, is waited for too.
async fn ensure_table(
    connection: &Connection,
    wanted: &Wanted,
    made: &mut Provisioned,
) -> Result<(), ProvisionError> {
    let name = &wanted.table;
    let mut patience = Patience::new();
    loop {
        let status = match describe_table(connection, name).await? {
            Some(found) => {
                let status = status(&found);
                if status != TableStatus::Deleting {
                    check_key(wanted, &found)?;
                }
                if matches!(status, TableStatus::Active | TableStatus::Updating) {
                    return Ok(());
                }
                if HOPELESS.contains(&status) {
                    return Err(ProvisionError::Unusable {
                        table: name.clone(),
                        status: status.as_str().to_owned(),
                    });
                }
                status
            }
            None if made.table_created => TableStatus::Creating,
            None => {
                // It may be made although no answer comes.
                made.table_created = true;
                let asked = create_table(connection, wanted).await;
                if let Asked::There = judge(asked, &mut made.table_created)?
                    && let Some(owner) = &wanted.owner
                    && let Some(found) = ownership::find_table(connection, name).await?
                {
                    let tags = ownership::table_tags(connection, &found.arn).await?;
                    made.table_created = owner.is_told_by(tags.as_ref());
                }
                continue;
            }
        };
        patience
            .wait(&format!("table {name}"), status.as_str())
            .await?;
    }
}

/// Asks for a table; does not wait for it.
pub(super) async fn create_table(
    connection: &Connection,
    wanted: &Wanted,
) -> Result<(), ProvisionError> {
    let name = &wanted.table;
    let doing = || format!("creating table {name}");
    let invalid = |e: aws_sdk_dynamodb::error::BuildError| ProvisionError::Service {
        doing: doing(),
        code: None,
        message: e.to_string(),
    };
    let mut request = connection.dynamodb.create_table().table_name(name);
    if wanted.table_stream {
        request = request.stream_specification(new_images().map_err(invalid)?);
    }
    request = match wanted.throughput {
        TableThroughput::OnDemand { warm_write_units } => request
            .billing_mode(BillingMode::PayPerRequest)
            .set_warm_throughput(warm_write_units.map(|units| {
                WarmThroughput::builder()
                    .write_units_per_second(units as i64)
                    .read_units_per_second(NEW_TABLE.read as i64)
                    .build()
            })),
        TableThroughput::Provisioned {
            write_units,
            read_units,
        } => request
            .billing_mode(BillingMode::Provisioned)
            .provisioned_throughput(
                ProvisionedThroughput::builder()
                    .write_capacity_units(write_units as i64)
                    .read_capacity_units(read_units as i64)
                    .build()
                    .map_err(invalid)?,
            ),
    };
    for (key, value) in wanted.owner.iter().flat_map(Owner::tags) {
        let tag = Tag::builder().key(key).value(value).build();
        request = request.tags(tag.map_err(invalid)?);
    }
    for (attribute, kind, role) in key_attributes(wanted) {
        request = request
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(attribute)
                    .attribute_type(ScalarAttributeType::from(kind))
                    .build()
                    .map_err(invalid)?,
            )
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name(attribute)
                    .key_type(role)
                    .build()
                    .map_err(invalid)?,
            );
    }
    request.send().await.map(drop).map_err(service(doing()))
}
