//! `hrload local`: the embedded services alone, for any AWS SDK.

use std::net::SocketAddr;

use clap::Args;

use super::capacity::{LimitArgs, ModeArgs, UnitArgs};
use super::problem::{Exit, Problem};
use super::values;
use crate::aws::{self, Options, Provisioned, TableThroughput, Target, Wanted, WantedStream};
use crate::codec::Layout;
use crate::experiment::{Interrupts, StreamMode, TableMode, Warm};
use crate::hosts::HostName;
use crate::local::capture::ChangeDelay;
use crate::local::{Faults, Origin, Services};

pub(super) const HELP: &str = "\
Examples:
  hrload local
      then, in another terminal, with any credentials and a region set:
      aws dynamodb list-tables --endpoint-url http://127.0.0.1:8000
  hrload local --listen 127.0.0.1:0 --change-delay 0 -q
      a free port, printed on its own; change records arrive at once
  hrload local --fault 'throttle=1%,lose=1000'
      throttles one call in a hundred, and loses 1,000 change records
  hrload local --mode provisioned --wcu 1000 --shards 1
      with a table `hrload` of 1,000 write units, keyed by `id`; its changes go
      to a stream `hrload` of one shard
  hrload local --time-scale 60
      what takes a minute on AWS (growing, scaling, changing) takes a second";

/// Arguments of `hrload local`.
#[derive(Debug, Args)]
pub(crate) struct LocalArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000", value_parser = values::listen)]
    listen: SocketAddr,

    /// Host name, besides localhost and IP addresses, that clients may use
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<HostName>,

    /// Origin of web pages that may call it, such as http://localhost:5173; * is every one
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<Origin>,

    /// Server threads
    #[arg(short, long, value_name = "N", default_value = "2", value_parser = values::threads)]
    threads: u32,

    /// Region in ARNs and change records
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    region: String,

    /// Time from a write to its record's arrival in the stream: a median
    /// (150ms), an exact time (fixed:200ms), or 0
    #[arg(long, value_name = "TIME", default_value = "150ms")]
    change_delay: ChangeDelay,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    mode: ModeArgs,

    #[command(flatten)]
    units: UnitArgs,

    /// Answer BatchWriteItem without writing, as cheaply as possible, to measure clients
    #[arg(long)]
    null: bool,

    /// Faults to inject, separated by commas: lose=1%, stall=2s@5s and ten other kinds
    #[arg(
        long,
        value_name = "FAULTS",
        default_value = "",
        hide_default_value = true,
        long_help = fault_help()
    )]
    fault: Faults,

    /// Memory for items, and as much for stream records; the oldest go first
    #[arg(long, value_name = "BYTES", default_value = "2GiB", value_parser = values::bytes)]
    retain: u64,

    /// Random seed of delays and faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Print the endpoint only
    #[arg(short, long)]
    quiet: bool,
}

/// The help of `--fault`, on whatever command.
pub(super) fn fault_help() -> String {
    format!(
        "Faults to inject, separated by commas. An AMOUNT is a count (1000: the next 1,000) or a \
         share (1%), a TIME has its unit (200ms):\n\n{}",
        Faults::kinds()
    )
}

/// Serves until interrupted.
pub(crate) fn serve(args: LocalArgs) -> Result<Exit, Problem> {
    let resources = wanted(args.mode, &args.units)?;
    if args.null && args.fault != Faults::default() {
        return Err(Problem::usage(format!(
            "--fault {} strikes writes and records of their changes, but --null answers writes \
             unseen and writes nothing; leave one of the two out",
            args.fault
        )));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupts = Interrupts::listen()?;
        let services = Services::builder()
            .listen(args.listen)
            .allow_hosts(args.allow_host)
            .allow_origins(args.allow_origin)
            .threads(args.threads as usize)
            .region(&args.region)
            .change_delay(args.change_delay)
            .retain_bytes(args.retain)
            .capacity(args.limits.limits()?)
            .null(args.null)
            .faults(args.fault)
            .seed(args.seed)
            .start()
            .map_err(Problem::failed)?;
        let endpoint = services.endpoint();
        if let Some(resources) = resources {
            make(&services, &resources).await?;
        }
        anstream::println!("{endpoint}");
        if !args.quiet {
            say!(
                "DynamoDB and Kinesis on one port, all in memory, for any AWS SDK or tool:\n\
                 \n  export AWS_ENDPOINT_URL={endpoint} AWS_REGION={}\
                 \n  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n\
                 \nCtrl-C stops them.",
                args.region,
            );
        }
        interrupts.next().await;
        drop(services);
        Ok(Exit::Held)
    })
}

/// Name of the table and the stream that are made on request.
const NAME: &str = "hrload";
/// Write units of a provisioned table for which none were named.
const WRITE_UNITS: u64 = 1_000;
const READ_UNITS: u64 = 1_000;

/// The table and stream to make: those of the post's layout, if any flag says
/// how they are to be.
fn wanted(mode: ModeArgs, args: &UnitArgs) -> Result<Option<Wanted>, Problem> {
    let (table_mode, stream_mode) = (args.table_mode(mode)?, args.stream_mode()?);
    if !mode.given() && !args.any() {
        return Ok(None);
    }
    let key = Layout::Post.key_schema();
    Ok(Some(Wanted {
        destination: true,
        table_stream: false,
        table: NAME.to_owned(),
        partition_key: key.partition,
        sort_key: key.sort,
        throughput: match table_mode {
            TableMode::OnDemand { warm } => TableThroughput::OnDemand {
                warm_write_units: match warm {
                    Warm::Units(units) => Some(units),
                    Warm::Sized | Warm::New => None,
                },
            },
            TableMode::Provisioned { write_units } => TableThroughput::Provisioned {
                write_units: write_units.unwrap_or(WRITE_UNITS),
                read_units: READ_UNITS,
            },
        },
        stream: Some(WantedStream {
            name: NAME.to_owned(),
            shards: (stream_mode == StreamMode::Provisioned).then(|| args.shards.unwrap_or(1)),
        }),
        owner: None,
    }))
}

/// Makes them, as any client would.
async fn make(services: &Services, wanted: &Wanted) -> Result<(), Problem> {
    let target = Target::Local(services.address());
    let connection = aws::connect(&target, &Options::default())
        .await
        .map_err(Problem::failed)?;
    let mut made = Provisioned::default();
    aws::provision(&connection, wanted, &mut made, &mut |_| {})
        .await
        .map_err(Problem::failed)
}
