//! The figures that runs are compared by.

use hrload_measure::Stage;
use hrload_report::{Figures, Measure, Percentile, Via};

use crate::case::Case;

#[test]
fn figures_are_those_of_the_result_with_the_noise_within_it() {
    let long = Case {
        seconds: 20,
        ..Case::lossy()
    };
    let result = long.run();
    let figures = Figures::of(&result);
    let get = |measure| figures.get(measure).unwrap();
    let p99 = get(Measure::Latency(Stage::EndToEnd, Percentile::P99));
    assert!((p99.value - result.latency.e2e.as_ref().unwrap().p99).abs() < 1e-9);
    let deviation = p99.within.unwrap().variance.sqrt();
    // The case repeats itself from second to second but for its stragglers.
    assert!(
        deviation > 0.0 && deviation < 0.2 * p99.value,
        "{deviation}"
    );
    let achieved = get(Measure::Achieved);
    assert!((achieved.value - result.rate.achieved).abs() < 1e-9);
    assert!(achieved.within.unwrap().variance.sqrt() < 0.05 * achieved.value);
    let throttled = get(Measure::Throttled);
    assert!((0.12..0.13).contains(&throttled.value), "{throttled:?}");
    assert!(figures.get(Measure::UsdPerMillion).is_none());
}

#[test]
fn a_run_too_short_to_know_its_noise_has_bare_figures() {
    let short = Case {
        seconds: 1,
        via: Via::None,
        ..Case::default()
    };
    let figures = Figures::of(&short.run());
    assert!(figures.iter().count() > 5);
    for (measure, figure) in figures.iter() {
        assert_eq!(figure.within, None, "{}", measure.name());
    }
}
