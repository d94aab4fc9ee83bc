//! JUnit XML, as CI servers read it: a threshold a case, after one for the run
//! as a whole.
//!
//! The elements are those of the common form that Jenkins and GitLab document
//! (<https://docs.gitlab.com/ci/testing/unit_test_reports/>): `testsuites`,
//! `testsuite`, `properties`, `testcase` and `failure`.

use std::fmt::Write;

use super::{second, target};
use crate::{RunResult, Verdict};

/// A test case: its name, and why it failed if it did.
struct Case {
    class: &'static str,
    name: String,
    failure: Option<String>,
    /// What else its reader should know, a line each.
    notes: Vec<String>,
}

/// The text of the file.
pub(super) fn report(result: &RunResult) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_report(&mut text, result);
    text
}

fn write_report(text: &mut String, result: &RunResult) -> std::fmt::Result {
    let cases = cases(result);
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let seconds = result.run.measured;
    let count = cases.len();
    writeln!(text, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        text,
        r#"<testsuites name="hrload" tests="{count}" failures="{failures}" errors="0" time="{seconds:.3}">"#
    )?;
    let started = result.run.started.get(..19).unwrap_or_default();
    writeln!(
        text,
        r#"  <testsuite name="{}" tests="{count}" failures="{failures}" errors="0" skipped="0" time="{seconds:.3}" timestamp="{}">"#,
        escaped(&format!("hrload {}", result.config.profile)),
        escaped(started),
    )?;
    writeln!(text, "    <properties>")?;
    for (name, value) in [
        ("run", result.run.id.clone()),
        ("started", second(&result.run.started)),
        ("version", result.environment.version.clone()),
        ("target", target(result)),
        ("command", result.config.command.join(" ")),
    ] {
        writeln!(
            text,
            r#"      <property name="{name}" value="{}"/>"#,
            escaped(&value)
        )?;
    }
    writeln!(text, "    </properties>")?;
    for case in &cases {
        write!(
            text,
            r#"    <testcase classname="hrload.{}" name="{}" time="{seconds:.3}""#,
            case.class,
            escaped(&case.name)
        )?;
        if case.failure.is_none() && case.notes.is_empty() {
            writeln!(text, "/>")?;
            continue;
        }
        writeln!(text, ">")?;
        if let Some(failure) = &case.failure {
            let failure = escaped(failure);
            writeln!(
                text,
                r#"      <failure type="{}" message="{failure}">{failure}</failure>"#,
                case.class
            )?;
        }
        for note in &case.notes {
            writeln!(text, "      <system-out>{}</system-out>", escaped(note))?;
        }
        writeln!(text, "    </testcase>")?;
    }
    writeln!(text, "  </testsuite>\n</testsuites>")
}

fn cases(result: &RunResult) -> Vec<Case> {
    let run = Verdict::without_thresholds(result);
    let held = Case {
        class: "run",
        name: "what was offered was held".to_owned(),
        failure: (!run.held()).then(|| {
            let reasons = run.reasons.iter().map(ToString::to_string);
            format!("{}: {}", run.word, reasons.collect::<Vec<_>>().join("; "))
        }),
        notes: run
            .doubts
            .iter()
            .map(|of| format!("in doubt: {of}"))
            .collect(),
    };
    let thresholds = result.thresholds.iter().map(|threshold| Case {
        class: "threshold",
        name: threshold.expression.clone(),
        failure: (!threshold.met)
            .then(|| format!("{}: measured {}", threshold.expression, threshold.shown())),
        notes: Vec::new(),
    });
    std::iter::once(held).chain(thresholds).collect()
}

/// Text for an attribute or an element. What XML 1.0 does not allow at all
/// (<https://www.w3.org/TR/xml/#charsets>) becomes U+FFFD, and what an attribute
/// would turn into spaces a space.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\r' | '\t' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if (c as u32) < 0x20 => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
