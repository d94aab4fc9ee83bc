//! SQL over a lake, as Athena does it.
//!
//! In go the objects of a lake and a statement; out come rows, and how much had
//! to be read for them. The planning and the operators are DataFusion's; ours are
//! the tables: change records as they lie there, under the names that Athena would
//! give them (`records`), and the readings in them (`samples`), of which only
//! those objects are read that a time in the statement leaves (`objects`). Must
//! not know how objects came there, nor who looks at the rows.
//!
//! ```text
//! SQL -> statement -> plan -> table -> objects (pruned) -> records -> rows
//! ```

mod athena;
mod catalog;
mod columns;
mod ddl;
mod dialect;
mod engine;
mod error;
mod functions;
mod leaves;
mod literals;
mod objects;
mod output;
mod planner;
mod records;
mod rewrite;
mod samples;
mod scan;
mod spelling;
mod statement;
mod types;
mod views;

pub use athena::{Athena, AthenaError, Bill, Execution, Page};
pub use catalog::{Catalog, CatalogError};
pub use ddl::{Ddl, DdlError, Named};
pub use engine::{Answer, Engine, Limits, POSTS_STATEMENT};
pub use error::{Place, QueryError};
pub use output::{Format, OutputError, Writer};
pub use scan::Scanned;
pub use types::ColumnType;
