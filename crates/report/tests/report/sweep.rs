//! What is concluded from a sweep's steps.

use hrload_report::{
    Cause, Columns, Limiting, SweepResult, Threshold, sweep, sweep_plot, sweep_step,
};

use crate::case::Case;

/// A sweep with a run at each rate, held or not.
fn swept(steps: &[(f64, bool)]) -> SweepResult {
    let mut result = SweepResult::new(vec!["p99<50ms".into()]);
    for &(rate, held) in steps {
        let mut run = Case::default().run();
        run.thresholds.push(Threshold {
            expression: "p99<50ms".into(),
            measured: Some(if held { 0.01 } else { 0.1 }),
            met: held,
        });
        let cause = (!held).then(|| Cause {
            limiting: Limiting::Table,
            because: format!("at {rate}"),
        });
        result.add(rate, &run, held, cause);
    }
    result.conclude();
    result
}

#[test]
fn the_knee_is_the_highest_rate_below_the_lowest_that_did_not_hold() {
    let result = swept(&[
        (1e3, true),
        (2e3, true),
        (4e3, false),
        (2.8e3, false),
        (2.4e3, true),
    ]);
    let knee = result.knee.unwrap();
    assert_eq!((knee.step, knee.below, knee.above), (4, Some(1), Some(3)));
    assert_eq!(result.cause.as_ref().unwrap().because, "at 2800");
    let text = anstream::adapter::strip_str(&sweep(&result, Columns::default())).to_string();
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        one_line.contains(
            "knee 2,400 readings/s: 2,000/s below it met the objectives, 2,800/s above it"
        ),
        "{text}"
    );
    assert!(text.contains("limit        the table: at 2800"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let drawn = sweep_plot(&result).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("knee: 2,400/s"));
}

#[test]
fn a_rate_that_was_tried_again_is_what_it_was_then() {
    let result = swept(&[(1e3, true), (2e3, false), (2e3, true)]);
    let knee = result.knee.unwrap();
    assert_eq!((knee.step, knee.above), (2, None));
    assert_eq!(result.cause, None);
}

#[test]
fn what_was_not_measured_is_shown_as_nothing() {
    let mut result = SweepResult::new(vec!["lost<50%".into()]);
    let mut run = Case::default().run();
    run.latency.response = None;
    run.latency.e2e = None;
    run.capacity.consumed_units = 0.0;
    run.capacity.computed_units = 0;
    result.add(1e3, &run, true, None);
    result.add(2e3, &run, false, None);
    run.run.measured = 0.0;
    result.add(3e3, &run, false, None);
    result.conclude();
    let steps = result.steps.iter().map(sweep_step);
    for text in steps.chain([sweep(&result, Columns::default())]) {
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
    assert!(sweep_step(&result.steps[1]).contains("did not come to its end"));
    assert_eq!(result.steps[2].write_units, 0.0);
}

#[test]
fn a_rate_beyond_what_is_given_for_long_says_so_though_it_met_everything() {
    let mut result = SweepResult::new(vec!["lost=0".into()]);
    let run = Case::default().run();
    let cause = Cause {
        limiting: Limiting::Table,
        because: "522 are more than 500".into(),
    };
    result.add(500.0, &run, true, None);
    result.add(522.0, &run, false, Some(cause));
    result.conclude();
    assert!(sweep_step(&result.steps[1]).contains("522 are more than 500"));
    let text = anstream::adapter::strip_str(&sweep(&result, Columns::default())).to_string();
    assert!(
        text.contains("limit        the table: 522 are more than 500"),
        "{text}"
    );
    assert!(
        text.contains("the lowest that was tried; 522/s missed"),
        "{text}"
    );
}

#[test]
fn a_sweep_of_which_nothing_held_says_so() {
    let result = swept(&[(1e3, false), (1e3, false)]);
    assert_eq!(result.knee, None);
    assert!(
        sweep(&result, Columns::default()).contains("no rate that was tried met the objectives")
    );
    let empty = swept(&[]);
    assert_eq!((empty.knee, empty.cause.clone()), (None, None));
    assert!(sweep(&empty, Columns::default()).contains("none"));
    assert!(sweep_plot(&empty).is_err());
}
