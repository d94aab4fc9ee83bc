//! The series as comma-separated values, a row a second (RFC 4180,
//! <https://www.rfc-editor.org/rfc/rfc4180>).
//!
//! Columns are the same for every run, so that files can be put one under the
//! other; what was not measured is empty. All values are numbers or words
//! without commas and quotes, so that none needs quoting.

use std::fmt::Write;

use crate::{Phase, RunResult, SeriesEntry};
use hrload_measure::Stage;

/// A heading, with its unit, and the column under it.
type Column = (&'static str, fn(&SeriesEntry) -> String);

const COLUMNS: [Column; 24] = [
    ("second_s", |of| of.second.to_string()),
    ("phase", |of| phase(of.phase).to_owned()),
    ("scheduled_readings", |of| of.scheduled.to_string()),
    ("dropped_readings", |of| of.dropped.to_string()),
    ("cut_off_readings", |of| of.cut_off.to_string()),
    ("sent_readings", |of| of.sent.to_string()),
    ("acknowledged_readings", |of| of.acknowledged.to_string()),
    ("failed_readings", |of| of.failed.to_string()),
    ("seen_readings", |of| of.seen.to_string()),
    ("duplicate_sightings", |of| of.duplicates.to_string()),
    ("reordered_sightings", |of| of.reordered.to_string()),
    ("foreign_records", |of| of.foreign.to_string()),
    ("calls", |of| of.calls.to_string()),
    ("throttled_calls", |of| {
        throttled(of, |of| of.calls).to_string()
    }),
    ("throttled_items", |of| {
        throttled(of, |of| of.items).to_string()
    }),
    ("failed_calls", |of| {
        of.call_failures.values().sum::<u64>().to_string()
    }),
    ("throttled_reads", |of| of.throttled_reads.to_string()),
    ("consumed_write_units", |of| of.consumed_units.to_string()),
    ("provisioned_write_units", |of| {
        of.provisioned_units
            .map_or_else(String::new, |units| units.to_string())
    }),
    ("waiting_max_readings", |of| of.waiting_max.to_string()),
    ("in_flight_max_batches", |of| of.in_flight_max.to_string()),
    ("send_cpu_s", |of| of.send_cpu.to_string()),
    ("read_cpu_s", |of| of.read_cpu.to_string()),
    ("reader_behind_s", |of| of.behind.to_string()),
];

fn throttled(of: &SeriesEntry, count: impl Fn(&crate::Throttle) -> u64) -> u64 {
    of.throttles.iter().map(count).sum()
}

/// A phase as it stands in the result file.
pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::SetUp => "set-up",
        Phase::WarmUp => "warm-up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
        Phase::Complete => "complete",
    }
}

/// The text of the file. Lines end in CR LF, as the RFC has it.
pub(super) fn series(result: &RunResult) -> String {
    let mut text = String::new();
    let headings: Vec<&str> = COLUMNS.iter().map(|(heading, _)| *heading).collect();
    text.push_str(&headings.join(","));
    for stage in Stage::ALL {
        let key = stage.key();
        // Writing to a string does not fail.
        let _ = write!(text, ",{key}_count,{key}_p50_s,{key}_p99_s,{key}_max_s");
    }
    text.push_str("\r\n");
    for second in &result.series {
        let values: Vec<String> = COLUMNS.iter().map(|(_, value)| value(second)).collect();
        text.push_str(&values.join(","));
        for stage in Stage::ALL {
            let _ = match second.latency.get(stage) {
                Some(of) => write!(text, ",{},{},{},{}", of.count, of.p50, of.p99, of.max),
                None => write!(text, ",,,,"),
            };
        }
        text.push_str("\r\n");
    }
    text
}
