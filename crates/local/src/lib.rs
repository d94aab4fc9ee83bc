//! DynamoDB, its Kinesis streaming destination, DynamoDB Streams and Kinesis Data
//! Streams on one port, in this process, with AWS's capacity rules.
//!
//! For tests of applications that use them: no account, no container and no
//! network, started in a millisecond, gone when dropped. Any AWS SDK can call
//! them, in any language, since they speak AWS's own protocols over HTTP. What
//! sets them apart from other emulators is that tables and shards can throttle
//! as AWS's do, and that faults can be injected.
//!
//! # A first test
//!
//! ```
//! use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
//! use aws_sdk_dynamodb::types::{
//!     AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
//! };
//! use hrload_local::Services;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let services = Services::builder().start()?;
//! let config = aws_sdk_dynamodb::Config::builder()
//!     .behavior_version(BehaviorVersion::latest())
//!     .endpoint_url(services.endpoint())
//!     .region(Region::new("us-east-1"))
//!     .credentials_provider(Credentials::new("any", "any", None, None, "test"))
//!     .http_client(aws_smithy_http_client::Builder::new().build_http())
//!     .build();
//! let client = aws_sdk_dynamodb::Client::from_conf(config);
//!
//! let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
//! let id = AttributeDefinition::builder().attribute_name("id");
//! client
//!     .create_table()
//!     .table_name("readings")
//!     .billing_mode(BillingMode::PayPerRequest)
//!     .key_schema(key.build()?)
//!     .attribute_definitions(id.attribute_type(ScalarAttributeType::S).build()?)
//!     .send()
//!     .await?;
//! let tables = client.list_tables().send().await?;
//! assert_eq!(tables.table_names(), ["readings"]);
//! # Ok(())
//! # }
//! ```
//!
//! # How an application meets throttling
//!
//! [`Builder::capacity`] binds tables, partitions and shards by the rules of
//! [`Limits`]; `Limits::without_savings` gives new tables nothing saved up, so
//! that they throttle from the first second. A table of five write units then
//! refuses what is beyond five a second, with the exceptions and the reasons that
//! AWS gives. [`Limits::time_scale`] lets minutes go by in seconds, for what
//! takes AWS minutes: burst capacity, the growth of on-demand tables, auto
//! scaling. `examples/throttled.rs` shows a client that is throttled and gets all
//! of its items written.
//!
//! # How an application meets trouble
//!
//! [`Builder::faults`] takes a text such as `"unprocessed=1%,lose=1000"`: batches
//! that come back in part, lost, doubled and reordered change records, cut
//! connections, errors, stalls. [`Faults`] lists them, and
//! [`Services::injected`] counts what was injected.
//!
//! # What is and is not served
//!
//! Items and streams are kept in memory, up to [`Builder::retain_bytes`]. An
//! operation that is not served answers `UnknownOperationException`; a member that
//! is not understood is refused and never passed over. Signatures are asked for
//! and not checked: any credentials do.
//!
//! # How it is built
//!
//! In go HTTP requests in AWS's own protocols; out come its answers, and its
//! errors. The services run on threads of their own and know nothing of runs,
//! readings or measuring.
//!
//! ```text
//! server -> front (X-Amz-Target) -> dynamodb -> capture (delay, micro-batches) -> kinesis
//!        |                                          \----------> table_streams
//!        \----------------------------------------> table_streams, kinesis
//! ```

mod body;
mod builder;
pub mod capture;
mod compression;
pub mod dynamodb;
mod failure;
pub mod faults;
mod front;
pub mod kinesis;
mod limits;
mod memory;
mod origin;
mod server;
pub mod table_streams;

pub use builder::Builder;
pub use failure::Failure;
pub use faults::Faults;
pub use hrload_base::hosts::HostName;
pub use limits::Limits;
pub use origin::Origin;
pub use server::{Services, StartError};
