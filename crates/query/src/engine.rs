//! A lake opened for statements.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider,
};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use futures_util::{Stream, StreamExt};

use super::catalog::Catalog;
use super::ddl::{Ddl, Named};
use super::error::QueryError;
use super::functions;
use super::leaves::Leaves;
use super::objects::Timed;
use super::planner::{Operators, Unnest, named_sets};
use super::records::{RecordsTable, discover};
use super::samples::SamplesTable;
use super::scan::{Scanned, Source};
use super::statement::{self, Parsed};
use super::views::views;
use hrload_lake::Lake;
use hrload_lake::read::Tally;

/// The database of names that name none: the blog post's.
pub(super) const DATABASE: &str = "dbhr";
/// The blog post's table. Until it is created, its columns are those that records
/// are found to have.
const TABLE: &str = "heartratedata2021";
/// The same, whatever was created.
const RECORDS: &str = "records";
const SAMPLES: &str = "samples";
const CATALOG: &str = "awsdatacatalog";

/// The blog post's statement.
pub const POSTS_STATEMENT: &str = "SELECT dynamodb.NewImage.HeartRate.S AS HeartRate, \
                             dynamodb.NewImage.ReportTime.S AS Time, \
                             dynamodb.NewImage.SensorID.S AS Sensor_ID \
                             FROM \"dbhr\".\"heartratedata2021\"";

/// What statements may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For grouping, sorting and joining, in bytes; what does not fit goes to the
    /// disk. The texts of objects, one a core, come on top.
    pub memory_bytes: usize,
    /// Cores that work at the same time.
    pub cores: usize,
    /// How much later than it was taken a reading arrives at most, if somebody vouches
    /// for that and for the clocks of wearables: then a time in a statement leaves out
    /// objects that cannot hold it.
    pub late: Option<Duration>,
}

/// An open lake.
pub struct Engine {
    context: SessionContext,
    lake: Lake,
    objects: Arc<Vec<Timed>>,
    /// Names that lead to no object.
    names: Arc<Tally>,
    /// Names that were passed over.
    passed_over: u64,
    catalog: Catalog,
    database: Arc<MemorySchemaProvider>,
    /// What records were found to have, once it was looked for.
    found: Option<Fields>,
    limits: Limits,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("lake", &self.lake)
            .field("objects", &self.objects.len())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What comes of a statement.
#[derive(Debug)]
pub enum Answer {
    /// It was done; this can be told of it.
    Done(String),
    /// Rows.
    Rows(Rows),
}

/// Rows on their way.
pub struct Rows {
    schema: SchemaRef,
    batches: SendableRecordBatchStream,
    scanned: Arc<Scanned>,
    memory_bytes: usize,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl Rows {
    /// Their columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// What has been read for them so far.
    #[must_use]
    pub fn scanned(&self) -> Arc<Scanned> {
        Arc::clone(&self.scanned)
    }
}

impl Stream for Rows {
    type Item = Result<RecordBatch, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let memory_bytes = self.memory_bytes;
        let schema = Arc::clone(&self.schema);
        self.batches.poll_next_unpin(context).map(|batch| {
            let batch = batch?;
            Some(match batch {
                Ok(batch) => called(&batch, schema).map_err(QueryError::from),
                Err(error) => Err(QueryError::executing(&error, memory_bytes)),
            })
        })
    }
}

/// The same rows under other names.
fn called(
    batch: &RecordBatch,
    schema: SchemaRef,
) -> Result<RecordBatch, datafusion::arrow::error::ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, batch.columns().to_vec(), &options)
}

impl Engine {
    /// Lists the lake's objects and makes its tables known.
    ///
    /// # Errors
    /// The lake cannot be listed, or its catalog not be read.
    pub async fn open(lake: Lake, limits: Limits) -> Result<Self, QueryError> {
        let catalog = Catalog::load(&lake).await?;
        let listing = lake.list().await?;
        let objects = listing.objects.into_iter().map(Timed::from);
        let objects = Arc::new(objects.collect());

        let mut config = SessionConfig::new()
            .with_target_partitions(limits.cores.max(1))
            .with_information_schema(true)
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(CATALOG, DATABASE);
        config.options_mut().sql_parser.collect_spans = true;
        // Trino's: whatever the direction.
        config.options_mut().sql_parser.default_null_ordering = "nulls_last".to_owned();
        config.options_mut().execution.time_zone = Some("UTC".to_owned());
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
            .build_arc()
            .map_err(|error| QueryError::executing(&error, limits.memory_bytes))?;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_expr_planners(vec![Arc::new(Operators)])
            .with_relation_planners(vec![Arc::new(Unnest)])
            .with_default_features()
            .build();
        let mut context = SessionContext::new_with_state(state);
        functions::register(&mut context)
            .map_err(|error| QueryError::executing(&error, limits.memory_bytes))?;
        let database = Arc::new(MemorySchemaProvider::new());
        let databases = MemoryCatalogProvider::new();
        let registered = databases.register_schema(DATABASE, Arc::clone(&database) as _);
        registered.map_err(|error| QueryError::executing(&error, limits.memory_bytes))?;
        context.register_catalog(CATALOG, Arc::new(databases));
        Ok(Self {
            context,
            lake,
            objects,
            names: Arc::new(listing.remarks),
            passed_over: listing.passed_over,
            catalog,
            database,
            found: None,
            limits,
        })
    }

    /// How many objects of records the lake had when it was opened.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// How many names begin with `_` or `.` and are passed over for that.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Does what a statement says.
    ///
    /// # Errors
    /// It cannot be understood, or the lake not be read.
    pub async fn run(&mut self, sql: &str) -> Result<Answer, QueryError> {
        if let Some(ddl) = Ddl::parse(sql).map_err(|error| QueryError::ddl(sql, &error))? {
            return self.define(ddl).await;
        }
        let planning = |error: DataFusionError| QueryError::planning(sql, &error);
        let state = self.context.state();
        let known = |name: &str| functions::is_known(&state, name);
        let Parsed { statement, names } = statement::parse(sql, &known).map_err(planning)?;
        let scanned = Arc::new(Scanned::default());
        let references = state
            .resolve_table_references(&statement)
            .map_err(planning)?;
        let named = |name: &str| references.iter().any(|of| of.table() == name);
        let first = sql
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let all = matches!(first.as_str(), "show" | "describe" | "desc")
            || references
                .iter()
                .any(|of| of.schema() == Some("information_schema"));
        let leaves = Arc::default();
        self.make_known(&scanned, &leaves, |name| all || named(name))
            .await?;

        let plan = self
            .context
            .state()
            .statement_to_plan(statement)
            .await
            .map_err(planning)?;
        let allowed = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false);
        allowed
            .verify_plan(&plan)
            .map_err(|_| QueryError::Statement {
                message: "a lake can be asked, not changed; CREATE and DROP of DATABASE and \
                      EXTERNAL TABLE are known besides"
                    .to_owned(),
                sql: sql.to_owned(),
                place: None,
            })?;
        let plan = named_sets(plan).map_err(planning)?;
        let state = self.context.state();
        let optimised = state.optimize(&plan).map_err(planning)?;
        let found = Leaves::of(&optimised).map_err(planning)?;
        leaves.get_or_init(|| found);
        let frame = self.context.execute_logical_plan(optimised).await;
        let batches = frame.map_err(planning)?.execute_stream().await;
        let batches =
            batches.map_err(|error| QueryError::executing(&error, self.limits.memory_bytes))?;
        Ok(Answer::Rows(Rows {
            schema: Arc::new(written(&batches.schema(), names)),
            batches,
            scanned,
            memory_bytes: self.limits.memory_bytes,
        }))
    }

    async fn define(&mut self, ddl: Ddl) -> Result<Answer, QueryError> {
        let location = match &ddl {
            Ddl::CreateTable { location, .. } => location.is_some(),
            _ => false,
        };
        let built_in = |name: &Named| {
            let usual = name.database.as_deref().is_none_or(|of| of == DATABASE);
            let mut views = views().into_iter().map(|(view, _)| view);
            usual
                && (views.any(|view| view == name.table)
                    || [SAMPLES, RECORDS].contains(&name.table.as_str()))
        };
        let mut told = self.catalog.apply(ddl, DATABASE, built_in)?;
        self.catalog.save(&self.lake).await?;
        if location {
            told.push_str(&format!(
                "; its LOCATION is not looked at: its records are those of {}",
                self.lake.place()
            ));
        }
        Ok(Answer::Done(told))
    }

    /// Registers the tables for a statement that names those of which `named` is
    /// true. What columns records have is looked for only if it has to be.
    async fn make_known(
        &mut self,
        scanned: &Arc<Scanned>,
        leaves: &Arc<OnceLock<Leaves>>,
        named: impl Fn(&str) -> bool,
    ) -> Result<(), QueryError> {
        let source = Source {
            lake: self.lake.clone(),
            objects: Arc::clone(&self.objects),
            names: Arc::clone(&self.names),
            scanned: Arc::clone(scanned),
            late: self.limits.late,
        };
        let internal = |error: DataFusionError| QueryError::executing(&error, 0);
        let known = |database: &MemorySchemaProvider, name: &str, table| {
            // In the place of what an earlier statement left.
            database.deregister_table(name).map_err(internal)?;
            database
                .register_table(name.to_owned(), table)
                .map_err(internal)
        };

        let declared: Vec<_> = self
            .catalog
            .tables()
            .filter(|(_, name, _)| named(name))
            .collect();
        let is_declared = declared
            .iter()
            .any(|(of, name, _)| *of == DATABASE && *name == TABLE);
        let discovers = named(RECORDS) || (named(TABLE) && !is_declared);
        if discovers && self.found.is_none() {
            match discover(&self.lake, &self.objects).await {
                Ok(found) => self.found = Some(found),
                // What is declared can be asked; it has no rows.
                Err(QueryError::NoRecords { .. }) if !declared.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(found) = &self.found {
            for name in [RECORDS, TABLE] {
                let table = RecordsTable::discovered(source.clone(), found, leaves);
                known(&self.database, name, Arc::new(table))?;
            }
        }
        let catalog = self.context.catalog(CATALOG);
        for name in self.catalog.databases().filter(|name| *name != DATABASE) {
            if let Some(catalog) = &catalog {
                let fresh = Arc::new(MemorySchemaProvider::new());
                for (_, table, columns) in declared.iter().filter(|(of, _, _)| *of == name) {
                    let table_of = RecordsTable::declared(source.clone(), columns, leaves);
                    known(&fresh, table, Arc::new(table_of))?;
                }
                catalog.register_schema(name, fresh).map_err(internal)?;
            }
        }
        for (_, table, columns) in declared.iter().filter(|(of, _, _)| *of == DATABASE) {
            let table_of = RecordsTable::declared(source.clone(), columns, leaves);
            known(&self.database, table, Arc::new(table_of))?;
        }

        known(&self.database, SAMPLES, Arc::new(SamplesTable::new(source)))?;
        for (name, sql) in views() {
            let view = self
                .context
                .state()
                .create_logical_plan(&sql)
                .await
                .map_err(internal)?;
            let view = datafusion::datasource::ViewTable::new(view, Some(sql));
            known(&self.database, name, Arc::new(view))?;
        }
        Ok(())
    }
}

/// The schema with the names that the statement writes, unless that would give two
/// columns one name.
fn written(schema: &Schema, names: Option<Vec<Option<String>>>) -> Schema {
    let fields = schema.fields();
    let Some(names) = names.filter(|names| names.len() == fields.len()) else {
        return schema.clone();
    };
    let renamed: Vec<Field> = fields
        .iter()
        .zip(names)
        .map(|(field, name)| match name {
            Some(name) => field.as_ref().clone().with_name(name),
            None => field.as_ref().clone(),
        })
        .collect();
    let mut all: Vec<_> = renamed.iter().map(Field::name).collect();
    all.sort_unstable();
    all.dedup();
    match all.len() == fields.len() {
        true => Schema::new(renamed),
        false => schema.clone(),
    }
}
