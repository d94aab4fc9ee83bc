//! Conditions: what can be asked of a result, and what is refused.

use hrload_measure::Series;
use hrload_report::{Condition, RunResult, SoFar, Via};
use proptest::prelude::*;

use crate::case::{Case, RATE};

fn condition(text: &str) -> Condition {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn judged(result: &RunResult, text: &str, met: bool) {
    let threshold = condition(text).judge(result);
    assert_eq!(threshold.met, met, "{threshold:?}");
}

#[test]
fn conditions_are_read_in_the_ways_people_write_them() {
    for (written, shown) in [
        ("e2e.p99<400ms", "e2e.p99<400ms"),
        (" p99.9 <= 1.5s ", "p99.9<=1.5s"),
        ("response.p50<20ms", "p50<20ms"),
        ("p999<250us", "p99.9<250us"),
        ("E2E.max<2m", "e2e.max<120s"),
        ("loss=0", "lost=0"),
        ("lost==0", "lost=0"),
        ("throttle<0.1%", "throttled<0.1%"),
        ("achieved>=99%", "achieved>=99%"),
        ("achieved>4.9k/s", "achieved>4900/s"),
        ("usd_per_million<1.5", "usd_per_million<1.5"),
        ("send_cpu<80%", "send_cpu<80%"),
    ] {
        let read = condition(written);
        assert_eq!(read.to_string(), shown);
        assert_eq!(condition(shown), read, "{shown} is read back as another");
    }
    let list = Condition::list("p99<50ms,loss=0,throttle<0.1%");
    assert_eq!(list.map(|list| list.len()), Ok(3));
}

#[test]
fn what_is_no_condition_is_refused_with_a_right_one() {
    for (wrong, says) in [
        ("", "such as p99<50ms"),
        ("fast", "such as p99<50ms"),
        ("p99", "such as p99<50ms"),
        ("<50ms", "such as p99<50ms"),
        ("p99<", "such as p99<50ms"),
        ("p99<50", "a time with its unit, such as 50ms"),
        ("p99<5%", "a time with its unit, such as 50ms"),
        ("p100<5ms", "unknown figure `p100`"),
        ("p0<5ms", "unknown figure `p0`"),
        ("nowhere.p99<5ms", "unknown figure `nowhere.p99`"),
        ("throtled<1%", "did you mean `throttled`"),
        ("lost<-1", "a number or a percentage"),
        ("lost<1ms", "a number or a percentage"),
        ("send_cpu<1", "a percentage of one core"),
        ("achieved>99ms", "99%"),
        ("p99<50ms,,lost=0", "such as p99<50ms"),
    ] {
        let error = Condition::list(wrong).map_err(|error| error.to_string());
        let error = error.expect_err(wrong);
        assert!(error.contains(says), "{wrong}: {error}");
    }
}

#[test]
fn one_stands_for_another_of_its_figure_that_bounds_it_on_the_same_side() {
    for (given, other, stands) in [
        ("lost<5%", "lost=0", true),
        ("lost<=5", "lost=0", true),
        ("lost=0", "lost<5%", true),
        ("lost=5", "lost=0", true),
        ("p99=5s", "p99<1ms", true),
        ("throttled<1k", "throttled<1%", true),
        ("achieved>=10k/s", "achieved>=99%", true),
        ("achieved=10k/s", "achieved>=99%", true),
        ("p99>1us", "p99<1ms", false),
        ("achieved<=10k/s", "achieved>=99%", false),
        ("p99<1s", "e2e.p99<1s", false),
        ("lost<5%", "missing=0", false),
    ] {
        let found = condition(given).is_like(&condition(other));
        assert_eq!(found, stands, "{given} for {other}");
        assert_eq!(condition(other).is_like(&condition(given)), stands);
    }
}

#[test]
fn a_result_is_judged_by_its_own_figures() {
    let fine = Case::default().run();
    let e2e = fine.latency.e2e.as_ref().unwrap();
    judged(&fine, &format!("e2e.p99<{}us", e2e.p99 * 1e6 + 1.0), true);
    judged(&fine, &format!("e2e.p99<{}us", e2e.p99 * 1e6 - 1.0), false);
    judged(&fine, &format!("e2e.max<={}us", e2e.max * 1e6), true);
    judged(&fine, "p99<e2e".replace("e2e", "1s").as_str(), true);
    judged(&fine, "lost=0", true);
    judged(&fine, "throttled<0.1%", true);
    judged(&fine, "achieved>=99%", true);
    judged(&fine, "achieved>=499/s", true);
    judged(&fine, "achieved>=501/s", false);
    // Nobody put a price on it.
    judged(&fine, "usd_per_million<1000", false);

    let lossy = Case::lossy().run();
    let lost = lossy.ledger.scheduled - lossy.ledger.seen.unwrap();
    assert!(lost > 0);
    judged(&lossy, &format!("lost={lost}"), true);
    judged(&lossy, "lost=0", false);
    judged(&lossy, "missing<0.5%", false);
    judged(&lossy, "failed<3%", true);
    // One of seven is refused once: of eight tries one.
    judged(&lossy, "throttled<12%", false);
    judged(&lossy, "throttled<13%", true);
}

#[test]
fn what_was_not_measured_is_not_met() {
    let unfollowed = Case {
        via: Via::None,
        ..Case::default()
    };
    let unfollowed = unfollowed.run();
    for text in ["e2e.p99<1h", "missing=0", "duplicates<100%"] {
        judged(&unfollowed, text, false);
        assert_eq!(condition(text).judge(&unfollowed).measured, None);
        assert!(condition(text).needs_stream(), "{text}");
    }
    judged(&unfollowed, "lost=0", true);
    assert!(!condition("p99<1s").needs_stream());
}

/// The second after which the condition is out of reach, if it ever is.
fn out_of_reach_after(text: &str, seconds: u64, series: &Series) -> Option<i64> {
    let condition = condition(text);
    let mut so_far = SoFar::new(RATE as f64, seconds as f64);
    let lost = series.seconds().iter().find(|second| {
        so_far.add(second);
        condition.out_of_reach(&so_far)
    });
    lost.map(|second| second.second)
}

#[test]
fn a_condition_is_out_of_reach_as_soon_as_the_rest_cannot_mend_it() {
    // One in 40 fails: 12.5 a second of 500, for 100 s, of which 7 s have passed.
    let seconds = 100;
    let case = Case {
        seconds: 7,
        failed_every: 40,
        throttled_every: 7,
        ..Case::default()
    };
    let (_, series) = case.watched();
    for (text, after) in [
        ("failed=0", Some(0)),
        ("lost<=30", Some(2)),
        ("failed<0.1%", Some(4)),
        ("achieved>=99.9%", Some(4)),
        ("achieved>499.9/s", None),
        ("throttled<0.5%", Some(3)),
        ("max<1ms", Some(0)),
        // All are slower than 10 ms, and 7 of 100 have been.
        ("p99<10ms", Some(1)),
        ("p95<10ms", Some(5)),
        ("p50<10ms", None),
        ("mean<1ms", Some(4)),
        // All are quicker than 1 s.
        ("min>1s", Some(0)),
        ("p1>=1s", Some(1)),
        ("p5>1s", Some(5)),
        ("p50>1s", None),
        ("max>1s", None),
        // What is missing may be late, and a minimum may yet be met.
        ("missing=0", None),
        ("min<1ms", None),
        ("usd_per_hour<0.001", None),
    ] {
        let found = out_of_reach_after(text, seconds, &series);
        assert_eq!(found, after, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_out_of_reach_is_missed_in_the_end(
        seconds in 2u64..12,
        failed_every in 10u64..4_000,
        throttled_every in 3u64..4_000,
        bound in 0.0f64..3.0,
    ) {
        let case = Case { seconds, asked_seconds: seconds, failed_every, throttled_every, ..Case::default() };
        let (result, series) = case.watched();
        for text in [
            format!("failed<{bound}%"),
            format!("lost<={}", (bound * 20.0) as u64),
            format!("throttled<{}%", bound * 10.0),
            format!("achieved>={}%", 100.0 - bound),
            format!("p99<{}ms", bound * 10.0),
            format!("p90<={}ms", 14.0 + bound),
            format!("e2e.max<{}ms", 150.0 + bound * 90.0),
            format!("mean<{}ms", 14.0 + bound),
            format!("e2e.mean<{}ms", 300.0 * bound),
            format!("send_cpu<{}%", bound * 5.0),
            format!("min>{}ms", 10.0 + bound * 3.0),
            format!("p10>={}ms", 14.0 + bound),
            format!("p50>{}ms", 14.0 + bound),
        ] {
            if out_of_reach_after(&text, seconds, &series).is_some() {
                let threshold = condition(&text).judge(&result);
                prop_assert!(!threshold.met, "{text}: {threshold:?}");
            }
        }
    }
}
