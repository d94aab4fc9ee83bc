//! What AWS itself counted of a run: CloudWatch's figures of its table and stream.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatch::types::{
    Dimension, MessageData, Metric, MetricDataQuery, MetricStat, StatusCode,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::advice::with_advice;
use super::error::service;
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
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// The metric's name.
    pub metric: &'static str,
    /// `Sum` or `Maximum`.
    pub statistic: &'static str,
    /// The sum or the maximum over the time asked for; `None` where there are no data
    /// points. DynamoDB sends none for what it has nothing to count of
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/dynamo-metricscollected.html>).
    pub value: Option<f64>,
    /// Why the value is not the whole of it, or not there; `None` where CloudWatch calls
    /// it complete. No data points are complete too.
    pub lack: Option<Lack>,
}

/// What CloudWatch says of a metric that it did not give, or not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// These credentials do not get it: asking again changes nothing.
    Forbidden(String),
    /// CloudWatch failed at it.
    Failed(String),
    /// There is more than it gave.
    Partial(String),
}

impl Lack {
    fn of(code: &StatusCode, messages: &[MessageData]) -> Option<Self> {
        let lack = match code {
            StatusCode::Complete => return None,
            StatusCode::Forbidden => Self::Forbidden,
            StatusCode::PartialData => Self::Partial,
            _ => Self::Failed,
        };
        let mut said = code.as_str().to_owned();
        for message in messages {
            said = format!("{said}; {}", in_words(message));
        }
        Some(lack(said))
    }

    /// The one that leaves more open.
    fn or(self, other: Option<Self>) -> Self {
        match (self, other) {
            (Self::Partial(_), Some(other)) => other,
            (this, _) => this,
        }
    }
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forbidden(said) => write!(
                f,
                "CloudWatch does not give these credentials this metric ({said})"
            ),
            Self::Failed(said) => write!(f, "CloudWatch failed at this metric ({said})"),
            Self::Partial(said) => {
                write!(f, "CloudWatch gave a part of this metric only ({said})")
            }
        }
    }
}

fn in_words(message: &MessageData) -> String {
    let parts = [message.code(), message.value()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

/// What an answer has of a metric.
#[derive(Debug, Default)]
struct Found {
    value: Option<f64>,
    lack: Option<Lack>,
}

/// Pages of an answer at most: fifteen days of minutes of all metrics are three.
const MOST_PAGES: usize = 100;

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

/// Asks CloudWatch. What cannot be searched for is without a value. Beside the figures:
/// what CloudWatch says of its answer as a whole.
///
/// # Errors
/// CloudWatch refused or could not be reached; in one line, with what to do.
pub async fn counted(
    connection: &Connection,
    asked: &Asked,
) -> Result<(Vec<Counted>, Vec<String>), String> {
    let plain: Vec<_> = wanted(asked)
        .filter(|(_, of, ..)| *of != Of::Capture)
        .collect();
    let (mut found, messages) = ask(connection, asked, &plain, 60).await?;
    let searched: Vec<_> = wanted(asked)
        .filter(|(_, of, ..)| *of == Of::Capture)
        .collect();
    if !searched.is_empty()
        && let Ok((of_capture, _)) = ask(connection, asked, &searched, 300).await
    {
        found.extend(of_capture);
    }
    let figures = wanted(asked).map(|(at, _, metric, statistic)| {
        let Found { value, lack } = found.remove(&id(at)).unwrap_or_default();
        Counted {
            metric,
            statistic,
            value,
            lack,
        }
    });
    Ok((figures.collect(), messages))
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
) -> Result<(BTreeMap<String, Found>, Vec<String>), String> {
    let queries = metrics
        .iter()
        .map(|(at, of, metric, statistic)| query(asked, &id(*at), *of, metric, statistic));
    let queries: Vec<MetricDataQuery> = queries.collect();
    let from_s = asked.from.as_second().div_euclid(period_s) * period_s;
    let to_s = (asked.to.as_second().div_euclid(period_s) + 1) * period_s;
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let mut messages = Vec::new();
    let mut token = None;
    for _ in 0..MOST_PAGES {
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
        messages.extend(page.messages().iter().map(in_words));
        // A metric that goes on on the next page is whole when its last page says so.
        let mut lacks: BTreeMap<&str, Option<Lack>> = BTreeMap::new();
        for result in page.metric_data_results() {
            let Some(id) = result.id() else { continue };
            let asked_for = metrics.iter().find(|(at, ..)| self::id(*at) == id);
            let largest = asked_for.is_some_and(|(.., statistic)| *statistic == "Maximum");
            let found = found.entry(id.to_owned()).or_default();
            for value in result.values() {
                found.value = Some(match found.value {
                    None => *value,
                    Some(known) if largest => known.max(*value),
                    Some(known) => known + value,
                });
            }
            // A search has several results of one id.
            let lack = (result.status_code()).and_then(|code| Lack::of(code, result.messages()));
            let known = lacks.entry(id).or_default();
            *known = match lack {
                Some(lack) => Some(lack.or(known.take())),
                None => known.take(),
            };
        }
        for (id, lack) in lacks {
            found.entry(id.to_owned()).or_default().lack = lack;
        }
        token = page.next_token;
        if token.is_none() {
            messages.dedup();
            return Ok((found, messages));
        }
    }
    Err(format!(
        "its answer has no end: more than {MOST_PAGES} pages, each of which names a next one"
    ))
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
