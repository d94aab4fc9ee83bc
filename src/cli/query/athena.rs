//! Statements answered by Athena.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::QueryArgs;
use super::write::{self, Rows, number_of_rows};
use crate::aws::{self, Options, Target};
use crate::capacity::price::Prices;
use crate::cli::problem::{Exit, Problem};
use crate::experiment::Interrupts;
use crate::query::{Athena, AthenaError, Bill, Execution};
use crate::report::{bytes, duration, usd};

/// Between two questions how far it is.
const LOOK: Duration = Duration::from_millis(500);

fn failed(error: AthenaError) -> Problem {
    match error {
        AthenaError::Statement { .. } => Problem::usage(error),
        error => Problem::failed(error),
    }
}

pub(super) async fn answer(args: &QueryArgs, sql: &str) -> Result<Exit, Problem> {
    let format = write::format(args)?;
    let mut interrupts = Interrupts::listen()?;
    let options = Options {
        region: args.region.clone(),
        profile: args.aws_profile.clone(),
        ..Options::default()
    };
    let connection = aws::connect(&Target::Aws, &options).await;
    let connection = connection.map_err(Problem::failed)?;
    let athena = Athena::new(connection.athena(args.athena_endpoint_url.as_ref()));
    let started = athena.start(
        sql,
        &args.database,
        args.workgroup.as_deref(),
        args.output_location.as_deref(),
    );
    let id = tokio::select! {
        id = started => id.map_err(failed)?,
        () = interrupts.next() => {
            let problem = Problem::interrupted("interrupted while the statement was sent");
            return Err(problem.and("Athena may run it all the same"));
        }
    };
    let bill = tokio::select! {
        bill = wait(&athena, &id, sql, args.quiet) => bill.map_err(failed)?,
        () = interrupts.next() => {
            let stopped = athena.stop(&id).await.map_err(failed);
            let problem = Problem::interrupted("interrupted; Athena was told to stop the statement");
            return Err(match stopped {
                Ok(()) => problem,
                Err(_) => problem.and(&format!("and may not have: it is the statement {id}")),
            });
        }
    };

    let read = async {
        let mut page = athena.page(&id, None).await.map_err(failed)?;
        let mut out = Rows::new(args, format, page.rows.schema())?;
        loop {
            out.write(&page.rows)?;
            let Some(next) = page.next else {
                return out.finish();
            };
            page = athena.page(&id, Some(next)).await.map_err(failed)?;
        }
    };
    let rows = tokio::select! {
        rows = read => rows?,
        () = interrupts.next() => {
            let problem = Problem::interrupted("interrupted while rows were read");
            return Err(problem.and(&format!(
                "the statement {id} is done, and its rows are where Athena put them"
            )));
        }
    };
    if !args.quiet {
        tell(rows, bill, &connection.region);
    }
    Ok(Exit::Held)
}

async fn wait(athena: &Athena, id: &str, sql: &str, quiet: bool) -> Result<Bill, AthenaError> {
    let shown = !quiet && stderr().is_terminal();
    let bar = shown.then(|| {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        let style = ProgressStyle::with_template("{msg}, {elapsed}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
    });
    let told = |text: String| bar.iter().for_each(|bar| bar.set_message(text.clone()));
    let bill = loop {
        match athena.look(id, sql).await? {
            Execution::Queued => told("Athena: waiting for its turn".to_owned()),
            Execution::Running(so_far) => {
                told(format!(
                    "Athena: running, {} scanned",
                    bytes(so_far.scanned_bytes)
                ));
            }
            Execution::Done(bill) => break bill,
        }
        tokio::time::sleep(LOOK).await;
    };
    bar.iter().for_each(ProgressBar::finish_and_clear);
    Ok(bill)
}

fn tell(rows: u64, bill: Bill, region: &str) {
    if !bill.known {
        return say!(
            "{}; Athena does not say what it scanned, and what that costs",
            number_of_rows(rows)
        );
    }
    let prices = Prices::named(region).or_else(|_| Prices::named("us-east-1"));
    let cost = prices.map_or_else(
        |_| String::new(),
        |prices| {
            format!(
                ", {} {} at the prices of {}, {}",
                usd(bill.cost(&prices.athena)),
                prices.currency,
                prices.region,
                prices.as_of
            )
        },
    );
    say!(
        "{} in {}; Athena scanned {}{cost}",
        number_of_rows(rows),
        duration(bill.engine.as_secs_f64()),
        bytes(bill.scanned_bytes),
    );
}
