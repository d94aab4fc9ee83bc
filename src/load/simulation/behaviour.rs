//! What a worker does in given situations.

use super::*;

const MS: u64 = 1_000;

fn every_us(period_us: u64, count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |n| n * period_us)
}

fn soon(_: usize, _: &[Reading]) -> (Duration, Act) {
    (Duration::from_millis(5), Act::Write)
}

#[test]
fn a_steady_load_is_sent_in_full_batches_within_two_milliseconds() {
    let after = simulate(
        &config(),
        every_us(200, 10_000),
        Duration::from_secs(2),
        Meddling::Nothing,
        soon,
    );
    assert_eq!(after.notes.acknowledged(), 10_000);
    assert_eq!(after.calls.len(), 400);
    assert!(after.calls.iter().all(|ids| ids.len() == 25));
    for story in after.notes.stories.values() {
        let (due_us, sent_us) = story.sent.unwrap();
        assert!(
            sent_us - due_us <= 2 * MS,
            "late by {} us",
            sent_us - due_us
        );
    }
    assert_eq!(after.outcome.limits, Default::default());
}

#[test]
fn a_lone_reading_leaves_when_it_has_lingered() {
    let after = simulate(
        &config(),
        every_us(100 * MS, 10),
        Duration::from_secs(1),
        Meddling::Nothing,
        soon,
    );
    assert_eq!(after.calls.len(), 10);
    for (id, story) in &after.notes.stories {
        let (due_us, sent_us) = story.sent.unwrap();
        // None can follow the last one, so it does not wait.
        let linger_us = if id.sequence == 9 { 0 } else { 10 * MS };
        assert_eq!(due_us / MS, (id.intended_us + linger_us) / MS);
        assert!(sent_us - due_us <= 2 * MS);
    }
}

#[test]
fn the_partial_batch_left_at_the_end_is_flushed_at_once() {
    let config = Config {
        linger: Duration::from_secs(5),
        ..config()
    };
    let length = Duration::from_millis(100);
    let after = simulate(
        &config,
        every_us(30 * MS, 3),
        length,
        Meddling::Nothing,
        soon,
    );
    assert_eq!(after.notes.acknowledged(), 3);
    assert!(after.outcome.elapsed_us < 110 * MS);
}

#[test]
fn a_stall_of_the_service_shows_in_responses_and_as_slots_taken() {
    let config = Config {
        in_flight: 4,
        ..config()
    };
    // From 0.5 s on, calls take until 1.5 s; then all is well again.
    let started = std::cell::Cell::new(None);
    let after = simulate(
        &config,
        every_us(200, 20_000),
        Duration::from_secs(4),
        Meddling::Nothing,
        |_, _| {
            let now = tokio::time::Instant::now();
            let start = started.get().unwrap_or(now);
            started.set(Some(start));
            let ms = (now - start).as_millis() as u64;
            let latency_ms = if (500..1_500).contains(&ms) {
                1_500 - ms
            } else {
                2
            };
            (Duration::from_millis(latency_ms), Act::Write)
        },
    );
    assert_eq!(after.notes.acknowledged(), 20_000);
    // At the end of the stall 5,000 wait, the first for a second. They are
    // worked off at 7,500 a second while 5,000 fall due: until the wait is
    // down to half a second, 7,500 are late by more, less what the burst lets
    // through at once.
    let late = after.notes.stories.iter().filter(|(id, story)| {
        let Some(End::Acknowledged(at_us)) = story.end else {
            return false;
        };
        at_us - id.intended_us >= 500 * MS
    });
    let late = late.count();
    assert!((5_000..=7_500).contains(&late), "{late}");
    let slots_ms = after.outcome.limits.slots_bound_us / MS;
    assert!((900..=1_100).contains(&slots_ms), "{slots_ms} ms");
    // 5,000 readings behind at half the rate to spare: two seconds at least,
    // less what the burst lets through at once.
    let catch_up_ms = after.outcome.limits.catch_up_bound_us / MS;
    assert!((500..=2_500).contains(&catch_up_ms), "{catch_up_ms} ms");
}

#[test]
fn after_a_stall_no_more_than_the_catch_up_rate_is_sent() {
    let config = Config {
        catch_up: Some(1.5),
        in_flight: 100,
        ..config()
    };
    // One second of readings is due at once when the run starts.
    let after = simulate(
        &config,
        std::iter::repeat_n(0, 5_000).chain(every_us(200, 20_000)),
        Duration::from_secs(4),
        Meddling::Nothing,
        soon,
    );
    assert_eq!(after.notes.acknowledged(), 25_000);
    let mut per_100_ms = [0; 50];
    for story in after.notes.stories.values() {
        let (_, sent_us) = story.sent.unwrap();
        per_100_ms[((sent_us - after.start_us) / (100 * MS)) as usize] += 1;
    }
    for (n, sent) in per_100_ms.iter().enumerate().skip(2) {
        assert!(*sent <= 800, "{sent} readings in 100 ms number {n}");
    }
}

#[test]
fn write_units_are_never_overspent() {
    let config = Config {
        max_write_units: Some(1_000.0),
        ..config()
    };
    let after = simulate(
        &config,
        every_us(200, 10_000),
        Duration::from_secs(2),
        Meddling::Nothing,
        soon,
    );
    // Two seconds, and one of grace; plus the burst.
    let sent: usize = after.calls.iter().map(Vec::len).sum();
    assert!((2_900..=3_150).contains(&sent), "{sent}");
    assert_eq!(after.notes.count(|end| *end == End::CutOff), 10_000 - sent);
    assert!(after.outcome.limits.write_units_bound_us > 2_000 * MS);
}

#[test]
fn a_ceiling_below_a_batch_is_held_in_every_second() {
    for ceiling in [0.5, 1.0, 10.0, 30.0] {
        let config = Config {
            max_write_units: Some(ceiling),
            ..config()
        };
        let after = simulate(
            &config,
            every_us(3_333, 900),
            Duration::from_secs(3),
            Meddling::Nothing,
            soon,
        );
        let stories = after.notes.stories.values();
        let mut sent: Vec<u64> = stories.filter_map(|of| Some(of.sent?.1)).collect();
        sent.sort_unstable();
        // An item is a unit, and one is the least that can be sent.
        let most = (ceiling as usize).max(1);
        let too_soon = sent.windows(most + 1);
        let too_soon = too_soon.filter(|of| of[most] - of[0] < 1_000 * MS).count();
        assert_eq!(too_soon, 0, "{ceiling}: {sent:?}");
        // Four seconds with the one of grace, and no less than is allowed in three.
        let least = (3.0 * ceiling) as usize;
        assert!(sent.len() >= least.max(2), "{ceiling}: {sent:?}");
    }
}

#[test]
fn when_too_many_wait_the_newest_are_dropped() {
    let config = Config {
        in_flight: 1,
        backlog: 100,
        ..config()
    };
    let after = simulate(
        &config,
        every_us(MS, 1_000),
        Duration::from_secs(1),
        Meddling::Nothing,
        |_, _| (Duration::from_millis(500), Act::Write),
    );
    let dropped = after.notes.count(|end| *end == End::Dropped);
    assert!(dropped > 800, "{dropped}");
    let sent = after
        .notes
        .stories
        .iter()
        .filter(|(_, story)| story.sent.is_some());
    let last_sent = sent.map(|(id, _)| id.sequence).max().unwrap();
    assert!(last_sent < 150, "{last_sent}");
    assert!(
        after
            .notes
            .ticks
            .iter()
            .all(|(_, waiting, _, _)| *waiting <= 100)
    );
}

#[test]
fn items_that_come_back_are_sent_again_until_their_attempts_run_out() {
    let config = Config {
        attempts: 3,
        end_grace: Duration::from_secs(10),
        ..config()
    };
    let never_the_first = |_: usize, _: &[Reading]| (Duration::ZERO, Act::WriteBut(25));
    let length = Duration::from_millis(10);
    let after = simulate(
        &config,
        every_us(0, 25),
        length,
        Meddling::Nothing,
        never_the_first,
    );
    assert_eq!(after.notes.attempts, ["24+1", "0+1", "0+1"]);
    assert_eq!(after.notes.acknowledged(), 24);
    assert_eq!(after.notes.failed("UnprocessedItems"), 1);
    assert_eq!(after.notes.settled_batches, 1);
}

#[test]
fn what_a_retry_can_mend_is_retried_and_the_rest_fails_at_once() {
    let throttled = "ThrottlingException/TableWriteProvisionedThroughputExceeded/2";
    for (act, first, calls, failed) in [
        (Act::Refuse(400, "ThrottlingException"), throttled, 2, None),
        (Act::Refuse(500, ""), "http-500/2", 2, None),
        (Act::TimeOut, "timeout/2", 2, None),
        (Act::Disconnect, "connection/2", 2, None),
        (Act::Garble, "unreadable-answer/2", 2, None),
        (
            Act::Refuse(400, "ValidationException"),
            "ValidationException/2",
            1,
            Some("ValidationException"),
        ),
    ] {
        let after = simulate(
            &config(),
            [0, 0],
            Duration::from_millis(10),
            Meddling::Nothing,
            |n, _| {
                (
                    Duration::ZERO,
                    if n == 0 { act.clone() } else { Act::Write },
                )
            },
        );
        assert_eq!(after.notes.attempts[0], first);
        // Full jitter may give the two items different pauses, so the retry is
        // one call or two.
        assert!(
            (calls..=calls.max(2 * calls - 1)).contains(&after.calls.len()),
            "{first}"
        );
        match failed {
            None => assert_eq!(after.notes.acknowledged(), 2, "{first}"),
            Some(code) => assert_eq!(after.notes.failed(code), 2),
        }
    }
}

#[test]
fn an_error_that_every_call_would_get_aborts_the_run_when_nothing_has_worked_yet() {
    let refuse =
        |_: usize, _: &[Reading]| (Duration::ZERO, Act::Refuse(400, "AccessDeniedException"));
    let length = Duration::from_secs(10);
    let after = simulate(
        &config(),
        every_us(MS, 10_000),
        length,
        Meddling::Nothing,
        refuse,
    );
    let reason = after.stop.abort_reason().unwrap();
    assert_eq!(reason.code, "AccessDeniedException");
    assert_eq!(reason.message, "as told");
    assert!(after.outcome.elapsed_us < 100 * MS);
    assert!(after.notes.stories.len() < 100);
}

#[test]
fn the_same_error_later_fails_its_readings_only() {
    let after = simulate(
        &config(),
        every_us(100 * MS, 10),
        Duration::from_secs(1),
        Meddling::Nothing,
        |n, _| {
            let act = if n == 5 {
                Act::Refuse(400, "AccessDeniedException")
            } else {
                Act::Write
            };
            (Duration::ZERO, act)
        },
    );
    assert_eq!(after.stop.abort_reason(), None);
    assert_eq!(after.notes.acknowledged(), 9);
    assert_eq!(after.notes.failed("AccessDeniedException"), 1);
}

#[test]
fn an_early_end_takes_no_reading_intended_after_it() {
    let after = simulate(
        &config(),
        every_us(MS, 10_000),
        Duration::from_secs(10),
        Meddling::EndAfter(Duration::from_millis(300)),
        soon,
    );
    let scheduled = after.notes.stories.len();
    assert!((298..=303).contains(&scheduled), "{scheduled}");
    assert_eq!(after.notes.acknowledged(), scheduled);
    assert!(after.outcome.elapsed_us < 400 * MS);
}

#[test]
fn stopping_at_once_abandons_calls_in_flight_and_accounts_for_them() {
    let after = simulate(
        &config(),
        every_us(MS, 10_000),
        Duration::from_secs(10),
        Meddling::StopAtOnceAfter(Duration::from_millis(95)),
        |_, _| (Duration::from_secs(9), Act::Write),
    );
    assert!(after.outcome.elapsed_us < 100 * MS);
    let unfinished = after.notes.failed("unfinished");
    let cut_off = after.notes.count(|end| *end == End::CutOff);
    assert!(unfinished > 0 && cut_off > 0, "{unfinished}, {cut_off}");
    assert_eq!(unfinished + cut_off, after.notes.stories.len());
}

#[test]
fn calls_still_in_flight_after_the_grace_are_waited_for_no_longer_than_a_call_may_take() {
    let config = Config {
        timeout: Duration::from_secs(2),
        in_flight: 1,
        ..config()
    };
    let slow = |latency_ms: u64| {
        simulate(
            &config,
            every_us(MS, 100),
            Duration::from_millis(100),
            Meddling::Nothing,
            move |_, _| (Duration::from_millis(latency_ms), Act::Write),
        )
    };
    let heard = slow(1_500);
    assert!(heard.notes.acknowledged() > 0);
    assert_eq!(heard.notes.failed("unfinished"), 0);
    assert!(heard.notes.count(|end| *end == End::CutOff) > 0);
    let unheard = slow(60_000);
    assert_eq!(unheard.notes.acknowledged(), 0);
    assert!(unheard.notes.failed("unfinished") > 0);
    assert!((3_000..3_300).contains(&(unheard.outcome.elapsed_us / MS)));
}

#[test]
fn warm_up_calls_are_told_from_measured_ones() {
    let runs = |measure_start_us| {
        let config = Config {
            measure_start_us,
            ..config()
        };
        let length = Duration::from_millis(50);
        simulate(&config, every_us(MS, 50), length, Meddling::Nothing, soon).notes
    };
    assert_eq!(runs(u64::MAX).measured_attempts, 0);
    let all = runs(0);
    assert_eq!(all.measured_attempts, all.attempts.len());
}

#[test]
fn what_the_warm_up_met_is_no_trouble_of_the_measured_run() {
    // For the first second calls take half of one and are cut; then all is well.
    let runs = |measure_start_us| {
        let config = Config {
            in_flight: 2,
            measure_start_us,
            ..config()
        };
        let began = std::cell::Cell::new(None);
        simulate(
            &config,
            every_us(MS, 4_000),
            Duration::from_secs(4),
            Meddling::Nothing,
            |_, _| {
                let now = tokio::time::Instant::now();
                let start = began.get().unwrap_or(now);
                began.set(Some(start));
                if (now - start).as_millis() < 1_000 {
                    (Duration::from_millis(700), Act::Disconnect)
                } else {
                    (Duration::from_millis(1), Act::Write)
                }
            },
        )
    };
    let whole = runs(0);
    let cut = whole.outcome.troubles.of(Obstacle::Cut);
    assert!(cut.is_some_and(|(calls, _)| calls > 0));
    assert!(whole.outcome.answers.longest_silence_us >= 690 * MS);
    assert!(whole.outcome.limits.slots_bound_us > 500 * MS);
    let after = runs(Clock::start().now_us() + 3_000 * MS);
    assert_eq!(after.outcome.troubles, crate::load::Troubles::default());
    assert!(after.outcome.answers.longest_silence_us < 100 * MS);
    assert_eq!(after.outcome.limits.slots_bound_us, 0);
    assert!((900 * MS..2_000 * MS).contains(&after.outcome.elapsed_us));
}

#[test]
fn a_batch_that_was_sent_was_in_flight() {
    let after = simulate(
        &config(),
        [0],
        Duration::from_secs(1),
        Meddling::Nothing,
        soon,
    );
    let most = after.notes.ticks.iter().map(|tick| tick.2).max();
    assert_eq!(most, Some(1));
}

#[test]
fn the_journal_hears_the_time_at_least_ten_times_a_second() {
    let after = simulate(
        &config(),
        [0, 2_000 * MS],
        Duration::from_secs(3),
        Meddling::Nothing,
        soon,
    );
    let times: Vec<u64> = after.notes.ticks.iter().map(|tick| tick.0).collect();
    assert!(times.len() >= 19);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 102 * MS));
}

/// When readings left, in microseconds since the start, in order.
fn departures(after: &Aftermath) -> Vec<u64> {
    let sent = after.notes.stories.values().filter_map(|story| story.sent);
    let mut sent: Vec<u64> = sent.map(|(_, sent_us)| sent_us - after.start_us).collect();
    sent.sort_unstable();
    sent
}

#[test]
fn a_pause_makes_nothing_due_and_nothing_late_and_loses_nothing_in_it() {
    // Densely, and so that a batch waits for readings from far behind the pause.
    for (period_us, count) in [(200, 20_000), (100 * MS, 40)] {
        let after = simulate(
            &config(),
            every_us(period_us, count),
            Duration::from_secs(4),
            Meddling::Tempo(
                Duration::from_millis(745),
                0.0,
                Duration::from_millis(2_745),
            ),
            soon,
        );
        // Paused from 0.995 s to 2.995 s: of four seconds two are left.
        assert_eq!(after.notes.stories.len() as u64, count / 2);
        assert_eq!(after.notes.acknowledged() as u64, count / 2);
        let silent = 1_010 * MS..2_995 * MS;
        let departures = departures(&after);
        assert!(!departures.iter().any(|at| silent.contains(at)));
        for (id, story) in &after.notes.stories {
            let (_, sent_us) = story.sent.unwrap();
            assert!(sent_us - id.intended_us <= 12 * MS, "{id:?}");
            let intended_us = id.intended_us - after.start_us;
            assert!(!(996 * MS..2_995 * MS).contains(&intended_us), "{id:?}");
        }
    }
}

#[test]
fn twice_the_tempo_is_twice_the_rate_beyond_the_ceiling_of_the_rate_asked_for() {
    let config = Config {
        catch_up: Some(1.0),
        ..config()
    };
    let after = simulate(
        &config,
        every_us(200, 50_000),
        Duration::from_secs(4),
        Meddling::Tempo(
            Duration::from_millis(750),
            2.0,
            Duration::from_millis(2_750),
        ),
        soon,
    );
    let departures = departures(&after);
    for (second, expected) in [(0, 5_000), (1, 10_000), (2, 10_000), (3, 5_000)] {
        let of = second * 1_000 * MS..(second + 1) * 1_000 * MS;
        let count = departures.iter().filter(|at| of.contains(at)).count();
        assert!(
            expected - 60 <= count && count <= expected + 60,
            "{second}: {count}"
        );
    }
    for (id, story) in &after.notes.stories {
        assert!(story.sent.unwrap().1 - id.intended_us <= 12 * MS, "{id:?}");
    }
}

#[test]
fn a_run_that_is_paused_to_its_end_ends_then() {
    let after = simulate(
        &config(),
        every_us(200, 10_000),
        Duration::from_secs(2),
        Meddling::Tempo(Duration::from_millis(250), 0.0, Duration::from_secs(1_800)),
        soon,
    );
    assert_eq!(after.notes.acknowledged(), 2_501);
    assert!(after.outcome.elapsed_us < 2_100 * MS);
}
