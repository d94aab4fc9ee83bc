//! Single runs: the noise is what their own seconds show.

use hrload_stats::{
    BlockBootstrap, Comparison, Noise, RunFigure, Settings, Verdict, block_length, estimate,
};

use super::latencies::Latencies;
use super::{Draws, Process, Rate, draws, process};
use crate::strict;

/// The mean of a run, with the noise that its own seconds show.
fn resampled(process: &Process, level: f64, resamples: usize, draws: &mut Draws) -> RunFigure {
    let series = process.run(level, draws);
    let bootstrap = BlockBootstrap {
        block: block_length(&series).unwrap(),
        resamples,
        seed: 9,
    };
    bootstrap.mean(&series).unwrap()
}

/// How often the intervals of single runs miss the truth, at 95 %.
pub(super) fn misses_alone(runs: u32, resamples: usize, process: &Process) -> Rate {
    let mut draws = draws(6);
    Rate::over(runs, |_| {
        let figure = resampled(process, 50.0, resamples, &mut draws);
        let interval = estimate(&[figure], 0.95).unwrap().interval.unwrap();
        !interval.contains(50.0)
    })
}

#[test]
fn single_runs_without_noise_between_them_are_compared_by_the_noise_within() {
    let settings = Settings {
        noise: Noise::WithinRuns,
        ..strict(0.95)
    };
    for process in [process(120, 0.0, 0.0), process(120, 0.5, 0.0)] {
        let mut draws = draws(7);
        let rate = Rate::over(1_000, |_| {
            let base = resampled(&process, 50.0, 100, &mut draws);
            let new = resampled(&process, 50.0, 100, &mut draws);
            let found = Comparison::of(&[base], &[new], &settings).unwrap();
            found.verdict == Verdict::Changed
        });
        rate.is_at_most(0.05, &format!("{process:?}"));
        rate.is_at_least(0.03, &format!("{process:?}"));
    }
}

#[test]
fn noise_between_runs_fools_those_who_look_only_within() {
    // Why a verdict on one run a side is withheld.
    let process = process(120, 0.5, 4.0);
    let told = Settings {
        noise: Noise::WithinRuns,
        ..strict(0.95)
    };
    let mut draws = draws(8);
    let mut withheld = 0;
    let fooled = Rate::over(200, |_| {
        let base = [resampled(&process, 50.0, 100, &mut draws)];
        let new = [resampled(&process, 50.0, 100, &mut draws)];
        let careful = Comparison::of(&base, &new, &strict(0.95)).unwrap();
        withheld += u32::from(matches!(careful.verdict, Verdict::Inconclusive { .. }));
        let found = Comparison::of(&base, &new, &told).unwrap();
        found.verdict == Verdict::Changed
    });
    assert!(fooled.share() > 0.25, "{}", fooled.share());
    assert_eq!(withheld, 200);
}

/// How often intervals of the percentiles of single runs miss those of many.
pub(super) fn percentile_misses(
    runs: u32,
    seconds: usize,
    phi: f64,
    resamples: usize,
) -> [Rate; 3] {
    let mut draws = draws(11);
    let mut whole = [0.0; 3];
    // The truth: one run as long as many.
    Latencies::run(20_000, phi, 50, &mut draws).percentiles(
        &vec![1; 20_000],
        &mut [0; 800],
        &mut whole,
    );
    let mut misses = [Rate { hits: 0, of: runs }; 3];
    for _ in 0..runs {
        let figures = Latencies::run(seconds, phi, 50, &mut draws).figures(resamples);
        for ((misses, figure), truth) in misses.iter_mut().zip(figures).zip(whole) {
            let interval = estimate(&[figure], 0.95).unwrap().interval.unwrap();
            misses.hits += u32::from(!interval.contains(truth));
        }
    }
    misses
}

#[test]
fn intervals_of_percentiles_of_a_single_run_cover_the_long_run() {
    for (misses, what) in percentile_misses(200, 120, 0.5, 100)
        .iter()
        .zip(["p50", "p99", "p99.9"])
    {
        // What `scripts/statistics` finds with many more runs, rounded up.
        misses.is_at_most(0.09, what);
    }
}
