//! What holds whatever the service does.

use proptest::prelude::*;

use super::*;
use crate::load::Backoff;

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Write),
        3 => (1usize..5).prop_map(Act::WriteBut),
        1 => Just(Act::Refuse(400, "ThrottlingException")),
        1 => Just(Act::Refuse(500, "")),
        1 => Just(Act::Refuse(400, "ValidationException")),
        1 => Just(Act::Refuse(400, "AccessDeniedException")),
        1 => Just(Act::TimeOut),
        1 => Just(Act::Disconnect),
        1 => Just(Act::Garble),
    ]
}

fn meddling() -> impl Strategy<Value = Meddling> {
    prop_oneof![
        2 => Just(Meddling::Nothing),
        1 => (0u64..400).prop_map(|ms| Meddling::EndAfter(Duration::from_millis(ms))),
        1 => (0u64..1_500).prop_map(|ms| Meddling::StopAtOnceAfter(Duration::from_millis(ms))),
        1 => (0u64..400, 0.0f64..3.0, 0u64..400).prop_map(|(after_ms, factor, for_ms)| {
            let after = Duration::from_millis(after_ms);
            Meddling::Tempo(after, factor, after + Duration::from_millis(for_ms))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_reading_ends_in_exactly_one_way(
        mut offsets_us in prop::collection::vec(0u64..500_000, 0..400),
        script in prop::collection::vec((act(), 0u64..400), 1..30),
        batch in 1usize..=25,
        in_flight in 1usize..6,
        attempts in 1u32..5,
        backlog in prop_oneof![Just(10usize), Just(100), Just(100_000)],
        linger_ms in 0u64..30,
        grace_ms in prop_oneof![Just(0u64), Just(300), Just(3_000)],
        catch_up in prop::option::of(1.0f64..3.0),
        max_write_units in prop::option::of(50.0f64..2_000.0),
        meddling in meddling(),
        seed in any::<u64>(),
    ) {
        offsets_us.sort_unstable();
        let config = Config {
            batch,
            in_flight,
            attempts,
            backlog,
            linger: Duration::from_millis(linger_ms),
            end_grace: Duration::from_millis(grace_ms),
            backoff: Backoff { base: Duration::from_millis(20), cap: Duration::from_millis(200) },
            rate: 800.0,
            catch_up,
            max_write_units,
            timeout: Duration::from_millis(300),
            seed,
            ..config()
        };
        let due = offsets_us.clone();
        let after = simulate(&config, offsets_us, Duration::from_millis(400), meddling, |n, _| {
            let (act, latency_ms) = &script[n % script.len()];
            (Duration::from_millis(*latency_ms), act.clone())
        });
        let notes = &after.notes;

        let untouched = matches!(meddling, Meddling::Nothing) && after.stop.abort_reason().is_none();
        if untouched {
            let in_time = due.iter().filter(|us| **us < 400_000).count();
            prop_assert_eq!(notes.stories.len(), in_time);
        }
        let end_us = after.start_us + 400_000;
        let mut sends = std::collections::HashMap::new();
        for id in after.calls.iter().flatten() {
            *sends.entry(*id).or_insert(0u32) += 1;
        }
        for (id, story) in &notes.stories {
            prop_assert!(id.intended_us < end_us);
            prop_assert_eq!(story.scheduled, 1);
            prop_assert!(story.end.is_some(), "{:?} has no end", id);
            let sends = sends.get(id).copied().unwrap_or(0);
            prop_assert_eq!(story.sent.is_some(), sends > 0);
            prop_assert!(sends <= attempts);
            match &story.end {
                Some(End::Acknowledged(_)) => prop_assert!(after.written.contains(id)),
                // Whatever was written and seen to be is acknowledged; only an
                // abandoned call may have written without being heard.
                Some(End::Failed(code)) => {
                    prop_assert!(!after.written.contains(id), "{} was written", code);
                }
                _ => prop_assert_eq!(sends, 0),
            }
        }
        prop_assert_eq!(notes.attempts.len(), after.calls.len());
        prop_assert_eq!(after.outcome.calls as usize, after.calls.len());
        prop_assert!(after.most_in_flight <= in_flight);
        let mut known = std::collections::HashSet::new();
        let first_batches = after.calls.iter().filter(|ids| ids.iter().filter(|id| known.insert(**id)).count() > 0);
        prop_assert_eq!(notes.settled_batches, first_batches.count());
    }
}
