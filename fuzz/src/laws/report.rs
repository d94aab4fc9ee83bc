//! Result files and histories.

use std::path::Path;
use std::sync::OnceLock;

use hrload::measure::Stage;
use hrload::report::{
    self, Columns, DiffResult, DiffSettings, Entry, Figures, Format, Report, RunResult,
    TrendResult, Verdict,
};
use serde_json::Value;

use super::json::alike;
use super::shown;

/// A result as a run wrote it, of three seconds.
pub(super) fn base() -> &'static RunResult {
    static BASE: OnceLock<RunResult> = OnceLock::new();
    BASE.get_or_init(|| RunResult::from_bytes(BASE_TEXT, "base").expect("a result"))
}

const BASE_TEXT: &[u8] = include_bytes!("../base.json");

fn base_tree() -> &'static Value {
    static BASE: OnceLock<Value> = OnceLock::new();
    BASE.get_or_init(|| serde_json::from_slice(BASE_TEXT).expect("JSON"))
}

/// A result that is found sound is written and read again the same, is judged, and
/// renders in every form. An object without a schema stands for what differs from a
/// result that a run wrote (RFC 7396).
pub(super) fn result(data: &[u8]) {
    match serde_json::from_slice::<Value>(data) {
        Ok(patch @ Value::Object(_)) if patch.get("schema").is_none() => {
            let mut tree = base_tree().clone();
            merge(&mut tree, patch);
            read(tree.to_string().as_bytes());
        }
        _ => read(data),
    }
}

/// A merge patch; where both are lists, the patch's elements go onto those in front.
fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    into.remove(&name);
                } else {
                    merge(into.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(into), Value::Array(patch)) => {
            for (at, value) in patch.into_iter().enumerate() {
                match into.get_mut(at) {
                    Some(into) => merge(into, value),
                    None => into.push(value),
                }
            }
        }
        (into, patch) => *into = patch,
    }
}

fn read(bytes: &[u8]) {
    let result = match RunResult::from_bytes(bytes, "r.json") {
        Ok(result) => result,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut written = Vec::new();
    result.to_writer(&mut written).expect("memory");
    let again = RunResult::from_bytes(&written, "r.json");
    let again = again.unwrap_or_else(|error| panic!("written and not read again: {error}"));
    let [one, other] = [&result, &again].map(|of| serde_json::to_value(of).expect("JSON"));
    assert!(alike(&one, &other), "written and read differently");

    shown_coloured(&report::summary(&result, Columns::default()));
    let verdict = Verdict::of(&result);
    assert!(verdict.held() || !verdict.reasons.is_empty());
    verdict.reasons.iter().for_each(|of| drop(of.to_string()));
    for (ending, format) in Format::ENDINGS {
        let file: Report = format!("r.{ending}").parse().expect("a known ending");
        if let Ok(text) = file.text(std::slice::from_ref(&result)) {
            shown(&text);
            assert!(!text.is_empty(), "{format:?}");
        }
        if file.compares() {
            let both = [base().clone(), result.clone()];
            if let Ok(text) = file.text(&both) {
                shown(&text);
            }
        }
    }
    let sides = [std::slice::from_ref(base()), std::slice::from_ref(&result)];
    if let Ok(diff) = DiffResult::new(sides[0], sides[1], &DiffSettings::default()) {
        shown_coloured(&report::diff(&diff, Columns::default()));
        shown(&report::diff_markdown(&diff));
    }
    for (measure, of) in Figures::of(&result).iter() {
        assert!(of.value.is_finite(), "{} is {}", measure.name(), of.value);
        shown(&measure.show(of.value));
    }
    for stage in Stage::ALL {
        let _ = result.latency.get(stage).map(|of| of.decode().is_ok());
    }
    let _ = Entry::new(
        "label",
        std::slice::from_ref(&result),
        Default::default(),
        true,
    );
}

/// A text for a terminal, in hrload's own colours: digits and an `m` behind an escape.
fn shown_coloured(text: &str) {
    for part in text.split("\u{1b}[") {
        let style = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        shown(style.strip_prefix('m').unwrap_or(part));
    }
}

/// A history that is read has a course, which can be shown.
pub(super) fn history(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let entries = match Entry::parse_all(Path::new("h.jsonl"), text) {
        Ok(entries) => entries,
        Err(error) => {
            assert!(error.to_string().contains("line "), "{error}");
            return;
        }
    };
    for entry in &entries {
        let written = serde_json::to_string(entry).expect("strings and numbers");
        let again = Entry::parse_all(Path::new("h.jsonl"), &written);
        let again = again.expect("what was written is read");
        let tree = |of: &[Entry]| serde_json::to_value(of).expect("JSON");
        assert!(alike(&tree(&again), &tree(std::slice::from_ref(entry))));
    }
    if let Ok(trend) = TrendResult::new(&entries, &[]) {
        assert_eq!(trend.entries, entries.len());
        shown_coloured(&report::trend(&trend, Columns::default()));
        let _ = report::trend_plot(&trend).map(|svg| shown(&svg));
        let _ = trend.lost_sight();
    }
}
