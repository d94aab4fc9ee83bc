//! What commands that work on an account have in common: where it is, and
//! asking before something is removed.

use std::io::{self, IsTerminal, Write};

use clap::Args;

use super::problem::Problem;
use super::values;
use crate::aws::{self, Connection, Options, Target};
use crate::endpoint::Endpoint;
use crate::experiment::Interrupts;

/// Which account and region, or which other server.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlaceArgs {
    /// Any other server that speaks DynamoDB, instead of AWS
    #[arg(long, value_name = "URL", value_parser = values::url, help_heading = "Target")]
    pub(super) endpoint_url: Option<Endpoint>,

    /// Kinesis endpoint [default: --endpoint-url]
    #[arg(long, value_name = "URL", value_parser = values::url, requires = "endpoint_url", help_heading = "Target")]
    pub(super) kinesis_endpoint_url: Option<Endpoint>,

    /// AWS region [default: from the environment or configuration file]
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    pub(super) region: Option<String>,

    /// Profile of the AWS configuration file [default: AWS_PROFILE, or `default`]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub(super) aws_profile: Option<String>,
}

impl PlaceArgs {
    /// Clients for it.
    pub(super) async fn connect(&self) -> Result<Connection, Problem> {
        let options = Options {
            region: self.region.clone(),
            profile: self.aws_profile.clone(),
            ..Options::default()
        };
        let target = match &self.endpoint_url {
            None => Target::Aws,
            Some(url) => Target::Endpoint {
                dynamodb: url.clone(),
                kinesis: self.kinesis_endpoint_url.clone(),
            },
        };
        connect(&target, &options).await
    }

    /// In words.
    pub(super) fn name(&self) -> String {
        match &self.endpoint_url {
            None => "AWS".to_owned(),
            Some(url) => url.to_string(),
        }
    }
}

/// Connects, and tells what is assumed of a server on this machine.
pub(super) async fn connect(target: &Target, options: &Options) -> Result<Connection, Problem> {
    let connection = aws::connect(target, options).await;
    let connection = connection.map_err(Problem::failed)?;
    if let Some(assumed) = &connection.assumed {
        say!("{assumed}");
    }
    Ok(connection)
}

/// Does `job` on a runtime of this thread, where signals are heard.
pub(super) fn on_runtime<T, E: Into<Problem>>(
    job: impl AsyncFnOnce(&mut Interrupts) -> Result<T, E>,
) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupts = Interrupts::listen()?;
        job(&mut interrupts).await.map_err(Into::into)
    })
}

/// Asks on the terminal; without one, `--yes` is the only consent.
pub(super) fn consent(yes: bool, question: &str) -> Result<bool, Problem> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(Problem::usage(format!(
            "{question} There is no terminal to ask on; say --yes"
        )));
    }
    anstream::eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    let answer = answer.trim().to_ascii_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}
