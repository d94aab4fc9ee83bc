//! Whether a result agrees with itself: what was changed by hand, or damaged,
//! is better refused than drawn.

use crate::measure::{Latency, LatencyError, Stage};
use crate::report::{RunResult, StageLatency};

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

/// Finds contradictions within a result: identities of the ledger that do not
/// hold in a ledger that says it is closed, latencies that are not those of
/// their histogram, seconds out of order.
///
/// # Errors
///
/// The first contradiction.
pub fn check(result: &RunResult) -> Result<(), Unsound> {
    let contradiction = |what: String| Unsound::Contradiction {
        run: result.run.id.clone(),
        what,
    };
    ledger(result).map_err(contradiction)?;
    for stage in Stage::ALL {
        if let Some(of) = result.latency.get(stage) {
            let decoded = of.decode().map_err(|source| Unsound::Histogram {
                run: result.run.id.clone(),
                place: format!("latency.{}", stage.key()),
                source,
            })?;
            latency(stage, of, &decoded).map_err(contradiction)?;
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

fn ledger(result: &RunResult) -> Result<(), String> {
    let of = &result.ledger;
    if !of.closed {
        return Ok(());
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
    match identities.iter().find(|(_, left, right)| left != right) {
        Some((identity, left, right)) => Err(format!(
            "its ledger is said to be closed, but {identity} is {left} ≠ {right}"
        )),
        None => Ok(()),
    }
}

fn latency(stage: Stage, of: &StageLatency, decoded: &Latency) -> Result<(), String> {
    let key = stage.key();
    if decoded.is_empty() {
        // Without a histogram there is nothing to hold the figures against.
        return Ok(());
    }
    if decoded.count() != of.count {
        return Err(format!(
            "latency.{key} has a count of {}, its histogram {}",
            of.count,
            decoded.count()
        ));
    }
    for (name, said, quantile) in [
        ("p50", of.p50, 0.5),
        ("p90", of.p90, 0.9),
        ("p99", of.p99, 0.99),
        ("p999", of.p999, 0.999),
        ("max", of.max, 1.0),
    ] {
        let found = decoded.quantile_us(quantile) as f64 / 1e6;
        let near = (said - found).abs() <= RELATIVE * found.abs().max(said.abs()) + ABSOLUTE_S;
        if !near {
            return Err(format!(
                "latency.{key}.{name} is {said} s, by its histogram {found} s"
            ));
        }
    }
    Ok(())
}
