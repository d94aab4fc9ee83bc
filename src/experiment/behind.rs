//! Whether a stream fell behind what was written while a run measured.
//!
//! A drain hides what a stream is behind: every record comes in the end, and the run
//! holds. What tells is that records arrive later and later while the rate is the same,
//! as where the keys of a few devices are all of one shard.

use crate::measure::Stage;
use crate::report::{Cause, Limiting, RunResult, duration};

/// By how much later records must arrive at p99 at the end than at the beginning, in
/// seconds,
const LATER_S: f64 = 0.2;

/// and how many times as late.
const TIMES: f64 = 1.5;

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
