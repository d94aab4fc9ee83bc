//! Laws that hold for any data.

use hrload_stats::{
    BlockBootstrap, ChangePoints, Comparison, Settings, autocorrelation, block_length, dependence,
    estimate,
};
use proptest::prelude::*;

use super::{bare, strict};

fn side() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(50.0..150.0f64, 2..7)
}

fn series() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-10.0..10.0f64, 12..80)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-7 * (1.0 + a.abs().max(b.abs()))
}

fn mapped(values: &[f64], map: impl Fn(f64) -> f64) -> Vec<f64> {
    values.iter().map(|&value| map(value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sides_swapped_turn_the_change_around(base in side(), new in side()) {
        let settings = strict(0.95);
        let there = Comparison::of(&bare(&base), &bare(&new), &settings).unwrap();
        let back = Comparison::of(&bare(&new), &bare(&base), &settings).unwrap();
        prop_assert!(near(there.change, -back.change));
        prop_assert!(near(there.interval.low, -back.interval.high));
        prop_assert!(near(there.p_value, back.p_value));
        prop_assert!(near(there.minimum_detectable, back.minimum_detectable));
        prop_assert_eq!(there.verdict, back.verdict);
        if let (Some(there), Some(back)) = (there.relative, back.relative) {
            prop_assert!(near((1.0 + there.change) * (1.0 + back.change), 1.0));
            if there.interval.low > -1.0 {
                let product = (1.0 + there.interval.low) * (1.0 + back.interval.high);
                prop_assert!(near(product, 1.0));
            }
        }
    }

    #[test]
    fn another_unit_changes_figures_and_no_conclusion(
        base in side(), new in side(), scale in 1e-6..1e6f64,
    ) {
        let settings = Settings::default();
        let plain = Comparison::of(&bare(&base), &bare(&new), &settings).unwrap();
        let scaled = |values| bare(&mapped(values, |value| value * scale));
        let other = Comparison::of(&scaled(&base), &scaled(&new), &settings).unwrap();
        prop_assert!(near(plain.change, other.change / scale));
        prop_assert!(near(plain.interval.high, other.interval.high / scale));
        prop_assert!(near(plain.p_value, other.p_value));
        prop_assert_eq!(plain.relative.is_some(), other.relative.is_some());
        prop_assert_eq!(plain.verdict, other.verdict);
    }

    #[test]
    fn a_shift_of_both_sides_leaves_the_absolute_change(
        base in side(), new in side(), shift in -40.0..1e3f64,
    ) {
        let settings = strict(0.9);
        let plain = Comparison::of(&bare(&base), &bare(&new), &settings).unwrap();
        let shifted = |values| bare(&mapped(values, |value| value + shift));
        let other = Comparison::of(&shifted(&base), &shifted(&new), &settings).unwrap();
        prop_assert!(near(plain.change, other.change));
        prop_assert!(near(plain.interval.low, other.interval.low));
        prop_assert!(near(plain.effect.unwrap_or(0.0), other.effect.unwrap_or(0.0)));
    }

    #[test]
    fn the_order_of_runs_does_not_matter(base in side(), new in side()) {
        let settings = Settings::default();
        let plain = Comparison::of(&bare(&base), &bare(&new), &settings).unwrap();
        let reversed = |values: &[f64]| bare(&values.iter().rev().copied().collect::<Vec<_>>());
        let other = Comparison::of(&reversed(&base), &reversed(&new), &settings).unwrap();
        prop_assert!(near(plain.interval.low, other.interval.low));
        prop_assert!(near(plain.interval.high, other.interval.high));
        prop_assert_eq!(plain.verdict, other.verdict);
    }

    #[test]
    fn the_relative_interval_leaves_out_zero_exactly_when_the_absolute_does(
        base in side(), new in side(),
    ) {
        let found = Comparison::of(&bare(&base), &bare(&new), &strict(0.95)).unwrap();
        if let Some(relative) = found.relative {
            prop_assert!(relative.interval.contains(relative.change));
            prop_assert_eq!(relative.interval.contains(0.0), found.interval.contains(0.0));
        }
        prop_assert_eq!(found.interval.contains(0.0), found.p_value >= 0.05);
    }

    #[test]
    fn more_confidence_and_more_figures_widen_intervals(base in side(), new in side()) {
        let (base, new) = (bare(&base), bare(&new));
        let half_width = |settings: &Settings| {
            Comparison::of(&base, &new, settings).unwrap().interval.half_width()
        };
        let one = half_width(&strict(0.95));
        prop_assert!(half_width(&strict(0.99)) > one);
        let five = Settings { figures: 5, ..strict(0.95) };
        prop_assert!(near(half_width(&five), half_width(&strict(0.99))));
        let narrow = estimate(&base, 0.8).unwrap().interval.unwrap();
        let wide = estimate(&base, 0.9).unwrap().interval.unwrap();
        prop_assert!(wide.low < narrow.low && narrow.high < wide.high);
    }

    #[test]
    fn dependence_knows_neither_unit_nor_origin(
        series in series(), scale in 0.01..100.0f64, shift in -100.0..100.0f64,
    ) {
        let other = mapped(&series, |value| shift + scale * value);
        let (plain, moved) = (dependence(&series).unwrap(), dependence(&other).unwrap());
        prop_assert!(near(plain.integrated_time, moved.integrated_time));
        prop_assert!(plain.effective_size <= series.len() as f64);
        prop_assert!(plain.effective_size >= 1.0);
        let lags = autocorrelation(&series, 10).unwrap();
        prop_assert!(lags[0] == 1.0 && lags.iter().all(|lag| lag.abs() <= 1.0 + 1e-12));
        let block = block_length(&series).unwrap();
        prop_assert!((1..=series.len() / 4).contains(&block));
    }

    #[test]
    fn every_draw_is_as_long_as_the_run_and_the_same_from_the_same_seed(
        seconds in 2usize..200, share in 0.0..1.0f64, seed: u64,
    ) {
        let block = 1 + (share * (seconds / 2 - 1) as f64) as usize;
        let bootstrap = BlockBootstrap { block, resamples: 50, seed };
        let weights: Vec<f64> = (0..seconds).map(|second| (second as f64).sin()).collect();
        let mut draws = 0;
        let first = bootstrap.figures(seconds, 1, |times, figures| {
            assert_eq!(times.iter().sum::<u32>() as usize, seconds);
            draws += 1;
            figures[0] = times.iter().zip(&weights).map(|(&t, w)| f64::from(t) * w).sum();
        });
        prop_assert_eq!(draws, 51);
        let again = bootstrap.figures(seconds, 1, |times, figures| {
            figures[0] = times.iter().zip(&weights).map(|(&t, w)| f64::from(t) * w).sum();
        });
        prop_assert_eq!(first, again);
    }

    #[test]
    fn cuts_of_a_history_know_neither_unit_nor_direction_of_values(
        step in 8.0..30.0f64, scale in 1e-3..1e3f64, noise in prop::collection::vec(-1.0..1.0f64, 24),
    ) {
        let history: Vec<f64> = noise
            .iter()
            .enumerate()
            .map(|(entry, noise)| noise + if entry < 13 { 0.0 } else { step })
            .collect();
        let search = ChangePoints { permutations: 199, ..ChangePoints::default() };
        let found = search.find(&history).unwrap();
        prop_assert_eq!(found[0].at, found.iter().map(|change| change.at).min().unwrap());
        prop_assert!(found.iter().any(|change| change.at == 13 && change.after > change.before));
        let mirrored = search.find(&mapped(&history, |value| -scale * value)).unwrap();
        prop_assert!(mirrored.iter().any(|change| change.at == 13 && change.after < change.before));
    }
}
