//! Data that allow no conclusion, and data that look as if they did not.

use hrload_stats::{
    Basis, BlockBootstrap, ChangePoints, Comparison, Interval, Noise, RunFigure, Settings,
    StatsError, Verdict, Within, autocorrelation, block_length, dependence, estimate,
    optimal_block,
};

use super::{bare, strict};

const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

#[test]
fn too_few_values_are_refused_with_how_many_are_needed() {
    let few = [1.0, 2.0, 3.0];
    let wanted = |needed| move |problem: &StatsError| matches!(problem, StatsError::TooFew { needed: n, found: 3, .. } if *n == needed);
    assert!(dependence(&few).is_err_and(|problem| wanted(12)(&problem)));
    assert!(optimal_block(&few).is_err_and(|problem| wanted(12)(&problem)));
    assert!(block_length(&few).is_err_and(|problem| wanted(12)(&problem)));
    assert!(autocorrelation(&few, 5).is_err_and(|problem| wanted(7)(&problem)));
    assert!(matches!(
        estimate(&[], 0.95),
        Err(StatsError::TooFew { .. })
    ));
    let one = bare(&[1.0]);
    for (base, new) in [(&[][..], &one[..]), (&one, &[])] {
        let problem = Comparison::of(base, new, &Settings::default()).unwrap_err();
        assert!(problem.to_string().contains("at least 1"), "{problem}");
    }
    assert!(ChangePoints::default().find(&[]).is_err());
}

#[test]
fn values_that_are_no_numbers_are_refused_everywhere() {
    for bad in BAD {
        let mut series = vec![1.0; 30];
        series[7] = 2.0;
        series[9] = bad;
        let refused = |problem| matches!(problem, StatsError::NotFinite { .. });
        assert!(dependence(&series).is_err_and(refused));
        assert!(autocorrelation(&series, 3).is_err_and(refused));
        assert!(block_length(&series).is_err_and(refused));
        assert!(ChangePoints::default().find(&series).is_err_and(refused));
        assert!(estimate(&bare(&[1.0, bad]), 0.95).is_err_and(refused));
        let (base, new) = (bare(&[1.0, 2.0]), bare(&[bad, 2.0]));
        assert!(Comparison::of(&base, &new, &Settings::default()).is_err_and(refused));
        let bootstrap = BlockBootstrap {
            block: 2,
            resamples: 50,
            seed: 1,
        };
        assert!(bootstrap.mean(&series).is_err_and(refused));
        let noise = RunFigure {
            value: 1.0,
            within: Some(Within {
                variance: bad,
                degrees: 4.0,
            }),
        };
        assert!(estimate(&[noise], 0.95).is_err_and(refused));
    }
}

#[test]
fn numbers_near_the_ends_of_the_range_give_an_error_or_finite_answers() {
    for values in [[1e300, 1.5e300], [f64::MAX, -f64::MAX], [1e-300, 3e-300]] {
        let runs = bare(&values);
        if let Ok(found) = Comparison::of(&runs, &bare(&[1.0, 2.0]), &Settings::default()) {
            assert!(found.interval.low.is_finite() && found.interval.high.is_finite());
            assert!(found.minimum_detectable.is_finite());
        }
    }
    assert!(
        ChangePoints::default()
            .find(&[f64::MAX, -f64::MAX, 0.0])
            .is_err()
    );
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let fine = Settings::default();
    let mut relative = fine;
    relative.practical.relative = -0.1;
    let mut absolute = fine;
    absolute.practical.absolute = f64::NAN;
    let cases = [
        (
            Settings {
                confidence: 0.5,
                ..fine
            },
            "confidence",
        ),
        (
            Settings {
                confidence: 1.0,
                ..fine
            },
            "confidence",
        ),
        (
            Settings {
                confidence: f64::NAN,
                ..fine
            },
            "confidence",
        ),
        (Settings { power: 1.0, ..fine }, "power"),
        (Settings { figures: 0, ..fine }, "figures"),
        (relative, "relative"),
        (absolute, "absolute"),
    ];
    let runs = bare(&[1.0, 2.0]);
    for (settings, name) in cases {
        let problem = Comparison::of(&runs, &runs, &settings).unwrap_err();
        assert!(problem.to_string().contains(name), "{problem}");
    }
    let fine = ChangePoints::default();
    let cases = [
        (
            ChangePoints {
                significance: 0.0,
                ..fine
            },
            "significance",
        ),
        (
            ChangePoints {
                permutations: 98,
                ..fine
            },
            "permutations",
        ),
        (
            ChangePoints {
                shortest: 0,
                ..fine
            },
            "shortest",
        ),
    ];
    for (search, name) in cases {
        let problem = search.find(&[1.0, 2.0]).unwrap_err();
        assert!(problem.to_string().contains(name), "{problem}");
    }
    let fine = BlockBootstrap {
        block: 3,
        resamples: 100,
        seed: 1,
    };
    let cases = [
        (BlockBootstrap { block: 0, ..fine }, "block"),
        (BlockBootstrap { block: 6, ..fine }, "block"),
        (
            BlockBootstrap {
                resamples: 49,
                ..fine
            },
            "resamples",
        ),
    ];
    for (bootstrap, name) in cases {
        let problem = bootstrap.mean(&[0.0; 10]).unwrap_err();
        assert!(problem.to_string().contains(name), "{problem}");
    }
}

#[test]
fn a_constant_series_has_no_dependence_and_is_still_resampled() {
    let series = [5_000.0; 60];
    let constant = |problem| matches!(problem, StatsError::Constant { found: 60, .. });
    assert!(dependence(&series).is_err_and(constant));
    assert!(autocorrelation(&series, 4).is_err_and(constant));
    assert_eq!(block_length(&series), Ok(1));
    let bootstrap = BlockBootstrap {
        block: 1,
        resamples: 100,
        seed: 1,
    };
    let figure = bootstrap.mean(&series).unwrap();
    assert_eq!(figure.value, 5_000.0);
    assert_eq!(figure.within.unwrap().variance, 0.0);
}

#[test]
fn a_history_without_variation_or_with_too_little_of_it_is_not_cut() {
    for history in [
        &[3.0; 40][..],
        &[3.0],
        &[1.0, 2.0],
        &[1.0, 1.0, 9.0, 9.0, 9.0],
    ] {
        assert_eq!(ChangePoints::default().find(history), Ok(vec![]));
    }
}

#[test]
fn a_base_of_zero_has_no_relative_change_and_still_a_verdict() {
    let zero = bare(&[0.0, 0.0, 0.0]);
    let settings = Settings::default();
    let same = Comparison::of(&zero, &zero, &settings).unwrap();
    assert_eq!(same.relative, None);
    assert_eq!(same.effect, None);
    assert_eq!(same.p_value, 1.0);
    assert_eq!(
        same.interval,
        Interval {
            low: 0.0,
            high: 0.0
        }
    );
    assert_eq!(same.verdict, Verdict::NotChanged);

    let lossy = Comparison::of(&zero, &bare(&[40.0, 44.0, 38.0]), &settings).unwrap();
    assert_eq!(lossy.relative, None);
    assert_eq!(lossy.verdict, Verdict::Changed);
}

#[test]
fn runs_that_came_out_alike_are_judged_by_the_noise_within_them() {
    let run = |value| RunFigure {
        value,
        within: Some(Within {
            variance: 4.0,
            degrees: 9.0,
        }),
    };
    let (base, new) = ([run(100.0), run(100.0)], [run(101.0), run(101.0)]);
    let found = Comparison::of(&base, &new, &strict(0.95)).unwrap();
    assert!(found.interval.contains(0.0), "{:?}", found.interval);
    let known = Comparison::of(&bare(&[100.0; 2]), &bare(&[101.0; 2]), &strict(0.95)).unwrap();
    assert_eq!(
        known.interval,
        Interval {
            low: 1.0,
            high: 1.0
        }
    );
    assert_eq!((known.p_value, known.minimum_detectable), (0.0, 0.0));
}

#[test]
fn one_run_a_side_shows_its_noise_and_gets_no_verdict() {
    let run = |value| RunFigure {
        value,
        within: Some(Within {
            variance: 0.25,
            degrees: 9.0,
        }),
    };
    let settings = Settings::default();
    let found = Comparison::of(&[run(100.0)], &[run(150.0)], &settings).unwrap();
    assert_eq!(found.basis, Basis::WithinRuns);
    assert!(!found.interval.contains(0.0));
    assert!(
        matches!(found.verdict, Verdict::Inconclusive { more_runs: Some(more) } if more >= 1),
        "{:?}",
        found.verdict
    );
    let told = Settings {
        noise: Noise::WithinRuns,
        ..settings
    };
    let found = Comparison::of(&[run(100.0)], &[run(150.0)], &told).unwrap();
    assert_eq!(found.verdict, Verdict::Changed);

    let alone = Comparison::of(&bare(&[1.0]), &bare(&[2.0]), &settings).unwrap_err();
    assert_eq!(alone, StatsError::NoSpread);
    let single = estimate(&bare(&[1.0]), 0.95).unwrap();
    assert_eq!((single.interval, single.deviation), (None, None));
}

#[test]
fn a_figure_that_hangs_on_a_single_second_has_no_known_noise() {
    let seconds: Vec<Option<f64>> = (0..60).map(|s| (s == 30).then_some(7.0)).collect();
    let bootstrap = BlockBootstrap {
        block: 4,
        resamples: 200,
        seed: 3,
    };
    let figures = bootstrap
        .figures(60, 2, |times, figures| {
            let seen = seconds.iter().zip(times).filter(|&(_, &times)| times > 0);
            let seen = seen.filter_map(|(value, _)| *value);
            figures[0] = seen.fold(f64::NAN, f64::max);
            figures[1] = f64::from(times.iter().sum::<u32>());
        })
        .unwrap();
    assert_eq!(figures[0], None);
    let drawn = figures[1].unwrap();
    assert_eq!(drawn.value, 60.0);
    assert_eq!(drawn.within.unwrap().variance, 0.0);
}
