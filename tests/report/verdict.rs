//! A verdict word means one thing, in every form: whatever the trouble, no form calls
//! the run held.

use std::collections::BTreeMap;

use hrload::report::{
    Bound, Columns, Phase, RateChange, ReasonKind, Report, RunResult, SeriesEntry, Threshold,
    Verdict, Word, summary,
};
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::case::Case;

/// Something that goes wrong in a run that held, and the reason it is to be told by.
type Trouble = (&'static str, fn(&mut RunResult), ReasonKind);

const TROUBLES: [Trouble; 26] = [
    (
        "readings failed",
        |of| {
            of.ledger.failed = 1;
            of.ledger.acknowledged -= 1;
            of.ledger.seen = Some(of.ledger.acknowledged);
        },
        ReasonKind::Failed,
    ),
    (
        "readings were dropped",
        |of| {
            of.ledger.dropped = 1;
            of.ledger.scheduled += 1;
        },
        ReasonKind::Dropped,
    ),
    (
        "readings were cut off",
        |of| {
            of.ledger.cut_off = 1;
            of.ledger.scheduled += 1;
        },
        ReasonKind::CutOff,
    ),
    (
        "a reading is missing",
        |of| lose(of, 1),
        ReasonKind::Missing,
    ),
    (
        "half of all readings are missing",
        |of| lose(of, of.ledger.acknowledged / 2),
        ReasonKind::Missing,
    ),
    (
        "all readings are missing",
        |of| lose(of, of.ledger.acknowledged),
        ReasonKind::Missing,
    ),
    (
        "a reading is late when the drain ends",
        |of| {
            lose(of, 1);
            let e2e = of.series[1].latency.e2e.clone();
            let last = of.series.last_mut().unwrap();
            (last.phase, last.seen) = (Phase::Drain, 3);
            last.latency.e2e = e2e;
        },
        ReasonKind::Late,
    ),
    (
        "the warm-up lost readings",
        |of| {
            let warm_up = &mut of.ledger.warm_up;
            warm_up.missing = Some(1);
            warm_up.seen = Some(warm_up.acknowledged - 1);
        },
        ReasonKind::WarmUpMissing,
    ),
    (
        "nothing is known of the stream",
        |of| (of.ledger.seen, of.ledger.missing) = (None, None),
        ReasonKind::NotFollowed,
    ),
    (
        "a count of what came out of the stream is absent",
        |of| of.ledger.duplicates = None,
        ReasonKind::NotFollowed,
    ),
    (
        "a count of what came of the warm-up is absent",
        |of| of.ledger.warm_up.missing = None,
        ReasonKind::NotFollowed,
    ),
    (
        "the ledger does not close",
        |of| of.ledger.closed = false,
        ReasonKind::Ledger,
    ),
    (
        "a signal ended it",
        |of| of.run.interrupted = true,
        ReasonKind::Interrupted,
    ),
    (
        "a threshold was out of reach",
        |of| of.run.out_of_reach = Some("p99<1ms".into()),
        ReasonKind::OutOfReach,
    ),
    (
        "its money was spent",
        |of| of.run.max_cost_reached = Some(0.5),
        ReasonKind::Cost,
    ),
    (
        "it was killed while it measured",
        |of| of.run.phase = Phase::Measure,
        ReasonKind::Unfinished,
    ),
    (
        "it measured less than it was asked to",
        |of| of.run.measured = 1.0,
        ReasonKind::Unfinished,
    ),
    (
        "it measured for a time that is no number",
        |of| of.run.measured = f64::NAN,
        ReasonKind::Unfinished,
    ),
    (
        "nothing became due",
        |of| of.ledger.scheduled = 0,
        ReasonKind::NothingDue,
    ),
    (
        "a reading was seen again",
        |of| of.ledger.duplicates = Some(1),
        ReasonKind::Duplicates,
    ),
    (
        "every record came twice, as was asked for",
        |of| {
            of.ledger.duplicates = Some(of.ledger.acknowledged);
            of.config.faults = vec!["delay=1ms,duplicate=100%".into()];
        },
        ReasonKind::Duplicates,
    ),
    (
        "a reading of the warm-up was seen again",
        |of| of.ledger.warm_up.duplicates = Some(1),
        ReasonKind::WarmUpDuplicates,
    ),
    (
        "readings were seen in the warm-up that it never wrote",
        |of| of.ledger.warm_up.seen_unacknowledged = Some(5),
        ReasonKind::OtherWriter,
    ),
    (
        "another run writes to its table",
        |of| of.ledger.duplicates = Some(of.ledger.acknowledged),
        ReasonKind::OtherWriter,
    ),
    (
        "readings were seen that it never wrote",
        |of| of.ledger.seen_unacknowledged = Some(5),
        ReasonKind::OtherWriter,
    ),
    (
        "a threshold was missed",
        |of| of.thresholds.push(threshold("p99<1ms", false)),
        ReasonKind::Threshold,
    ),
];

/// Something that makes the figures of a run that held doubtful, and a word of it.
type Doubt = (fn(&mut RunResult), &'static str);

const DOUBTS: [Doubt; 6] = [
    (
        |of| {
            of.generator.limit = Some(Bound {
                what: "the CPU of the load threads".into(),
                advice: "use --client direct".into(),
            });
        },
        "the generator was the limit",
    ),
    (|of| of.environment.build = "debug".into(), "debug build"),
    (
        |of| {
            of.run.rate_changes.push(RateChange {
                second: 1.0,
                factor: 0.5,
            });
        },
        "the rate was changed",
    ),
    (
        |of| (of.clock_offset.low, of.clock_offset.high) = (Some(1.0), Some(-1.0)),
        "clocks contradict each other",
    ),
    (
        |of| of.ledger.foreign = Some(of.ledger.acknowledged),
        "were not of this run",
    ),
    (
        |of| of.unsustained = Some("1,500 change records/s are more than 1 shard takes".into()),
        "it is not held for long",
    ),
];

fn lose(of: &mut RunResult, readings: u64) {
    of.ledger.missing = Some(readings);
    of.ledger.seen = Some(of.ledger.acknowledged - readings);
}

/// The result with the seconds and rates that its ledger asks for.
fn consistent(result: &RunResult) -> RunResult {
    let mut result = result.clone();
    let of = &result.ledger;
    let measured: Vec<_> = result.series.iter().filter(|of| of.second >= 0).collect();
    let lacking = |whole: u64, count: fn(&SeriesEntry) -> u64| {
        let sum: u64 = measured.iter().map(|second| count(second)).sum();
        whole.wrapping_sub(sum)
    };
    let counts = [
        lacking(of.scheduled, |second| second.scheduled),
        lacking(of.dropped, |second| second.dropped),
        lacking(of.cut_off, |second| second.cut_off),
        lacking(of.sent, |second| second.sent),
        lacking(of.acknowledged, |second| second.acknowledged),
        lacking(of.failed, |second| second.failed),
    ];
    let second = result.series.iter_mut().find(|of| of.second == 1).unwrap();
    for (place, lacking) in [
        &mut second.scheduled,
        &mut second.dropped,
        &mut second.cut_off,
        &mut second.sent,
        &mut second.acknowledged,
        &mut second.failed,
    ]
    .into_iter()
    .zip(counts)
    {
        *place = place.wrapping_add(lacking);
    }
    if result.run.measured > 0.0 {
        let rate = |count: u64| count as f64 / result.run.measured;
        result.rate.offered = rate(result.ledger.scheduled);
        result.rate.achieved = rate(result.ledger.acknowledged);
        result.rate.seen = result.ledger.seen.map(rate);
    }
    result
}

fn threshold(expression: &str, met: bool) -> Threshold {
    Threshold {
        expression: expression.into(),
        measured: Some(0.0),
        met,
    }
}

/// The line that gives the verdict, and whether the form calls the run held without
/// reserve, by the form's name.
fn told(result: &RunResult) -> BTreeMap<&'static str, (String, bool)> {
    let result = &consistent(result);
    let results = std::slice::from_ref(result);
    // A result that contradicts itself is refused, which calls nothing held.
    let form = |ending: &str| {
        let report: Report = format!("run.{ending}").parse().unwrap();
        report.text(results).map_err(|refused| refused.to_string())
    };
    let line = |text: Result<String, String>, has: &str| -> String {
        let Ok(text) = text else {
            return "refused".to_owned();
        };
        let told = |line: &&str| line.contains(has) && !line.starts_with("# ");
        let line = text.lines().find(told);
        line.unwrap_or_else(|| panic!("no line has {has:?}: {text}"))
            .to_owned()
    };
    let summary = anstream::adapter::strip_str(&summary(result, Columns::default())).to_string();
    let first = summary.split("\n\n").next().unwrap().to_owned();
    let markdown = line(form("md"), "### hrload: ");
    let page = line(
        form("html").map(|page| page.replace('<', "\n<")),
        "class=\"verdict-word\">",
    );
    let page = page.rsplit('>').next().unwrap().to_owned();
    let junit = line(form("xml"), "<testsuites ");
    let held = line(form("prom"), "hrload_held ");
    let doubt = line(form("prom"), "hrload_in_doubt ");
    let verdict = Verdict::of(result);
    let json = serde_json::to_value(&verdict).unwrap();
    let code = verdict.word.exit_code();
    BTreeMap::from([
        (
            "text",
            (
                first.clone(),
                first.starts_with("held ") && !first.contains("in doubt"),
            ),
        ),
        (
            "markdown",
            (markdown.clone(), markdown.contains("✅ held:")),
        ),
        ("page", (page.clone(), page == "held")),
        ("JUnit", (junit.clone(), junit.contains("failures=\"0\""))),
        (
            "OpenMetrics",
            (
                format!("{held}; {doubt}"),
                held.ends_with(" 1") && doubt.ends_with(" 0"),
            ),
        ),
        (
            "JSON",
            (
                json.to_string(),
                json["word"] == "held" && json["doubts"] == serde_json::json!([]),
            ),
        ),
        ("exit code", (code.to_string(), code == 0)),
    ])
}

#[test]
fn a_run_without_trouble_is_held_in_every_form() {
    for (form, (text, held)) in told(&Case::default().run()) {
        assert!(held, "{form}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_form_calls_a_run_in_trouble_held(
        troubles in subsequence(TROUBLES.to_vec(), 1..=TROUBLES.len()),
        doubts in subsequence(DOUBTS.to_vec(), 0..=DOUBTS.len()),
    ) {
        let mut result = Case::default().run();
        for (_, go_wrong, _) in &troubles {
            go_wrong(&mut result);
        }
        for (make_doubtful, _) in &doubts {
            make_doubtful(&mut result);
        }
        let names: Vec<&str> = troubles.iter().map(|(name, ..)| *name).collect();
        for (form, (text, held)) in told(&result) {
            prop_assert!(!held, "{form} calls it held, though {names:?}: {text}");
        }
    }

    #[test]
    fn no_form_calls_a_doubtful_run_held_without_saying_so(
        doubts in subsequence(DOUBTS.to_vec(), 1..=DOUBTS.len()),
    ) {
        let mut result = Case::default().run();
        for (make_doubtful, _) in &doubts {
            make_doubtful(&mut result);
        }
        let verdict = Verdict::of(&result);
        prop_assert_eq!(verdict.word, Word::Held);
        prop_assert_eq!(verdict.doubts.len(), doubts.len());
        for (form, (text, held)) in told(&result) {
            // What has no room for a doubt, an exit code and a count of failures, is
            // that of a run that held.
            if form != "exit code" && form != "JUnit" {
                prop_assert!(!held, "{} does not say so: {}", form, text);
            }
        }
        for ending in ["html", "md", "xml"] {
            let report: Report = format!("run.{ending}").parse().unwrap();
            let result = consistent(&result);
            let text = report.text(std::slice::from_ref(&result)).unwrap();
            for (_, word) in &doubts {
                prop_assert!(text.contains(word), "{} does not say {}", ending, word);
            }
        }
    }
}

#[test]
fn each_trouble_is_told_by_its_own_reason() {
    for (name, go_wrong, kind) in TROUBLES {
        let mut result = Case::default().run();
        go_wrong(&mut result);
        let verdict = Verdict::of(&result);
        let kinds: Vec<ReasonKind> = verdict.reasons.iter().map(|of| of.kind).collect();
        assert_eq!(kinds, [kind], "{name}: {verdict:?}");
    }
}

#[test]
fn each_word_has_its_exit_code_and_the_gravest_reason_chooses() {
    let word = |go_wrong: &[usize]| {
        let mut result = Case::default().run();
        go_wrong.iter().for_each(|at| TROUBLES[*at].1(&mut result));
        Verdict::of(&result).word
    };
    let at = |kind| TROUBLES.iter().position(|of| of.2 == kind).unwrap();
    let (lost, half_lost) = (at(ReasonKind::Missing), at(ReasonKind::Missing) + 1);
    let (open, stopped) = (at(ReasonKind::Ledger), at(ReasonKind::Interrupted));
    let (early, missed) = (at(ReasonKind::Cost), at(ReasonKind::Threshold));
    for (troubles, expected, code) in [
        (vec![], Word::Held, 0),
        (vec![lost], Word::RateHeld, 3),
        (vec![half_lost], Word::NotHeld, 3),
        (vec![lost, missed], Word::NotHeld, 3),
        (vec![lost, early], Word::EndedEarly, 3),
        (vec![early, stopped], Word::Interrupted, 130),
        (vec![stopped, open], Word::LedgerOpen, 5),
    ] {
        let word = word(&troubles);
        assert_eq!(word, expected, "{troubles:?}");
        assert_eq!(word.exit_code(), code);
    }
}

#[test]
fn a_rate_that_was_held_says_in_its_first_line_what_was_lost() {
    let mut result = Case::default().run();
    lose(&mut result, 10);
    let text = anstream::adapter::strip_str(&summary(&result, Columns::default())).to_string();
    let first = text.split("\n\n").next().unwrap();
    assert!(
        first.starts_with(
            "rate held    500.0/s of 500/s offered, for 4 s; lost 10 readings (0.5 %)"
        ),
        "{first}"
    );
    // One more, and the rate was not held.
    lose(&mut result, 11);
    assert_eq!(Verdict::of(&result).word, Word::NotHeld);
}

#[test]
fn a_threshold_allows_the_losses_it_names_and_no_others() {
    for (condition, missing, failed, word) in [
        ("lost<1%", 10, 0, Word::Held),
        ("lost<1%", 10, 5, Word::Held),
        ("missing<=10", 10, 0, Word::Held),
        ("missing<=10", 10, 1, Word::RateHeld),
        ("failed<1%", 0, 5, Word::Held),
        ("achieved>=99%", 0, 5, Word::Held),
        ("achieved>=99%", 1, 0, Word::RateHeld),
        ("p99<1s", 1, 0, Word::RateHeld),
        ("lost=0", 1, 0, Word::NotHeld),
        ("throttled<1%", 0, 1, Word::RateHeld),
        // What asks for a loss, or for less than all, permits none.
        ("lost>0", 10, 0, Word::RateHeld),
        ("missing>=0", 10, 0, Word::RateHeld),
        ("failed>0.1%", 0, 5, Word::RateHeld),
        ("achieved<=100%", 0, 5, Word::RateHeld),
        ("achieved>=1", 0, 5, Word::RateHeld),
        // Nor does what the loss of all 2,000 would meet.
        ("lost<101%", 10, 0, Word::RateHeld),
        ("lost<=100%", 10, 0, Word::RateHeld),
        ("lost<=1999", 10, 0, Word::Held),
        ("lost<=2000", 10, 0, Word::RateHeld),
        ("missing<99999999", 10, 0, Word::RateHeld),
        ("failed<=100%", 0, 5, Word::RateHeld),
        ("failed<100%", 0, 5, Word::Held),
        ("achieved>=0%", 0, 5, Word::RateHeld),
        ("achieved>0%", 0, 5, Word::Held),
    ] {
        let mut result = Case::default().run();
        result.ledger.failed = failed;
        result.ledger.acknowledged -= failed;
        lose(&mut result, missing);
        let condition: hrload::report::Condition = condition.parse().unwrap();
        result.thresholds.push(condition.judge(&result));
        let verdict = Verdict::of(&result);
        assert_eq!(verdict.word, word, "{condition}: {verdict:?}");
        if word == Word::Held {
            assert!(
                verdict.reasons.iter().all(|of| of.allowed_by.is_some()),
                "what is allowed is told: {verdict:?}"
            );
        }
    }
}

#[test]
fn a_run_that_lost_everything_did_not_hold_whatever_was_allowed() {
    for condition in [
        "lost<101%",
        "lost<=100%",
        "lost=100%",
        "failed<=100%",
        "achieved>=0%",
    ] {
        let mut result = Case::default().run();
        let ledger = &mut result.ledger;
        (ledger.failed, ledger.acknowledged) = (ledger.sent, 0);
        (ledger.seen, ledger.missing) = (Some(0), Some(0));
        result.rate.achieved = 0.0;
        let condition: hrload::report::Condition = condition.parse().unwrap();
        let threshold = condition.judge(&result);
        assert!(threshold.met, "{condition}");
        result.thresholds.push(threshold);
        let verdict = Verdict::of(&result);
        assert_eq!(verdict.word, Word::NotHeld, "{condition}: {verdict:?}");
    }
}

#[test]
fn what_the_warm_up_lost_counts_by_the_same_threshold() {
    for (condition, missing, word) in [
        ("lost<1%", 4, Word::Held),
        ("lost<1%", 5, Word::NotHeld),
        ("lost=0", 1, Word::NotHeld),
        ("missing<=3", 3, Word::Held),
        ("achieved>=50%", 1, Word::NotHeld),
        ("lost<=100%", 1, Word::NotHeld),
    ] {
        let mut result = Case::default().run();
        assert_eq!(result.ledger.warm_up.acknowledged, 500);
        result.ledger.warm_up.missing = Some(missing);
        let condition: hrload::report::Condition = condition.parse().unwrap();
        result.thresholds.push(condition.judge(&result));
        assert_eq!(Verdict::of(&result).word, word, "{condition}, {missing}");
    }
}

#[test]
fn a_few_readings_seen_again_leave_the_rate_held_and_a_threshold_allows_them() {
    for (condition, again, word) in [
        ("p99<1h", 10, Word::RateHeld),
        ("p99<1h", 11, Word::NotHeld),
        ("lost=0", 1, Word::RateHeld),
        ("duplicates<1%", 11, Word::Held),
        ("duplicates<1%", 30, Word::NotHeld),
        ("duplicates=0", 1, Word::NotHeld),
        ("duplicates>0", 1, Word::RateHeld),
    ] {
        let mut result = Case::default().run();
        result.ledger.duplicates = Some(again);
        let condition: hrload::report::Condition = condition.parse().unwrap();
        result.thresholds.push(condition.judge(&result));
        let verdict = Verdict::of(&result);
        assert_eq!(verdict.word, word, "{condition}, {again}: {verdict:?}");
    }
    let mut result = Case::default().run();
    result.ledger.duplicates = Some(10);
    let text = anstream::adapter::strip_str(&summary(&result, Columns::default())).to_string();
    assert!(
        text.contains("of 500/s offered, for 4 s; 10 readings (0.5 %) seen again"),
        "{text}"
    );
}

#[test]
fn copies_in_the_lake_that_the_stream_did_not_have_are_no_success() {
    for (stream, lake, word) in [(3, 3, Word::RateHeld), (0, 1, Word::NotHeld)] {
        let mut result = Case::default().run();
        result.ledger.duplicates = Some(stream);
        result.lake = Some(hrload::report::Lake {
            duplicates: lake,
            warm_up_missing: Some(0),
            ..hrload::report::Lake::default()
        });
        assert_eq!(Verdict::of(&result).word, word, "{stream}, {lake}");
    }
    // What was not counted is no success either.
    let mut result = Case::default().run();
    result.lake = Some(hrload::report::Lake::default());
    assert_eq!(Verdict::of(&result).word, Word::NotHeld);
}
