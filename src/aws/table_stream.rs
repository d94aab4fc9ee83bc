//! A table's own stream (DynamoDB Streams): enabled if it is not, and waited for.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use aws_sdk_dynamodbstreams::types::StreamStatus;

use super::error::service;
use super::patience::Patience;
use super::provision::describe_table;
use super::{Connection, ProvisionError, Provisioned};

/// A stream of items as they are now: all that is needed to know a reading.
pub(super) fn new_images() -> Result<StreamSpecification, BuildError> {
    StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewImage)
        .build()
}

/// Enables the stream of a table that is there, if it is not enabled, and waits until
/// it can be read.
pub(super) async fn ensure_table_stream(
    connection: &Connection,
    made: &mut Provisioned,
) -> Result<(), ProvisionError> {
    let table = made.table.clone();
    let doing = format!("enabling the stream of table {table}");
    let what = format!("stream of table {table}");
    let refused = |message: String| ProvisionError::Service {
        doing: doing.clone(),
        code: None,
        message,
    };
    let mut patience = Patience::new();
    loop {
        let found = describe_table(connection, &table).await?;
        let found = found.ok_or_else(|| refused("the table is gone".to_owned()))?;
        let specification = found.stream_specification();
        if specification.is_some_and(|of| of.stream_enabled) {
            let shows = specification.and_then(|of| of.stream_view_type());
            let whole = [StreamViewType::NewImage, StreamViewType::NewAndOldImages];
            if !shows.is_none_or(|shows| whole.contains(shows)) {
                return Err(refused(format!(
                    "it is enabled with {} and does not show what was written; disable it, or \
                     name another table with --table",
                    shows.map_or("no view", StreamViewType::as_str)
                )));
            }
            match found.latest_stream_arn {
                Some(arn) => {
                    made.table_stream = Some(arn.clone());
                    return await_enabled(connection, &arn, &what).await;
                }
                None => {
                    patience.wait(&what, "without an ARN").await?;
                    continue;
                }
            }
        }
        if made.table_created || made.table_stream_enabled {
            // It was asked for.
            patience.wait(&what, "not enabled").await?;
            continue;
        }
        let wanted = new_images().map_err(|error| refused(error.to_string()))?;
        // It may be enabled although no answer comes.
        made.table_stream_enabled = true;
        let update = connection.dynamodb.update_table().table_name(&table);
        let asked = update.stream_specification(wanted).send().await;
        asked.map_err(service(&*doing))?;
    }
}

async fn await_enabled(
    connection: &Connection,
    arn: &str,
    what: &str,
) -> Result<(), ProvisionError> {
    let mut patience = Patience::new();
    loop {
        let described = connection
            .dynamodb_streams
            .describe_stream()
            .stream_arn(arn)
            .send()
            .await
            .map_err(service(format!("looking at the {what}")))?;
        let status = described.stream_description.and_then(|of| of.stream_status);
        match status {
            // Servers that do not say have it ready.
            None | Some(StreamStatus::Enabled) => return Ok(()),
            Some(other) => patience.wait(what, other.as_str()).await?,
        }
    }
}

/// Disables the stream of a table that is kept.
pub(super) async fn disable_table_stream(
    connection: &Connection,
    table: &str,
) -> Result<(), ProvisionError> {
    let doing = format!("disabling the stream of table {table}");
    let off = StreamSpecification::builder().stream_enabled(false).build();
    let off = off.map_err(|error| ProvisionError::Service {
        doing: doing.clone(),
        code: None,
        message: error.to_string(),
    })?;
    let update = connection.dynamodb.update_table().table_name(table);
    let asked = update.stream_specification(off).send().await;
    asked.map(drop).map_err(service(doing))
}
