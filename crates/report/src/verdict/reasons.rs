//! What speaks against a run, the gravest first.

use super::{Reason, ReasonKind, SUSPICIOUS};
use crate::{Condition, Phase, RunResult, units};

/// How much shorter than asked for measuring may be and still be whole, in seconds.
const WHOLE: f64 = 0.1;

/// How long before the end of the drain a reading must have been seen for more to be on
/// their way, in seconds of the series.
const STILL_ARRIVING: i64 = 2;

/// Collects reasons, the gravest first.
struct Reasons<'a> {
    result: &'a RunResult,
    reasons: Vec<Reason>,
}

impl Reasons<'_> {
    fn add(&mut self, kind: ReasonKind, text: String) {
        self.reasons.push(Reason {
            kind,
            readings: None,
            text,
            allowed_by: None,
        });
    }

    /// Readings that are not where they should be; none is no reason.
    fn readings(&mut self, kind: ReasonKind, readings: u64, text: String) {
        if readings == 0 {
            return;
        }
        let result = self.result;
        let ledger = &result.ledger;
        let (acknowledged, warm_up) = (ledger.acknowledged, ledger.warm_up.acknowledged);
        let allowed_by = self.allowing(|condition| match (kind, kind.loss()) {
            (ReasonKind::WarmUpMissing, _) => condition.allows_in_warm_up(result),
            (ReasonKind::Duplicates, _) => condition.allows_duplicates(readings, acknowledged),
            (ReasonKind::WarmUpDuplicates, _) => condition.allows_duplicates(readings, warm_up),
            (_, Some(loss)) => condition.allows(loss, result),
            (_, None) => false,
        });
        self.reasons.push(Reason {
            kind,
            readings: Some(readings),
            text,
            allowed_by,
        });
    }

    /// The first threshold that was met and allows a loss.
    fn allowing(&self, allows: impl Fn(&Condition) -> bool) -> Option<String> {
        let met = self.result.thresholds.iter().filter(|of| of.met);
        let mut allowing = met.filter(|of| {
            let condition = of.expression.parse::<Condition>();
            condition.is_ok_and(|condition| allows(&condition))
        });
        allowing.next().map(|of| of.expression.clone())
    }
}

pub(super) fn reasons(result: &RunResult) -> Vec<Reason> {
    let mut reasons = Reasons {
        result,
        reasons: Vec::new(),
    };
    of_ledger(&mut reasons);
    of_its_end(&mut reasons);
    of_the_stream(&mut reasons);
    of_the_lake(&mut reasons);
    of_sending(&mut reasons);
    reasons.reasons
}

fn of_ledger(reasons: &mut Reasons<'_>) {
    let ledger = &reasons.result.ledger;
    for broken in &ledger.broken {
        let text = format!("the ledger does not close: {broken}");
        reasons.add(ReasonKind::Ledger, text);
    }
    if !ledger.closed && ledger.broken.is_empty() {
        reasons.add(ReasonKind::Ledger, "the ledger does not close".into());
    }
}

/// Did it come to its end, and was there anything to measure?
fn of_its_end(reasons: &mut Reasons<'_>) {
    let (run, config) = (&reasons.result.run, &reasons.result.config);
    let after = format!(
        "after {} s of {} s",
        units::amount(run.measured),
        units::amount(config.duration)
    );
    let known = reasons.reasons.len();
    if run.interrupted {
        reasons.add(ReasonKind::Interrupted, format!("interrupted {after}"));
    }
    if let Some(missed) = &run.out_of_reach {
        let text = format!("ended {after}: {missed} could no longer be met");
        reasons.add(ReasonKind::OutOfReach, text);
    }
    if let Some(usd) = run.max_cost_reached {
        let text = format!("ended {after}: it had cost {usd} USD, its limit");
        reasons.add(ReasonKind::Cost, text);
    }
    let explained = reasons.reasons.len() > known;
    // Written so that a length that is no number counts as too short.
    let whole = run.measured >= config.duration - WHOLE;
    if !explained && (run.phase != Phase::Complete || !whole) {
        let text = format!("it did not come to its end: it measured {after}");
        reasons.add(ReasonKind::Unfinished, text);
    }
    if reasons.result.ledger.scheduled == 0 {
        reasons.add(ReasonKind::NothingDue, "no reading became due".into());
    }
}

fn of_the_stream(reasons: &mut Reasons<'_>) {
    let result = reasons.result;
    let ledger = &result.ledger;
    let acknowledged = units::count(ledger.acknowledged);
    if result.config.via.is_followed() {
        let uncounted = uncounted(result);
        if !uncounted.is_empty() && ledger.missing.is_some() {
            let text = format!(
                "the stream was followed, and not counted: {}",
                uncounted.join(", ")
            );
            reasons.add(ReasonKind::NotFollowed, text);
        }
    }
    let Some(missing) = ledger.missing else {
        if result.config.via.is_followed() {
            let text = "readings were to be followed, and nothing is known of what became of them";
            reasons.add(ReasonKind::NotFollowed, text.to_owned());
        }
        return;
    };
    let told = units::count(missing);
    match still_arriving(result) {
        Some(age) => reasons.readings(
            ReasonKind::Late,
            missing,
            format!(
                "{told} of {acknowledged} acknowledged not seen when the drain ended; others were \
                 still arriving then, {} after they were due: a longer --drain tells late from lost",
                units::duration(age)
            ),
        ),
        None => reasons.readings(
            ReasonKind::Missing,
            missing,
            format!("{told} of {acknowledged} acknowledged never seen"),
        ),
    }
    let warm_up = &ledger.warm_up;
    let of_warm_up = warm_up.missing.unwrap_or(0);
    reasons.readings(
        ReasonKind::WarmUpMissing,
        of_warm_up,
        format!(
            "{} of {} acknowledged in the warm-up never seen",
            units::count(of_warm_up),
            units::count(warm_up.acknowledged)
        ),
    );
    let duplicates = ledger.duplicates.unwrap_or(0);
    let again = format!("{} readings were seen again", units::count(duplicates));
    let hides = "another run may be writing to the table, and its readings can hide what this one \
                 lost: give each run a --table and --stream of its own";
    if doubled_by_another(result) {
        let text = format!("{again}: {hides}");
        reasons.readings(ReasonKind::OtherWriter, duplicates, text);
        return;
    }
    reasons.readings(ReasonKind::Duplicates, duplicates, again);
    let in_warm_up = warm_up.duplicates.unwrap_or(0);
    let again = units::count(in_warm_up);
    let again = format!("{again} readings of the warm-up were seen again");
    reasons.readings(ReasonKind::WarmUpDuplicates, in_warm_up, again);
    // Only what was sent and given up can have been written without our knowing.
    let unexplained: u64 = [
        (ledger.seen_unacknowledged, ledger.failed),
        (warm_up.seen_unacknowledged, warm_up.failed),
    ]
    .iter()
    .map(|(unacknowledged, failed)| unacknowledged.unwrap_or(0).saturating_sub(*failed))
    .fold(0, u64::saturating_add);
    let told = units::count(unexplained);
    let text = format!("{told} readings were seen that this run never wrote: {hides}");
    reasons.readings(ReasonKind::OtherWriter, unexplained, text);
}

/// Names the counts that a followed stream leads to and that are absent.
fn uncounted(result: &RunResult) -> Vec<&'static str> {
    let (ledger, warm_up) = (&result.ledger, &result.ledger.warm_up);
    let counts = [
        ("ledger.seen", ledger.seen),
        ("ledger.missing", ledger.missing),
        ("ledger.seen_unacknowledged", ledger.seen_unacknowledged),
        ("ledger.duplicates", ledger.duplicates),
        ("ledger.reordered", ledger.reordered),
        ("ledger.foreign", ledger.foreign),
        ("ledger.warm_up.seen", warm_up.seen),
        ("ledger.warm_up.missing", warm_up.missing),
        (
            "ledger.warm_up.seen_unacknowledged",
            warm_up.seen_unacknowledged,
        ),
        ("ledger.warm_up.duplicates", warm_up.duplicates),
    ];
    let absent = counts.into_iter().filter(|(_, count)| count.is_none());
    absent.map(|(name, _)| name).collect()
}

/// How old the readings were that still came when the drain ended, in seconds; none if
/// nothing came any more.
fn still_arriving(result: &RunResult) -> Option<f64> {
    let last = result.series.last()?.second;
    // Where nothing was waited for, what came last came while measuring.
    let undrained = result.run.drained < 1.0;
    let latest = result.series.iter().rev();
    let mut latest = latest
        .take_while(|of| of.second > last - STILL_ARRIVING)
        .filter(|of| (of.phase == Phase::Drain || undrained) && of.seen > 0);
    Some(latest.next()?.latency.e2e.as_ref()?.p50)
}

/// Whether more readings were seen again than a service, or hrload itself, makes of one run.
fn doubled_by_another(result: &RunResult) -> bool {
    let ledger = &result.ledger;
    let faults = result.config.faults.iter().flat_map(|of| of.split(','));
    let wanted = faults.map(str::trim).any(|of| of.starts_with("duplicate"));
    // Put again without an answer, a record arrives twice by hrload's own doing.
    let own = result.puts.is_some() || wanted;
    let duplicates = ledger.duplicates.unwrap_or(0);
    !own && duplicates as f64 > SUSPICIOUS * ledger.acknowledged as f64
}

fn of_the_lake(reasons: &mut Reasons<'_>) {
    let result = reasons.result;
    let Some(lake) = &result.lake else {
        return;
    };
    let removed = match lake.gone {
        0 => String::new(),
        1 => "; 1 object was removed or changed after it was written".to_owned(),
        n => format!(
            "; {} objects were removed or changed after they were written",
            units::count(n)
        ),
    };
    reasons.readings(
        ReasonKind::Lake,
        lake.missing,
        format!(
            "{} of {} acknowledged not in the lake{removed}",
            units::count(lake.missing),
            units::count(result.ledger.acknowledged)
        ),
    );
    if lake.warm_up_missing.is_none() {
        let text = "not counted: readings of the warm-up that are not in the lake";
        reasons.add(ReasonKind::Lake, text.to_owned());
    }
    let of_warm_up = lake.warm_up_missing.unwrap_or(0);
    reasons.readings(
        ReasonKind::Lake,
        of_warm_up,
        format!(
            "{} of {} acknowledged in the warm-up not in the lake",
            units::count(of_warm_up),
            units::count(result.ledger.warm_up.acknowledged)
        ),
    );
    let duplicates = result.ledger.duplicates.unwrap_or(0);
    let again = lake.duplicates.saturating_sub(duplicates);
    let told = units::count(again);
    let text = format!("{told} readings are in the lake again, and were not seen again");
    reasons.readings(ReasonKind::Lake, again, text);
    if let Some(error) = &lake.error {
        let text = format!("delivery into the lake ended early: {error}");
        reasons.add(ReasonKind::Lake, text);
    }
}

fn of_sending(reasons: &mut Reasons<'_>) {
    let ledger = &reasons.result.ledger;
    for (kind, count, what) in [
        (ReasonKind::Failed, ledger.failed, "failed"),
        (ReasonKind::Dropped, ledger.dropped, "dropped"),
        (ReasonKind::CutOff, ledger.cut_off, "cut off"),
    ] {
        let share = units::fine_percent(count as f64 / ledger.scheduled.max(1) as f64);
        let text = format!("{} {what} ({share})", units::count(count));
        reasons.readings(kind, count, text);
    }
}
