//! Whether a target, or a stream, fell behind what was asked of it while a run measured.
//!
//! What waits when measuring ends is still sent for a second, and counts: a short run can
//! be told at a rate that its target does not give. What tells is how much was
//! acknowledged after the end, beyond what is always on its way.
//!
//! A drain hides what a stream is behind: every record comes in the end, and the run
//! holds. What tells is that records arrive later and later while the rate is the same,
//! as where the keys of a few devices are all of one shard.

use crate::measure::Stage;
use crate::report::{Cause, Limiting, RunResult, amount, count, duration};

/// The share of the acknowledged readings that may have been acknowledged after the end,
/// beyond what was on its way, without a doubt about the rate.
const LATE: f64 = 0.01;

/// By how much later records must arrive at p99 at the end than at the beginning, in
/// seconds,
const LATER_S: f64 = 0.2;

/// and how many times as late.
const TIMES: f64 = 1.5;

/// Compares the rate within the measured time with the one that is told, which has those
/// in it that were acknowledged `late`. How many are always on their way is what became
/// due in the time of a call in the first second, when nothing could be behind by much.
pub(super) fn caught_up_late(result: &RunResult, late: u64) -> Option<Cause> {
    let acknowledged = result.ledger.acknowledged;
    let first = result.series.iter().find(|of| of.second == 0)?;
    let call_s = first.latency.get(Stage::Service).map_or(0.0, |of| of.p50);
    let on_their_way = result.rate.offered * (call_s + result.config.linger);
    if !is_beyond(late, on_their_way, acknowledged) {
        return None;
    }
    let measured = result.run.measured;
    let within = acknowledged.saturating_sub(late) as f64 / measured;
    let limiting = match (&result.generator.limit, result.throttles.is_empty()) {
        (Some(_), _) => Limiting::Client,
        (None, false) => Limiting::Table,
        (None, true) => Limiting::Service,
    };
    Some(Cause {
        limiting,
        because: format!(
            "{} of {} readings were acknowledged after the {} s that were measured, and within \
             these {}/s",
            count(late),
            count(acknowledged),
            amount(measured),
            amount(within),
        ),
    })
}

fn is_beyond(late: u64, on_their_way: f64, acknowledged: u64) -> bool {
    late as f64 - on_their_way > acknowledged as f64 * LATE
}

/// Compares how late records arrived in the first, the middle and the last third of what
/// was measured, by the services' clocks. Nothing is told of fewer than three seconds, or
/// where the rate was changed by hand.
pub(super) fn falls_behind(result: &RunResult) -> Option<Cause> {
    if !result.run.rate_changes.is_empty() {
        return None;
    }
    let whole = result.run.measured.floor() as i64;
    let seconds = result.series.iter();
    let seconds = seconds.filter(|of| (0..whole).contains(&of.second));
    let late: Vec<f64> = seconds
        .filter_map(|of| Some(of.latency.get(Stage::Replication)?.p99))
        .collect();
    let (first, last) = grown(&late)?;
    Some(Cause {
        limiting: Limiting::Shard,
        because: format!(
            "change records arrived later and later while the rate was the same: at p99 {} after \
             they were created in the first third of the time, {} in the last; a shard takes less \
             than is written to its keys",
            duration(first),
            duration(last),
        ),
    })
}

/// The means of the first and the last third, where they grew from third to third and by
/// more than noise.
fn grown(late: &[f64]) -> Option<(f64, f64)> {
    let third = late.len() / 3;
    if third == 0 {
        return None;
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (first, rest) = late.split_at(third);
    let (middle, last) = rest.split_at(rest.len() - third);
    let (first, middle, last) = (mean(first), mean(middle), mean(last));
    let grows = first < middle && middle < last;
    (grows && last - first > LATER_S && last > TIMES * first).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_at_the_end_is_told_from_what_a_target_is_behind() {
        // 300/s for 4 s: a target that takes 250/s, and one whose calls take 100 ms.
        assert!(is_beyond(248, 300.0 * 0.1, 1_196));
        assert!(!is_beyond(35, 300.0 * 0.1, 1_199));
        // All but nothing came late, and nothing at all came.
        assert!(!is_beyond(1, 0.0, 1_199));
        assert!(!is_beyond(0, 0.0, 0));
    }

    #[test]
    fn what_grows_is_told_from_noise_and_from_a_stall() {
        let hot: Vec<f64> = (0..20)
            .map(|second| 0.16 + 0.12 * f64::from(second))
            .collect();
        let near = grown(&hot)
            .map(|(first, last)| (first - 0.46).abs() < 0.1 && (last - 2.14).abs() < 0.1);
        assert_eq!(near, Some(true));
        assert!(grown(&hot[..3]).is_some());
        for still in [
            &hot[..2],
            &[0.22, 0.25, 0.21, 0.24, 0.26, 0.23],
            // A stall that was over before the end.
            &[0.2, 0.2, 3.0, 2.0, 0.3, 0.2],
            // As late from the first second on.
            &[5.0, 5.1, 5.2, 5.2, 5.3, 5.4],
            &[],
        ] {
            assert_eq!(grown(still), None, "{still:?}");
        }
    }
}
