//! `hrload setup`: a table, a stream and the destination between them, made to
//! be run on again and again.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::capacity::{ModeArgs, UnitArgs};
use super::place::{PlaceArgs, on_runtime};
use super::problem::{Exit, Problem};
use super::run::LayoutArg;
use super::screen::tell;
use super::values;
use crate::aws::{
    self, Connection, HeldState, Owner, Progress, Resource, STATE_SCHEMA, SetupError, State,
    StateFile, TableThroughput, Wanted, WantedStream, permissions,
};
use crate::endpoint::Endpoint;
use crate::experiment::{Interrupts, StreamMode, TableMode, Warm};

pub(super) const HELP: &str = "\
Examples:
  hrload setup --region eu-central-1 --shards 4
      an on-demand table and a stream of four shards on AWS, for a day
  hrload run --state hrload-state.json -r 2000/s
      runs on them, as often as needed
  hrload teardown
      removes them
  hrload setup --mode provisioned --wcu 5000 --expires 2h
  hrload setup --endpoint-url http://127.0.0.1:8000
      on another server, such as `hrload local --listen 127.0.0.1:8000`

Each step is recorded in the state file before and after it is made, so that
what a crash leaves can still be removed. Run again, it continues where it was
cut off; with other settings it says what differs and stops. What was made is
tagged hrload:run, hrload:made-by and hrload:expires. It is not removed by
itself when it expires, but by `hrload cleanup --expired`.";

/// Arguments of `hrload setup`.
#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// Name of the table [default: a generated one]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    table: Option<String>,

    /// Name of the stream [default: the table's]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    stream: Option<String>,

    /// Item layout that determines the table's key
    #[arg(long, value_enum, default_value_t = LayoutArg::Post, help_heading = "Target")]
    layout: LayoutArg,

    // Nothing is sized here: there is no rate. One shard and a bare table unless told.
    #[command(flatten)]
    mode: ModeArgs,

    #[command(flatten)]
    units: UnitArgs,

    /// How long until `hrload cleanup --expired` may remove it, counted from the last
    /// `hrload setup` [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = values::positive_span)]
    expires: Option<Duration>,

    /// File that records what was made
    #[arg(long, value_name = "FILE", default_value = "hrload-state.json")]
    state: PathBuf,

    /// Print the calls that would be made, in order, with their IAM actions and resources,
    /// and make none
    #[arg(long)]
    dry_run: bool,

    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
}

/// Where `--expires` says nothing.
const EXPIRES: Duration = Duration::from_secs(24 * 3600);

impl SetupArgs {
    fn throughput(&self) -> Result<TableThroughput, Problem> {
        match self.units.table_mode(self.mode)? {
            TableMode::OnDemand { warm } => Ok(TableThroughput::OnDemand {
                warm_write_units: match warm {
                    Warm::Sized | Warm::New => None,
                    Warm::Units(units) => Some(units),
                },
            }),
            TableMode::Provisioned {
                write_units: Some(write_units),
            } => Ok(TableThroughput::Provisioned {
                write_units,
                read_units: 5,
            }),
            TableMode::Provisioned { write_units: None } => Err(Problem::usage(
                "a set-up knows no rate to size a provisioned table for; say --wcu N",
            )),
        }
    }

    /// What is asked for: as a state with nothing made, and as sizes.
    fn plan(
        &self,
        connection: &Connection,
        found: Option<&State>,
    ) -> Result<(State, Wanted), Problem> {
        let now = Timestamp::now();
        let run = now.strftime("hrload-%Y%m%d-%H%M%S-%6f").to_string();
        let expires = now
            .checked_add(self.expires.unwrap_or(EXPIRES))
            .map_err(Problem::usage)?;
        let throughput = self.throughput()?;
        let shards = match self.units.stream_mode()? {
            StreamMode::OnDemand => None,
            StreamMode::Provisioned => Some(self.units.shards.unwrap_or(1)),
        };
        // Names that were made up once stay.
        let table = self.table.clone().unwrap_or_else(|| {
            let before = found.map(|state| state.table.name.clone());
            before.unwrap_or_else(|| run.clone())
        });
        let stream = self.stream.clone().unwrap_or_else(|| {
            let before = found.map(|state| state.stream.name.clone());
            before.unwrap_or_else(|| table.clone())
        });
        let layout = self.layout.layout();
        let key = layout.key_schema();
        let table_capacity = match throughput {
            TableThroughput::OnDemand {
                warm_write_units: None,
            } => "on demand".to_owned(),
            TableThroughput::OnDemand {
                warm_write_units: Some(units),
            } => format!("on demand, warm for {units} writes/s"),
            TableThroughput::Provisioned { write_units, .. } => {
                format!("{write_units} write units/s")
            }
        };
        let stream_capacity = match shards {
            None => "on demand".to_owned(),
            Some(shards) => format!("{shards} shards"),
        };
        let state = State {
            schema: STATE_SCHEMA.to_owned(),
            run,
            started: now.to_string(),
            expires: expires.to_string(),
            region: connection.region.clone(),
            dynamodb: self.place.endpoint_url.as_ref().map(Endpoint::bare_text),
            kinesis: self
                .place
                .kinesis_endpoint_url
                .as_ref()
                .map(Endpoint::bare_text),
            layout: layout.name().to_owned(),
            table: Resource::planned(table.clone(), table_capacity),
            stream: Resource::planned(stream.clone(), stream_capacity),
            destination: Progress::Planned,
        };
        let wanted = Wanted {
            destination: true,
            table_stream: false,
            table,
            partition_key: key.partition,
            sort_key: key.sort,
            throughput,
            stream: Some(WantedStream {
                name: stream,
                shards,
            }),
            owner: Some(Owner {
                run: state.run.clone(),
                expires: Some(state.expires.clone()),
            }),
        };
        Ok((state, wanted))
    }
}

/// Sets up.
pub(crate) fn run(args: SetupArgs) -> Result<Exit, Problem> {
    on_runtime(async |interrupts| set_up(&args, interrupts).await)
}

fn dry_run(planned: &State) -> Result<Exit, Problem> {
    tell(&permissions::dry_run(
        permissions::SETUP_ORDER,
        permissions::SETUP,
        &planned.region,
        &planned.table.name,
        &planned.stream.name,
    ))?;
    Ok(Exit::Held)
}

async fn set_up(args: &SetupArgs, interrupts: &mut Interrupts) -> Result<Exit, Problem> {
    let file = StateFile::at(args.state.clone());
    let path = file.path().display();
    let held = (!args.dry_run).then(|| file.hold()).transpose();
    let held = held.map_err(Problem::failed)?;
    if let Some(lacks) = held.as_ref().and_then(HeldState::lacks) {
        say!("{lacks}");
    }
    let found = file.find().map_err(Problem::failed)?;
    let connection = args.place.connect().await?;
    let (planned, wanted) = args.plan(&connection, found.as_ref())?;
    if args.dry_run {
        return dry_run(&planned);
    }
    let first = found.is_none();
    let mut state = match found {
        None => planned,
        Some(mut found) => {
            let differences = found.differences(&planned);
            if !differences.is_empty() {
                return Err(Problem::failed(format!(
                    "{path} is of another set-up: {}; remove that with `hrload teardown`, or name \
                     another file with --state",
                    differences.join("; ")
                )));
            }
            if [found.table.progress, found.stream.progress]
                .iter()
                .any(|of| matches!(of, Progress::Removing | Progress::Removed))
            {
                return Err(Problem::failed(format!(
                    "{path} is of a set-up that is being removed; run `hrload teardown` to its end"
                )));
            }
            if args.expires.is_some() {
                found.expires = planned.expires;
            }
            found
        }
    };
    file.write(&state).map_err(Problem::failed)?;
    let quiet = args.quiet;
    let mut tell = |step: &str| {
        if !quiet {
            say!("{step}");
        }
    };
    let stopped = tokio::select! {
        done = async {
            aws::set_up(&connection, &wanted, &file, &mut state, &mut tell).await?;
            if !first && args.expires.is_some() {
                aws::prolong(&connection, &state).await?;
            }
            Ok::<(), SetupError>(())
        } => match done {
            Ok(()) => None,
            Err(error) => Some(Problem::failed(error)),
        },
        () = interrupts.next() => Some(Problem::interrupted("interrupted")),
    };
    let Some(why) = stopped else {
        tell(&format!(
            "table {} and stream {} in {} on {} can be used: hrload run --state {path}",
            state.table.name,
            state.stream.name,
            state.region,
            args.place.name()
        ));
        let expires = &state.expires;
        let over = expires
            .parse()
            .is_ok_and(|at: Timestamp| at < Timestamp::now());
        if over {
            tell(&format!(
                "but it expired at {expires}: `hrload cleanup --expired` removes it; --expires TIME \
                 keeps it longer"
            ));
        }
        return Ok(Exit::Held);
    };
    if !first {
        return Err(why.and(&format!(
            "what {path} names is left as it is: set up again, or run `hrload teardown --state {path}`"
        )));
    }
    tell("removing what was made");
    let removed = tokio::select! {
        removed = aws::take_down(&connection, &file, &mut state, &mut tell) => {
            removed.map_err(|e| e.to_string())
        }
        () = interrupts.next() => Err("interrupted again".to_owned()),
    };
    Err(match removed {
        Ok(()) => why.and("what was made until then is removed"),
        Err(error) => why.and(&format!(
            "not everything made until then could be removed: {error}; {path} names it, \
             `hrload teardown --state {path}` goes on"
        )),
    })
}
