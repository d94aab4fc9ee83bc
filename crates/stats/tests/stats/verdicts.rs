//! Which verdict, and what it advises.

use hrload_stats::{
    Basis, ChangePoints, Comparison, Count, Practical, RunFigure, Settings, Verdict, Within,
    estimate,
};

use super::{bare, exactly, strict};

fn verdict(base: &[f64], new: &[f64], settings: &Settings) -> Verdict {
    Comparison::of(&bare(base), &bare(new), settings)
        .unwrap()
        .verdict
}

#[test]
fn a_verdict_depends_on_where_the_interval_lies() {
    // Five runs a side: the interval is the change plus or minus 1.46
    // deviations.
    let cases = [
        ("no change, little noise", 100.0, 0.5, Verdict::NotChanged),
        (
            "a change too small to matter",
            102.0,
            0.5,
            Verdict::NotChanged,
        ),
        ("a change that may matter", 104.5, 1.0, Verdict::Changed),
        ("a change that matters", 130.0, 3.0, Verdict::Changed),
        ("less, not more", 70.0, 3.0, Verdict::Changed),
    ];
    for (what, level, deviation, wanted) in cases {
        let base = exactly(5, 100.0, deviation);
        let new = exactly(5, level, deviation);
        let found = verdict(&base, &new, &Settings::default());
        assert_eq!(found, wanted, "{what}");
    }
    let noisy = verdict(
        &exactly(5, 100.0, 10.0),
        &exactly(5, 103.0, 10.0),
        &Settings::default(),
    );
    assert!(matches!(noisy, Verdict::Inconclusive { more_runs: Some(more) } if more > 10));
}

#[test]
fn a_change_within_the_absolute_bound_does_not_matter_however_large_its_share() {
    let base = exactly(4, 0.30, 0.005);
    let new = exactly(4, 0.34, 0.005);
    let mut settings = Settings::default();
    assert_eq!(verdict(&base, &new, &settings), Verdict::Changed);
    settings.practical.absolute = 0.1;
    assert_eq!(verdict(&base, &new, &settings), Verdict::NotChanged);
}

#[test]
fn no_number_of_runs_shows_that_nothing_at_all_changed() {
    let settings = Settings {
        practical: Practical {
            relative: 0.0,
            absolute: 0.0,
        },
        ..Settings::default()
    };
    let runs = exactly(3, 100.0, 1.0);
    let found = verdict(&runs, &runs, &settings);
    assert_eq!(found, Verdict::Inconclusive { more_runs: None });
}

#[test]
fn a_single_run_is_taken_to_vary_like_the_runs_of_the_other_side() {
    let history = exactly(9, 100.0, 2.0);
    let settings = Settings::default();
    let found = Comparison::of(&bare(&history), &bare(&[120.0]), &settings).unwrap();
    assert_eq!(found.basis, Basis::OneSide);
    assert_eq!(found.verdict, Verdict::Changed);
    // The pooled t interval with 8 degrees of freedom: t is 2.306004.
    let half_width = 2.306_004 * 2.0 * (1.0 + 1.0 / 9.0f64).sqrt();
    assert!((found.interval.half_width() - half_width).abs() < 1e-4);
    let back = Comparison::of(&bare(&[120.0]), &bare(&history), &settings).unwrap();
    assert!((back.interval.high + found.interval.low).abs() < 1e-9);
}

#[test]
fn an_estimate_says_whether_longer_runs_would_help() {
    let runs = |within| {
        exactly(4, 50.0, 2.0)
            .into_iter()
            .map(move |value| RunFigure {
                value,
                within: Some(Within {
                    variance: within,
                    degrees: 10.0,
                }),
            })
    };
    for (within, share) in [(4.0, 1.0), (1.0, 0.25), (0.0, 0.0), (9.0, 1.0)] {
        let runs: Vec<RunFigure> = runs(within).collect();
        let found = estimate(&runs, 0.95).unwrap();
        assert_eq!(found.basis, Basis::BetweenRuns);
        assert!((found.deviation.unwrap() - 2.0).abs() < 1e-9);
        assert!((found.within_share.unwrap() - share).abs() < 1e-9);
    }
    let alone = bare(&exactly(4, 50.0, 2.0));
    assert_eq!(estimate(&alone, 0.95).unwrap().within_share, None);
}

#[test]
fn a_change_point_carries_the_levels_on_either_side() {
    let mut history = exactly(20, 100.0, 1.0);
    history.extend(exactly(20, 112.0, 1.0));
    history.extend(exactly(20, 90.0, 1.0));
    // Evenly rising values are themselves a trend; woven, they are a level.
    let woven: Vec<f64> = (0..60)
        .map(|entry| history[entry / 20 * 20 + entry * 7 % 20])
        .collect();
    let found = ChangePoints::default().find(&woven).unwrap();
    let levels: Vec<(usize, i64, i64)> = found
        .iter()
        .map(|change| {
            (
                change.at,
                change.before.round() as i64,
                change.after.round() as i64,
            )
        })
        .collect();
    assert_eq!(levels, [(20, 100, 112), (40, 112, 90)]);
    assert!(found.iter().all(|change| change.p_value <= 0.01));
}

#[test]
fn counts_are_judged_exactly_where_they_are_few() {
    let runs = |counts: &[u64]| -> Vec<Count> {
        let run = |&count| Count { count, of: 1_000 };
        counts.iter().map(run).collect()
    };
    let found = |base: &[u64], new: &[u64]| {
        let found = Comparison::of_counts(&runs(base), &runs(new), &Settings::default());
        found.unwrap().verdict
    };
    // Nothing on either side, whatever might yet come.
    assert_eq!(found(&[0, 0, 0], &[0, 0, 0]), Verdict::NotChanged);
    // One of a thousand each, and no noise at all between the runs.
    let one = found(&[0, 0, 0], &[1, 1, 1]);
    assert!(
        matches!(one, Verdict::Inconclusive { more_runs: Some(more) } if more > 1),
        "{one:?}"
    );
    assert_eq!(found(&[0, 0, 0], &[40, 36, 44]), Verdict::Changed);
    assert_eq!(found(&[0, 0, 0], &[1_000; 3]), Verdict::Changed);
    // All in one run: the next may have none.
    let odd = found(&[0, 0, 0], &[0, 0, 300]);
    assert!(matches!(odd, Verdict::Inconclusive { .. }), "{odd:?}");
    // Doubled and doubled again: more sightings than readings.
    assert_eq!(found(&[1_000; 3], &[3_000, 3_010, 2_990]), Verdict::Changed);
    let none = [Count { count: 0, of: 0 }];
    assert!(Comparison::of_counts(&none, &none, &Settings::default()).is_err());
}

#[test]
fn exact_limits_are_garwoods() {
    // None in each of three runs of 1,000 against 5, 5 and 5: 3.689 is the upper
    // limit of none at 97.5 %, 4.382 at 98.75 %: half of what is left for each side.
    let side = |count| [Count { count, of: 1_000 }; 3];
    let found = Comparison::of_counts(&side(0), &side(5), &strict(0.95)).unwrap();
    assert!(
        (found.interval.high - 0.0088).abs() < 0.0005,
        "{:?}",
        found.interval
    );
    assert!(
        (found.interval.low - 0.0011).abs() < 0.0005,
        "{:?}",
        found.interval
    );
}

#[test]
fn the_fewest_entries_are_those_in_which_a_change_is_found() {
    let search = ChangePoints::default();
    let fewest = search.fewest().unwrap();
    let level = |entries: usize| -> Vec<f64> {
        (0..entries)
            .map(|at| if at < entries / 2 { 1.0 } else { 1.4 } + (at * 7 % 5) as f64 / 1e3)
            .collect()
    };
    assert!(search.find(&level(fewest - 1)).unwrap().is_empty());
    for entries in fewest..fewest + 20 {
        assert_eq!(search.find(&level(entries)).unwrap().len(), 1, "{entries}");
    }
}

#[test]
fn one_odd_entry_is_not_a_level() {
    let mut history: Vec<f64> = (0..30).map(|entry| f64::from(entry * 11 % 7)).collect();
    history[29] = 60.0;
    assert_eq!(ChangePoints::default().find(&history), Ok(vec![]));
}
