//! `hrload local`: the embedded services alone, for any AWS SDK.

use std::net::SocketAddr;

use clap::Args;

use super::problem::{Exit, Problem};
use super::values;
use crate::experiment::Interrupts;
use crate::local::capture::ChangeDelay;
use crate::local::{Config, Faults, Services};

pub(super) const HELP: &str = "\
Examples:
  hrload local
      then, in another terminal, with any credentials and a region set:
      aws dynamodb list-tables --endpoint-url http://127.0.0.1:8000
  hrload local --listen 127.0.0.1:0 --change-delay 0 -q
      a free port, printed alone; change records arrive at once
  hrload local --fault 'throttle=1%,lose=1000'
      one call in a hundred is throttled, and 1,000 change records get lost";

/// Arguments of `hrload local`.
#[derive(Debug, Args)]
pub(crate) struct LocalArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,

    /// Server threads
    #[arg(short, long, value_name = "N", default_value = "2", value_parser = values::count)]
    threads: u32,

    /// Region in ARNs and change records
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    region: String,

    /// Time from a write to its record's arrival in the stream: a median
    /// (150ms), an exact time (fixed:200ms), or 0
    #[arg(long, value_name = "TIME", default_value = "150ms")]
    change_delay: ChangeDelay,

    /// Faults to inject, separated by commas
    #[arg(
        long,
        value_name = "FAULTS",
        default_value = "",
        hide_default_value = true
    )]
    fault: Faults,

    /// Bytes of items, and of stream records, to keep in memory; the oldest go first
    #[arg(long, value_name = "BYTES", default_value = "2GiB", value_parser = values::bytes)]
    retain: u64,

    /// Seed of delays and faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Print only the endpoint
    #[arg(short, long)]
    quiet: bool,
}

/// Serves until interrupted.
pub(crate) fn serve(args: LocalArgs) -> Result<Exit, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupts = Interrupts::listen()?;
        let services = Services::start(Config {
            listen: args.listen,
            threads: args.threads as usize,
            region: args.region.clone(),
            account: Config::ACCOUNT.to_owned(),
            change_delay: args.change_delay,
            retain_bytes: args.retain,
            limits: None,
            faults: args.fault,
            seed: args.seed,
        })
        .map_err(Problem::failed)?;
        let endpoint = services.endpoint();
        anstream::println!("{endpoint}");
        if !args.quiet {
            anstream::eprintln!(
                "DynamoDB and Kinesis on one port, all in memory. To use them from any AWS SDK or tool:\n\
                 \n  export AWS_ENDPOINT_URL={endpoint} AWS_REGION={} \
                 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n\
                 \nCtrl-C stops them.",
                args.region,
            );
        }
        interrupts.next().await;
        drop(services);
        Ok(Exit::Held)
    })
}
