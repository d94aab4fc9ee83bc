//! Whether a result agrees with itself: what was changed by hand, or damaged,
//! is better refused than drawn.

use super::{Condition, RunResult, SeriesEntry, StageLatency, Verdict, Whose};
use hrload_measure::{Latency, LatencyError, Stage};

/// What is told apart from rounding: histograms keep three significant digits,
/// and their microseconds are whole.
const RELATIVE: f64 = 0.005;
const ABSOLUTE_S: f64 = 5e-6;

/// A result that contradicts itself.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    /// A histogram cannot be read.
    #[error(
        "result {run}: the histogram of {place} does not decode: {source}; the file was damaged \
         or changed, so copy it again"
    )]
    Histogram {
        /// The run.
        run: String,
        /// Stage, and second where it is of one.
        place: String,
        /// What is wrong with it.
        source: LatencyError,
    },
    /// Two of its figures cannot both be true.
    #[error(
        "result {run} contradicts itself: {what}; the file was changed after hrload wrote it, so \
         take the original, or run again"
    )]
    Contradiction {
        /// The run.
        run: String,
        /// Which figures, with both values.
        what: String,
    },
}

/// Finds contradictions within a result: times and counts that no run can have,
/// identities of the ledger that do not hold in a ledger that says it is closed,
/// seconds that do not add up to it, stages that are missing, rates that are not those
/// of the ledger, thresholds and a verdict that are not those of the figures, latencies that are not those of their histogram, seconds out of order.
///
/// # Errors
///
/// The first contradiction.
pub fn check(result: &RunResult) -> Result<(), Unsound> {
    let contradiction = |what: String| Unsound::Contradiction {
        run: result.run.id.clone(),
        what,
    };
    times(result).map_err(contradiction)?;
    amounts(result).map_err(contradiction)?;
    limits(result).map_err(contradiction)?;
    counts(result).map_err(contradiction)?;
    ledger(result).map_err(contradiction)?;
    rates(result).map_err(contradiction)?;
    seconds(result).map_err(contradiction)?;
    measured(result).map_err(contradiction)?;
    judgements(result).map_err(contradiction)?;
    let undecoded = |place: String| {
        |source| Unsound::Histogram {
            run: result.run.id.clone(),
            place,
            source,
        }
    };
    for stage in Stage::ALL {
        if let Some(of) = result.latency.get(stage) {
            let place = format!("latency.{}", stage.key());
            let decoded = of.decode().map_err(undecoded(place.clone()))?;
            let figures = [
                ("p50", of.p50, 0.5),
                ("p90", of.p90, 0.9),
                ("p99", of.p99, 0.99),
                ("p999", of.p999, 0.999),
                ("max", of.max, 1.0),
            ];
            latency(&place, of.count, &figures, &decoded).map_err(contradiction)?;
            ends(&place, of, &decoded).map_err(contradiction)?;
        }
        for second in &result.series {
            let Some(of) = second.latency.get(stage) else {
                continue;
            };
            // A smaller file may have left them out.
            if of.histogram.is_none() && of.histogram_negative.is_none() {
                continue;
            }
            let place = format!("series, second {}, {}", second.second, stage.key());
            let decoded = of.decode().map_err(undecoded(place.clone()))?;
            let figures = [
                ("p50", of.p50, 0.5),
                ("p99", of.p99, 0.99),
                ("max", of.max, 1.0),
            ];
            latency(&place, of.count, &figures, &decoded).map_err(contradiction)?;
        }
    }
    let mut seconds = result.series.windows(2);
    if let Some([before, after]) = seconds.find_map(|pair| {
        let [before, after] = pair else { return None };
        (before.second >= after.second).then_some([before.second, after.second])
    }) {
        return Err(contradiction(format!(
            "in series, second {after} comes after second {before}"
        )));
    }
    Ok(())
}

/// Every latency of a reading that came to the end of a stage is there: as many as the
/// ledger counts.
fn measured(result: &RunResult) -> Result<(), String> {
    let of = &result.ledger;
    let latency = &result.latency;
    for (stage, measured, count, counted) in [
        ("service", &latency.service, of.acknowledged, "acknowledged"),
        (
            "response",
            &latency.response,
            of.acknowledged,
            "acknowledged",
        ),
        ("e2e", &latency.e2e, of.seen.unwrap_or(0), "seen"),
    ] {
        if measured.is_none() && count > 0 {
            return Err(format!(
                "latency.{stage} is missing, and {count} readings were {counted}"
            ));
        }
    }
    Ok(())
}

/// Seconds from 0 on add up to the ledger.
fn seconds(result: &RunResult) -> Result<(), String> {
    if result.series.is_empty() {
        return Ok(());
    }
    let of = &result.ledger;
    type Count = (&'static str, fn(&SeriesEntry) -> u64, u64);
    let counts: [Count; 6] = [
        ("scheduled", |second| second.scheduled, of.scheduled),
        ("dropped", |second| second.dropped, of.dropped),
        ("cut_off", |second| second.cut_off, of.cut_off),
        ("sent", |second| second.sent, of.sent),
        (
            "acknowledged",
            |second| second.acknowledged,
            of.acknowledged,
        ),
        ("failed", |second| second.failed, of.failed),
    ];
    for (name, count, whole) in counts {
        let measured = result.series.iter().filter(|second| second.second >= 0);
        let sum: u128 = measured.map(|second| u128::from(count(second))).sum();
        if sum != u128::from(whole) {
            return Err(format!(
                "ledger.{name} is {whole}, by the seconds of the series {sum}"
            ));
        }
    }
    Ok(())
}

/// Spans of time are not negative, no run lasts a century, and none ends before it
/// starts.
fn times(result: &RunResult) -> Result<(), String> {
    const LONGEST_S: f64 = 3.2e9;
    let (run, config) = (&result.run, &result.config);
    let moments = [&run.started, &run.ended].map(|text| text.parse::<jiff::Timestamp>());
    if let [Ok(started), Ok(ended)] = moments
        && ended < started
    {
        return Err(format!(
            "run.ended is {ended}, before run.started, which is {started}"
        ));
    }
    let spans = [
        ("run.measured", run.measured),
        ("run.drained", run.drained),
        ("config.duration", config.duration),
        ("config.warm_up", config.warm_up),
    ];
    match spans.iter().find(|of| !(0.0..=LONGEST_S).contains(&of.1)) {
        Some((name, found)) => Err(format!("{name} is {found} s, which no run lasts")),
        None => Ok(()),
    }
}

/// What was used and paid is not negative, no thread uses more than its time, and a bill
/// is the sum of its lines.
fn amounts(result: &RunResult) -> Result<(), String> {
    let (of, run) = (&result.generator, &result.run);
    let lasted = lasted(result);
    // Clocks of threads are read a moment apart from that of the run.
    let most = |threads: u32| lasted.map_or(f64::MAX, |lasted| f64::from(threads) * lasted + 1.0);
    for (name, used, most) in [
        (
            "generator.send_cpu",
            of.send_cpu,
            most(result.config.threads.max(1)),
        ),
        ("generator.read_cpu", of.read_cpu, most(1)),
        (
            "run.drained",
            run.drained,
            lasted.map_or(f64::MAX, |lasted| lasted + 1.0),
        ),
        (
            "capacity.consumed_units",
            result.capacity.consumed_units,
            f64::MAX,
        ),
    ] {
        if !(0.0..=most).contains(&used) {
            return Err(format!(
                "{name} is {used}, which no run of its time comes to"
            ));
        }
    }
    let Some(cost) = &result.cost else {
        return Ok(());
    };
    let lines: f64 = cost.lines.iter().map(|line| line.usd).sum();
    let by_hour = (run.measured > 0.0).then(|| cost.usd / (run.measured / 3_600.0));
    for (name, said, found) in [
        ("usd", Some(cost.usd), Some(lines)),
        ("usd_per_hour", cost.usd_per_hour, by_hour),
    ] {
        if let (Some(said), Some(found)) = (said, found)
            && (said - found).abs() > RELATIVE * found.abs().max(said.abs()) + 1e-9
        {
            return Err(format!("cost.{name} is {said}, by its lines {found}"));
        }
    }
    Ok(())
}

/// The run's own time, by the clock, in seconds.
fn lasted(result: &RunResult) -> Option<f64> {
    let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let (started, ended) = (moment(&result.run.started)?, moment(&result.run.ended)?);
    Some(ended.duration_since(started).as_secs_f64())
}

/// What held a run back stands in every place that tells of it.
fn limits(result: &RunResult) -> Result<(), String> {
    let generator = result.causes.iter().find(|of| of.whose == Whose::Generator);
    if let (Some(cause), None) = (generator, &result.generator.limit) {
        return Err(format!(
            "a cause is the generator's ({}), and generator.limit is null",
            cause.what
        ));
    }
    let refused = result.throttles.iter().find(|of| of.items > 0);
    let seconds = &result.series;
    if let Some(of) = refused
        && !seconds.is_empty()
        && seconds.iter().all(|second| second.throttles.is_empty())
    {
        return Err(format!(
            "{} items were throttled by {}, and none in any second of the series",
            of.items, of.exception
        ));
    }
    Ok(())
}

/// Counts are those of a run: a million readings a second for twelve days are some
/// 2^40. Sums of counts within that bound do not overflow.
fn counts(result: &RunResult) -> Result<(), String> {
    const MOST: u64 = 1 << 40;
    let of = &result.ledger;
    let ledger = [
        ("ledger.scheduled", Some(of.scheduled)),
        ("ledger.dropped", Some(of.dropped)),
        ("ledger.cut_off", Some(of.cut_off)),
        ("ledger.sent", Some(of.sent)),
        ("ledger.acknowledged", Some(of.acknowledged)),
        ("ledger.failed", Some(of.failed)),
        ("ledger.seen", of.seen),
        ("ledger.missing", of.missing),
        ("ledger.seen_unacknowledged", of.seen_unacknowledged),
        ("ledger.duplicates", of.duplicates),
        ("ledger.reordered", of.reordered),
        ("ledger.foreign", of.foreign),
        ("lake.missing", result.lake.as_ref().map(|of| of.missing)),
        ("lake.readings", result.lake.as_ref().map(|of| of.readings)),
    ];
    let ledger = ledger.into_iter();
    let ledger = ledger.filter_map(|(name, count)| Some((name.to_owned(), count?)));
    let throttles = result.throttles.iter();
    let throttles = throttles.map(|of| (format!("throttles, {}", of.exception), of.items));
    let seconds = result.series.iter().flat_map(|of| {
        let refused = of.throttles.iter().map(|of| of.items).max();
        let name = |what: &str| format!("series, second {}, {what}", of.second);
        [
            (name("acknowledged"), of.acknowledged),
            (name("throttled items"), refused.unwrap_or(0)),
        ]
    });
    let mut all = ledger.chain(throttles).chain(seconds);
    match all.find(|(_, count)| *count > MOST) {
        Some((name, count)) => Err(format!("{name} is {count}, which no run comes to")),
        None => Ok(()),
    }
}

/// Rates are the ledger's counts by the time that was measured.
fn rates(result: &RunResult) -> Result<(), String> {
    let (of, measured) = (&result.ledger, result.run.measured);
    for (name, said, count) in [
        ("offered", Some(result.rate.offered), Some(of.scheduled)),
        (
            "achieved",
            Some(result.rate.achieved),
            Some(of.acknowledged),
        ),
        ("seen", result.rate.seen, of.seen),
    ] {
        let (Some(said), Some(count)) = (said, count) else {
            continue;
        };
        let found = if measured > 0.0 {
            count as f64 / measured
        } else {
            0.0
        };
        if (said - found).abs() > RELATIVE * found.max(said.abs()) {
            return Err(format!(
                "rate.{name} is {said}/s, by the ledger {found}/s over {measured} s"
            ));
        }
    }
    Ok(())
}

/// Thresholds were met, and the run came out, as the figures say.
fn judgements(result: &RunResult) -> Result<(), String> {
    for said in &result.thresholds {
        let Ok(condition) = said.expression.parse::<Condition>() else {
            return Err(format!(
                "threshold {} is no condition that can be judged",
                said.expression
            ));
        };
        let word = |met: bool| if met { "met" } else { "missed" };
        let found = condition.judge(result);
        if said.met != found.met {
            return Err(format!(
                "threshold {} is said to be {}, by the figures it is {}",
                said.expression,
                word(said.met),
                word(found.met)
            ));
        }
        let agree = match (said.measured, found.measured) {
            (Some(said), Some(found)) => {
                said == found || (said - found).abs() <= RELATIVE * found.abs().max(said.abs())
            }
            (said, found) => said == found,
        };
        if !agree {
            return Err(format!(
                "threshold {} is said to have measured {}, by the figures it is {}",
                said.expression,
                said.shown(),
                found.shown()
            ));
        }
    }
    let Some(said) = &result.verdict else {
        return Ok(());
    };
    let found = Verdict::of(result);
    if said.word == found.word {
        Ok(())
    } else {
        Err(format!(
            "its verdict is \"{}\", by the figures \"{}\"",
            said.word, found.word
        ))
    }
}

fn ledger(result: &RunResult) -> Result<(), String> {
    let of = &result.ledger;
    if !of.closed {
        return Ok(());
    }
    if let Some(broken) = of.broken.first() {
        return Err(format!(
            "its ledger is said to be closed, and yet to be broken: {broken}"
        ));
    }
    let sum = |parts: &[u64]| parts.iter().map(|&part| u128::from(part)).sum::<u128>();
    let mut identities = vec![
        (
            "scheduled = sent + dropped + cut_off",
            sum(&[of.scheduled]),
            sum(&[of.sent, of.dropped, of.cut_off]),
        ),
        (
            "sent = acknowledged + failed",
            sum(&[of.sent]),
            sum(&[of.acknowledged, of.failed]),
        ),
    ];
    if let (Some(seen), Some(missing)) = (of.seen, of.missing) {
        let both = sum(&[seen, missing]);
        let whole = sum(&[of.acknowledged]);
        identities.push(("acknowledged = seen + missing", whole, both));
    }
    let warm_up = &of.warm_up;
    identities.push((
        "warm-up: scheduled = sent + dropped + cut_off",
        sum(&[warm_up.scheduled]),
        sum(&[warm_up.sent, warm_up.dropped, warm_up.cut_off]),
    ));
    identities.push((
        "warm-up: sent = acknowledged + failed",
        sum(&[warm_up.sent]),
        sum(&[warm_up.acknowledged, warm_up.failed]),
    ));
    if let (Some(seen), Some(missing)) = (warm_up.seen, warm_up.missing) {
        identities.push((
            "warm-up: acknowledged = seen + missing",
            sum(&[warm_up.acknowledged]),
            sum(&[seen, missing]),
        ));
    }
    match identities.iter().find(|(_, left, right)| left != right) {
        Some((identity, left, right)) => Err(format!(
            "its ledger is said to be closed, but {identity} is {left} ≠ {right}"
        )),
        None => Ok(()),
    }
}

/// A name, the value that stands in the file, and of which quantile it is.
type Quantile = (&'static str, f64, f64);

fn latency(place: &str, count: u64, figures: &[Quantile], decoded: &Latency) -> Result<(), String> {
    if decoded.count() != count {
        return Err(format!(
            "{place} has a count of {count}, its histogram {}",
            decoded.count()
        ));
    }
    if decoded.is_empty() {
        return Ok(());
    }
    let figures: Vec<_> = figures
        .iter()
        .map(|&(name, said, quantile)| (name, said, decoded.quantile_us(quantile) as f64 / 1e6))
        .collect();
    near(place, &figures)
}

/// The smallest value and the mean are those of the histogram. Around zero a mean is as
/// exact as the values are large.
fn ends(place: &str, of: &StageLatency, decoded: &Latency) -> Result<(), String> {
    if decoded.is_empty() {
        return Ok(());
    }
    near(place, &[("min", of.min, decoded.min_us() as f64 / 1e6)])?;
    let magnitudes = decoded.counts();
    let magnitudes = magnitudes.map(|(us, count)| us.unsigned_abs() as f64 * count as f64);
    let magnitude = magnitudes.sum::<f64>() / decoded.count() as f64 / 1e6;
    let found = decoded.mean_us() / 1e6;
    if (of.mean - found).abs() <= RELATIVE * magnitude + ABSOLUTE_S {
        Ok(())
    } else {
        Err(format!(
            "{place}.mean is {} s, by its histogram {found} s",
            of.mean
        ))
    }
}

/// A name, the value that stands in the file, and what its histogram says.
fn near(place: &str, figures: &[(&str, f64, f64)]) -> Result<(), String> {
    let off = figures.iter().find(|(_, said, found)| {
        let near = (said - found).abs() <= RELATIVE * found.abs().max(said.abs()) + ABSOLUTE_S;
        !near
    });
    match off {
        Some((name, said, found)) => Err(format!(
            "{place}.{name} is {said} s, by its histogram {found} s"
        )),
        None => Ok(()),
    }
}
