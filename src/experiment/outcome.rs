//! From what a run leaves to its result.

use super::behind::{caught_up_late, falls_behind};
use super::budget::fans_out;
use super::causes::causes;
use super::cost::{Used, cost};
use super::error::RunError;
use super::event::Finished;
use super::identity::Identity;
use super::lake::Kept;
use super::lived::Lived;
use super::machine;
use super::planned::planned;
use super::request::{LakeRequest, Request, Target, Via};
use super::setting::Setting;
use super::sustained::Sustained;
use super::target::Connected;
use crate::aws::{self, Provisioned, TableThroughput};
use crate::endpoint::redact;
use crate::load::limit::{self, ClientKind, Evidence, Finding};
use crate::load::{NotedCall, NotedCalls};
use crate::measure::Stage;
use crate::report::{
    Bound, Config, Generator, HeldBack, Observed, Phase, RateChange, RunInfo, RunResult, Verdict,
    Via as ReportVia, Whose,
};
use crate::stream::Consumer;
use crate::trouble::Obstacle;
use crate::workload::Workload;
use crate::{report, stream};

/// Draws up the result, and says how the run ended.
pub(super) fn finish(
    request: &Request,
    workload: &Workload,
    setting: &Setting,
    connected: &Connected,
    made: &Provisioned,
    identity: &Identity,
    lived: &Lived,
) -> Finished {
    let (measure_start_us, measure_end_us) = lived.measured_us;
    let run = RunInfo {
        id: identity.id.clone(),
        started: identity.started.to_string(),
        ended: jiff::Timestamp::now().to_string(),
        phase: lived.reached,
        interrupted: lived.interrupted,
        out_of_reach: lived.out_of_reach.as_ref().map(ToString::to_string),
        max_cost_reached: lived.budget_spent,
        measured_from: Some(report::timestamp(measure_start_us)),
        rate_changes: rate_changes(lived),
        measured: (measure_end_us - measure_start_us) as f64 / 1e6,
        drained: lived.drained.as_secs_f64(),
    };
    let arrivals = lived.read.as_ref().map(|(record, _)| record);
    let findings = findings(request, setting, lived);
    let mut result = RunResult::new(
        run,
        config(request, setting, Some(connected), Some(made)),
        machine::environment(),
        generator(&findings, lived),
        Observed {
            sending: &lived.sent.record,
            arrivals,
            series: &lived.series,
            unmatched: lived.unmatched,
        },
        warnings(lived),
    );
    for code in result.failures.keys() {
        // A throttle has its own place in the result.
        if result.throttles.iter().any(|of| of.exception == *code) {
            continue;
        }
        if let Some(advice) = aws::advice(code) {
            let told = format!("readings failed with {code}: {advice}");
            result.warnings.push(told);
        }
    }
    if let Some(units) = &lived.units {
        result.capacity.provisioned_units = units.mean(measure_start_us, measure_end_us);
        for entry in &mut result.series {
            let end_us = measure_start_us.saturating_add_signed((entry.second + 1) * 1_000_000);
            entry.provisioned_units = units.at(end_us);
        }
    }
    result.warnings.extend(unbilled(lived));
    result.warnings.extend(put_unanswered(lived));
    let exceeded = Sustained::of(request, setting).exceeded_by(setting.mean_rate);
    let late = (lived.reached == Phase::Complete)
        .then(|| caught_up_late(&result, lived.sent.acknowledged_late()));
    let unsustained = exceeded.or(late.flatten()).or_else(|| {
        let even = setting.is_even();
        falls_behind(&result).filter(|_| even)
    });
    result.unsustained = unsustained.as_ref().map(|cause| cause.because.clone());
    let read = lived.read.as_ref().map(|(_, outcome)| outcome);
    result.puts = lived.copied.as_ref().map(|copied| report::Puts {
        records: copied.put,
        calls: copied.calls,
        throttled: copied.throttled,
        failed: copied.failed.clone(),
        call_failures: copied.call_failures.clone(),
    });
    let put = lived.copied.as_ref();
    result.causes = causes(findings, read, put, request, &result);
    result.causes.extend(trimmed(connected));
    result.calls = calls(lived);
    if let (Some(lake), Some(kept)) = (&request.lake, &lived.lake) {
        put_lake(lake, kept, lived, &mut result);
    }
    let used = Used {
        measured_s: result.run.measured,
        write_units: result.written_units(),
        provisioned_units: result.capacity.provisioned_units,
        acknowledged: result.ledger.acknowledged,
        captured: matches!(request.via, Via::Kinesis(_)),
        fan_out: fans_out(request),
        delivered: request.lake.is_some(),
        stream_reads: match (&request.via, &lived.read) {
            (Via::DynamoDbStreams { .. }, Some((_, outcome))) => outcome.tally.reads,
            _ => 0,
        },
    };
    let region = &connected.connection.region;
    // What others' servers cost, nobody knows.
    if !matches!(request.target, Target::Endpoint { .. }) {
        result.cost = cost(region, setting, setting.footprint, &used);
    }
    // A plan knows of no changes made by hand.
    if lived.reached == Phase::Complete && result.run.rate_changes.is_empty() {
        let read = lived.read.as_ref().map(|(_, outcome)| &outcome.tally);
        let read = read.filter(|_| request.via.consumer().is_some());
        result.planned = Some(planned(request, workload, setting, made, read, &result));
    }
    for warning in &mut result.warnings {
        *warning = redact(warning);
    }
    let thresholds = request.thresholds.iter();
    result.thresholds = thresholds.map(|wanted| wanted.judge(&result)).collect();
    let verdict = Verdict::of(&result);
    let word = verdict.word;
    result.verdict = Some(verdict);
    Finished {
        result,
        written: None,
        word,
        unsustained,
        spent_usd: lived.spent_usd,
    }
}

/// Records that the embedded services had no more room for.
fn trimmed(connected: &Connected) -> Option<HeldBack> {
    let records = connected.services.as_ref()?.trimmed_unread();
    let s = if records == 1 { "" } else { "s" };
    (records > 0).then(|| HeldBack {
        whose: Whose::Target,
        what: format!(
            "the embedded stream trimmed {} record{s} before they were read",
            report::count(records)
        ),
        advice: "raise --retain".to_owned(),
    })
}

/// The calls worth asking AWS about, over all threads.
fn calls(lived: &Lived) -> report::Calls {
    let mut noted = NotedCalls::default();
    for outcome in &lived.sent.outcomes {
        noted.merge(&outcome.noted);
    }
    let note = |call: &NotedCall| report::CallNote {
        sent: report::timestamp(call.sent_us),
        took: call.took_us as f64 / 1e6,
        items: call.items,
        code: call.code.clone(),
        request_id: call.request_id.text().map(str::to_owned),
    };
    report::Calls {
        slowest: noted.slowest().iter().map(note).collect(),
        failed: noted.failed_calls().map(note).collect(),
    }
}

/// What the lake holds, and how late it came there.
fn put_lake(request: &LakeRequest, kept: &Kept, lived: &Lived, result: &mut RunResult) {
    let Kept {
        record,
        delivered,
        gone,
        lacks,
        error,
    } = kept;
    let acknowledged = &lived.sent.record.acknowledged;
    let unwritten = (
        acknowledged.measured.difference_len(&record.held.measured),
        acknowledged.warm_up.difference_len(&record.held.warm_up),
    );
    if let Some(why) = &gone.unknown {
        let told = format!("whether all that was written is still in the lake is not known: {why}");
        result.warnings.push(told);
    }
    result.warnings.extend(lacks.iter().cloned());
    if gone.objects > 0 && gone.readings + gone.warm_up == 0 {
        let s = if gone.objects == 1 { "" } else { "s" };
        result.warnings.push(format!(
            "{} object{s} without readings went from the lake, or changed, after being written",
            report::count(gone.objects)
        ));
    }
    if !record.freshness.is_empty() {
        result.latency.freshness = Some((&record.freshness).into());
    }
    result.lake = Some(report::Lake {
        place: redact(&request.place.to_string()),
        buffer_bytes: request.hints.size_bytes,
        buffer_interval: request.hints.interval.as_secs_f64(),
        compression: request.format.name().to_owned(),
        objects: delivered.objects.saturating_sub(gone.objects),
        bytes: delivered.bytes.saturating_sub(gone.bytes),
        gone: gone.objects,
        records: delivered.records_delivered,
        failed: delivered.records_failed,
        readings: record.held.measured.len().saturating_sub(gone.readings),
        missing: unwritten.0 + gone.readings,
        warm_up_missing: Some(unwritten.1 + gone.warm_up),
        duplicates: record.duplicates,
        closed_early: record.closed_early,
        error: error.as_ref().map(|error| redact(&error.to_string())),
    });
}

/// What will stand in the result of a run, as far as it is known before the run: not
/// its region, nor what was made for it.
///
/// # Errors
/// The request asks for something that cannot be.
pub fn foresee(request: &Request) -> Result<Config, RunError> {
    let workload = request.workload()?;
    let setting = Setting::choose(request, &workload, "foreseen");
    Ok(config(request, &setting, None, None))
}

/// The configuration of a run; without `connected` and `made` one that is still to be.
fn config(
    request: &Request,
    setting: &Setting,
    connected: Option<&Connected>,
    made: Option<&Provisioned>,
) -> Config {
    let connection = connected.map(|of| &of.connection);
    let table_created = made.is_some_and(|made| made.table_created);
    let stream_created = made.is_some_and(|made| made.stream_created);
    let (target, kinesis_endpoint, embedded) = match &request.target {
        Target::Embedded(embedded) => (report::Target::Local, None, Some(embedded)),
        Target::Aws { .. } => (report::Target::Aws, None, None),
        Target::Endpoint { kinesis, .. } => (
            report::Target::Endpoint,
            kinesis.as_ref().map(ToString::to_string),
            None,
        ),
    };
    let (consumer, poll_interval) = match &request.via {
        Via::None => (None, None),
        Via::Kinesis(Consumer::Polling { interval })
        | Via::PutRecords(Consumer::Polling { interval }) => {
            (Some("polling"), Some(interval.as_secs_f64()))
        }
        Via::Kinesis(Consumer::EnhancedFanOut { .. })
        | Via::PutRecords(Consumer::EnhancedFanOut { .. }) => (Some("enhanced-fan-out"), None),
        Via::DynamoDbStreams { interval } => (Some("polling"), Some(interval.as_secs_f64())),
    };
    let sending = &request.sending;
    let (billing_mode, write_capacity, warm_throughput) = match setting.throughput {
        TableThroughput::OnDemand { warm_write_units } => {
            ("PAY_PER_REQUEST", None, warm_write_units.map(|u| u as f64))
        }
        TableThroughput::Provisioned { write_units, .. } => {
            ("PROVISIONED", Some(write_units as f64), None)
        }
    };
    let stream_mode = if setting.stream_on_demand {
        "ON_DEMAND"
    } else {
        "PROVISIONED"
    };
    Config {
        command: request.command.iter().map(|word| redact(word)).collect(),
        tags: request.tags.iter().map(|tag| redact(tag)).collect(),
        target,
        region: connection.map(|of| of.region.clone()),
        dynamodb_endpoint: connection.map(|of| redact(&of.dynamodb_endpoint.to_string())),
        kinesis_endpoint,
        table: setting.table.clone(),
        billing_mode: table_created.then(|| billing_mode.to_owned()),
        write_capacity: write_capacity.filter(|_| table_created),
        warm_throughput: warm_throughput.filter(|_| table_created),
        stream_mode: stream_created.then(|| stream_mode.to_owned()),
        capacity: embedded.map(|embedded| match embedded.limits {
            Some(_) => "aws".to_owned(),
            None => "unlimited".to_owned(),
        }),
        time_scale: embedded
            .and_then(|embedded| embedded.limits.as_ref())
            .map(|limits| limits.time_scale),
        auto_scaling: embedded
            .and_then(|embedded| embedded.limits.as_ref()?.auto_scaling)
            .map(|policy| policy.to_string()),
        via: match request.via {
            Via::Kinesis(_) => ReportVia::Kinesis,
            Via::DynamoDbStreams { .. } => ReportVia::DynamodbStreams,
            Via::PutRecords(_) => ReportVia::PutRecords,
            Via::None => ReportVia::None,
        },
        stream: setting.stream.clone(),
        shards: setting.stream.is_some().then_some(setting.shards),
        consumer: consumer.map(str::to_owned),
        poll_interval,
        profile: setting.profile.clone(),
        profile_text: request.profile.text().to_owned(),
        devices: setting.devices,
        rate: setting.mean_rate,
        interval: match request.pace {
            crate::workload::Pace::Interval(interval) => Some(interval.as_secs_f64()),
            _ => None,
        },
        seed: setting.seed,
        layout: request.layout.name().to_owned(),
        client: match sending.client {
            ClientKind::Sdk => "sdk",
            ClientKind::Direct => "direct",
        }
        .to_owned(),
        threads: setting.threads as u32,
        concurrency: setting.concurrency as u32,
        batch: sending.batch as u32,
        linger: sending.linger.as_secs_f64(),
        precise: sending.precise,
        attempts: sending.attempts,
        timeout: sending.timeout.as_secs_f64(),
        catch_up: sending.catch_up,
        max_write_units: sending.max_write_units,
        backlog: setting.backlog as u64,
        warm_up: request.phases.warmup.as_secs_f64(),
        duration: request.phases.measure.as_secs_f64(),
        drain: request.phases.drain.as_secs_f64(),
        change_delay: embedded.map(|embedded| embedded.change_delay.to_string()),
        retain_bytes: embedded.map(|embedded| embedded.retain_bytes),
        faults: embedded
            .map(|embedded| embedded.faults.to_string())
            .filter(|faults| !faults.is_empty())
            .into_iter()
            .collect(),
    }
}

/// What held the load threads back.
fn findings(request: &Request, setting: &Setting, lived: &Lived) -> Vec<Finding> {
    let pacing = lived.sent.record.latencies.get(Stage::Pacing);
    let longest = |time: fn(&crate::load::WorkerOutcome) -> u64| {
        lived.sent.outcomes.iter().map(time).max().unwrap_or(0)
    };
    let (answers, troubles) = lived.sent.target();
    limit::judge(&Evidence {
        elapsed_us: longest(|outcome| outcome.elapsed_us),
        workers: setting.threads,
        processors: machine::cores(),
        pacing_p99_us: if pacing.is_empty() {
            0
        } else {
            pacing.quantile_us(0.99).max(0) as u64
        },
        busiest_cpu_us: longest(|outcome| outcome.cpu_us),
        limits: lived.sent.limits(),
        client: request.sending.client,
        slots: setting.concurrency,
        calls_per_s: setting.peak_rate / setting.batch.max(1) as f64,
        answers,
        troubles,
        backlog: setting.backlog,
    })
}

fn generator(findings: &[Finding], lived: &Lived) -> Generator {
    let limits = lived.sent.limits();
    let own = |finding: &&Finding| finding.whose == limit::Whose::Generator;
    Generator {
        process_cpu: Some(lived.process_cpu_us as f64 / 1e6),
        memory_bytes: machine::peak_memory_bytes(),
        slots_bound: limits.slots_bound_us as f64 / 1e6,
        catch_up_bound: limits.catch_up_bound_us as f64 / 1e6,
        write_units_bound: limits.write_units_bound_us as f64 / 1e6,
        limit: findings.iter().find(own).map(|finding| Bound {
            what: finding.what.clone(),
            advice: finding.advice.clone(),
        }),
        ..Generator::of(lived.series.totals())
    }
}

/// Changes that came into force before the end.
fn rate_changes(lived: &Lived) -> Vec<RateChange> {
    let (start_us, end_us) = lived.measured_us;
    let changes = lived.tempo_changes.iter();
    changes
        .filter(|change| change.at_us < end_us)
        .map(|change| RateChange {
            second: (change.at_us as f64 - start_us as f64) / 1e6,
            factor: change.factor,
        })
        .collect()
}

/// What units and cost leave out: an answer that was lost took the units it told with it.
fn unbilled(lived: &Lived) -> Option<String> {
    let (_, troubles) = lived.sent.target();
    let lost = [Obstacle::Cut, Obstacle::Silent].map(|of| troubles.of(of));
    let calls: u64 = lost.into_iter().flatten().map(|(calls, _)| calls).sum();
    (calls > 0).then(|| {
        let calls = report::count(calls);
        format!(
            "{calls} calls were sent and not answered: what they wrote is in neither the write \
             units consumed nor the cost"
        )
    })
}

/// A PutRecords call whose answer was lost may have put its records, which are put again.
fn put_unanswered(lived: &Lived) -> Option<String> {
    let troubles = &lived.copied.as_ref()?.troubles;
    let lost = [Obstacle::Cut, Obstacle::Silent].map(|of| troubles.of(of));
    let calls: u64 = lost.into_iter().flatten().map(|(calls, _)| calls).sum();
    (calls > 0).then(|| {
        let calls = report::count(calls);
        format!(
            "{calls} PutRecords calls were sent and not answered: their records were put again, \
             and may be in the stream twice and paid for twice"
        )
    })
}

/// What the stream's reader has to say.
fn warnings(lived: &Lived) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some((_, outcome)) = &lived.read else {
        return warnings;
    };
    let stream::Outcome {
        error,
        last_failure,
        tally,
    } = outcome;
    if let Some(error) = error {
        warnings.push(format!("reading the stream ended early: {error}"));
    }
    if let Some(last) = last_failure {
        let count = report::count(tally.retried_errors);
        warnings.push(format!(
            "{count} calls to read the stream failed and were tried again; the last: {last}"
        ));
    }
    for (count, what) in [
        (tally.throttled_reads, "reads of the stream were throttled"),
        (
            tally.expired_iterators,
            "shard iterators had expired and were replaced",
        ),
        (
            tally.unreadable,
            "records of the stream are no change records",
        ),
    ] {
        if count > 0 {
            warnings.push(format!("{} {what}", report::count(count)));
        }
    }
    warnings
}
