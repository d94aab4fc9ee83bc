//! Several runs a side: the noise is what differs between them.

use hrload_stats::{ChangePoints, Comparison, Count, Practical, Settings, Verdict};
use rand_distr::{Binomial, Distribution};

use super::{Process, Rate, alarms, draws, normal, process};
use crate::{bare, exactly, strict};

/// Numbers of runs on the two sides, and how the runs are made.
const SIDES: [(usize, usize, Process); 8] = [
    (2, 2, process(60, 0.8, 5.0)),
    (3, 3, process(60, 0.0, 0.0)),
    (3, 3, process(60, 0.8, 0.0)),
    (3, 3, process(60, 0.8, 10.0)),
    (5, 5, process(60, 0.5, 0.0)),
    (5, 5, process(60, 0.9, 3.0)),
    (4, 8, process(120, 0.7, 2.0)),
    (10, 10, process(60, 0.8, 2.0)),
];

#[test]
fn a_thousand_pairs_without_a_difference_alarm_as_often_as_the_confidence_says() {
    for (base, new, process) in SIDES {
        let what = format!("{base} against {new} runs, {process:?}");
        alarms(1_000, base, new, &process, 0.95).is(0.05, &what);
    }
    alarms(1_000, 3, 3, &process(60, 0.5, 1.0), 0.8).is(0.2, "at 80 %");
}

/// Pairs of sides whose runs of 1,000 readings lose each reading with this chance.
pub(super) fn count_alarms(pairs: u32, runs: usize, chance: [f64; 2]) -> Rate {
    let mut draws = draws(21);
    Rate::over(pairs, |_| {
        let [base, new] = chance.map(|chance| {
            let lost = Binomial::new(1_000, chance).unwrap();
            let run = |_| Count {
                count: lost.sample(&mut draws),
                of: 1_000,
            };
            (0..runs).map(run).collect::<Vec<_>>()
        });
        let found = Comparison::of_counts(&base, &new, &strict(0.95)).unwrap();
        found.verdict == Verdict::Changed
    })
}

#[test]
fn shares_that_are_the_same_alarm_no_more_often_than_the_confidence_says() {
    for (runs, chance) in [(2, 0.0005), (3, 0.0), (3, 0.001), (5, 0.01), (5, 0.5)] {
        let what = format!("{runs} runs a side, a share of {chance}");
        count_alarms(1_000, runs, [chance; 2]).is_at_most(0.05, &what);
    }
    for (base, new) in [(0.0, 0.04), (0.001, 0.05), (0.5, 0.7)] {
        let what = format!("{base} against {new}");
        count_alarms(500, 3, [base, new]).is_at_least(0.9, &what);
    }
}

#[test]
fn sides_of_unequal_noise_alarm_little_more_often_than_the_confidence_says() {
    let steady = process(12, 0.3, 0.0);
    let unsteady = process(12, 0.3, 6.0);
    // Student's worst case, all noise on one of two equally large sides, is
    // 8.2 % with five runs; Welch's keeps near 5 % where the noisier side is the
    // smaller, which Student's would not.
    for (base, new, worst) in [(5, 5, 0.082), (8, 4, 0.06)] {
        let mut draws = draws(15);
        let rate = Rate::over(1_000, |_| {
            let base = bare(&steady.means(base, 100.0, &mut draws));
            let new = bare(&unsteady.means(new, 100.0, &mut draws));
            let found = Comparison::of(&base, &new, &strict(0.95)).unwrap();
            found.verdict == Verdict::Changed
        });
        rate.is_at_most(worst, &format!("{base} against {new} runs"));
    }
}

#[test]
fn one_run_against_several_alarms_as_often_as_the_confidence_says() {
    for (runs, between) in [(3, 0.0), (8, 4.0)] {
        let process = process(60, 0.8, between);
        let what = format!("1 against {runs} runs");
        alarms(1_000, runs, 1, &process, 0.95).is(0.05, &what);
    }
}

#[test]
fn intervals_cover_a_true_difference_and_a_true_ratio() {
    for (base_runs, new_runs, process) in SIDES.into_iter().step_by(2) {
        let mut draws = draws(2);
        let (base_level, new_level) = (200.0, 230.0);
        let mut ratios = 0;
        let differences = Rate::over(1_000, |_| {
            let base = bare(&process.means(base_runs, base_level, &mut draws));
            let new = bare(&process.means(new_runs, new_level, &mut draws));
            let found = Comparison::of(&base, &new, &strict(0.95)).unwrap();
            // An unbounded ratio covers everything.
            ratios +=
                u32::from(found.relative.is_none_or(|relative| {
                    relative.interval.contains(new_level / base_level - 1.0)
                }));
            found.interval.contains(new_level - base_level)
        });
        let what = format!("{base_runs} against {new_runs} runs, {process:?}");
        differences.is(0.95, &what);
        let ratios = Rate {
            hits: ratios,
            of: 1_000,
        };
        ratios.is(0.95, &format!("ratio, {what}"));
    }
}

#[test]
fn figures_judged_together_alarm_together_as_seldom_as_one() {
    let process = process(12, 0.6, 2.0);
    let mut draws = draws(3);
    let settings = Settings {
        figures: 10,
        ..strict(0.95)
    };
    let families = Rate::over(1_000, |_| {
        (0..10).any(|_| {
            let base = bare(&process.means(4, 500.0, &mut draws));
            let new = bare(&process.means(4, 500.0, &mut draws));
            let found = Comparison::of(&base, &new, &settings).unwrap();
            found.verdict == Verdict::Changed
        })
    });
    families.is_at_most(0.05, "any of ten figures");
    families.is_at_least(0.03, "any of ten figures");
}

#[test]
fn the_smallest_detectable_change_is_found_as_often_as_the_power_says() {
    let process = process(30, 0.7, 4.0);
    // The variance of a mean of n seconds, of which k apart correlate by phi^k.
    let n = process.seconds as f64;
    let dependent: f64 = (1..process.seconds)
        .map(|lag| 2.0 * (1.0 - lag as f64 / n) * process.phi.powi(lag as i32))
        .sum();
    let deviation = (1.0 + dependent + process.between.powi(2)).sqrt();
    for runs in [3, 5, 10] {
        let typical = bare(&exactly(runs, 300.0, deviation));
        let planned = Comparison::of(&typical, &typical, &strict(0.95)).unwrap();
        let change = planned.minimum_detectable;
        let mut draws = draws(4);
        let found = Rate::over(1_000, |_| {
            let base = bare(&process.means(runs, 300.0, &mut draws));
            let new = bare(&process.means(runs, 300.0 + change, &mut draws));
            let found = Comparison::of(&base, &new, &strict(0.95)).unwrap();
            found.verdict == Verdict::Changed
        });
        found.is(0.8, &format!("{runs} runs a side"));
    }
}

#[test]
fn so_many_more_runs_as_advised_settle_the_question() {
    let process = process(1, 0.0, 0.0);
    for (change, bound) in [(1.2, 0.5), (0.0, 1.5), (0.4, 2.0), (0.0, 0.7)] {
        let settings = Settings {
            practical: Practical {
                relative: 0.0,
                absolute: bound,
            },
            ..Settings::default()
        };
        let runs = 3;
        let base = bare(&exactly(runs, 100.0, 1.0));
        let new = bare(&exactly(runs, 100.0 + change, 1.0));
        let found = Comparison::of(&base, &new, &settings).unwrap();
        let Verdict::Inconclusive { more_runs } = found.verdict else {
            panic!("three noisy runs settled {change} against {bound}");
        };
        let enough = runs + more_runs.unwrap() as usize;
        let settled = |runs: usize| {
            let mut draws = draws(5);
            Rate::over(500, |_| {
                let base = bare(&process.means(runs, 100.0, &mut draws));
                let new = bare(&process.means(runs, 100.0 + change, &mut draws));
                let found = Comparison::of(&base, &new, &settings).unwrap();
                !matches!(found.verdict, Verdict::Inconclusive { .. })
            })
        };
        let what = format!("{change} against {bound}, {enough} runs");
        settled(enough).is_at_least(0.8, &what);
        // And not many more than needed.
        assert!(settled(enough.div_ceil(2)).share() < 0.8, "{what}");
    }
}

#[test]
fn histories_without_a_change_are_cut_as_seldom_as_the_significance_says() {
    let search = ChangePoints {
        significance: 0.05,
        permutations: 99,
        ..ChangePoints::default()
    };
    let mut draws = draws(12);
    let cut = Rate::over(300, |_| {
        let history: Vec<f64> = (0..30).map(|_| normal(&mut draws)).collect();
        !search.find(&history).unwrap().is_empty()
    });
    cut.is(0.05, "histories of thirty");
    let found = Rate::over(100, |_| {
        let level = |entry| if entry < 18 { 0.0 } else { 3.0 };
        let history: Vec<f64> = (0..30)
            .map(|entry| level(entry) + normal(&mut draws))
            .collect();
        let changes = search.find(&history).unwrap();
        changes.iter().any(|change| change.at.abs_diff(18) <= 1)
    });
    found.is_at_least(0.9, "a step of three deviations");
}
