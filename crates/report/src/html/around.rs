//! What stands around the figures: devices, capacity, cost, configuration and
//! machine.

use maud::{Markup, html};

use super::Run;
use super::latency::named;
use super::parts::{Table, fact, facts, prose};
use crate::export::{second, target};
use crate::units::{self, amount, bytes, count, duration, percent, quantity};
use crate::{CallNote, Config, Cost, Environment, Generator, RunInfo};

/// The devices with the slowest reading each.
pub(super) fn devices(runs: &[Run<'_>]) -> Markup {
    let table = |run: &Run<'_>| {
        let slowest = &run.result.slowest_devices;
        if slowest.is_empty() {
            let what = named(
                "No reading was followed through the stream",
                *run,
                runs.len() > 1,
            );
            return html! { p { (what) "." } };
        }
        let rows = slowest
            .iter()
            .map(|of| vec![of.device.to_string(), duration(of.e2e)]);
        Table {
            caption: &named(
                "Slowest reading of a device, end to end",
                *run,
                runs.len() > 1,
            ),
            headings: ["device", "slowest"].map(String::from).to_vec(),
            rows: rows.collect(),
            words: 1,
        }
        .markup()
    };
    html! { div.beside { @for run in runs { (table(run)) } } }
}

/// The slowest calls and those that failed, with what AWS's support asks for.
pub(super) fn calls(runs: &[Run<'_>]) -> Markup {
    let table = |run: &Run<'_>, what: &str, calls: &[CallNote]| {
        if calls.is_empty() {
            return html! {};
        }
        let rows = calls.iter().map(|call| {
            vec![
                call.sent.get(..23).unwrap_or(&call.sent).replace('T', " "),
                duration(call.took),
                count(u64::from(call.items)),
                call.code.clone().unwrap_or_default(),
                call.request_id.clone().unwrap_or_default(),
            ]
        });
        let headings = ["left", "took", "items", "failed with", "request id"];
        Table {
            caption: &named(what, *run, runs.len() > 1),
            headings: headings.map(String::from).to_vec(),
            rows: rows.collect(),
            words: 1,
        }
        .markup()
    };
    html! {
        @for run in runs {
            (table(run, "Slowest calls", &run.result.calls.slowest))
            (table(run, "First and last calls that failed", &run.result.calls.failed))
        }
    }
}

/// Write units, money, and what the generator took.
pub(super) fn capacity(runs: &[Run<'_>]) -> Markup {
    let beside =
        |of: crate::Beside| format!("{} of {} planned", amount(of.measured), amount(of.planned));
    let planned = |run: Run<'_>| run.result.planned;
    let units = vec![
        fact(runs, "write units consumed", |run| {
            let capacity = &run.result.capacity;
            Some(amount(capacity.consumed_units) + &capacity.told_in())
        }),
        fact(runs, "write units computed from item sizes", |run| {
            Some(count(run.result.capacity.computed_units))
        }),
        fact(runs, "write units provisioned a second, mean", |run| {
            run.result.capacity.provisioned_units.map(amount)
        }),
        fact(runs, "write units beside the plan", |run| {
            planned(run).map(|of| beside(of.write_units))
        }),
        fact(runs, "throttled seconds beside the plan", |run| {
            planned(run).and_then(|of| of.throttled_seconds).map(beside)
        }),
        fact(runs, "bytes of a change record beside the plan", |run| {
            planned(run).and_then(|of| of.record_bytes).map(beside)
        }),
    ];
    let share = |run: Run<'_>, cpu: f64| match run.result.run.measured {
        measured if measured > 0.0 => Some(percent(cpu / measured)),
        _ => None,
    };
    let of = |run: Run<'_>| -> Generator { run.result.generator.clone() };
    let generator = vec![
        fact(runs, "sending, of one core", |run| {
            share(run, of(run).send_cpu)
        }),
        fact(runs, "reading, of one core", |run| {
            share(run, of(run).read_cpu)
        }),
        fact(runs, "memory at its peak", |run| {
            of(run).memory_bytes.map(bytes)
        }),
        fact(runs, "batches in flight at most", |run| {
            Some(count(of(run).in_flight_max))
        }),
        fact(runs, "readings waiting at most", |run| {
            Some(count(of(run).waiting_max))
        }),
        fact(runs, "was the limit", |run| {
            let was = of(run).limit.is_some();
            Some(if was { "yes" } else { "no" }.to_owned())
        }),
    ];
    html! {
        div.beside {
            (facts(runs, "Write units", units, false))
            (facts(runs, "The generator", generator, false))
        }
        @for run in runs { (held_back(*run, runs.len() > 1)) }
        @for run in runs { (counted(*run, runs.len() > 1)) }
        @for run in runs { (cost(*run, runs.len() > 1)) }
    }
}

/// What held the run back, the generator's own limit first.
fn held_back(run: Run<'_>, is_named: bool) -> Markup {
    let limit = run.result.generator.limit.as_ref();
    let own = limit.map(|of| ("generator", &of.what, &of.advice));
    let others = run.result.causes.iter();
    let others = others.filter(|of| limit.is_none_or(|limit| limit.what != of.what));
    let others = others.map(|of| (of.whose.key(), &of.what, &of.advice));
    let causes: Vec<_> = own.into_iter().chain(others).collect();
    if causes.is_empty() {
        return html! {};
    }
    html! {
        p { strong { (named("What held it back", run, is_named)) } }
        ul { @for (whose, what, advice) in causes {
            li { "The " (whose) ": " (prose(&format!("{what}; {advice}"))) }
        } }
    }
}

/// What AWS counted, beside hrload's own count.
fn counted(run: Run<'_>, is_named: bool) -> Markup {
    let Some(cloudwatch) = &run.result.cloudwatch else {
        return html! {};
    };
    let rows = cloudwatch.told().map(|(of, [counted, own])| {
        let differs = of.differs.clone().unwrap_or_default();
        vec![of.metric.clone(), counted, own, differs]
    });
    let caption = named("What AWS counted, by CloudWatch", run, is_named);
    Table {
        caption: &caption,
        headings: ["metric", "AWS", "hrload", ""].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        words: 1,
    }
    .markup()
}

fn cost(run: Run<'_>, is_named: bool) -> Markup {
    let Some(cost) = &run.result.cost else {
        let what = named("What it costs was not computed", run, is_named);
        return html! { p { (what) "." } };
    };
    let Cost {
        usd,
        usd_per_hour,
        usd_per_million,
        prices,
        lines,
    } = cost;
    let rows = lines.iter().map(|line| {
        vec![
            line.item.clone(),
            line.unit.clone(),
            quantity(line.quantity),
            units::usd(line.usd),
        ]
    });
    let whole = vec![
        "in all".to_owned(),
        String::new(),
        String::new(),
        units::usd(*usd),
    ];
    html! {
        (Table {
            caption: &named("Cost on AWS of the time that was measured", run, is_named),
            headings: ["item", "unit", "quantity", "USD"].map(String::from).to_vec(),
            rows: rows.chain([whole]).collect(),
            words: 2,
        }.markup())
        p.note {
            @if let Some(hour) = usd_per_hour { (units::usd(*hour)) " USD an hour. " }
            @if let Some(million) = usd_per_million {
                (units::usd(*million)) " USD a million readings. "
            }
            "Prices of " (prices) "; storage left out."
        }
    }
}

/// Everything that is needed to repeat the run, and where it ran.
pub(super) fn configuration(runs: &[Run<'_>]) -> Markup {
    html! {
        (facts(runs, "Run", run_facts(runs), true))
        (facts(runs, "Workload and target", workload(runs), true))
        (facts(runs, "Sending", sending(runs), true))
        (facts(runs, "Machine", machine(runs), true))
        @for run in runs {
            details {
                summary {
                    (named("Profile as text", *run, runs.len() > 1)) " (" (run.result.config.profile) ")"
                }
                pre tabindex="0" { code { (run.result.config.profile_text) } }
            }
        }
    }
}

fn run_facts(runs: &[Run<'_>]) -> Vec<super::parts::Fact> {
    let of = |what, value: fn(&RunInfo) -> String| {
        fact(runs, what, move |run| Some(value(&run.result.run)))
    };
    vec![
        of("run", |of| of.id.clone()),
        of("started", |of| second(&of.started)),
        of("ended", |of| second(&of.ended)),
        of("measured", |of| duration(of.measured)),
        of("drained", |of| duration(of.drained)),
        fact(runs, "command", |run| {
            Some(run.result.config.command.join(" "))
        }),
    ]
}

fn workload(runs: &[Run<'_>]) -> Vec<super::parts::Fact> {
    let of = |what, value: fn(&Config) -> Option<String>| {
        fact(runs, what, move |run| value(&run.result.config))
    };
    vec![
        of("profile", |of| Some(of.profile.clone())),
        of("devices", |of| Some(count(u64::from(of.devices)))),
        of("rate asked for", |of| {
            Some(format!("{}/s", amount(of.rate)))
        }),
        of("seed", |of| Some(of.seed.to_string())),
        of("item layout", |of| Some(of.layout.clone())),
        fact(runs, "target", |run| Some(target(run.result))),
        of("region", |of| of.region.clone()),
        of("table", |of| Some(of.table.clone())),
        of("billing mode", |of| of.billing_mode.clone()),
        of("write units provisioned", |of| {
            of.write_capacity.map(amount)
        }),
        of("write units warmed for", |of| {
            of.warm_throughput.map(amount)
        }),
        of("auto scaling", |of| of.auto_scaling.clone()),
        of("stream", |of| of.stream.clone()),
        of("stream mode", |of| of.stream_mode.clone()),
        of("shards", |of| of.shards.map(|shards| shards.to_string())),
        of("consumer", |of| of.consumer.clone()),
        of("between reads of a shard", |of| {
            of.poll_interval.map(duration)
        }),
        of("capacity limits", |of| of.capacity.clone()),
        of("delay of the change stream", |of| of.change_delay.clone()),
        of("faults", |of| {
            (!of.faults.is_empty()).then(|| of.faults.join(", "))
        }),
    ]
}

fn sending(runs: &[Run<'_>]) -> Vec<super::parts::Fact> {
    let of = |what, value: fn(&Config) -> Option<String>| {
        fact(runs, what, move |run| value(&run.result.config))
    };
    vec![
        of("client", |of| Some(of.client.clone())),
        of("load threads", |of| Some(of.threads.to_string())),
        of("batches in flight at most", |of| {
            Some(count(u64::from(of.concurrency)))
        }),
        of("items in a batch at most", |of| Some(of.batch.to_string())),
        of("wait for a batch to fill", |of| Some(duration(of.linger))),
        of("attempts at most", |of| Some(of.attempts.to_string())),
        of("time-out of a call", |of| Some(duration(of.timeout))),
        of("ceiling on catching up", |of| {
            Some(format!("{} × the rate", of.catch_up))
        }),
        of("ceiling on write units a second", |of| {
            of.max_write_units.map(amount)
        }),
        of("readings that may wait", |of| Some(count(of.backlog))),
        of("warm-up, measuring, longest drain", |of| {
            let phases = [of.warm_up, of.duration, of.drain];
            Some(phases.map(duration).join(", "))
        }),
    ]
}

fn machine(runs: &[Run<'_>]) -> Vec<super::parts::Fact> {
    let of = |what, value: fn(&Environment) -> Option<String>| {
        fact(runs, what, move |run| value(&run.result.environment))
    };
    vec![
        of("hrload", |of| {
            let commit = of.commit.as_deref().unwrap_or("commit not known");
            Some(format!("{}, {commit}, {} build", of.version, of.build))
        }),
        of("compiler", |of| of.rustc.clone()),
        of("operating system", |of| {
            Some(format!("{}, {}", of.os, of.arch))
        }),
        of("CPU", |of| of.cpu.clone()),
        of("CPUs the process may use", |of| Some(of.cpus.to_string())),
        of("memory", |of| of.memory_bytes.map(bytes)),
        of("libraries", |of| {
            let libraries = of.libraries.iter();
            let libraries: Vec<String> = libraries
                .map(|(name, version)| format!("{name} {version}"))
                .collect();
            (!libraries.is_empty()).then(|| libraries.join(", "))
        }),
    ]
}
