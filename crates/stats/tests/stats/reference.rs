//! Against SciPy, statsmodels, arch, emcee and MongoDB's E-divisive;
//! `tests/data/*.py` make the numbers.

use hrload_stats::{
    BlockBootstrap, ChangePoints, Comparison, Settings, autocorrelation, dependence, estimate,
    optimal_block,
};
use serde::Deserialize;

use super::{bare, exactly, strict};

#[derive(Deserialize)]
struct Reference {
    series: Vec<SeriesCase>,
    resampled: Resampled,
    pairs: Vec<Pair>,
    detectable: Vec<Detectable>,
}

#[derive(Deserialize)]
struct SeriesCase {
    name: String,
    values: Vec<f64>,
    autocorrelation: Vec<f64>,
    integrated_time: f64,
    optimal_block: f64,
}

#[derive(Deserialize)]
struct Resampled {
    values: Vec<f64>,
    block: usize,
    variance: [f64; 2],
    variance_of_mean: f64,
}

#[derive(Deserialize)]
struct Pair {
    base: Vec<f64>,
    new: Vec<f64>,
    confidence: f64,
    p_value: f64,
    interval: [f64; 2],
    base_interval: [f64; 2],
    relative: [f64; 2],
    effect: f64,
}

#[derive(Deserialize)]
struct Detectable {
    runs: usize,
    power: f64,
    confidence: f64,
    effect: f64,
}

#[derive(Deserialize)]
struct History {
    name: String,
    values: Vec<f64>,
    cuts: Vec<usize>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../data/reference.json")).unwrap()
}

#[track_caller]
fn close(what: &str, found: f64, wanted: f64, tolerance: f64) {
    let error = (found - wanted).abs() / wanted.abs().max(1e-12);
    assert!(
        error <= tolerance,
        "{what}: found {found}, wanted {wanted}, {error:e} apart"
    );
}

#[test]
fn autocorrelations_are_those_of_statsmodels() {
    for case in reference().series {
        let found = autocorrelation(&case.values, 10).unwrap();
        for (found, wanted) in found.iter().zip(&case.autocorrelation) {
            close(&case.name, *found, *wanted, 1e-9);
        }
    }
}

#[test]
fn integrated_times_are_those_of_emcee_where_they_exceed_one() {
    for case in reference().series {
        let found = dependence(&case.values).unwrap();
        let wanted = case.integrated_time.max(1.0);
        close(&case.name, found.integrated_time, wanted, 1e-9);
        let size = case.values.len() as f64 / wanted;
        close(&case.name, found.effective_size, size, 1e-9);
    }
}

#[test]
fn optimal_blocks_are_those_of_arch() {
    for case in reference().series {
        let found = optimal_block(&case.values).unwrap();
        close(&case.name, found, case.optimal_block, 1e-9);
    }
}

#[test]
fn resampled_figures_vary_as_they_do_in_arch() {
    let case = reference().resampled;
    let seconds = case.values.len();
    let mut order: Vec<usize> = (0..seconds).collect();
    order.sort_by(|&a, &b| case.values[a].total_cmp(&case.values[b]));
    let bootstrap = BlockBootstrap {
        block: case.block,
        resamples: 10_000,
        seed: 11,
    };
    let figures = bootstrap
        .figures(seconds, 2, |times, figures| {
            let sum: f64 = times
                .iter()
                .zip(&case.values)
                .map(|(&times, value)| f64::from(times) * value)
                .sum();
            figures[0] = sum / seconds as f64;
            let rank = (0.9 * seconds as f64).ceil() as u32;
            let mut passed = 0;
            let second = order.iter().find(|&&second| {
                passed += times[second];
                passed >= rank
            });
            figures[1] = case.values[*second.unwrap()];
        })
        .unwrap();
    let blocks = (seconds / case.block) as f64;
    // 10,000 draws against 40,000: 95 % of ratios of variances lie within 3.1 %.
    for (figure, wanted) in figures.iter().zip(case.variance) {
        let within = figure.unwrap().within.unwrap();
        let plain = within.variance * (blocks - 1.0) / blocks;
        close("variance of a resampled figure", plain, wanted, 0.05);
        assert_eq!(within.degrees, blocks - 1.0);
    }
    let mean = figures[0].unwrap().within.unwrap().variance * (blocks - 1.0) / blocks;
    close("variance of the mean", mean, case.variance_of_mean, 0.04);
}

#[test]
fn comparisons_are_those_of_scipy() {
    for case in reference().pairs {
        let (base, new) = (bare(&case.base), bare(&case.new));
        let found = Comparison::of(&base, &new, &strict(case.confidence)).unwrap();
        let relative = found.relative.unwrap();
        let own = estimate(&base, case.confidence).unwrap().interval.unwrap();
        let figures = [
            ("p", found.p_value, case.p_value),
            ("low", found.interval.low, case.interval[0]),
            ("high", found.interval.high, case.interval[1]),
            ("base, low", own.low, case.base_interval[0]),
            ("base, high", own.high, case.base_interval[1]),
            ("relative, low", relative.interval.low, case.relative[0]),
            ("relative, high", relative.interval.high, case.relative[1]),
            ("effect", found.effect.unwrap(), case.effect),
        ];
        for (what, found, wanted) in figures {
            close(&format!("{what} of {:?}", case.base), found, wanted, 1e-8);
        }
    }
}

#[test]
fn the_smallest_detectable_change_is_that_of_scipy() {
    for case in reference().detectable {
        let settings = Settings {
            power: case.power,
            ..strict(case.confidence)
        };
        let deviation = 2.5;
        let runs = bare(&exactly(case.runs, 100.0, deviation));
        let found = Comparison::of(&runs, &runs, &settings).unwrap();
        let what = format!("{} runs at {}", case.runs, case.confidence);
        let wanted = case.effect * deviation;
        close(&what, found.minimum_detectable, wanted, 3e-6);
    }
}

#[test]
fn histories_are_cut_where_mongodb_cuts_them() {
    let histories: Vec<History> =
        serde_json::from_str(include_str!("../data/change_points.json")).unwrap();
    for history in histories {
        let search = ChangePoints {
            shortest: 1,
            ..ChangePoints::default()
        };
        let found = search.find(&history.values).unwrap();
        let cuts: Vec<usize> = found.iter().map(|change| change.at).collect();
        assert_eq!(cuts, history.cuts, "{}", history.name);
    }
}
