//! What AWS itself counted of a run: CloudWatch's figures of its table and stream.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::advice::with_advice;
use super::provision::service;
use super::{Connection, ProvisionError};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The table.
    pub table: String,
    /// The stream, if there was one.
    pub stream: Option<String>,
    /// From the minute of this moment on,
    pub from: Timestamp,
    /// to the end of that of this one.
    pub to: Timestamp,
}

/// One of CloudWatch's figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    /// The metric's name.
    pub metric: &'static str,
    /// `Sum` or `Maximum`.
    pub statistic: &'static str,
    /// The sum or the maximum over the time asked for; `None` where there are no data
    /// points. DynamoDB sends none for what it has nothing to count of
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/dynamo-metricscollected.html>).
    pub value: Option<f64>,
}

/// Whose metric it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Table,
    /// The table's calls of BatchWriteItem.
    Batches,
    /// What DynamoDB does for the table with a Kinesis stream. Which operation that is
    /// called is not published, so that it has to be searched for.
    Capture,
    Stream,
}

/// Metrics, statistics and the seconds they are aggregated over
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html>,
/// <https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html>).
const METRICS: [(Of, &str, &str); 14] = [
    (Of::Table, "ConsumedWriteCapacityUnits", "Sum"),
    (Of::Table, "WriteThrottleEvents", "Sum"),
    (Of::Table, "WriteProvisionedThroughputThrottleEvents", "Sum"),
    (Of::Table, "WriteKeyRangeThroughputThrottleEvents", "Sum"),
    (Of::Table, "WriteAccountLimitThrottleEvents", "Sum"),
    (Of::Table, "WriteMaxOnDemandThroughputThrottleEvents", "Sum"),
    (Of::Batches, "ThrottledRequests", "Sum"),
    (Of::Stream, "IncomingRecords", "Sum"),
    (Of::Stream, "IncomingBytes", "Sum"),
    (Of::Stream, "WriteProvisionedThroughputExceeded", "Sum"),
    (Of::Stream, "ReadProvisionedThroughputExceeded", "Sum"),
    (Of::Capture, "AgeOfOldestUnreplicatedRecord", "Maximum"),
    (Of::Capture, "ThrottledPutRecordCount", "Sum"),
    (Of::Capture, "FailedToReplicateRecordCount", "Sum"),
];

/// What is aggregated by the minute, and what by five.
fn period_s(of: Of) -> i64 {
    match of {
        Of::Capture => 300,
        Of::Table | Of::Batches | Of::Stream => 60,
    }
}

/// Asks CloudWatch. What cannot be searched for is without a value.
///
/// # Errors
/// CloudWatch refused or could not be reached; in one line, with what to do.
pub async fn counted(connection: &Connection, asked: &Asked) -> Result<Vec<Counted>, String> {
    let plain: Vec<_> = wanted(asked)
        .filter(|(_, of, ..)| *of != Of::Capture)
        .collect();
    let mut found = ask(connection, asked, &plain, 60).await?;
    let searched: Vec<_> = wanted(asked)
        .filter(|(_, of, ..)| *of == Of::Capture)
        .collect();
    if !searched.is_empty()
        && let Ok(of_capture) = ask(connection, asked, &searched, 300).await
    {
        found.extend(of_capture);
    }
    Ok(wanted(asked)
        .map(|(at, _, metric, statistic)| Counted {
            metric,
            statistic,
            value: found.get(&id(at)).copied(),
        })
        .collect())
}

/// The metrics there can be, numbered.
fn wanted(asked: &Asked) -> impl Iterator<Item = (usize, Of, &'static str, &'static str)> + use<> {
    let streams = asked.stream.is_some();
    let all = METRICS.into_iter().enumerate();
    all.map(|(at, (of, metric, statistic))| (at, of, metric, statistic))
        .filter(move |(_, of, ..)| streams || matches!(of, Of::Table | Of::Batches))
}

/// Ids begin with a small letter.
fn id(at: usize) -> String {
    format!("m{at}")
}

async fn ask(
    connection: &Connection,
    asked: &Asked,
    metrics: &[(usize, Of, &'static str, &'static str)],
    period_s: i64,
) -> Result<BTreeMap<String, f64>, String> {
    let queries = metrics
        .iter()
        .map(|(at, of, metric, statistic)| query(asked, &id(*at), *of, metric, statistic));
    let queries: Vec<MetricDataQuery> = queries.collect();
    let from_s = asked.from.as_second().div_euclid(period_s) * period_s;
    let to_s = (asked.to.as_second().div_euclid(period_s) + 1) * period_s;
    let mut values: BTreeMap<String, f64> = BTreeMap::new();
    let mut token = None;
    loop {
        let page = connection
            .cloudwatch
            .get_metric_data()
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(DateTime::from_secs(from_s))
            .end_time(DateTime::from_secs(to_s))
            .set_next_token(token)
            .send()
            .await
            .map_err(refusal)?;
        for result in page.metric_data_results() {
            let Some(id) = result.id() else { continue };
            let asked_for = metrics.iter().find(|(at, ..)| self::id(*at) == id);
            let largest = asked_for.is_some_and(|(.., statistic)| *statistic == "Maximum");
            for value in result.values() {
                let known = values.get(id);
                let next = match known {
                    None => *value,
                    Some(known) if largest => known.max(*value),
                    Some(known) => known + value,
                };
                values.insert(id.to_owned(), next);
            }
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(values);
        }
    }
}

fn query(asked: &Asked, id: &str, of: Of, metric: &str, statistic: &str) -> MetricDataQuery {
    let period = period_s(of);
    let query = MetricDataQuery::builder().id(id);
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let (namespace, dimensions) = match of {
        Of::Capture => {
            let table = &asked.table;
            return query
                .expression(format!(
                    "SEARCH('{{AWS/DynamoDB,DelegatedOperation,TableName}} \
                     MetricName=\"{metric}\" TableName=\"{table}\"', '{statistic}', {period})"
                ))
                .build();
        }
        Of::Table => ("AWS/DynamoDB", vec![dimension("TableName", &asked.table)]),
        Of::Batches => (
            "AWS/DynamoDB",
            vec![
                dimension("TableName", &asked.table),
                dimension("Operation", "BatchWriteItem"),
            ],
        ),
        Of::Stream => {
            let stream = asked.stream.as_deref().unwrap_or_default();
            ("AWS/Kinesis", vec![dimension("StreamName", stream)])
        }
    };
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(metric)
        .set_dimensions(Some(dimensions));
    let stat = MetricStat::builder()
        .metric(metric.build())
        .period(period as i32)
        .stat(statistic);
    query.metric_stat(stat.build()).build()
}

/// In a line. What a server that has no CloudWatch says is no matter of advice.
fn refusal<E, R>(error: SdkError<E, R>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    match service("asking CloudWatch")(error) {
        ProvisionError::Service {
            code: Some(_),
            message,
            ..
        } => with_advice(&message),
        ProvisionError::Service { message, .. } => message,
        other => other.to_string(),
    }
}
