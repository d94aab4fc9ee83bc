//! The one-screen summary, at most 100 columns wide.
//!
//! Colour is written as ANSI codes; print it through `anstream`, which takes
//! them out where they are not wanted (`NO_COLOR`, a pipe). Nothing is said by
//! colour alone.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::plain::tame;
use super::units::{amount, bytes, count, duration, percent, rate};
use super::{Beside, HeldBack, RunResult, Verdict, Via, Word};
use crate::measure::Stage;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Columns before the text of a section.
const INDENT: usize = 13;
/// Throttles, failures and warnings shown, the rest being only counted.
const SHOWN: usize = 3;
const WIDTH: usize = 100;

/// The order of the table: the reading's way, then what carried it.
const TABLE: [Stage; 11] = [
    Stage::Pacing,
    Stage::Lateness,
    Stage::Service,
    Stage::Response,
    Stage::Capture,
    Stage::Replication,
    Stage::Read,
    Stage::EndToEnd,
    Stage::Freshness,
    Stage::Attempt,
    Stage::Batch,
];

/// The summary of a run.
#[must_use]
pub fn summary(result: &RunResult) -> String {
    let mut text = Text::default();
    text.origin(result);
    text.headline(result);
    text.ledger(result);
    text.puts(result);
    text.lake(result);
    text.latency(result);
    text.clocks(result);
    text.trouble(result);
    text.units(result);
    text.planned(result);
    text.cloudwatch(result);
    text.cost(result);
    text.generator(result);
    text.causes(result);
    text.thresholds(result);
    text.warnings(result);
    text.0
}

#[derive(Default)]
struct Text(String);

pub(super) fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `singular` or its plural by `s`.
fn plural(number: u64, singular: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {singular}{s}", count(number))
}

/// Breaks `text` at spaces into lines of at most `width` characters.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in tame(text).split_whitespace() {
        let line = lines.last_mut().filter(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width
        });
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    /// A section: its heading before the first line, the rest indented.
    fn section(&mut self, heading: &str, lines: &[String]) {
        for (index, line) in lines.iter().enumerate() {
            let heading = if index == 0 { heading } else { "" };
            let heading = painted(HEADING, &format!("{heading:<INDENT$}"));
            self.line(&format!("{heading}{line}"));
        }
    }

    /// What ran: enough to tell two summaries apart.
    fn origin(&mut self, result: &RunResult) {
        let config = &result.config;
        let target = match &config.dynamodb_endpoint {
            Some(url) if config.target == super::Target::Endpoint => url.clone(),
            _ => match (config.target, &config.region) {
                (super::Target::Local, _) => "local".into(),
                (_, Some(region)) => format!("AWS {region}"),
                (_, None) => "AWS".into(),
            },
        };
        let way = match config.via {
            Via::Kinesis => "",
            Via::DynamodbStreams => ", via DynamoDB Streams",
            Via::PutRecords => ", records put by hrload",
            Via::None => ", writes alone",
        };
        // 2026-11-22T22:15:03.123456Z without the fraction.
        let started = match result.run.started.get(..19) {
            Some(second) => format!("{} UTC", second.replace('T', " ")),
            None => result.run.started.clone(),
        };
        let origin = format!(
            "hrload {}, {started}: {}, profile {}, seed {}; {target}{way}, client {}",
            result.environment.version,
            plural(u64::from(config.devices), "device"),
            config.profile,
            config.seed,
            config.client,
        );
        for line in wrap(&origin, WIDTH) {
            self.line(&painted(FAINT, &line));
        }
        self.line("");
    }

    fn headline(&mut self, result: &RunResult) {
        let verdict = Verdict::of(result);
        let style = match verdict.word {
            Word::Held if verdict.is_sound() => GOOD,
            Word::Held | Word::RateHeld | Word::Interrupted => NOTE,
            Word::NotHeld | Word::EndedEarly | Word::LedgerOpen => BAD,
        };
        let word = painted(style, &format!("{:<INDENT$}", verdict.word));
        let asked = match result.config.rate {
            asked if (asked - result.rate.offered).abs() > asked * super::TOLERANCE => {
                format!(" (asked for {}/s)", amount(asked))
            }
            _ => String::new(),
        };
        self.line(&format!(
            "{word}{} of {}/s offered, for {} s{asked}{}",
            rate(result.rate.achieved),
            amount(result.rate.offered),
            amount(result.run.measured),
            verdict.losses(result),
        ));
        for reason in &verdict.reasons {
            self.section("", &wrap(&reason.to_string(), WIDTH - INDENT));
        }
        for doubt in &verdict.doubts {
            self.section("in doubt", &wrap(doubt, WIDTH - INDENT));
        }
        self.line("");
    }

    fn ledger(&mut self, result: &RunResult) {
        let ledger = &result.ledger;
        let mut lines = vec![
            format!(
                "{} scheduled = {} sent + {} dropped + {} cut off",
                count(ledger.scheduled),
                count(ledger.sent),
                count(ledger.dropped),
                count(ledger.cut_off)
            ),
            format!(
                "{} sent = {} acknowledged + {} failed",
                count(ledger.sent),
                count(ledger.acknowledged),
                count(ledger.failed)
            ),
        ];
        if let (Some(seen), Some(missing)) = (ledger.seen, ledger.missing) {
            lines.push(format!(
                "{} acknowledged = {} seen + {} missing",
                count(ledger.acknowledged),
                count(seen),
                count(missing)
            ));
        }
        let closed = if ledger.closed {
            painted(GOOD, "closed")
        } else {
            painted(BAD, "does not close")
        };
        if let Some(last) = lines.last_mut() {
            *last = format!("{last}  {closed}");
        }
        if ledger.seen.is_some() {
            lines.push(format!(
                "{}, {} reordered, {} foreign, {} seen unacknowledged",
                plural(ledger.duplicates.unwrap_or(0), "duplicate"),
                count(ledger.reordered.unwrap_or(0)),
                count(ledger.foreign.unwrap_or(0)),
                count(ledger.seen_unacknowledged.unwrap_or(0)),
            ));
        }
        let warm_up = &ledger.warm_up;
        let lost = [
            (warm_up.failed, "failed"),
            (warm_up.dropped, "dropped"),
            (warm_up.cut_off, "cut off"),
            (warm_up.missing.unwrap_or(0), "missing"),
        ];
        let lost = lost.iter().filter(|(readings, _)| *readings > 0);
        let lost: Vec<String> = lost
            .map(|(readings, what)| format!("{} {what}", count(*readings)))
            .collect();
        if !lost.is_empty() {
            lines.push(format!(
                "in the warm-up, of {} scheduled: {}",
                count(warm_up.scheduled),
                lost.join(", ")
            ));
        }
        if !ledger.missing_examples.is_empty() {
            let examples: Vec<String> = ledger
                .missing_examples
                .iter()
                .take(SHOWN)
                .map(|reading| format!("{}-{}", reading.device, reading.sequence))
                .collect();
            lines.push(format!(
                "missing (device-sequence): {}{}",
                examples.join(", "),
                match ledger.missing {
                    Some(missing) if missing > examples.len() as u64 => ", ...",
                    _ => "",
                }
            ));
        }
        self.section("ledger", &lines);
        self.line("");
    }

    /// The stream was not the table's: hrload filled it.
    fn puts(&mut self, result: &RunResult) {
        let Some(puts) = &result.puts else {
            return;
        };
        let mut line = format!(
            "hrload put {} into the stream itself, in {}: `replication` is a PutRecords call, not \
             DynamoDB's",
            plural(puts.records, "record"),
            plural(puts.calls, "call"),
        );
        if puts.throttled > 0 {
            let _ = write!(line, "; {} throttled", count(puts.throttled));
        }
        for (code, records) in &puts.failed {
            let _ = write!(line, "; {} given up: {}", count(*records), tame(code));
        }
        self.section("puts", &wrap(&line, WIDTH - INDENT));
        self.line("");
    }

    fn lake(&mut self, result: &RunResult) {
        let Some(lake) = &result.lake else {
            return;
        };
        let mut lines = vec![format!(
            "{} readings in {}, {}, in {}",
            count(lake.readings),
            plural(lake.objects, "object"),
            bytes(lake.bytes),
            tame(&lake.place),
        )];
        for (number, what) in [
            (lake.missing, "acknowledged and not there"),
            (
                lake.warm_up_missing.unwrap_or(0),
                "acknowledged in the warm-up and not there",
            ),
            (lake.duplicates, "there more than once"),
            (
                lake.closed_early,
                "in objects that the end of the run closed: not in freshness",
            ),
        ] {
            if number > 0 {
                lines.push(format!("{} {what}", count(number)));
            }
        }
        let lines: Vec<String> = lines
            .iter()
            .flat_map(|line| wrap(line, WIDTH - INDENT))
            .collect();
        self.section("lake", &lines);
        self.line("");
    }

    fn latency(&mut self, result: &RunResult) {
        if TABLE
            .iter()
            .all(|&stage| result.latency.get(stage).is_none())
        {
            self.section("latency", &["nothing was sent".to_owned()]);
            self.line("");
            return;
        }
        let mut heading = format!("{:<INDENT$}", "latency");
        for column in ["p50", "p90", "p99", "p99.9", "max"] {
            let _ = write!(heading, "{column:>9}");
        }
        self.line(&painted(HEADING, &heading));
        for stage in TABLE {
            let Some(of) = result.latency.get(stage) else {
                continue;
            };
            let mut row = format!("{:<INDENT$}", stage.key());
            for value in [of.p50, of.p90, of.p99, of.p999, of.max] {
                let _ = write!(row, "{:>9}", duration(value));
            }
            let meaning = painted(FAINT, stage.meaning());
            self.line(&format!("{row}  {meaning}"));
        }
        self.line("");
    }

    fn clocks(&mut self, result: &RunResult) {
        let offset = &result.clock_offset;
        if let (Some(low), Some(high)) = (offset.low, offset.high) {
            let line = format!(
                "the services' is ahead of ours by {} to {}, by causality",
                duration(low),
                duration(high)
            );
            self.section("clock", &[line]);
        }
    }

    /// Throttles, failed calls and failed readings.
    fn trouble(&mut self, result: &RunResult) {
        let mut lines: Vec<String> = result
            .throttles
            .iter()
            .map(|throttle| {
                let reason = match &throttle.reason {
                    Some(reason) => format!(", {}", tame(reason)),
                    None => String::new(),
                };
                format!(
                    "{} in {}: {}{reason}",
                    plural(throttle.items, "item"),
                    plural(throttle.calls, "call"),
                    tame(&throttle.exception)
                )
            })
            .collect();
        if lines.is_empty() {
            lines.push("none".to_owned());
        }
        let lines: Vec<String> = shortened(lines)
            .iter()
            .flat_map(|line| wrap(line, WIDTH - INDENT))
            .collect();
        self.section("throttles", &lines);
        let failed = |codes: &std::collections::BTreeMap<String, u64>, what: &str| {
            let mut codes: Vec<_> = codes.iter().collect();
            codes.sort_by_key(|&(_, number)| std::cmp::Reverse(*number));
            codes
                .into_iter()
                .map(|(code, &number)| format!("{}: {}", plural(number, what), tame(code)))
                .collect::<Vec<_>>()
        };
        let mut lines = failed(&result.call_failures, "call");
        lines.extend(failed(&result.failures, "reading"));
        // What AWS's support asks for.
        let last = result.calls.failed.iter().rev().find_map(|call| {
            let id = call.request_id.as_ref()?;
            Some(format!(
                "the last that was answered: {} at {}, request {}",
                tame(call.code.as_deref().unwrap_or_default()),
                tame(call.sent.get(11..23).unwrap_or(&call.sent)),
                tame(id)
            ))
        });
        let mut lines = shortened(lines);
        lines.extend(last.iter().flat_map(|line| wrap(line, WIDTH - INDENT)));
        self.section("failures", &lines);
    }

    fn units(&mut self, result: &RunResult) {
        let capacity = &result.capacity;
        let computed = capacity.computed_units as f64;
        let difference = match capacity.consumed_units / computed - 1.0 {
            share if !share.is_finite() => String::new(),
            share if share.abs() < 0.000_5 => " (as computed)".to_owned(),
            share => format!(
                " ({}{})",
                if share > 0.0 { "+" } else { "" },
                percent(share)
            ),
        };
        let line = format!(
            "{} write units consumed, {} computed from item sizes{difference}",
            amount(capacity.consumed_units),
            count(capacity.computed_units),
        );
        self.section("capacity", &[line]);
    }

    /// What AWS counted, beside hrload's own count.
    fn cloudwatch(&mut self, result: &RunResult) {
        let Some(cloudwatch) = &result.cloudwatch else {
            return;
        };
        let mut lines = vec![format!(
            "{:<42}{:>14}{:>14}",
            "AWS counted", "AWS", "hrload"
        )];
        for (of, [counted, own]) in cloudwatch.told() {
            lines.push(format!("{:<42}{counted:>14}{own:>14}", tame(&of.metric)));
            if let Some(differs) = &of.differs {
                let wrapped = wrap(&tame(differs), WIDTH - INDENT - 2);
                lines.extend(wrapped.iter().map(|line| format!("  {line}")));
            }
        }
        if !cloudwatch.complete {
            let late = "it was not complete yet: `hrload cloudwatch FILE` asks again";
            lines.push(late.to_owned());
        }
        self.section("cloudwatch", &lines);
    }

    fn planned(&mut self, result: &RunResult) {
        let Some(planned) = &result.planned else {
            return;
        };
        let beside = |of: Beside, what: &str| {
            let difference = match of.difference() {
                Some(share) if share.abs() < 0.000_5 => " (as planned)".to_owned(),
                Some(share) => {
                    let sign = if share > 0.0 { "+" } else { "" };
                    format!(" ({sign}{})", percent(share))
                }
                None => String::new(),
            };
            format!(
                "{} {what} of {} planned{difference}",
                amount(of.measured),
                amount(of.planned)
            )
        };
        let mut parts = vec![beside(planned.write_units, "write units")];
        if let Some(of) = planned.throttled_seconds {
            parts.push(beside(of, "throttled seconds"));
        }
        if let Some(of) = planned.record_bytes {
            parts.push(beside(of, "bytes a record"));
        }
        self.section("plan", &wrap(&parts.join("; "), WIDTH - INDENT));
    }

    fn cost(&mut self, result: &RunResult) {
        if let Some(cost) = &result.cost {
            let mut line = format!("{:.4} USD on AWS", cost.usd);
            if let (Some(hour), Some(million)) = (cost.usd_per_hour, cost.usd_per_million) {
                line += &format!(": {hour:.2} USD an hour, {million:.3} USD a million readings");
            }
            line += &format!("; prices of {}, storage left out", tame(&cost.prices));
            self.section("cost", &wrap(&line, WIDTH - INDENT));
        }
    }

    fn generator(&mut self, result: &RunResult) {
        let generator = &result.generator;
        let measured = result.run.measured;
        let cores = |cpu: f64| match measured {
            measured if measured > 0.0 => percent(cpu / measured),
            _ => "-".to_owned(),
        };
        let mut parts = vec![
            format!(
                "sending {} of a core ({})",
                cores(generator.send_cpu),
                plural(u64::from(result.config.threads), "thread")
            ),
            format!("reading {}", cores(generator.read_cpu)),
        ];
        if let Some(memory) = generator.memory_bytes {
            parts.push(format!("memory {}", bytes(memory)));
        }
        if let Some(pacing) = result.latency.get(Stage::Pacing) {
            parts.push(format!("pacing p99 {}", duration(pacing.p99)));
        }
        let mut lines = vec![parts.join(", ")];
        match &generator.limit {
            Some(limit) => {
                let limit = format!("it was the limit: {}", limit.what);
                let limit = wrap(&limit, WIDTH - INDENT);
                lines.extend(limit.iter().map(|line| painted(NOTE, line)));
            }
            None => lines.push("it was not the limit".to_owned()),
        }
        self.section("generator", &lines);
    }

    /// What held the run back, but for what stands with the generator already.
    fn causes(&mut self, result: &RunResult) {
        let limit = result.generator.limit.as_ref();
        let told = |of: &&HeldBack| limit.is_none_or(|limit| limit.what != of.what);
        for cause in result.causes.iter().filter(told) {
            let whose = cause.whose.key();
            let text = format!("the {whose}: {}; {}", cause.what, cause.advice);
            let lines: Vec<String> = wrap(&text, WIDTH - INDENT)
                .iter()
                .map(|line| painted(NOTE, line))
                .collect();
            self.section("cause", &lines);
        }
    }

    fn thresholds(&mut self, result: &RunResult) {
        let lines: Vec<String> = result
            .thresholds
            .iter()
            .map(|threshold| {
                let word = if threshold.met {
                    painted(GOOD, "met")
                } else {
                    painted(BAD, "missed")
                };
                format!(
                    "{word}: {}, measured {}",
                    tame(&threshold.expression),
                    threshold.shown()
                )
            })
            .collect();
        self.section("threshold", &lines);
    }

    fn warnings(&mut self, result: &RunResult) {
        for warning in shortened(result.warnings.clone()) {
            let lines: Vec<String> = wrap(&warning, WIDTH - INDENT)
                .iter()
                .map(|line| painted(NOTE, line))
                .collect();
            self.section("warning", &lines);
        }
    }
}

/// The first few, and how many more there are.
fn shortened(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > SHOWN {
        let more = lines.len() - (SHOWN - 1);
        lines.truncate(SHOWN - 1);
        lines.push(format!("and {more} more; the result file has them all"));
    }
    lines
}
