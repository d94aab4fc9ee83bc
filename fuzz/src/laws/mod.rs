//! What holds of every input, target by target.
//!
//! A law takes any bytes and panics where hrload does not keep it. The fuzz targets
//! feed them what libFuzzer makes up, `tests/fuzz.rs` what was kept of that.

mod codec;
mod json;
mod lake;
mod report;
mod services;
mod typed;
mod wire;

/// A law of a target.
pub type Law = fn(&[u8]);

/// All targets, by the names of their files and of the folders of their inputs.
pub const ALL: [(&str, Law); 18] = [
    ("batch_answer", codec::batch_answer),
    ("change_record", codec::change_record),
    ("checkpoint", lake::checkpoint),
    ("condition", typed::condition),
    ("dynamodb", services::dynamodb),
    ("dynamodb_streams", services::dynamodb_streams),
    ("event_stream", wire::event_stream),
    ("fault", typed::fault),
    ("history", report::history),
    ("http_answer", wire::http_answer),
    ("kinesis", services::kinesis),
    ("lake_object", lake::object),
    ("page", codec::page),
    ("profile", typed::profile),
    ("result", report::result),
    ("setup_state", typed::setup_state),
    ("transform_answer", lake::transform_answer),
    ("value", typed::value),
];

/// Holds the law of the target to these bytes.
pub fn hold(target: &str, data: &[u8]) {
    let law = ALL.iter().find(|(name, _)| *name == target);
    let (_, law) = law.unwrap_or_else(|| panic!("no target is called {target}"));
    law(data);
}

/// How many records of tables' streams were read by inputs of `dynamodb_streams` in this
/// process: none, if what they read from is empty.
pub fn table_stream_records() -> u64 {
    services::records_read()
}

/// Nothing in a text that is shown drives a terminal or turns a line around.
fn shown(text: &str) {
    let harmless = hrload::report::lines(text);
    assert!(harmless == text, "shown as it came: {text:?}");
}
