//! The same statements by Athena itself.
//!
//! Athena runs a statement on its own time and puts the rows into a bucket; what it
//! is asked for here is to start, to say how far it is, and to hand the rows over,
//! a thousand at a time.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_athena::Client;
use aws_sdk_athena::error::ProvideErrorMetadata;
use aws_sdk_athena::error::SdkError;
use aws_sdk_athena::types::{
    QueryExecutionContext, QueryExecutionState, ResultConfiguration, Row, StatementType,
};
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};

use super::error::Place;
use hrload_capacity::price::AthenaPrices;

/// What a statement that scans is charged for at least
/// (<https://aws.amazon.com/athena/pricing/>).
const MINIMUM_BYTES: f64 = 10e6;

/// Statements sent to Athena.
#[derive(Debug, Clone)]
pub struct Athena {
    client: Client,
}

/// What a statement has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bill {
    /// Bytes scanned.
    pub scanned_bytes: u64,
    /// How long Athena worked.
    pub engine: Duration,
    /// What kind of statement Athena took it for.
    pub kind: Kind,
    /// Athena said how much it scanned.
    pub known: bool,
}

/// Kinds of statements, as they are charged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Defines tables, and the like (DDL): nothing is asked for it.
    Defines,
    /// Asks or changes data (DML): charged for, with a minimum.
    Asks,
    /// Anything else, such as SHOW and EXPLAIN: charged for what it scans, if anything.
    #[default]
    Other,
}

impl Bill {
    /// What Athena asks for them: nothing for a statement that defines, at least a minimum
    /// for one that asks.
    #[must_use]
    pub fn cost(&self, prices: &AthenaPrices) -> f64 {
        match self.kind {
            Kind::Defines => return 0.0,
            Kind::Other if self.scanned_bytes == 0 => return 0.0,
            Kind::Asks | Kind::Other => {}
        }
        let bytes = (self.scanned_bytes as f64).max(MINIMUM_BYTES);
        bytes / 1e12 * prices.tb_scanned
    }
}

/// How far a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Execution {
    /// It waits for its turn.
    Queued,
    /// It runs.
    Running(Bill),
    /// It is done.
    Done(Bill),
}

/// Some of its rows, all of them texts, and how to ask for more.
#[derive(Debug)]
pub struct Page {
    /// The rows.
    pub rows: RecordBatch,
    /// What [`Athena::page`] wants for those behind them; `None`: these are the last.
    pub next: Option<String>,
}

/// Why Athena gave no rows.
#[derive(Debug, thiserror::Error)]
pub enum AthenaError {
    /// A call failed.
    #[error("{action} failed: {cause}")]
    Call {
        /// The call.
        action: &'static str,
        /// What came back.
        cause: String,
    },
    /// The statement did.
    #[error("Athena says {message}{}", place.map(|place| format!("\n{}", place.marked(sql))).unwrap_or_default())]
    Statement {
        /// Athena's words.
        message: String,
        /// The statement.
        sql: String,
        /// Where in it, if Athena says.
        place: Option<Place>,
    },
    /// Somebody cancelled it.
    #[error("the statement was cancelled")]
    Cancelled,
}

fn called<E>(action: &'static str) -> impl Fn(SdkError<E>) -> AthenaError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    move |error| AthenaError::Call {
        action,
        cause: match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => hrload_net::trouble::words(&error),
        },
    }
}

impl Athena {
    /// By this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Starts a statement; returns its id. `output` (`s3://bucket/prefix/`) is where
    /// the rows go; it may be left out if the workgroup says.
    ///
    /// # Errors
    /// Athena does not take it.
    pub async fn start(
        &self,
        sql: &str,
        database: &str,
        workgroup: Option<&str>,
        output: Option<&str>,
    ) -> Result<String, AthenaError> {
        let context = QueryExecutionContext::builder().database(database).build();
        let result = output.map(|place| {
            ResultConfiguration::builder()
                .output_location(place)
                .build()
        });
        let started = self
            .client
            .start_query_execution()
            .query_string(sql)
            .query_execution_context(context)
            .set_work_group(workgroup.map(str::to_owned))
            .set_result_configuration(result)
            .send()
            .await
            .map_err(called("StartQueryExecution"))?;
        started.query_execution_id.ok_or(AthenaError::Call {
            action: "StartQueryExecution",
            cause: "the answer holds no id".to_owned(),
        })
    }

    /// How far the statement `id` is.
    ///
    /// # Errors
    /// It failed or was cancelled, or Athena does not say.
    pub async fn look(&self, id: &str, sql: &str) -> Result<Execution, AthenaError> {
        let found = self
            .client
            .get_query_execution()
            .query_execution_id(id)
            .send()
            .await;
        let found = found.map_err(called("GetQueryExecution"))?;
        let execution = found
            .query_execution
            .unwrap_or_else(|| aws_sdk_athena::types::QueryExecution::builder().build());
        let statistics = execution.statistics();
        let bill = Bill {
            scanned_bytes: statistics
                .and_then(|of| u64::try_from(of.data_scanned_in_bytes()?).ok())
                .unwrap_or(0),
            engine: statistics
                .and_then(|of| u64::try_from(of.engine_execution_time_in_millis()?).ok())
                .map_or(Duration::ZERO, Duration::from_millis),
            kind: match execution.statement_type() {
                Some(StatementType::Ddl) => Kind::Defines,
                Some(StatementType::Dml) => Kind::Asks,
                _ => Kind::Other,
            },
            known: statistics.is_some_and(|of| of.data_scanned_in_bytes().is_some()),
        };
        let status = execution.status();
        match status.and_then(|status| status.state()) {
            Some(QueryExecutionState::Succeeded) => Ok(Execution::Done(bill)),
            Some(QueryExecutionState::Running) => Ok(Execution::Running(bill)),
            Some(QueryExecutionState::Cancelled) => Err(AthenaError::Cancelled),
            Some(QueryExecutionState::Failed) => {
                let reason = status.and_then(|status| status.state_change_reason());
                let message = reason.unwrap_or("that the statement failed, and not why");
                Err(AthenaError::Statement {
                    message: message.to_owned(),
                    sql: sql.to_owned(),
                    place: place(message),
                })
            }
            _ => Ok(Execution::Queued),
        }
    }

    /// Rows of a statement that is done; the first call without `token`.
    ///
    /// # Errors
    /// Athena does not hand them over.
    pub async fn page(&self, id: &str, token: Option<String>) -> Result<Page, AthenaError> {
        let first = token.is_none();
        let asked = token.clone();
        let found = self
            .client
            .get_query_results()
            .query_execution_id(id)
            .set_next_token(token)
            .send()
            .await
            .map_err(called("GetQueryResults"))?;
        if found.next_token.is_some() && found.next_token == asked {
            return Err(AthenaError::Call {
                action: "GetQueryResults",
                cause: "a page names itself as the next one: the rows have no end".to_owned(),
            });
        }
        let set = found.result_set();
        let columns = set
            .and_then(|set| set.result_set_metadata())
            .map(|of| of.column_info());
        let names: Vec<_> = columns
            .unwrap_or_default()
            .iter()
            .map(|of| of.name())
            .collect();
        let mut rows = set.map(|set| set.rows()).unwrap_or_default();
        // The first row of a SELECT's first page is the names; other statements have none.
        if first && rows.first().is_some_and(|row| is_header(row, &names)) {
            rows = &rows[1..];
        }
        Ok(Page {
            rows: batch(&names, rows).map_err(|cause| AthenaError::Call {
                action: "GetQueryResults",
                cause,
            })?,
            next: found.next_token.clone(),
        })
    }

    /// Stops a statement that nobody waits for any more.
    ///
    /// # Errors
    /// Athena does not take it.
    pub async fn stop(&self, id: &str) -> Result<(), AthenaError> {
        let stopped = self
            .client
            .stop_query_execution()
            .query_execution_id(id)
            .send()
            .await;
        stopped.map(drop).map_err(called("StopQueryExecution"))
    }
}

fn is_header(row: &Row, names: &[&str]) -> bool {
    let data = row.data().iter().map(|cell| cell.var_char_value());
    data.eq(names.iter().map(|name| Some(*name)))
}

fn batch(names: &[&str], rows: &[Row]) -> Result<RecordBatch, String> {
    let fields: Vec<_> = names
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8, true))
        .collect();
    let column = |index: usize| {
        let cells = rows
            .iter()
            .map(|row| row.data().get(index)?.var_char_value());
        Arc::new(cells.collect::<StringArray>()) as ArrayRef
    };
    let columns = (0..names.len()).map(column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|error| error.to_string())
}

/// Out of Athena's words: `line 1:8: COLUMN_NOT_FOUND: ...`.
fn place(message: &str) -> Option<Place> {
    let rest = &message[message.find("line ")? + "line ".len()..];
    let (line, rest) = rest.split_once(':')?;
    let (column, _) = rest.split_once(':')?;
    Some(Place {
        line: line.parse().ok().filter(|line| *line > 0)?,
        column: column.trim().parse().ok()?,
        length: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn athenas_words_say_where() {
        let found = place("SYNTAX_ERROR: line 2:17: Column 'x' cannot be resolved");
        assert_eq!(found.map(|of| (of.line, of.column)), Some((2, 17)));
        assert_eq!(place("line one: no"), None);
        assert_eq!(place("HIVE_BAD_DATA"), None);
    }

    #[test]
    fn a_statement_that_asks_costs_its_minimum_and_one_that_defines_nothing() {
        let prices = AthenaPrices { tb_scanned: 5.0 };
        let cost = |kind, scanned_bytes: u64| {
            let bill = Bill {
                scanned_bytes,
                kind,
                ..Bill::default()
            };
            (bill.cost(&prices) * 1e9).round()
        };
        assert_eq!(cost(Kind::Asks, 0), 50_000.0);
        assert_eq!(cost(Kind::Asks, 1), 50_000.0);
        assert_eq!(cost(Kind::Asks, 2_000_000_000_000), 10e9);
        assert_eq!(cost(Kind::Defines, 500_000_000), 0.0);
        assert_eq!(cost(Kind::Other, 0), 0.0);
        assert_eq!(cost(Kind::Other, 1), 50_000.0);
    }
}
