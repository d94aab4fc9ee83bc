//! CloudWatch's figures of a run, which come minutes after it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout_at};

use super::error::RunError;
use super::event::Event;
use super::interrupt::Interrupts;
use crate::aws::{self, Asked, Connection, Lack, Options, Target};
use crate::report::{CloudWatch, Given, RunResult, duration};

/// Between two questions: a twelfth of the whole wait, within these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(15));

/// How long one question may take where nothing is waited for.
const ONE_QUESTION: Duration = Duration::from_secs(30);

/// Asks until as much is there as the run consumed, or `longest` is over, or somebody
/// interrupts; what there is then is taken. `longest` is of everything, questions too; with
/// none it asks once. Tells why there is nothing.
pub(super) async fn ask(
    connection: &Connection,
    result: &RunResult,
    longest: Duration,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(Event<'_>),
) -> Option<CloudWatch> {
    let asked = match asked(result) {
        Ok(asked) => asked,
        Err(error) => {
            tell(Event::Told(&format!("CloudWatch was not asked: {error}")));
            return None;
        }
    };
    let once = longest.is_zero();
    let bound = if once { ONE_QUESTION } else { longest };
    let wait = duration(bound.as_secs_f64());
    let doing = if once { "asking" } else { "waiting for" };
    tell(Event::Step(&format!(
        "{doing} CloudWatch's figures ({wait} at most; Ctrl-C goes on without)"
    )));
    let pause = (longest / 12).clamp(PAUSES.0, PAUSES.1);
    let deadline = Instant::now() + bound;
    let mut last = None;
    let mut told = Vec::new();
    loop {
        let counted = tokio::select! {
            counted = timeout_at(deadline, aws::counted(connection, &asked)) => counted,
            () = interrupts.next() => return last,
        };
        match counted {
            Ok(Ok((counted, messages))) => {
                for message in messages {
                    if !told.contains(&message) {
                        tell(Event::Told(&format!("CloudWatch says: {message}")));
                        told.push(message);
                    }
                }
                // Asking again changes nothing of that.
                let refused =
                    (counted.iter()).any(|of| matches!(of.lack, Some(Lack::Forbidden(_))));
                let figures = counted.into_iter().map(|of| Given {
                    metric: of.metric,
                    statistic: of.statistic,
                    value: of.value,
                    lack: of.lack.map(|lack| lack.to_string()),
                });
                let found = CloudWatch::beside(figures, Timestamp::now().to_string(), result);
                let over = once || Instant::now() + pause > deadline;
                if found.complete || refused || over {
                    return Some(found);
                }
                last = Some(found);
            }
            Ok(Err(error)) => {
                tell(Event::Told(&format!("CloudWatch gave no figures: {error}")));
                return last;
            }
            Err(_) => {
                if last.is_none() {
                    tell(Event::Told(&format!(
                        "CloudWatch gave no figures: it did not answer within {wait}"
                    )));
                }
                return last;
            }
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = interrupts.next() => return last,
        }
    }
}

fn asked(result: &RunResult) -> Result<Asked, String> {
    let moment = |text: &str| {
        text.parse::<Timestamp>()
            .map_err(|error| format!("{text:?} is no time: {error}"))
    };
    Ok(Asked {
        table: result.config.table.clone(),
        stream: result.config.stream.clone(),
        from: moment(&result.run.started)?,
        to: moment(&result.run.ended)?,
    })
}

/// Asks for the figures of a run that is over, in its own region.
///
/// # Errors
/// There is no connection to AWS.
pub async fn cloudwatch(
    result: &RunResult,
    profile: Option<String>,
    longest: Duration,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Option<CloudWatch>, RunError> {
    let options = Options {
        region: result.config.region.clone(),
        profile,
        ..Options::default()
    };
    let connection = aws::connect(&Target::Aws, &options).await?;
    Ok(ask(&connection, result, longest, interrupts, tell).await)
}
