//! CloudWatch's figures of a run, which come minutes after it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::error::RunError;
use super::event::Event;
use super::interrupt::Interrupts;
use crate::aws::{self, Asked, Connection, Options, Target};
use crate::report::{CloudWatch, RunResult, duration};

/// Between two questions: a twelfth of the whole wait, within these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(15));

/// Asks until as much is there as the run consumed, or `longest` is over, or somebody
/// interrupts; what there is then is taken. Tells why there is nothing.
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
    let wait = duration(longest.as_secs_f64());
    tell(Event::Step(&format!(
        "waiting for CloudWatch's figures ({wait} at most; Ctrl-C goes on without)"
    )));
    let pause = (longest / 12).clamp(PAUSES.0, PAUSES.1);
    let deadline = Instant::now() + longest;
    let mut last = None;
    loop {
        let counted = tokio::select! {
            counted = aws::counted(connection, &asked) => counted,
            () = interrupts.next() => return last,
        };
        match counted {
            Ok(counted) => {
                let figures = counted.iter().map(|of| (of.metric, of.statistic, of.value));
                let found = CloudWatch::beside(figures, Timestamp::now().to_string(), result);
                if found.complete || Instant::now() + pause > deadline {
                    return Some(found);
                }
                last = Some(found);
            }
            Err(error) => {
                tell(Event::Told(&format!("CloudWatch was not asked: {error}")));
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
