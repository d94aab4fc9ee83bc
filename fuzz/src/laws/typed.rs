//! What people type, and the files they keep: values, conditions, faults, profiles, and
//! the state of a set-up.

use std::time::Duration;

use hrload::aws::State;
use hrload::cli::values;
use hrload::endpoint::Endpoint;
use hrload::lake::Naming;
use hrload::local::Faults;
use hrload::local::capture::ChangeDelay;
use hrload::local::faults::FaultDice;
use hrload::report::{Condition, parse_duration, parse_number};
use hrload::workload::{Fleet, Pace, Partition, Profile, Source, Workload};

use super::shown;

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// A value is what its kind allows, and is written so that it is read again the same.
pub(super) fn value(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(values::Rate(rate)) = text.parse() {
        assert!(rate > 0.0 && rate.is_finite());
    }
    for number in [parse_number(text), parse_duration(text)]
        .into_iter()
        .flatten()
    {
        assert!(number >= 0.0 && number.is_finite());
    }
    if let Ok(span) = values::span(text) {
        let seconds = parse_duration(text).expect("a span is a duration");
        assert!((span.as_secs_f64() - seconds).abs() <= 1e-9 + seconds * 1e-12);
        assert_eq!(values::positive_span(text).is_ok(), !span.is_zero());
    }
    let _ = values::span_or_off(text);
    if let Ok(bytes) = values::bytes(text) {
        assert!(bytes >= 1);
        assert!(values::bytes(&bytes.to_string()).is_ok());
    }
    if let Ok(count) = values::count(text) {
        assert!(count >= 1);
        assert_eq!(values::count(&count.to_string()), Ok(count));
    }
    assert!(values::threads(text).is_ok() <= values::in_flight(text).is_ok());
    if let Ok(address) = values::listen(text) {
        assert_eq!(values::listen(&address.to_string()), Ok(address));
    }
    if let Ok(share) = values::percent(text) {
        assert!(share >= 0.0 && share.is_finite());
    }
    let _ = values::picture(text);
    if let Ok(delay) = text.parse::<ChangeDelay>() {
        assert_eq!(delay.to_string().parse(), Ok(delay), "{delay}");
    }
    endpoint(text);
    if let Ok(naming) = Naming::new("s", text, None, ".gz") {
        let key = naming.data_key(
            1_721_011_165_000_000,
            1_721_011_166_000_000,
            uuid::Uuid::nil(),
        );
        assert!(!key.starts_with('/') && !key.contains("//"), "{key:?}");
        assert!(key.split('/').all(|part| part != ".." && part != "."));
        assert!(!key.contains(char::is_control), "{key:?}");
    }
}

/// A URL that is shown has lost its user, its password and its query.
fn endpoint(text: &str) {
    let Ok(url) = values::url(text) else { return };
    shown(&url.to_string());
    let bare = url.bare_text();
    assert!(!bare.contains('?'), "{bare}");
    let Ok(again) = bare.parse::<Endpoint>() else {
        panic!("{bare} cannot be read again")
    };
    let host = again.uri().authority().map_or("", |of| of.as_str());
    assert!(!host.contains('@'), "{bare}");
    let authority = url.uri().authority().map_or("", |of| of.as_str());
    if let Some((user, _)) = authority.rsplit_once('@')
        && let Some((_, password)) = user.split_once(':')
        && password.len() > 8
        && text.matches(password).count() == 1
    {
        assert!(!url.to_string().contains(password), "{url}");
    }
}

/// Conditions are written so that they are read again the same.
pub(super) fn condition(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Ok(conditions) = Condition::list(text) else {
        return;
    };
    for condition in &conditions {
        let written = condition.to_string();
        shown(&written);
        assert_eq!(written.parse().as_ref(), Ok(condition), "{written}");
        assert!(condition.is_like(condition));
        let judged = condition.judge(super::report::base());
        assert_eq!(judged.expression, written);
        assert!(!judged.met || judged.measured.is_some());
        if let Some(measured) = judged.measured {
            shown(&condition.show(measured));
        }
    }
}

/// Faults are written so that they are read again the same, and can be carried out.
pub(super) fn fault(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match text.parse::<Faults>() {
        Ok(faults) => {
            let written = faults.to_string();
            shown(&written);
            assert_eq!(written.parse().as_ref(), Ok(&faults), "{written}");
            let now_us = 1_700_000_000_000_000;
            let dice = FaultDice::new(&faults, 1);
            for _ in 0..3 {
                let _ = dice.next_call(now_us);
                let change = dice.next_change(now_us);
                let _ = now_us + change.delay_us + dice.next_answer_delay_us();
                let _ = dice.next_item_is_unprocessed();
                let _ = dice.stalled_until_us(now_us + 1_000_000);
            }
            let _ = dice.injected();
        }
        Err(error) => assert!(error.example.parse::<Faults>().is_ok()),
    }
}

/// A profile that is taken makes a fleet whose readings come in order and are heart
/// rates.
pub(super) fn profile(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let profile = match Profile::parse(text, "p.toml") {
        Ok(profile) => profile,
        Err(error) => {
            assert!(error.to_string().starts_with("p.toml"), "{error}");
            return;
        }
    };
    assert_eq!(profile.text(), text);
    let start_us = 1_700_000_000_000_000;
    for pace in [Pace::Natural, Pace::Rate(20.0)] {
        let run = Duration::from_secs(60);
        let Ok(workload) = Workload::new(profile.clone(), 20, pace, 1, run) else {
            continue;
        };
        let rates = [workload.mean_rate(), workload.peak_rate()];
        assert!(
            rates.iter().all(|rate| rate.is_finite() && *rate >= 0.0),
            "{rates:?}"
        );
        let mut fleet = Fleet::new(&workload, Partition::WHOLE, start_us);
        let mut last_us = start_us;
        for _ in 0..100 {
            let Some(reading) = fleet.next_until(start_us + 3_600_000_000) else {
                break;
            };
            assert!(
                reading.id.intended_us >= last_us,
                "{reading:?} after {last_us}"
            );
            assert!((20..=250).contains(&reading.bpm), "{reading:?}");
            last_us = reading.id.intended_us;
        }
    }
}

/// The state of a set-up that is taken is written and read again the same.
pub(super) fn setup_state(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match State::parse(text) {
        Ok(state) => {
            let written = serde_json::to_string(&state).expect("strings");
            assert_eq!(State::parse(&written).as_ref(), Ok(&state));
            assert!(state.differences(&state).is_empty());
            let _ = state.complete();
        }
        Err(why) => assert!(!why.is_empty()),
    }
}
