//! A table's Kinesis streaming destinations: enabling, disabling, precision
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html>).

use hrload_base::sync::{reading, writing};
use std::sync::Arc;

use serde_json::{Value, json};

use super::request::{Members, constraints, missing, not_in};
use super::table::{TRANSITION_US, Table};
use super::{Database, control, shapes};
use crate::Failure;
use crate::capture::Link;
use crate::table_streams::TableStream;
use hrload_codec::change::Precision;

/// One stream a table's changes go or went to.
#[derive(Debug)]
struct Destination {
    stream_arn: String,
    precision: Option<Precision>,
    link: Arc<Link>,
    enabled_us: u64,
    updated_us: Option<u64>,
    disabled_us: Option<u64>,
}

impl Destination {
    fn status(&self, now_us: u64) -> &'static str {
        let within = |since_us: u64| now_us < since_us + TRANSITION_US;
        match (self.disabled_us, self.updated_us) {
            (Some(since), _) if within(since) => "DISABLING",
            (Some(_), _) => "DISABLED",
            (None, _) if within(self.enabled_us) => "ENABLING",
            (None, Some(since)) if within(since) => "UPDATING",
            (None, _) => "ACTIVE",
        }
    }
}

/// Where a table's changes go: at most one destination that is not disabled, and its
/// own stream.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    kinesis: Vec<Destination>,
    /// The stream enabled last, whether it still is or not.
    pub(super) stream: Option<Arc<TableStream>>,
    pub(super) stream_enabled: bool,
}

/// A way of changes, and the images they have on it: as the item is now, as it was.
pub(super) type Way = (Arc<Link>, (bool, bool));

impl Destinations {
    /// The ways changes written now take, if they are captured at all.
    pub(super) fn ways(&self, now_us: u64) -> [Option<Way>; 2] {
        let kinesis = self.kinesis.iter();
        let mut active = kinesis.filter(|d| matches!(d.status(now_us), "ACTIVE" | "UPDATING"));
        let stream = self.stream.as_ref().filter(|_| self.stream_enabled);
        [
            active.next().map(|d| (Arc::clone(&d.link), (true, true))),
            stream.map(|stream| (Arc::clone(&stream.link), stream.view.shows())),
        ]
    }

    /// Ends every way: the table is deleted. What was captured still arrives.
    pub(super) fn close(&mut self, now_us: u64) {
        for destination in &mut self.kinesis {
            destination.disabled_us.get_or_insert(now_us);
            destination.link.close();
        }
        if std::mem::take(&mut self.stream_enabled)
            && let Some(stream) = &self.stream
        {
            stream.disable(now_us);
        }
    }

    fn current(&mut self, stream_arn: &str) -> Option<&mut Destination> {
        let found = |d: &&mut Destination| d.disabled_us.is_none() && d.stream_arn == stream_arn;
        self.kinesis.iter_mut().find(found)
    }
}

fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::Microsecond => "MICROSECOND",
        _ => "MILLISECOND",
    }
}

/// The parts of a destination call.
struct Request {
    table: Arc<Table>,
    stream_arn: String,
    precision: Option<Precision>,
    configured: bool,
}

impl Request {
    fn read(
        database: &Database,
        body: &str,
        configuration: &str,
        now_us: u64,
    ) -> Result<Self, Failure> {
        let shape = match configuration {
            UPDATE => &shapes::UPDATE_STREAMING_DESTINATION,
            _ => &shapes::STREAMING_DESTINATION,
        };
        let members = Members::read(body, shape)?;
        let mut errors = Vec::new();
        let stream_arn = members.text("StreamArn");
        if stream_arn.is_none() {
            errors.push(missing("streamArn"));
        }
        if members.get("TableName").is_none() {
            errors.push(missing("tableName"));
        }
        let settings = members.object(configuration);
        let mut precision = None;
        if let Some(settings) = &settings
            && let Some(text) = settings.text("ApproximateCreationDateTimePrecision")
        {
            precision = match &*text {
                "MILLISECOND" => Some(Precision::Millisecond),
                "MICROSECOND" => Some(Precision::Microsecond),
                other => {
                    let mut member = configuration.to_owned();
                    member[..1].make_ascii_lowercase();
                    errors.push(not_in(
                        other,
                        &format!("{member}.approximateCreationDateTimePrecision"),
                        "MILLISECOND, MICROSECOND",
                    ));
                    None
                }
            };
        }
        constraints(&errors)?;
        let table = control::table_of(database, &members, now_us)?;
        if !table.serves(now_us) {
            return Err(Failure::new(
                "ResourceInUseException",
                format!("Table is being created or deleted: {}", table.name),
            ));
        }
        Ok(Self {
            table,
            stream_arn: stream_arn.unwrap_or_default().into_owned(),
            precision,
            configured: settings.is_some(),
        })
    }

    fn answer(&self, configuration: &str, status: &str) -> Value {
        let mut answer = json!({
            "TableName": self.table.name,
            "StreamArn": self.stream_arn,
            "DestinationStatus": status,
        });
        if self.configured {
            answer[configuration] = match self.precision {
                Some(precision) => {
                    json!({"ApproximateCreationDateTimePrecision": precision_name(precision)})
                }
                None => json!({}),
            };
        }
        answer
    }
}

const ENABLE: &str = "EnableKinesisStreamingConfiguration";
const UPDATE: &str = "UpdateKinesisStreamingConfiguration";

pub(super) fn enable(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let request = Request::read(database, body, ENABLE, now_us)?;
    let arn = &request.stream_arn;
    // One that is being created will do: it takes records before this is ACTIVE.
    if !database.streams.is_there(arn, now_us) {
        let stream = arn.rsplit_once('/').map_or(&**arn, |(_, name)| name);
        return Err(Failure::new(
            "ResourceNotFoundException",
            format!(
                "User does not have a permission to use stream {stream}, or it does not exist: {arn}"
            ),
        ));
    }
    let mut destinations = writing(&request.table.destinations);
    if destinations
        .kinesis
        .iter()
        .any(|d| d.status(now_us) != "DISABLED")
    {
        return Err(Failure::validation(
            "Table is not in a valid state to enable Kinesis Streaming Destination: \
             EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE \
             operation.",
        ));
    }
    destinations.kinesis.retain(|d| d.stream_arn != *arn);
    destinations.kinesis.push(Destination {
        stream_arn: arn.clone(),
        precision: request.precision,
        link: database
            .capture
            .link(&request.table.name, arn, request.precision),
        enabled_us: now_us,
        updated_us: None,
        disabled_us: None,
    });
    let mut answer = request.answer(ENABLE, "ENABLING");
    if !request.configured {
        answer[ENABLE] = json!({});
    }
    Ok(answer)
}

pub(super) fn disable(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let request = Request::read(database, body, ENABLE, now_us)?;
    let mut destinations = writing(&request.table.destinations);
    let destination = destinations
        .current(&request.stream_arn)
        .filter(|d| d.status(now_us) == "ACTIVE")
        .ok_or_else(|| {
            Failure::validation(
                "Table is not in a valid state to disable Kinesis Streaming Destination: \
                 DisableKinesisStreamingDestination must be ACTIVE to perform DISABLE operation.",
            )
        })?;
    destination.disabled_us = Some(now_us);
    destination.link.close();
    Ok(request.answer(ENABLE, "DISABLING"))
}

pub(super) fn update(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let request = Request::read(database, body, UPDATE, now_us)?;
    let Some(precision) = request.precision else {
        return Err(Failure::validation(
            "Streaming destination cannot be updated with given parameters: \
             UpdateKinesisStreamingConfiguration cannot be null or contain only null values",
        ));
    };
    let mut destinations = writing(&request.table.destinations);
    let known = |d: &Destination| d.stream_arn == request.stream_arn;
    if !destinations.kinesis.iter().any(known) {
        // The service says enable here, too.
        return Err(Failure::validation(format!(
            "Table is not in a valid state to enable Kinesis Streaming Destination: No streaming \
             destination with streamArn: {} found for table with tableName: {}",
            request.stream_arn, request.table.name
        )));
    }
    let destination = destinations
        .current(&request.stream_arn)
        .filter(|d| d.status(now_us) == "ACTIVE")
        .ok_or_else(|| {
            Failure::validation(
                "Table is not in a valid state to update Kinesis Streaming Destination: \
                 UpdateKinesisStreamingDestination must be ACTIVE to perform UPDATE operation.",
            )
        })?;
    if destination.precision == Some(precision) {
        return Err(Failure::validation(format!(
            "Invalid Request: Precision is already set to the desired value of {} for \
             tableId: {}, kdsArn: {}",
            precision_name(precision),
            request.table.id,
            request.stream_arn
        )));
    }
    destination.precision = Some(precision);
    destination.link.set_precision(precision);
    destination.updated_us = Some(now_us);
    Ok(request.answer(UPDATE, "UPDATING"))
}

pub(super) fn describe(database: &Database, body: &str, now_us: u64) -> Result<Value, Failure> {
    let members = Members::read(body, &shapes::TABLE)?;
    let table = control::table_of(database, &members, now_us)?;
    let destinations = reading(&table.destinations);
    let list: Vec<Value> = destinations
        .kinesis
        .iter()
        .map(|d| {
            let mut entry = json!({
                "StreamArn": d.stream_arn,
                "DestinationStatus": d.status(now_us),
            });
            if let Some(precision) = d.precision {
                entry["ApproximateCreationDateTimePrecision"] = json!(precision_name(precision));
            }
            entry
        })
        .collect();
    Ok(json!({"TableName": table.name, "KinesisDataStreamDestinations": list}))
}
