//! `hrload cloudwatch FILE`: what AWS counted of a run that is over.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::live::Live;
use super::place::on_runtime;
use super::problem::{Exit, Problem};
use super::run::{probe, put_out};
use super::values;
use crate::experiment::{self, Output};
use crate::report::{self, RunResult, Target};

/// Arguments of `hrload cloudwatch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hrload cloudwatch run.json                 the figures beside hrload's own
  hrload cloudwatch run.json -o run.json     and kept in the result

Figures come minutes after a run; CloudWatch keeps those of a minute for 15
days. Needs cloudwatch:GetMetricData.")]
pub(crate) struct CloudWatchArgs {
    /// Result of a run on AWS, written with `-o`
    file: PathBuf,

    /// How long to wait for incomplete figures
    #[arg(long, value_name = "TIME", value_parser = values::span, default_value = "0s")]
    wait: Duration,

    /// Profile of the AWS configuration file [default: AWS_PROFILE, or `default`]
    #[arg(long, value_name = "NAME")]
    aws_profile: Option<String>,

    /// Write the result with these figures; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
}

/// Asks, and prints the summary with what was found.
pub(crate) fn cloudwatch(args: CloudWatchArgs) -> Result<Exit, Problem> {
    let mut result = RunResult::read(&args.file).map_err(Problem::usage)?;
    let name = args.file.display();
    if result.config.target != Target::Aws {
        return Err(Problem::usage(format!(
            "{name} is of a run that was not on AWS: CloudWatch knows nothing of it"
        )));
    }
    let output = args.output.map(Output::of);
    probe(output.as_ref())?;
    let mut live = Live::new(args.quiet);
    let found = on_runtime(async |interrupts| {
        let profile = args.aws_profile;
        let mut tell = |event: experiment::Event<'_>| live.show(&event);
        experiment::cloudwatch(&result, profile, args.wait, interrupts, &mut tell).await
    });
    live.finish();
    let Some(found) = found? else {
        return Err(Problem::failed("CloudWatch gave no figures"));
    };
    result.cloudwatch = Some(found);
    put_out(output.as_ref(), args.quiet, &result, report::summary)?;
    Ok(Exit::Held)
}
