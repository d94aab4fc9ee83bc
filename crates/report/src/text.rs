//! The one-screen summary.
//!
//! Colour is written as ANSI codes; print it through `anstream`, which takes
//! them out where they are not wanted (`NO_COLOR`, a pipe). Nothing is said by
//! colour alone.

use std::fmt::Write;

use anstyle::Style;

use super::plain::tame;
use super::screen::{
    BAD, Column, Columns, FAINT, GOOD, HEADING, LABEL, Line, NOTE, PLAIN, Row, Table, folded,
    section, width,
};
use super::units::{amount, bytes, count, duration, percent, rate, usd};
use super::verdict::late_unseen_s;
use super::{Beside, HeldBack, RunResult, Verdict, Via, Word, cloudwatch};
use hrload_measure::Stage;

/// Throttles, failures and warnings shown, the rest being only counted.
const SHOWN: usize = 3;

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

/// The summary of a run, which begins and ends with the verdict: whoever sees only the
/// last lines of a small terminal sees it too.
#[must_use]
pub fn summary(result: &RunResult, columns: Columns) -> String {
    let mut text = Text {
        out: String::new(),
        columns,
    };
    let verdict = Verdict::of(result);
    text.headline(result, &verdict);
    text.origin(result);
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
    text.end(result, &verdict);
    text.out
}

struct Text {
    out: String,
    columns: Columns,
}

/// `singular` or its plural by `s`.
fn plural(number: u64, singular: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {singular}{s}", count(number))
}

/// The colour of a verdict.
fn style(verdict: &Verdict) -> Style {
    match verdict.word {
        Word::Held if verdict.is_sound() => GOOD,
        Word::Held | Word::RateHeld | Word::Interrupted => NOTE,
        Word::NotHeld | Word::EndedEarly | Word::LedgerOpen => BAD,
    }
}

/// The rates that a verdict is about.
fn rates(result: &RunResult) -> String {
    format!(
        "{} of {}/s offered, for {} s",
        rate(result.rate.achieved),
        amount(result.rate.offered),
        amount(result.run.measured),
    )
}

/// A line of a section, in no style.
fn plain(text: &str) -> Line {
    Line::new(PLAIN, text)
}

impl Text {
    fn blank(&mut self) {
        self.out.push('\n');
    }

    /// A section: its heading before the first line, the rest indented.
    fn section(&mut self, heading: &str, lines: &[Line]) {
        self.headed(HEADING, heading, lines);
    }

    fn headed(&mut self, style: Style, heading: &str, lines: &[Line]) {
        self.out += &section(style, heading, lines, self.columns);
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
        self.out += &folded(&Line::new(FAINT, &origin), 0, self.columns);
        self.blank();
    }

    /// The verdict, and what it rests on.
    fn headline(&mut self, result: &RunResult, verdict: &Verdict) {
        let asked = match result.config.rate {
            asked if (asked - result.rate.offered).abs() > asked * super::TOLERANCE => {
                format!(" (asked for {}/s)", amount(asked))
            }
            _ => String::new(),
        };
        let losses = verdict.losses(result);
        let line = plain(&format!("{}{asked}{losses}", rates(result)));
        self.headed(style(verdict), &verdict.word.to_string(), &[line]);
        for reason in &verdict.reasons {
            self.section("", &[plain(&reason.to_string())]);
        }
        for doubt in &verdict.doubts {
            self.section("in doubt", &[plain(doubt)]);
        }
        self.blank();
    }

    /// The verdict once more, on one line.
    fn end(&mut self, result: &RunResult, verdict: &Verdict) {
        self.blank();
        let doubt = if verdict.doubts.is_empty() {
            ""
        } else {
            ", in doubt"
        };
        let whole = format!("{}{doubt}{}", rates(result), verdict.losses(result));
        let brief = format!("{}/s{doubt}", amount(result.rate.achieved));
        let fits = width(&whole) <= self.columns.beside(LABEL);
        let line = plain(if fits { &whole } else { &brief });
        self.headed(style(verdict), &verdict.word.to_string(), &[line]);
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
        let (closes, closed) = if ledger.closed {
            (GOOD, "closed")
        } else {
            (BAD, "does not close")
        };
        let mut lines: Vec<Line> = lines.iter().map(|line| plain(line)).collect();
        if let Some(last) = lines.pop() {
            lines.push(last.and(PLAIN, ", ").and(closes, closed));
        }
        if ledger.seen.is_some() {
            lines.push(plain(&format!(
                "{}, {} reordered, {} foreign, {} seen unacknowledged",
                plural(ledger.duplicates.unwrap_or(0), "duplicate"),
                count(ledger.reordered.unwrap_or(0)),
                count(ledger.foreign.unwrap_or(0)),
                count(ledger.seen_unacknowledged.unwrap_or(0)),
            )));
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
            lines.push(plain(&format!(
                "in the warm-up, of {} scheduled: {}",
                count(warm_up.scheduled),
                lost.join(", ")
            )));
        }
        if !ledger.missing_examples.is_empty() {
            let examples: Vec<String> = ledger
                .missing_examples
                .iter()
                .take(SHOWN)
                .map(|reading| format!("{}-{}", reading.device, reading.sequence))
                .collect();
            lines.push(plain(&format!(
                "missing (device-sequence): {}{}",
                examples.join(", "),
                match ledger.missing {
                    Some(missing) if missing > examples.len() as u64 => ", ...",
                    _ => "",
                }
            )));
        }
        self.section("ledger", &lines);
        self.blank();
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
        for (code, calls) in &puts.call_failures {
            let _ = write!(line, "; {} failed: {}", plural(*calls, "call"), tame(code));
        }
        self.section("puts", &[plain(&line)]);
        self.blank();
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
        let lines: Vec<Line> = lines.iter().map(|line| plain(line)).collect();
        self.section("lake", &lines);
        self.blank();
    }

    fn latency(&mut self, result: &RunResult) {
        if TABLE
            .iter()
            .all(|&stage| result.latency.get(stage).is_none())
        {
            self.section("latency", &[plain("nothing was sent")]);
            self.blank();
            return;
        }
        let mut columns = vec![Column::words("latency").at_least(LABEL - 2)];
        let percentiles = ["p50", "p90", "p99", "p99.9", "max"];
        columns.extend(percentiles.map(|of| Column::numbers(of).at_least(7)));
        columns.push(Column::words("").spare(0));
        let mut table = Table::new(columns);
        for stage in TABLE {
            let Some(of) = result.latency.get(stage) else {
                continue;
            };
            let values = [of.p50, of.p90, of.p99, of.p999, of.max].into_iter();
            let row = values.fold(Row::new().cell(stage.key()), |row, value| {
                row.cell(duration(value))
            });
            let meaning = stage.meaning();
            // What is said besides stands in `docs/results.md`.
            let brief = meaning.split([',', ':', '(']).next().unwrap_or(meaning);
            table.push(row.styled(FAINT, meaning).or(brief.trim_end()));
        }
        self.out += &table.fitted(self.columns);
        self.blank();
    }

    fn clocks(&mut self, result: &RunResult) {
        let offset = &result.clock_offset;
        if let (Some(low), Some(high)) = (offset.low, offset.high) {
            let line = format!(
                "the services' is ahead of ours by {} to {}, by causality: stages between \
                 two clocks are as good as that",
                duration(low),
                duration(high)
            );
            self.section("clock", &[plain(&line)]);
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
        self.section("throttles", &shortened(lines));
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
        lines.extend(last.iter().map(|line| plain(line)));
        self.section("failures", &lines);
    }

    fn units(&mut self, result: &RunResult) {
        let capacity = &result.capacity;
        let computed = capacity.computed_units as f64;
        let told = capacity.told().unwrap_or(f64::NAN);
        let difference = match told / computed - 1.0 {
            share if !share.is_finite() => String::new(),
            share if share.abs() < 0.000_5 => " (as computed)".to_owned(),
            share => format!(
                " ({}{})",
                if share > 0.0 { "+" } else { "" },
                percent(share)
            ),
        };
        let line = format!(
            "{} write units consumed{}, {} computed from item sizes{difference}",
            amount(capacity.consumed_units),
            capacity.told_in(),
            count(capacity.computed_units),
        );
        self.section("capacity", &[plain(&line)]);
    }

    /// What AWS counted, beside hrload's own count.
    fn cloudwatch(&mut self, result: &RunResult) {
        let Some(of_aws) = &result.cloudwatch else {
            return;
        };
        let mut table = Table::new(vec![
            Column::words("AWS counted").at_least(42).shortens_to(20),
            Column::numbers("AWS").at_least(12),
            Column::numbers("hrload").at_least(12),
        ]);
        for (of, [counted, own]) in of_aws.told() {
            let row = Row::new().cell(&of.metric).cell(counted).cell(own);
            table.push(match &of.differs {
                Some(differs) => row.below(plain(differs)),
                None => row,
            });
        }
        self.blank();
        self.out += &table.fitted(self.columns);
        if !of_aws.complete {
            let late = format!("it was not complete yet: {}", cloudwatch::ask_again(result));
            self.section("", &[plain(&late)]);
        }
        self.blank();
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
        self.section("plan", &[plain(&parts.join("; "))]);
    }

    fn cost(&mut self, result: &RunResult) {
        if let Some(cost) = &result.cost {
            let mut line = format!("{} USD on AWS", usd(cost.usd));
            if let (Some(hour), Some(million)) = (cost.usd_per_hour, cost.usd_per_million) {
                let (hour, million) = (usd(hour), usd(million));
                line += &format!(": {hour} USD an hour, {million} USD a million readings");
            }
            line += &format!("; prices of {}, storage left out", cost.prices);
            self.section("cost", &[plain(&line)]);
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
        let limit = match &generator.limit {
            Some(limit) => Line::new(NOTE, &format!("it was the limit: {}", limit.what)),
            None => match late_unseen_s(result) {
                Some(_) => Line::new(NOTE, "what late batches waited for was not measured"),
                None => plain("it was not the limit"),
            },
        };
        self.section("generator", &[plain(&parts.join(", ")), limit]);
    }

    /// What held the run back, but for what stands with the generator already.
    fn causes(&mut self, result: &RunResult) {
        let limit = result.generator.limit.as_ref();
        let told = |of: &&HeldBack| limit.is_none_or(|limit| limit.what != of.what);
        for cause in result.causes.iter().filter(told) {
            let whose = cause.whose.key();
            let text = format!("the {whose}: {}; {}", cause.what, cause.advice);
            self.section("cause", &[Line::new(NOTE, &text)]);
        }
    }

    fn thresholds(&mut self, result: &RunResult) {
        let lines = result.thresholds.iter().map(|threshold| {
            let word = match threshold.met {
                true => Line::new(GOOD, "met"),
                false => Line::new(BAD, "missed"),
            };
            let (expression, shown) = (&threshold.expression, threshold.shown());
            word.and(PLAIN, &format!(": {expression}, measured {shown}"))
        });
        self.section("threshold", &lines.collect::<Vec<_>>());
    }

    fn warnings(&mut self, result: &RunResult) {
        for warning in first(result.warnings.clone()) {
            self.section("warning", &[Line::new(NOTE, &warning)]);
        }
    }
}

/// The same as lines.
fn shortened(lines: Vec<String>) -> Vec<Line> {
    first(lines).iter().map(|line| plain(line)).collect()
}

/// The first few, and how many more there are.
fn first(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > SHOWN {
        let more = lines.len() - (SHOWN - 1);
        lines.truncate(SHOWN - 1);
        lines.push(format!("and {more} more; the result file has them all"));
    }
    lines
}
