//! `hrload dashboard`: a page to look at heart rates on.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgGroup, Args};
use uuid::Uuid;

use super::lake::s3_endpoint;
use super::place::connect;
use super::problem::{Exit, Problem};
use super::values;
use crate::aws::{Options, Target};
use crate::clock::Clock;
use crate::dashboard::{Board, Server, Shown, Source, reference};
use crate::endpoint::Endpoint;
use crate::experiment::Interrupts;
use crate::hosts::HostName;
use crate::lake::Place;

pub(super) const HELP: &str = "\
Examples:
  hrload dashboard --lake ./lake
      the objects of a lake, and new ones as they come, such as those of
      `hrload --lake ./lake --lake-interval 1s -d 10m`
  hrload dashboard --stream hrload --endpoint-url http://127.0.0.1:8000
      a stream: what it still holds, and what comes, with its latencies
  hrload dashboard --lake s3://bucket/heart-rate --listen 0.0.0.0:8080
      also from other machines, with the token in the printed address

The page's address says what is shown, so that it can be shared. Ctrl-C ends it.";

/// Arguments of `hrload dashboard`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["lake", "stream"])))]
pub(crate) struct DashboardArgs {
    /// Folder or s3://BUCKET/PREFIX to show
    #[arg(long, value_name = "PLACE")]
    lake: Option<Place>,

    /// Stream to show
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,

    /// Address to listen on; port 0 takes a free one. Others than loopback need a token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = values::listen)]
    listen: SocketAddr,

    /// Token that a viewer must have [default: none on loopback, else a random one]
    #[arg(
        long,
        value_name = "TEXT",
        env = "HRLOAD_DASHBOARD_TOKEN",
        hide_env_values = true,
        value_parser = token
    )]
    token: Option<String>,

    /// Host name, besides localhost, that may be used on loopback
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<HostName>,

    /// How much time before the newest reading is kept in memory
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = values::positive_span)]
    keep: Duration,

    /// Kinesis endpoint [default: AWS_ENDPOINT_URL, or AWS's]
    #[arg(long, value_name = "URL", value_parser = values::url, conflicts_with = "lake", help_heading = "Target")]
    endpoint_url: Option<Endpoint>,

    /// S3 endpoint of a lake in a bucket [default: AWS_ENDPOINT_URL_S3, or AWS's]
    #[arg(long, value_name = "URL", value_parser = values::url, conflicts_with = "stream", help_heading = "Target")]
    s3_endpoint_url: Option<Endpoint>,

    /// Region [default: from the environment or profile]
    #[arg(long, value_name = "REGION", help_heading = "Target")]
    region: Option<String>,

    /// Profile of the AWS configuration file, for Kinesis
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "lake",
        help_heading = "Target"
    )]
    aws_profile: Option<String>,

    /// Print the address only
    #[arg(short, long)]
    quiet: bool,
}

/// What can stand in an address and in a cookie as it is.
fn token(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if text.len() >= 8 && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("expected eight or more letters, digits, or any of -._~".to_owned())
    }
}

/// Serves the page until interrupted.
pub(crate) fn run(args: DashboardArgs) -> Result<Exit, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: DashboardArgs) -> Result<Exit, Problem> {
    let mut interrupts = Interrupts::listen()?;
    let (source, what) = source(&args).await?;
    let server = Server::bind(args.listen).await.map_err(Problem::usage)?;
    let address = server.address();
    let token = match (args.token, address.ip().is_loopback()) {
        (None, false) => Some(Uuid::new_v4().simple().to_string()),
        (token, _) => token,
    };
    let query = token
        .as_ref()
        .map_or_else(String::new, |token| format!("?token={token}"));
    let reference = tokio::task::spawn_blocking(reference)
        .await
        .map_err(Problem::failed)?;
    anstream::println!("http://{address}/{query}");
    if !args.quiet {
        say!("{what}; open the address in a browser, Ctrl-C ends it");
    }
    let shown = Shown {
        what,
        token,
        allow_hosts: args.allow_host,
    };
    let board = Board::new(args.keep);
    tokio::select! {
        ended = server.serve(source, board, shown, reference, Clock::start()) => {
            ended?;
        }
        () = interrupts.next() => {}
    }
    Ok(Exit::Held)
}

async fn source(args: &DashboardArgs) -> Result<(Source, String), Problem> {
    if let Some(place) = &args.lake {
        if let Place::Folder(folder) = place {
            if folder.exists() && !folder.is_dir() {
                return Err(Problem::usage(format!(
                    "--lake wants a folder, and {} is none",
                    folder.display()
                )));
            }
            if !folder.exists() && !args.quiet {
                say!("{} is not there yet and is waited for", folder.display());
            }
        }
        let source = Source::Lake {
            place: place.clone(),
            endpoint: s3_endpoint(args.s3_endpoint_url.as_ref(), place)?,
            region: args.region.clone(),
        };
        return Ok((source, format!("the lake {place}")));
    }
    let stream = args.stream.clone().unwrap_or_default();
    let options = Options {
        region: args.region.clone(),
        profile: args.aws_profile.clone(),
        ..Options::default()
    };
    let target = match &args.endpoint_url {
        Some(url) => Target::Endpoint {
            dynamodb: url.clone(),
            kinesis: None,
        },
        None => Target::Aws,
    };
    let connection = connect(&target, &options).await?;
    let what = format!("the stream {stream}");
    let client = Box::new(connection.kinesis);
    Ok((Source::Stream { client, stream }, what))
}
