//! The streaming destination of a table: enabled if it is not, and waited for.

use aws_sdk_dynamodb::types::{
    ApproximateCreationDateTimePrecision, DestinationStatus, EnableKinesisStreamingConfiguration,
};

use super::error::service;
use super::patience::Patience;
use super::{Connection, ProvisionError, Provisioned};

async fn destination_status(
    connection: &Connection,
    table: &str,
    arn: &str,
) -> Result<Option<DestinationStatus>, ProvisionError> {
    let described = connection
        .dynamodb
        .describe_kinesis_streaming_destination()
        .table_name(table)
        .send()
        .await
        .map_err(service(format!(
            "describing the streaming destination of {table}"
        )))?;
    Ok(described
        .kinesis_data_stream_destinations()
        .iter()
        .find(|destination| destination.stream_arn() == Some(arn))
        .and_then(|destination| destination.destination_status().cloned()))
}

/// Whether the table's changes go to the stream. Servers that have no destinations say
/// that they do not know the call.
pub(super) async fn has_destination(connection: &Connection, table: &str, arn: &str) -> bool {
    let status = destination_status(connection, table, arn).await;
    matches!(
        status,
        Ok(Some(
            DestinationStatus::Active | DestinationStatus::Enabling | DestinationStatus::Updating
        ))
    )
}

pub(super) async fn ensure_destination(
    connection: &Connection,
    table: &str,
    arn: &str,
    made: &mut Provisioned,
) -> Result<(), ProvisionError> {
    use DestinationStatus::{Active, Enabling, Updating};
    let found = destination_status(connection, table, arn).await?;
    if !matches!(found, Some(Active | Enabling | Updating)) {
        let asked = connection
            .dynamodb
            .enable_kinesis_streaming_destination()
            .table_name(table)
            .stream_arn(arn)
            .enable_kinesis_streaming_configuration(
                EnableKinesisStreamingConfiguration::builder()
                    .approximate_creation_date_time_precision(
                        ApproximateCreationDateTimePrecision::Microsecond,
                    )
                    .build(),
            )
            .send()
            .await
            .map_err(service(format!(
                "enabling the streaming destination of {table}"
            )));
        // A call that was tried again because its answer was lost is refused: the
        // destination is enabled already.
        if let Err(refused) = asked {
            let found = destination_status(connection, table, arn).await?;
            if !matches!(found, Some(Active | Enabling)) {
                return Err(refused);
            }
        }
        made.destination_enabled = true;
    }
    let mut patience = Patience::new();
    loop {
        let status = destination_status(connection, table, arn).await?;
        match status {
            Some(Active | Updating) => return Ok(()),
            Some(DestinationStatus::EnableFailed) => {
                return Err(ProvisionError::Service {
                    doing: format!("enabling the streaming destination of {table}"),
                    code: None,
                    message: "DynamoDB reports ENABLE_FAILED; it may lack the service-linked role \
                              AWSServiceRoleForDynamoDBKinesisDataStreamsReplication"
                        .to_owned(),
                });
            }
            _ => {}
        }
        let status = status.map_or_else(|| "missing".to_owned(), |s| s.as_str().to_owned());
        patience
            .wait(&format!("streaming destination of table {table}"), &status)
            .await?;
    }
}
